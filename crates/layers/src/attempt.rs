//! `Attempt`: times each attempt, and is its span in a trace; it sees what goes on the wire, because it stands
//! innermost.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use http::{HeaderName, HeaderValue};
use tokio::time::Instant;
use trunkline_core::{BoxFuture, Call, IntegrationId, Layer, Next, Operation, Reply, Result, TraceParent};

use crate::{
    CallMetrics, Service, Span, SpanOf, Spans,
    metrics::{AttemptMetrics, Attempted, Shape},
};

const PARENT: HeaderName = HeaderName::from_static("traceparent");

/// The timer of the layer above began to run this much before the attempt, at most.
const MOMENT: Duration = Duration::from_millis(1);

/// Times each attempt, and tells the service which span of a trace it belongs to.
#[derive(Debug)]
pub struct Attempt {
    metrics: AttemptMetrics,
    limit: Option<Duration>,
    spans: Option<Arc<Spans>>,
}

impl Attempt {
    /// Times attempts at `service`, which end after `limit` if there is one, and leaves spans with `spans`.
    pub fn new(
        metrics: &CallMetrics,
        service: Service,
        limit: Option<Duration>,
        spans: Option<Arc<Spans>>,
    ) -> Self {
        Self { metrics: metrics.attempts(Arc::new(service)), limit, spans }
    }
}

impl Layer for Attempt {
    fn name(&self) -> &'static str {
        "attempt"
    }

    fn call<'a>(&'a self, call: &'a mut Call, next: Next<'a>) -> BoxFuture<'a, Result<Reply>> {
        Box::pin(async move {
            let mut watch = Watch::begin(self, call);
            call.trail.set_off(watch.began);
            let result = next.run(call).await;
            watch.came(&result);
            result
        })
    }
}

/// One attempt under way. Dropping it, however the attempt ends, writes it down.
struct Watch<'a> {
    attempt: &'a Attempt,
    began: Instant,
    /// When whoever waits for it gives it up.
    end: Option<Instant>,
    shape: Shape,
    /// The status and the error, once there is a result.
    came: Option<(Option<u16>, &'static str)>,
    traced: Option<Traced>,
}

/// What makes an attempt a span.
struct Traced {
    trace: TraceParent,
    id: u64,
    integration: IntegrationId,
    number: u32,
}

impl<'a> Watch<'a> {
    fn begin(attempt: &'a Attempt, call: &mut Call) -> Self {
        let began = Instant::now();
        let own = attempt.limit.map(|limit| began + limit.saturating_sub(MOMENT));
        let end = [call.deadline, own].into_iter().flatten().min();
        let traced = attempt.spans.as_ref().and_then(|_| traced(call));
        Self { attempt, began, end, shape: shape(&call.operation), came: None, traced }
    }

    fn came(&mut self, result: &Result<Reply>) {
        let (reply, error) = match result {
            Ok(reply) => (Some(reply), ""),
            Err(error) => (error.reply(), error.kind().code()),
        };
        self.came = Some((reply.map(|reply| reply.status.as_u16()), error));
    }
}

impl Drop for Watch<'_> {
    fn drop(&mut self) {
        let took = self.began.elapsed();
        let late = || self.end.is_some_and(|end| end <= self.began + took);
        let (status, error) =
            self.came.unwrap_or_else(|| (None, if late() { "timeout" } else { "cancelled" }));
        // Others have a status in name only.
        let status = status.filter(|_| matches!(self.shape, Shape::Http(_)));
        self.attempt.metrics.took(Attempted { shape: self.shape, status, error }, took.as_secs_f64());
        let Some((spans, Traced { trace, id, integration, number })) =
            self.attempt.spans.as_ref().zip(self.traced.take())
        else {
            return;
        };
        spans.record(Span {
            trace,
            id,
            ended: SystemTime::now(),
            took,
            integration,
            operation: self.shape.name(),
            outcome: if error.is_empty() { "ok" } else { error },
            status,
            of: SpanOf::Attempt { number, service: self.attempt.metrics.service().clone() },
        });
    }
}

/// Tells the service of the trace, and gives what the attempt is in it if it is recorded.
fn traced(call: &mut Call) -> Option<Traced> {
    let trace = call.trace?;
    let parent = call.request_id.span_id();
    // What is not recorded is nobody's parent: the service hears of the call, as it would without spans.
    let id = if trace.is_sampled() { fastrand::u64(1..) } else { parent };
    tell(&mut call.operation, trace.below(id));
    let (integration, number) = (call.integration.clone(), call.attempt);
    trace.is_sampled().then(|| Traced { trace: trace.below(parent), id, integration, number })
}

/// Writes `traceparent`, unless the caller wrote one of another trace into the operation itself.
fn tell(operation: &mut Operation, trace: TraceParent) {
    let same = |told: &[u8]| TraceParent::parse(told).is_some_and(|told| told.ids().0 == trace.ids().0);
    match operation {
        Operation::Http(request)
            if request.headers.get(PARENT).is_none_or(|value| same(value.as_bytes())) =>
        {
            let value = HeaderValue::try_from(trace.to_string());
            request.headers.insert(PARENT, value.expect("hex digits and dashes are a header value"));
        }
        Operation::Publish(publish) => {
            for message in &mut publish.messages {
                if message.header(PARENT.as_str()).is_none_or(|value| same(value.as_bytes())) {
                    message.set_header(PARENT.as_str(), trace.to_string());
                }
            }
        }
        _ => {}
    }
}

fn shape(operation: &Operation) -> Shape {
    match operation {
        // The name that the conventions have for methods that are not known.
        Operation::Http(_) => Shape::Http(match operation.label() {
            "HTTP" => "_OTHER",
            method => method,
        }),
        Operation::Query(_) => Shape::Query,
        Operation::Publish(_) => Shape::Publish,
        Operation::Receive(_) => Shape::Receive,
        _ => Shape::Http("_OTHER"),
    }
}

#[cfg(test)]
mod tests;
