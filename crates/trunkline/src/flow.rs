//! `Flow`: how calls flow to a service: what limits them, what repeats them, and what was learnt meanwhile. It
//! outlives changes of the configuration that leave the service where it is.

use std::sync::Arc;

use schemars::{JsonSchema, generate::SchemaSettings};
use serde::Serialize;
use serde_json::Value;
use trunkline_core::{Error, Kind, Occupancy, Result, SharedLimits};
use trunkline_layers::{
    Bound, BreakerState, Budget, CacheState, CallMetrics, Capacity, Circuit, ConcurrencyState, Limiter,
    Policy, RateLimitState, Rules, Thresholds,
};

use crate::{ForwardState, IntegrationConfig};

/// What limits and repeats the calls of an integration.
pub(crate) struct Flow {
    pub(crate) retry: Policy,
    pub(crate) budget: Arc<Budget>,
    /// Shared with the limiter that goes by them, and the layer.
    pub(crate) rules: Arc<Rules>,
    pub(crate) limiter: Arc<Limiter>,
    thresholds: Option<Thresholds>,
    circuit: Arc<Circuit>,
    capacity: Option<Capacity>,
    bound: Arc<Bound>,
}

/// What limits an integration now. What it does not use is not there.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct FlowState {
    /// Its circuit breaker.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub breaker: Option<BreakerState>,
    /// Its limits on the rate of calls, and what the service says of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate_limit: Option<RateLimitState>,
    /// What is under way.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub concurrency: Option<ConcurrencyState>,
    /// The replies that are kept; where it is a connection, its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cache: Option<CacheState>,
    /// Its pool of connections.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pool: Option<Occupancy>,
    /// The messages that it passes on to others.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub forward: Vec<ForwardState>,
}

impl FlowState {
    /// Its JSON Schema.
    pub fn schema() -> Value {
        schema::<Self>()
    }
}

/// The JSON Schema of what is shown, in one piece.
pub fn schema<T: JsonSchema>() -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| settings.inline_subschemas = true);
    let mut schema = settings.into_generator().into_root_schema_for::<T>();
    schema.remove("$schema");
    schema.to_value()
}

impl Flow {
    /// What a configuration asks for, with what is known from `before` it. Nothing changes there until
    /// [`Flow::adopt`]. Rate limits are counted by `counter`, if there is one, for each connection by itself; `None` is
    /// the default one.
    pub(crate) fn open(
        config: &IntegrationConfig,
        connection: Option<&Arc<str>>,
        metrics: &CallMetrics,
        before: Option<&Self>,
        counter: Option<&Arc<dyn SharedLimits>>,
    ) -> Result<Self> {
        let common = config.common();
        let retry = common.retry_config.as_ref().map(|retry| retry.open()).transpose()?.unwrap_or_default();
        let rules = common.rate_limit.as_ref().map(|limit| limit.open()).transpose()?.unwrap_or_default();
        let rules = Arc::new(rules);
        let thresholds = match &common.breaker {
            Some(breaker) => breaker.open()?,
            None => Some(Thresholds::default()),
        };
        let capacity = match &common.concurrency {
            Some(concurrency) => concurrency.open()?,
            None => Some(Capacity::default()),
        };
        Ok(match before {
            Some(before) => Self {
                budget: before.budget.clone(),
                limiter: before.limiter.clone(),
                circuit: before.circuit.clone(),
                bound: before.bound.clone(),
                retry,
                rules,
                thresholds,
                capacity,
            },
            None => Self {
                budget: Arc::default(),
                limiter: Arc::new(Limiter::new(
                    rules.clone(),
                    metrics.clone(),
                    counter.map(|counter| (counter.clone(), owner(config, connection))),
                )),
                circuit: Arc::new(Circuit::new(
                    thresholds.clone().unwrap_or_default(),
                    // The gauge is the integration's, and connections are many.
                    connection.is_none().then(|| metrics.clone()),
                )),
                bound: Arc::new(Bound::of_integration(capacity.clone().unwrap_or_default(), metrics.clone())),
                retry,
                rules,
                thresholds,
                capacity,
            },
        })
    }

    /// From now on the configuration of this flow holds for what it shares with those before it.
    pub(crate) fn adopt(&self) {
        self.limiter.adjust(self.rules.clone());
        if let Some(thresholds) = &self.thresholds {
            self.circuit.adjust(thresholds.clone());
        }
        if let Some(capacity) = &self.capacity {
            self.bound.adjust(capacity.clone());
        }
    }

    /// The breaker's circuit, unless it is switched off.
    pub(crate) fn circuit(&self) -> Option<&Arc<Circuit>> {
        self.thresholds.as_ref().map(|_| &self.circuit)
    }

    /// The same, for somebody who wants to change its state.
    pub(crate) fn switch(&self) -> Result<&Circuit> {
        let circuit = self.circuit().map(|circuit| &**circuit);
        circuit.ok_or_else(|| Error::new(Kind::Unsupported, "breaker: is switched off for this integration"))
    }

    /// The bound on concurrency, unless it is switched off.
    pub(crate) fn bound(&self) -> Option<&Arc<Bound>> {
        self.capacity.as_ref().map(|_| &self.bound)
    }

    /// Whether attempts are under way.
    pub(crate) fn is_busy(&self) -> bool {
        self.bound.snapshot().in_flight > 0
    }

    pub(crate) fn state(&self) -> FlowState {
        FlowState {
            breaker: self.circuit().map(|circuit| circuit.snapshot()),
            rate_limit: (!self.rules.is_off()).then(|| self.limiter.snapshot()),
            concurrency: self.bound().map(|bound| bound.snapshot()),
            cache: None,
            pool: None,
            forward: Vec::new(),
        }
    }
}

/// Under which name servers count together. No id of an integration has a slash in it.
fn owner(config: &IntegrationConfig, connection: Option<&Arc<str>>) -> Arc<str> {
    match connection {
        Some(connection) => format!("{}/{connection}", config.id()).into(),
        None => config.id().shared().clone(),
    }
}
