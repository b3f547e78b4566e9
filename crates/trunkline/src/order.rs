//! The order of the pipeline: this page reads from the outside in, and nothing else decides it.

use std::{sync::Arc, time::Duration};

use trunkline_core::{IntegrationId, Layer, SchemeDyn, Seconds};
use trunkline_layers::{
    Attempt, Authenticate, Bound, Breaker, Cache, CacheScope, CallMetrics, Concurrency, Deadline, Errors,
    Expired, Judge, Observe, RateLimit, Recorder, Retry, Service, Spans, Timeout, Traffic,
};

use crate::{config::Common, flow::Flow, refuse::Refuse};

/// Total time of a call unless the configuration says otherwise.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Makes a program's own layer for an integration, or none for one that is to go without.
pub(crate) type Own = Box<dyn Fn(&IntegrationId) -> Option<Arc<dyn Layer>> + Send + Sync>;

/// What the layers of an integration are made from.
pub(crate) struct Parts<'a> {
    pub(crate) id: &'a IntegrationId,
    pub(crate) common: &'a Common,
    /// Stands where calls end, if none are taken.
    pub(crate) off: Option<Refuse>,
    pub(crate) scheme: Option<Arc<dyn SchemeDyn>>,
    /// Which answers say that its credential has expired, if that is configured.
    pub(crate) expired: Option<Box<Expired>>,
    /// What its answers mean, if that is configured.
    pub(crate) judge: Option<Judge>,
    pub(crate) metrics: CallMetrics,
    pub(crate) recorder: Arc<Recorder>,
    pub(crate) spans: Option<Arc<Spans>>,
    pub(crate) service: Service,
    pub(crate) traffic: Arc<Traffic>,
    pub(crate) cache: Option<Arc<CacheScope>>,
    pub(crate) flow: &'a Flow,
    /// The places for the calls of all integrations together.
    pub(crate) admission: Arc<Bound>,
    /// Those of the program, outermost first.
    pub(crate) own: &'a [Own],
}

/// The layers of an integration, outermost first. What it does not configure is not in the list.
pub(crate) fn layers(parts: Parts<'_>) -> Vec<Arc<dyn Layer>> {
    let Parts {
        id,
        common,
        off,
        scheme,
        expired,
        judge,
        metrics,
        recorder,
        spans,
        service,
        traffic,
        cache,
        flow,
        admission,
        own,
    } = parts;
    let mut layers: Vec<Arc<dyn Layer>> = Vec::new();

    // Outermost: sees every call, also those that a layer below answers or refuses.
    layers.push(Arc::new(Observe::new(metrics.clone(), recorder, traffic, spans.clone())));

    // Before anything that waits or costs; what would stand below is never asked.
    if let Some(off) = off {
        layers.push(Arc::new(off));
        return layers;
    }

    // Above everything that waits, so that the total time covers queues, tokens and attempts.
    layers.push(Arc::new(Deadline::new(common.timeout.map_or(TIMEOUT, Seconds::get))));

    // Once for a call, however often it is attempted. Above the cache too: who waits for another's request takes
    // memory as everybody does.
    layers.push(Arc::new(Concurrency::admission(admission)));

    // Once for a call too, and bounded by all above if it waits. Above the cache: what it refuses is refused
    // whatever is kept, and what it changes in a request is part of what replies are kept by.
    layers.extend(own.iter().filter_map(|make| make(id)));

    // Below the deadline, which also bounds waiting for another caller's request; above all that sends, so that a
    // hit pays for none of it.
    if let Some(cache) = cache {
        layers.push(Arc::new(Cache::new(cache)));
    }

    // The loop. Each attempt passes everything below.
    if !flow.retry.is_off() {
        layers.push(Arc::new(Retry::new(flow.retry.clone(), flow.budget.clone(), metrics.clone())));
    }

    // Before the limiter, so that an open circuit spends none of what the service allows.
    if let Some(circuit) = flow.circuit() {
        layers.push(Arc::new(Breaker::new(circuit.clone())));
    }

    // Before the permit: who waits for the next second must not keep others from working in this one.
    let limiter = (!flow.rules.is_off()).then(|| flow.limiter.clone());
    if let Some(limiter) = &limiter {
        layers.push(Arc::new(RateLimit::new(limiter.clone(), flow.rules.clone())));
    }

    // Last of those that wait: a permit is held only by what is really under way.
    if let Some(bound) = flow.bound() {
        layers.push(Arc::new(Concurrency::new(bound.clone())));
    }

    // Per attempt: a credential can expire between two of them, and a signature has a date in it.
    if let Some(scheme) = scheme {
        layers.push(Arc::new(Authenticate::new(scheme, limiter, expired)));
    }

    // Time for one attempt. A token's refresh above is not part of it.
    let limit = common.attempt_timeout.map(Seconds::get);
    if let Some(limit) = limit {
        layers.push(Arc::new(Timeout::new(limit)));
    }

    // Innermost: what it times is the service alone, and what it tells the service of the trace is the last word.
    layers.push(Arc::new(Attempt::new(&metrics, service, limit, spans)));

    // Part of what the service is: every layer hears of an attempt what its answer means.
    if let Some(judge) = judge {
        layers.push(Arc::new(Errors::new(judge)));
    }

    layers
}
