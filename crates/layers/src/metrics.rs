//! Prometheus metrics of calls: one registry, and handles that are looked up once per integration.

mod attempts;
mod pools;
mod read;
mod series;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError, Weak},
};

use prometheus_client::{
    encoding::{EncodeLabelSet, text},
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::{Registry, Unit},
};
use trunkline_core::{Kind, Occupancy, Result};

pub(crate) use self::attempts::{AttemptMetrics, Attempted, Shape};
pub use self::series::CallMetrics;
use self::{
    attempts::Attempts,
    pools::Pools,
    read::{Read, ReadGauge},
    series::Series,
};
use crate::CacheStore;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ByIntegration {
    integration: Arc<str>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ByOutcome {
    integration: Arc<str>,
    outcome: &'static str,
}

/// Upper bounds in seconds: those of OpenTelemetry's `http.client.request.duration`.
const BOUNDS: [f64; 14] = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0];

fn histogram() -> Histogram {
    Histogram::new(BOUNDS)
}

/// All metrics of one process. Labels are integrations, outcomes, and what services answer: never a caller's text.
pub struct Metrics {
    registry: Registry,
    calls: Family<ByOutcome, Counter>,
    duration: Family<ByIntegration, Histogram, fn() -> Histogram>,
    in_flight: Family<ByIntegration, Gauge>,
    sent: Family<ByIntegration, Counter>,
    received: Family<ByIntegration, Counter>,
    retries: Family<ByIntegration, Counter>,
    refused: Family<ByIntegration, Counter>,
    waited: Family<ByIntegration, Counter>,
    queue: Family<ByIntegration, Gauge>,
    breaker: Family<ByIntegration, Gauge>,
    attempts: Attempts,
    /// The integrations that have handles: their labels go with the last of these.
    series: Mutex<HashMap<Arc<str>, Weak<Series>>>,
}

impl Metrics {
    /// An empty registry with the metrics of calls described.
    pub fn new() -> Self {
        let mut registry = Registry::default();
        let calls = Family::default();
        registry.register(
            "trunkline_calls",
            "Calls that ended, by outcome: ok or the kind of the error",
            calls.clone(),
        );
        let duration = Family::new_with_constructor(histogram as fn() -> Histogram);
        registry.register_with_unit(
            "trunkline_call_duration",
            "Time of a call with all its attempts, until its last byte",
            Unit::Seconds,
            duration.clone(),
        );
        let in_flight = Family::default();
        registry.register("trunkline_calls_in_flight", "Calls under way", in_flight.clone());
        let sent = Family::default();
        registry.register_with_unit("trunkline_call_sent", "Body bytes sent", Unit::Bytes, sent.clone());
        let received = Family::default();
        registry.register_with_unit(
            "trunkline_call_received",
            "Body bytes received",
            Unit::Bytes,
            received.clone(),
        );
        let retries = Family::default();
        registry.register("trunkline_retries", "Attempts that were made again", retries.clone());
        let refused = Family::default();
        registry.register(
            "trunkline_throttled",
            "Attempts that a limit of the integration did not let pass",
            refused.clone(),
        );
        let waited = Family::default();
        registry.register(
            "trunkline_queued",
            "Attempts that waited for their turn or for a place",
            waited.clone(),
        );
        let queue = Family::default();
        registry.register("trunkline_queue_depth", "Attempts that wait now", queue.clone());
        let breaker = Family::default();
        registry.register("trunkline_breaker_state", "0 closed, 1 half open, 2 open", breaker.clone());
        let attempts = Attempts::register(&mut registry);
        Self {
            registry,
            calls,
            duration,
            in_flight,
            sent,
            received,
            retries,
            refused,
            waited,
            queue,
            breaker,
            attempts,
            series: Mutex::default(),
        }
    }

    /// Adds a counter of somebody else's that is read when it is scraped.
    pub fn register_counter(
        &mut self,
        name: &str,
        help: &str,
        read: impl Fn() -> u64 + Send + Sync + 'static,
    ) {
        self.registry.register(name, help, Read(read));
    }

    /// Adds a gauge of somebody else's that is read when it is scraped.
    pub fn register_gauge(&mut self, name: &str, help: &str, read: impl Fn() -> u64 + Send + Sync + 'static) {
        self.registry.register(name, help, ReadGauge(read));
    }

