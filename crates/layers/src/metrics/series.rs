//! `CallMetrics`: the metric handles of one integration, and their end with it.

use std::sync::{
    Arc, OnceLock, PoisonError,
    atomic::{AtomicI64, AtomicU64},
};

use prometheus_client::metrics::{counter::Counter, gauge::Gauge, histogram::Histogram};

use super::{
    ByIntegration, ByOutcome, Metrics,
    attempts::{AttemptMetrics, Attempted, Labels},
};
use crate::Service;

/// The metric handles of one integration, looked up on its first call and held.
#[derive(Debug, Clone)]
pub struct CallMetrics(Arc<Series>);

#[derive(Debug)]
pub(super) struct Series {
    metrics: Arc<Metrics>,
    integration: Arc<str>,
    held: OnceLock<Box<Held>>,
}

impl Drop for Series {
    fn drop(&mut self) {
        let mut series = self.metrics.series.lock().unwrap_or_else(PoisonError::into_inner);
        // Not if the integration has come back meanwhile: the labels are its own again.
        if series.get(&self.integration).is_some_and(|series| series.strong_count() == 0) {
            series.remove(&self.integration);
            if self.held.get().is_some() {
                self.metrics.forget(&self.integration);
            }
        }
    }
}

#[derive(Debug)]
struct Held {
    ok: Counter<u64, AtomicU64>,
    duration: Histogram,
    in_flight: Gauge<i64, AtomicI64>,
    sent: Counter<u64, AtomicU64>,
    received: Counter<u64, AtomicU64>,
    retries: Counter<u64, AtomicU64>,
    refused: Counter<u64, AtomicU64>,
    waited: Counter<u64, AtomicU64>,
    queue: Gauge<i64, AtomicI64>,
    breaker: Gauge<i64, AtomicI64>,
}

impl Series {
    pub(super) fn new(metrics: Arc<Metrics>, integration: Arc<str>) -> Self {
        Self { metrics, integration, held: OnceLock::new() }
    }

    fn held(&self) -> &Held {
        self.held.get_or_init(|| {
            let labels = ByIntegration { integration: self.integration.clone() };
            let metrics = &self.metrics;
            Box::new(Held {
                ok: self.outcome("ok"),
                duration: metrics.duration.get_or_create(&labels).clone(),
                in_flight: metrics.in_flight.get_or_create(&labels).clone(),
                sent: metrics.sent.get_or_create(&labels).clone(),
                received: metrics.received.get_or_create(&labels).clone(),
                retries: metrics.retries.get_or_create(&labels).clone(),
                refused: metrics.refused.get_or_create(&labels).clone(),
                waited: metrics.waited.get_or_create(&labels).clone(),
                queue: metrics.queue.get_or_create(&labels).clone(),
                breaker: metrics.breaker.get_or_create(&labels).clone(),
            })
        })
    }

    fn outcome(&self, outcome: &'static str) -> Counter<u64, AtomicU64> {
        let labels = ByOutcome { integration: self.integration.clone(), outcome };
        self.metrics.calls.get_or_create(&labels).clone()
    }

    pub(super) fn attempt(&self, service: &Arc<Service>, attempted: Attempted) -> Histogram {
        let (integration, service) = (self.integration.clone(), service.clone());
        self.metrics.attempts.get(&Labels { integration, service, attempted })
    }
}

impl CallMetrics {
    pub(super) fn of(series: Arc<Series>) -> Self {
        Self(series)
    }

    /// Those for attempts at a service.
    pub(crate) fn attempts(&self, service: Arc<Service>) -> AttemptMetrics {
        AttemptMetrics::new(self.0.clone(), service)
    }

    pub(crate) fn began(&self) {
        self.0.held().in_flight.inc();
    }

    pub(crate) fn ended(&self, outcome: &'static str, seconds: f64, sent: u64, received: u64) {
        let held = self.0.held();
        held.in_flight.dec();
        held.duration.observe(seconds);
        if sent > 0 {
            held.sent.inc_by(sent);
        }
        if received > 0 {
            held.received.inc_by(received);
        }
        // Errors pay for their look-up; the usual case does not.
        if outcome == "ok" {
            held.ok.inc();
        } else {
            self.0.outcome(outcome).inc();
        }
    }
}

/// What the layers in between say.
impl CallMetrics {
    /// An attempt is made again.
    pub(crate) fn retried(&self) {
        self.0.held().retries.inc();
    }

    /// A limit did not let an attempt pass.
    pub(crate) fn throttled(&self) {
        self.0.held().refused.inc();
    }

    /// An attempt begins to wait.
    pub(crate) fn queued(&self) {
        self.0.held().waited.inc();
        self.0.held().queue.inc();
    }

    /// … and waits no more.
    pub(crate) fn left_queue(&self) {
        self.0.held().queue.dec();
    }

    /// The breaker is closed (0), half open (1) or open (2).
    pub(crate) fn breaker(&self, state: i64) {
        self.0.held().breaker.set(state);
    }
}
