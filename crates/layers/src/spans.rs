//! `Spans`: which calls are traced, and the queue that takes what they leave behind off the hot path.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, SystemTime},
};

use crossbeam_queue::ArrayQueue;
use trunkline_core::{Call, IntegrationId, RequestId, TraceParent};

/// What a call, or one attempt of it, leaves behind in a trace.
#[derive(Debug, Clone)]
pub struct Span {
    /// The trace, and the span that this one is below of.
    pub trace: TraceParent,
    /// Its own id, never 0.
    pub id: u64,
    /// When it ended.
    pub ended: SystemTime,
    /// How long it took.
    pub took: Duration,
    /// Where it went.
    pub integration: IntegrationId,
    /// What it did: an HTTP method, `query`, `publish` or `receive`.
    pub operation: &'static str,
    /// `ok`, the code of an error's kind, or `cancelled` when the caller went away.
    pub outcome: &'static str,
    /// The status that the service answered with, if it answered.
    pub status: Option<u16>,
    /// What it is.
    pub of: SpanOf,
}

/// What a [`Span`] is of.
#[derive(Debug, Clone)]
pub enum SpanOf {
    /// A call with all its attempts, until its last byte.
    Call {
        /// Names the call in answers, activity and logs.
        request_id: RequestId,
        /// How many attempts were made.
        attempts: u32,
        /// What the cache did; empty without one.
        cache: &'static str,
    },
    /// One attempt, until the head of its reply.
    Attempt {
        /// Which it is of its call, from 1.
        number: u32,
        /// Whom it asked.
        service: Arc<Service>,
    },
}

/// Whom attempts ask, as far as the configuration of an integration tells without a secret.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Service {
    /// What is spoken to, as the semantic conventions name it, such as `postgresql`.
    pub system: &'static str,
    /// Its host and port, where it has a URL.
    pub address: Option<(Box<str>, u16)>,
}

/// Which calls are traced of those whose trace begins here, and whether callers are asked about theirs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sampler {
    /// The part of the traces that is recorded, from 0 to 1.
    pub share: f64,
    /// Whether a caller's trace is recorded if its caller does so, and is otherwise not.
    pub obeys_caller: bool,
}

impl Default for Sampler {
    /// All, and of those of callers the ones that they record.
    fn default() -> Self {
        Self { share: 1.0, obeys_caller: true }
    }
}

impl Sampler {
    /// The trace that a call is part of from now on.
    fn judge(self, call: &Call) -> TraceParent {
        match call.trace {
            Some(trace) if self.obeys_caller => trace,
            trace => {
                let trace = trace.unwrap_or_else(|| TraceParent::root(call.request_id));
                trace.sampled(self.takes(trace.ids().0))
            }
        }
    }

    /// By the last seven bytes of the id, which are the random ones, so that all who see a trace agree
    /// ("Random Trace ID Flag" in W3C Trace Context, level 2).
    fn takes(self, trace_id: u128) -> bool {
        let random = trace_id as u64 & ((1 << 56) - 1);
        // 56 bits are more than a double keeps apart: what is lost is nothing of a share.
        (random as f64) < self.share * (1_u64 << 56) as f64
    }
}

/// A bounded queue between calls and whoever exports their spans. A call never waits for it: when it is full
/// the span is dropped and counted.
#[derive(Debug)]
pub struct Spans {
    sampler: Sampler,
    queue: ArrayQueue<Span>,
    dropped: AtomicU64,
}

impl Spans {
    /// A queue of at most `capacity` spans that were not yet drained, of the traces that `sampler` takes.
    pub fn new(sampler: Sampler, capacity: usize) -> Self {
        Self { sampler, queue: ArrayQueue::new(capacity), dropped: AtomicU64::new(0) }
    }

    /// Makes a call part of a trace, which is its caller's if it has one.
    pub(crate) fn begin(&self, call: &mut Call) {
        call.trace = Some(self.sampler.judge(call));
    }

    /// Hands a span over.
    pub(crate) fn record(&self, span: Span) {
        if self.queue.push(span).is_err() {
            self.lose(1);
        }
    }

    /// Takes what is queued, oldest first, at most `max` spans.
    pub fn drain(&self, max: usize) -> impl Iterator<Item = Span> + '_ {
        std::iter::from_fn(|| self.queue.pop()).take(max)
    }

    /// Counts spans that were drained and came to nothing.
    pub fn lose(&self, spans: u64) {
        self.dropped.fetch_add(spans, Ordering::Relaxed);
    }

    /// How many spans were dropped.
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use trunkline_core::HttpRequest;

    use super::*;
    use crate::testing::call;

    const CALLERS: [&str; 2] = [
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    ];

    #[test]
    fn a_caller_is_obeyed_whatever_the_share_unless_the_sampler_asks_nobody() {
        for share in [0.0, 1.0] {
            for (caller, sampled) in CALLERS.into_iter().zip([false, true]) {
                let mut call = call(HttpRequest::get("/"));
                call.trace = TraceParent::parse(caller.as_bytes());
                let obeying = Sampler { share, obeys_caller: true }.judge(&call);
                assert_eq!((obeying.to_string(), obeying.is_sampled()), (caller.to_owned(), sampled));
                let asking_nobody = Sampler { share, obeys_caller: false }.judge(&call);
                assert_eq!(asking_nobody.is_sampled(), share > 0.0);
                assert_eq!(asking_nobody.ids(), obeying.ids());
            }
        }
    }

    #[test]
    fn of_traces_that_begin_here_the_share_is_taken() {
        let taken = |share| {
            let sampler = Sampler { share, obeys_caller: true };
            (0..4_000).filter(|_| sampler.judge(&call(HttpRequest::get("/"))).is_sampled()).count()
        };
        assert_eq!((taken(0.0), taken(1.0)), (0, 4_000));
        // Six standard deviations around a quarter.
        assert!((836..=1_164).contains(&taken(0.25)));
    }
}
