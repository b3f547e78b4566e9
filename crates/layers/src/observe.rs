//! `Observe`: metrics, one activity record, one span and one log line for every call, and what it shows of the
//! service; it sees everything, because it stands outermost.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::{Duration, SystemTime},
};

use bytes::Bytes;
use http_body::{Body as _, Frame, SizeHint};
use tokio::time::Instant;
use trunkline_core::{
    Blame, Body, BodyStream, BoxFuture, Call, Error, IntegrationId, Layer, Next, Operation, Reply, RequestId,
    Result, TraceParent, Tries, Try,
};

use crate::{CallMetrics, Record, Recorder, Span, SpanOf, Spans, Traffic, metrics};

/// Observes every call: it counts it, times it, and leaves one [`Record`] when its last byte has passed.
#[derive(Debug)]
pub struct Observe {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    metrics: CallMetrics,
    recorder: Arc<Recorder>,
    traffic: Arc<Traffic>,
    spans: Option<Arc<Spans>>,
}

impl Observe {
    /// Observes with these metric handles, leaves records with `recorder` and spans with `spans`, and tells
    /// `traffic` how calls end.
    pub fn new(
        metrics: CallMetrics,
        recorder: Arc<Recorder>,
        traffic: Arc<Traffic>,
        spans: Option<Arc<Spans>>,
    ) -> Self {
        Self { shared: Arc::new(Shared { metrics, recorder, traffic, spans }) }
    }
}

impl Layer for Observe {
    fn name(&self) -> &'static str {
        "observe"
    }

    fn call<'a>(&'a self, call: &'a mut Call, next: Next<'a>) -> BoxFuture<'a, Result<Reply>> {
        Box::pin(async move {
            if let Some(spans) = &self.shared.spans {
                spans.begin(call);
            }
            let mut watch = Watch::begin(&self.shared, call);
            let mut result = next.run(call).await;
            self.shared.traffic.heard(call, &result);
            watch.attempts = call.attempt;
            (watch.tries, watch.set_off_ms) = call.trail.take(call.began);
            watch.hurried = call.hurried;
            watch.cache = call.cache.map_or("", |cache| cache.word());
            watch.outcome = metrics::outcome(&result);
            let reply = match &mut result {
                Ok(reply) => Some(reply),
                Err(error) => {
                    log(error, &watch);
                    error.reply_mut()
                }
            };
            if let Some(reply) = reply {
                watch.status = Some(reply.status.as_u16());
                watch.partial_errors = Reply::partial_errors(&reply.headers);
                match std::mem::take(&mut reply.body) {
                    Body::Stream(stream) => {
                        watch.last = watch.outcome;
                        if call.operation.is_endless() {
                            // It ends when its reader has had enough; what took its time is how it began.
                            watch.took = Some(watch.began.elapsed());
                        } else {
                            // Until the stream has ended, the caller may still go away.
                            watch.outcome = "cancelled";
                        }
                        reply.body = Body::stream(Watched { stream, watch });
                        return result;
                    }
                    body => {
                        watch.received = body.size_hint().exact().unwrap_or_default();
                        reply.body = body;
                    }
                }
            }
            drop(watch);
            result
        })
    }
}

fn log(error: &Error, watch: &Watch) {
    let Watch { integration, request_id, trace, attempts, .. } = watch;
    let connection = watch.connection.as_deref();
    let trace_id = trace.map(|trace| tracing::field::display(trace.trace_id()));
    match error.kind().row().blame {
        // Refused before anything was sent, by an open circuit for instance: as often as callers ask.
        Blame::Operator | Blame::Upstream if *attempts == 0 => {
            tracing::debug!(%integration, connection, %request_id, trace_id, %error, "call refused");
        }
        Blame::Us => tracing::error!(%integration, connection, %request_id, trace_id, %error, "call failed"),
        Blame::Operator | Blame::Upstream => {
            tracing::warn!(%integration, connection, %request_id, trace_id, %error, "call failed");
        }
        Blame::Caller => {
            tracing::debug!(%integration, connection, %request_id, trace_id, %error, "call failed");
        }
    }
}