    /// Adds how full the pools of integrations are, which is read when it is scraped.
    pub fn register_pools(&mut self, read: impl Fn() -> Vec<(Arc<str>, Occupancy)> + Send + Sync + 'static) {
        self.registry.register_collector(Box::new(Pools(read)));
    }

    /// Adds what a cache counts.
    pub fn register_cache(&mut self, store: &Arc<CacheStore>) {
        let lookups = store.lookups();
        self.registry.register(
            "trunkline_cache_lookups",
            "Calls that came to the cache, by what it did",
            lookups,
        );
        let counted = store.clone();
        self.register_counter(
            "trunkline_cache_evictions",
            "Keys that had to make room for others",
            move || counted.evictions(),
        );
        let kept = store.clone();
        let bytes = ReadGauge(move || kept.bytes());
        self.registry.register_with_unit("trunkline_cache_kept", "What the cache keeps", Unit::Bytes, bytes);
        let kept = store.clone();
        self.register_gauge(
            "trunkline_cache_entries",
            "Keys that the cache keeps something under",
            move || kept.entries(),
        );
    }

    /// The handles of one integration, the same for all that ask while any is held. Nothing is rendered
    /// until a call is made, and nothing any more once the last of them is dropped: so labels do not grow
    /// with integrations that come and go, and a call that outlives its integration does not bring one back.
    pub fn of(self: &Arc<Self>, integration: &Arc<str>) -> CallMetrics {
        let mut series = self.series.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(live) = series.get(integration).and_then(Weak::upgrade) {
            return CallMetrics::of(live);
        }
        let fresh = Arc::new(Series::new(self.clone(), integration.clone()));
        series.insert(integration.clone(), Arc::downgrade(&fresh));
        CallMetrics::of(fresh)
    }

    fn forget(&self, integration: &Arc<str>) {
        let labels = ByIntegration { integration: integration.clone() };
        self.duration.remove(&labels);
        self.in_flight.remove(&labels);
        self.sent.remove(&labels);
        self.received.remove(&labels);
        self.retries.remove(&labels);
        self.refused.remove(&labels);
        self.waited.remove(&labels);
        self.queue.remove(&labels);
        self.breaker.remove(&labels);
        self.attempts.forget(integration);
        for outcome in OUTCOMES.iter().copied().chain(Kind::ALL.iter().map(|kind| kind.code())) {
            self.calls.remove(&ByOutcome { integration: integration.clone(), outcome });
        }
    }

    /// Everything in the OpenMetrics text format, which Prometheus reads.
    pub fn render(&self) -> String {
        let mut out = String::new();
        // Writing to a String cannot fail.
        let _ = text::encode(&mut out, &self.registry);
        out
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl std::fmt::Debug for Metrics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Metrics")
    }
}

/// Outcomes that are no kind.
const OUTCOMES: [&str; 2] = ["ok", "cancelled"];

/// What the metrics call a result.
pub(crate) fn outcome<T>(result: &Result<T>) -> &'static str {
    match result {
        Ok(_) => "ok",
        Err(error) => error.kind().code(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_integration_that_is_gone_leaves_no_label() {
        let mut metrics = Metrics::new();
        metrics.register_counter("other", "Something else", || 7);
        let metrics = Arc::new(metrics);
        let handles = metrics.of(&"gone".into());
        assert!(!metrics.render().contains("gone"), "nothing before the first call");
        handles.began();
        handles.ended("timeout", 0.1, 3, 4);
        let text = metrics.render();
        assert!(text.contains("trunkline_calls_total{integration=\"gone\",outcome=\"timeout\"} 1"), "{text}");
        assert!(text.contains("other_total 7"), "{text}");
        drop(handles);
        assert!(!metrics.render().contains("gone"));
        assert!(metrics.series.lock().unwrap().is_empty());
    }

    #[test]
    fn what_replaces_an_integration_goes_on_counting_where_it_stopped() {
        let metrics = Arc::new(Metrics::new());
        let before = metrics.of(&"a".into());
        before.began();
        let after = metrics.of(&"a".into());
        before.ended("ok", 0.1, 0, 0);
        drop(before);
        after.began();
        after.ended("ok", 0.1, 0, 0);
        let text = metrics.render();
        assert!(text.contains("trunkline_calls_total{integration=\"a\",outcome=\"ok\"} 2"), "{text}");
        assert!(text.contains("trunkline_calls_in_flight{integration=\"a\"} 0"), "{text}");
    }
}
