//! The order of the pipeline: this page reads from the outside in, and nothing else decides it.

use std::{sync::Arc, time::Duration};

use trunkline_core::{Layer, SchemeDyn, Seconds};
use trunkline_layers::{Authenticate, Cache, CacheScope, CallMetrics, Deadline, Observe, Recorder, Timeout};

use crate::{config::Common, refuse::Refuse};

/// Total time of a call unless the configuration says otherwise.
const TIMEOUT: Duration = Duration::from_secs(30);

/// What the layers of an integration are made from.
pub(crate) struct Parts<'a> {
    pub(crate) common: &'a Common,
    pub(crate) scheme: Option<Arc<dyn SchemeDyn>>,
    pub(crate) metrics: CallMetrics,
    pub(crate) recorder: Arc<Recorder>,
    pub(crate) cache: Option<Arc<CacheScope>>,
}

/// The layers of an integration, outermost first. What it does not configure is not in the list.
pub(crate) fn layers(parts: Parts<'_>) -> Vec<Arc<dyn Layer>> {
    let Parts { common, scheme, metrics, recorder, cache } = parts;
    let mut layers: Vec<Arc<dyn Layer>> = Vec::new();

    // Outermost: sees every call, also those that a layer below answers or refuses.
    layers.push(Arc::new(Observe::new(metrics, recorder)));

    // Before anything that waits or costs.
    if !common.enabled {
        layers.push(Arc::new(Refuse::disabled()));
    }

    // Above everything that waits, so that the total time covers queues, tokens and attempts.
    layers.push(Arc::new(Deadline::new(common.timeout.map_or(TIMEOUT, Seconds::get))));

    // Below the deadline, which also bounds waiting for another caller's request; above all that sends, so that a
    // hit pays for none of it.
    if let Some(cache) = cache {
        layers.push(Arc::new(Cache::new(cache)));
    }

    // Per attempt: a credential can expire between two of them, and a signature has a date in it.
    if let Some(scheme) = scheme {
        layers.push(Arc::new(Authenticate::new(scheme)));
    }

    // Innermost: time for one attempt. A token's refresh above is not part of it.
    if let Some(attempt) = common.attempt_timeout {
        layers.push(Arc::new(Timeout::new(attempt.get())));
    }

    layers
}
