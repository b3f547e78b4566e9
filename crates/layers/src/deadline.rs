//! `Deadline`: bounds a call with all its attempts and waits, and the reply it reads.

use std::{
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http_body::{Frame, SizeHint};
use tokio::time::{Sleep, sleep_until, timeout_at};
use trunkline_core::{
    Body, BodyStream, BoxFuture, Call, Error, Idle, Kind, Layer, Next, Operation, Outcome, Reply, Result,
};

/// Ends a call that takes longer than its total time, or than its caller's own deadline if that is
/// sooner. Bodies that are relayed, to a client or from one, may flow for longer; so may the rows of a query that are
/// streamed, as long as none keeps its reader waiting for the total time; and events may be waited for as long as their
/// reader likes.
#[derive(Debug)]
pub struct Deadline {
    total: Duration,
}

impl Deadline {
    /// Bounds calls by `total`.
    pub fn new(total: Duration) -> Self {
        Self { total }
    }
}

impl Layer for Deadline {
    fn name(&self) -> &'static str {
        "deadline"
    }

    fn call<'a>(&'a self, call: &'a mut Call, next: Next<'a>) -> BoxFuture<'a, Result<Reply>> {
        let relayed = matches!(&call.operation, Operation::Http(request) if request.relay);
        let streamed = matches!(&call.operation, Operation::Query(query) if query.wanted.stream);
        let endless = call.operation.is_endless();
        let asked = call.operation.timeout().map(|timeout| call.began + timeout);
        let callers = [call.deadline, asked].into_iter().flatten().min();
        // An upload takes as long as its client needs; while it flows nobody waits in vain.
        if relayed && callers.is_none() && !call.operation.is_replayable() {
            return next.run(call);
        }
        Box::pin(async move {
            let own = call.began + self.total;
            let deadline = callers.map_or(own, |callers| callers.min(own));
            let total = deadline.saturating_duration_since(call.began);
            call.deadline = Some(deadline);
            call.hurried = deadline < own;
            let mut result = match timeout_at(deadline, next.run(call)).await {
                Ok(result) => result,
                Err(_) => return Err(late(total).attempted(call.attempt)),
            };
            // What is relayed or streamed may flow for longer, unless its caller has said for how long.
            let end = if relayed || streamed || endless { callers } else { Some(deadline) };
            let idle = streamed.then(|| Idle::new(self.total));
            if end.is_none() && idle.is_none() {
                return result;
            }
            let reply = match &mut result {
                Ok(reply) => Some(reply),
                Err(error) => error.reply_mut(),
            };
            if let Some(reply @ Reply { body: Body::Stream(_), .. }) = reply {
                let Body::Stream(stream) = std::mem::take(&mut reply.body) else {
                    unreachable!("matched above")
                };
                // Until its first byte a stream is a call like any other.
                let sleep = end.or(Some(deadline)).map(|end| Box::pin(sleep_until(end)));
                reply.body = Body::stream(Bound { stream, sleep, ends: end.is_some(), total, idle });
            }
            result
        })
    }
}

fn late(total: Duration) -> Error {
    Error::new(
        Kind::Timeout,
        format!("the call took longer than its {total:?}; raise timeout, or ask for less"),
    )
    .outcome_is(Outcome::Unknown)
}

/// A reply's stream that must have ended at the deadline, or at least begun.
struct Bound {
    stream: BodyStream,
    /// Not there once it has begun, where that is enough.
    sleep: Option<Pin<Box<Sleep>>>,
    /// Whether it must have ended.
    ends: bool,
    total: Duration,
    /// Where no piece may take longer than this, however long all of it does.
    idle: Option<Idle>,
}

impl http_body::Body for Bound {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>>>> {
        let this = &mut *self;
        if let Poll::Ready(frame) = Pin::new(&mut this.stream).poll_frame(cx) {
            this.sleep = this.sleep.take().filter(|_| this.ends);
            this.idle.iter_mut().for_each(Idle::moved);
            return Poll::Ready(frame);
        }
        if let Some(sleep) = &mut this.sleep
            && sleep.as_mut().poll(cx).is_ready()
        {
            return Poll::Ready(Some(Err(late(this.total))));
        }
        let Some(idle) = &mut this.idle else { return Poll::Pending };
        std::task::ready!(idle.poll_overdue(cx));
        let limit = idle.limit();
        let silent = format!("the service sent no more rows for {limit:?}; raise timeout, or ask for less");
        Poll::Ready(Some(Err(Error::new(Kind::Timeout, silent).outcome_is(Outcome::Unknown))))
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
    use std::sync::Arc;

    use futures_util::{StreamExt, stream};
    use http_body_util::{BodyExt, StreamBody};
    use tokio::time::Instant;
    use trunkline_core::{Egress, HttpRequest, IntegrationId, Pipeline, Profile, Query, Receive};
    use trunkline_testkit::{Script, Step};

    use super::*;

    async fn call(script: &Script, request: impl Into<Operation>, own: Option<Duration>) -> Result<Reply> {
        let context = trunkline_core::Context::new(Arc::new(Egress::new(Profile::Guarded, &[]).unwrap()));
        let layers: Vec<Arc<dyn Layer>> = vec![Arc::new(Deadline::new(Duration::from_secs(30)))];
        let mut call = Call::new(IntegrationId::new("a").unwrap(), request);
        call.deadline = own.map(|own| Instant::now() + own);
        Pipeline::new(context, layers, Arc::new(script.clone())).run(&mut call).await
    }