/// One call under observation. Dropping it, however the call ends, writes it down.
struct Watch {
    shared: Arc<Shared>,
    integration: IntegrationId,
    connection: Option<Arc<str>>,
    request_id: RequestId,
    trace: Option<TraceParent>,
    operation: &'static str,
    action: Option<Arc<str>>,
    began: Instant,
    /// How long it took, where that is not until now.
    took: Option<Duration>,
    outcome: &'static str,
    /// What the outcome becomes when a stream ends well.
    last: &'static str,
    status: Option<u16>,
    /// How many parts of a success failed.
    partial_errors: u64,
    attempts: u32,
    tries: Tries,
    /// When the last attempt set off, in milliseconds after the call began.
    set_off_ms: Option<f64>,
    hurried: bool,
    sent: u64,
    received: u64,
    cache: &'static str,
}

impl Watch {
    fn begin(shared: &Arc<Shared>, call: &Call) -> Self {
        shared.metrics.began();
        let sent = match &call.operation {
            Operation::Http(request) => request.body.size_hint().exact().unwrap_or_default(),
            Operation::Publish(publish) => {
                publish.messages.iter().map(|message| message.body.len() as u64).sum()
            }
            _ => 0,
        };
        Self {
            shared: shared.clone(),
            integration: call.integration.clone(),
            connection: call.connection.clone(),
            request_id: call.request_id,
            trace: call.trace,
            operation: call.operation.label(),
            action: call.action.clone(),
            began: call.began,
            took: None,
            outcome: "cancelled",
            last: "ok",
            status: None,
            partial_errors: 0,
            attempts: 1,
            tries: Tries::default(),
            set_off_ms: None,
            hurried: false,
            sent,
            received: 0,
            cache: "",
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let took = self.took.unwrap_or_else(|| self.began.elapsed());
        let seconds = took.as_secs_f64();
        self.shared.metrics.ended(self.outcome, seconds, self.sent, self.received);
        if let Some(spans) = &self.shared.spans
            && let Some(trace) = self.trace.filter(|trace| trace.is_sampled())
        {
            let (request_id, attempts, cache) = (self.request_id, self.attempts, self.cache);
            spans.record(Span {
                trace,
                id: request_id.span_id(),
                ended: SystemTime::now(),
                took,
                integration: self.integration.clone(),
                operation: self.operation,
                outcome: self.outcome,
                status: self.status,
                of: SpanOf::Call { request_id, attempts, cache },
            });
        }
        // Microseconds are as fine as anybody reads.
        let millis = (seconds * 1e6).round() / 1e3;
        let mut tries = std::mem::take(&mut self.tries);
        if let Some(after_ms) = self.set_off_ms {
            let (kind, status) = (self.outcome.into(), self.status);
            tries.end(Try { after_ms, millis: (millis - after_ms).max(0.0), kind, status });
        }
        self.shared.recorder.record(Record {
            at_ms: self.request_id.at_ms(),
            request_id: self.request_id,
            integration: self.integration.clone(),
            operation: self.operation.into(),
            action: self.action.take(),
            kind: self.outcome.into(),
            status: self.status,
            partial_errors: self.partial_errors,
            attempts: self.attempts,
            millis,
            bytes_sent: self.sent,
            bytes_received: self.received,
            cache: self.cache.into(),
            connection: self.connection.take(),
            tries,
            number: 0,
        });
    }
}

/// A reply's stream that is still under observation.
struct Watched {
    stream: BodyStream,
    watch: Watch,
}

impl http_body::Body for Watched {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>>>> {
        let frame = std::task::ready!(Pin::new(&mut self.stream).poll_frame(cx));
        match &frame {
            Some(Ok(frame)) => {
                self.watch.received += frame.data_ref().map_or(0, |data| data.len() as u64);
                // Whoever knows the length does not ask for the end.
                if self.stream.is_end_stream() {
                    self.watch.outcome = self.watch.last;
                }
            }
            Some(Err(error)) => {
                self.watch.outcome = error.kind().code();
                self.watch.shared.traffic.failed(error.kind(), self.watch.hurried);
                log(error, &self.watch);
            }
            None => self.watch.outcome = self.watch.last,
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.stream.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.stream.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use futures_util::{FutureExt, stream};
    use http::StatusCode;
    use http_body_util::StreamBody;
    use trunkline_core::{Egress, HttpRequest, Kind, Outcome, Pipeline, Profile, Receive};
    use trunkline_testkit::{Script, Step};

    use super::*;
    use crate::Metrics;

    struct Bench {
        recorder: Arc<Recorder>,
        traffic: Arc<Traffic>,
        pipeline: Arc<Pipeline>,
    }

    impl Bench {
        fn new(steps: impl IntoIterator<Item = Step>) -> Self {
            let (recorder, traffic) = (Arc::new(Recorder::new(8)), Arc::new(Traffic::new()));
            let metrics = Arc::new(Metrics::new()).of(&"a".into());
            let layers: Vec<Arc<dyn Layer>> =
                vec![Arc::new(Observe::new(metrics, recorder.clone(), traffic.clone(), None))];
            let context = trunkline_core::Context::new(Arc::new(Egress::new(Profile::Guarded, &[]).unwrap()));
            Self { pipeline: Pipeline::new(context, layers, Arc::new(Script::new(steps))), recorder, traffic }
        }

        async fn call(&self) -> Result<Reply> {
            let mut call = Call::new(IntegrationId::new("a").unwrap(), HttpRequest::post("/").body("12345"));
            self.pipeline.run(&mut call).await
        }

        fn record(&self) -> Record {
            let mut records: Vec<_> = self.recorder.drain(8).collect();
            assert_eq!(records.len(), 1, "one record a call");
            records.remove(0)
        }
    }

    #[tokio::test]
    async fn every_call_leaves_one_record() {
        let bench = Bench::new([]);
        bench.call().await.unwrap();
        let record = bench.record();
        assert_eq!((&*record.operation, &*record.kind, record.status), ("POST", "ok", Some(200)));
        assert_eq!((record.bytes_sent, record.bytes_received, record.attempts), (5, 2, 1));
    }

    #[tokio::test]
    async fn an_error_is_recorded_by_its_kind_and_status() {
        let bench = Bench::new([
            Step::Fails(Kind::Timeout, Outcome::Unknown),
            Step::Answers(StatusCode::NOT_FOUND, Kind::Rejected),
        ]);
        bench.call().await.unwrap_err();
        assert_eq!(bench.record().kind, "timeout");
        bench.call().await.unwrap_err();
        let record = bench.record();
        assert_eq!((&*record.kind, record.status), ("rejected", Some(404)));
    }

    #[tokio::test]
    async fn a_caller_that_goes_away_is_recorded_as_cancelled() {
        let bench = Bench::new([Step::Hangs]);
        assert!(bench.call().now_or_never().is_none());
        assert_eq!(bench.record().kind, "cancelled");
    }

    #[tokio::test]
    async fn a_stream_is_recorded_when_it_ends_with_all_its_bytes() {
        let stream = || {
            Body::stream(StreamBody::new(stream::iter(
                ["ab", "cde"].map(|piece| Ok(Frame::data(piece.into()))),
            )))
        };
        let bench = Bench::new([Step::Ok(stream()), Step::Ok(stream())]);
        let reply = bench.call().await.unwrap();
        assert!(bench.recorder.drain(8).next().is_none(), "nothing is recorded before the stream ends");
        assert_eq!(reply.bytes().await.unwrap(), "abcde");
        let record = bench.record();
        assert_eq!((&*record.kind, record.bytes_received), ("ok", 5));
        drop(bench.call().await.unwrap());
        assert_eq!(bench.record().kind, "cancelled");
    }

    #[tokio::test(start_paused = true)]
    async fn who_listens_for_a_while_and_goes_has_ended_a_call_that_took_as_long_as_it_took_to_begin() {
        let events = || Body::stream(StreamBody::new(stream::pending()));
        let bench = Bench::new([Step::Takes(Duration::from_secs(2)), Step::Ok(events())]);
        let mut call = Call::new(IntegrationId::new("a").unwrap(), Receive::stream("trades"));
        let reply = bench.pipeline.run(&mut call).await.unwrap();
        tokio::time::advance(Duration::from_secs(3600)).await;
        drop(reply);
        let record = bench.record();
        assert_eq!((&*record.operation, &*record.kind, record.millis), ("receive", "ok", 2000.0));
    }

    #[tokio::test]
    async fn the_head_of_a_stream_shows_that_the_service_works_and_its_breaking_off_that_it_does_not() {
        let broken = stream::iter([Err(Error::new(Kind::Unavailable, "cut"))]);
        let bench = Bench::new([Step::Ok(Body::stream(StreamBody::new(broken)))]);
        let reply = bench.call().await.unwrap();
        let seen = bench.traffic.snapshot();
        assert!(seen.succeeded.is_some() && seen.failed.is_none(), "{seen:?}");
        reply.bytes().await.unwrap_err();
        let seen = bench.traffic.snapshot();
        assert_eq!(seen.failed.map(|(_, kind)| kind), Some(Kind::Unavailable));
    }
}