    fn endless() -> Body {
        let first = stream::iter([Ok(Frame::data(Bytes::from_static(b"ab")))]);
        Body::stream(StreamBody::new(first.chain(stream::pending())))
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_ends_at_its_total_time_and_the_attempt_is_dropped() {
        let (began, script) = (Instant::now(), Script::new([Step::Hangs]));
        let error = call(&script, HttpRequest::get("/"), None).await.unwrap_err();
        assert_eq!((error.kind(), error.outcome()), (Kind::Timeout, Outcome::Unknown));
        assert_eq!((began.elapsed().as_secs(), script.dropped()), (30, 1));
    }

    #[tokio::test(start_paused = true)]
    async fn a_callers_deadline_can_only_shorten_it() {
        for (own, ends) in [(1, 1), (60, 30)] {
            let began = Instant::now();
            call(&Script::new([Step::Hangs]), HttpRequest::get("/"), Some(Duration::from_secs(own)))
                .await
                .unwrap_err();
            assert_eq!(began.elapsed().as_secs(), ends);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn events_are_waited_for_as_long_as_their_reader_likes_once_they_have_begun() {
        let began = Instant::now();
        let listen = || Receive::stream("");
        call(&Script::new([Step::Hangs]), listen(), None).await.unwrap_err();
        assert_eq!(began.elapsed().as_secs(), 30, "beginning takes its time like any call");
        let reply = call(&Script::new([Step::Ok(endless())]), listen(), None).await.unwrap();
        let mut body = reply.body;
        body.frame().await.unwrap().unwrap();
        let hour = tokio::time::timeout(Duration::from_secs(3600), body.frame()).await;
        assert!(hour.is_err(), "nothing ended it");
    }

    #[tokio::test(start_paused = true)]
    async fn a_reply_that_never_ends_ends_at_the_deadline_unless_it_is_relayed() {
        let began = Instant::now();
        let reply = call(&Script::new([Step::Ok(endless())]), HttpRequest::get("/"), None).await.unwrap();
        assert_eq!(reply.bytes().await.unwrap_err().kind(), Kind::Timeout);
        assert_eq!(began.elapsed().as_secs(), 30);

        let upload = HttpRequest { relay: true, body: endless(), ..HttpRequest::post("/") };
        let hour =
            tokio::time::timeout(Duration::from_secs(3600), call(&Script::new([Step::Hangs]), upload, None))
                .await;
        assert!(hour.is_err(), "a relayed upload outlives the total time");

        let asked =
            HttpRequest { relay: true, timeout: Some(Duration::from_secs(90)), ..HttpRequest::get("/") };
        let (began, script) = (Instant::now(), Script::new([Step::Ok(endless())]));
        call(&script, asked, None).await.unwrap().bytes().await.unwrap_err();
        assert_eq!(began.elapsed().as_secs(), 90, "its caller has said how long it may take");

        let request = HttpRequest { relay: true, ..HttpRequest::get("/") };
        let reply = call(&Script::new([Step::Ok(endless())]), request, None).await.unwrap();
        let hour = tokio::time::timeout(Duration::from_secs(3600), reply.bytes()).await;
        assert!(hour.is_err(), "a relayed stream outlives the total time");
    }

    fn streamed() -> Query {
        let mut query = Query::new("select 1");
        query.wanted.stream = true;
        query
    }

    #[tokio::test(start_paused = true)]
    async fn rows_that_are_streamed_flow_for_as_long_as_none_is_waited_for_in_vain() {
        let rows = stream::unfold(0, |n| async move {
            tokio::time::sleep(Duration::from_secs(29)).await;
            (n < 10).then(|| (Ok(Frame::data(Bytes::from_static(b"1\n"))), n + 1))
        });
        let (began, script) =
            (Instant::now(), Script::new([Step::Ok(Body::stream(StreamBody::new(Box::pin(rows))))]));
        let reply = call(&script, streamed(), None).await.unwrap();
        assert_eq!(reply.bytes().await.unwrap().len(), 20);
        assert_eq!(began.elapsed().as_secs(), 29 * 11);

        let (began, script) = (Instant::now(), Script::new([Step::Ok(endless())]));
        let error = call(&script, streamed(), None).await.unwrap().bytes().await.unwrap_err();
        assert_eq!((error.kind(), error.outcome()), (Kind::Timeout, Outcome::Unknown));
        assert_eq!(began.elapsed().as_secs(), 30, "its service is silent");
    }

    #[tokio::test(start_paused = true)]
    async fn a_stream_begins_within_the_total_time_and_ends_when_its_caller_says() {
        let never = Body::stream(StreamBody::new(stream::pending()));
        let steps = [Step::Takes(Duration::from_secs(20)), Step::Ok(never)];
        let (began, script) = (Instant::now(), Script::new(steps));
        call(&script, streamed(), None).await.unwrap().bytes().await.unwrap_err();
        assert_eq!(began.elapsed().as_secs(), 30);

        let mut asked = streamed();
        asked.timeout = Some(Duration::from_secs(5));
        let (began, script) = (Instant::now(), Script::new([Step::Ok(endless())]));
        call(&script, asked, None).await.unwrap().bytes().await.unwrap_err();
        assert_eq!(began.elapsed().as_secs(), 5);
    }
}
