//! `Handle`: an integration that was opened: its transport, its layers, and what it was configured with.

mod ask;
mod open;
mod probe;

use std::{fmt, sync::Arc, time::Duration};

use http::{HeaderName, HeaderValue};
use serde_json::value::RawValue;
use trunkline_core::{
    Call, Consent, Context, Error, IntegrationId, Kind, Occupancy, Operation, Outcome, Pipeline, Query,
    Reply, Result, SchemeDyn,
};
use trunkline_layers::{CacheScope, Policy, Traffic, TrafficState};
use zeroize::Zeroizing;

use crate::{
    action,
    bridge::{self, Bridge},
    catalog::Catalog,
    config::IntegrationConfig,
    flow::{Flow, FlowState},
    health::Known,
    hooks::Hooks,
    leaving::Leaving,
    refuse::Refuse,
    site::DEFAULT_CONNECTION,
    tenant::Tenant,
    vendor::Vendor,
    version::Source,
};

/// An integration that was opened, or that is stored and could not be.
pub struct Handle {
    id: IntegrationId,
    name: Box<str>,
    description: Box<str>,
    r#type: Box<str>,
    enabled: bool,
    source: Source,
    generation: u64,
    updated_at_ms: i64,
    /// The configuration as text, which is several times smaller than its tree; empty when what is
    /// stored cannot be read.
    document: Zeroizing<Box<str>>,
    pipeline: Arc<Pipeline>,
    cache: Option<Arc<CacheScope>>,
    scheme: Option<Arc<dyn SchemeDyn>>,
    /// Not there where the integration does not open.
    flow: Option<Box<Flow>>,
    trouble: Option<Box<Refuse>>,
    traffic: Arc<Traffic>,
    known: Known,
    /// Not there for the default connection.
    tenant: Option<Box<Tenant>>,
    /// What it passes on to others; not there where that is nothing.
    bridge: Option<Box<Bridge>>,
    /// The webhooks that it takes; not there where it takes none.
    hooks: Option<Box<Hooks>>,
    /// Its connector; not there where it has none.
    vendor: Option<Box<Vendor>>,
}

impl Handle {
    /// From now on this is the integration's handle: what it shares with those before it goes by its
    /// configuration.
    pub(crate) fn adopt(&self) {
        if let Some(flow) = &self.flow {
            flow.adopt();
        }
    }

    /// Begins to pass messages on, if it has any and was not told before.
    pub(crate) fn begin(self: &Arc<Self>, home: &bridge::Home) {
        if let Some(bridge) = self.bridge.as_deref().filter(|_| self.enabled) {
            bridge.begin(self, home);
        }
    }

    /// Passes no more messages on; waits a few seconds for those that are under way.
    pub(crate) async fn end(&self) {
        if let Some(bridge) = &self.bridge {
            bridge.ended().await;
        }
    }

    /// What keeps messages from being passed on.
    pub(crate) fn held_up(&self) -> Option<String> {
        self.bridge.as_deref().and_then(Bridge::trouble)
    }

    /// The webhooks that it takes.
    pub(crate) fn hooks(&self) -> Option<&Hooks> {
        self.hooks.as_deref()
    }

    /// The same, now that the store has said which generation it is.
    pub(crate) fn at(mut self, generation: u64) -> Self {
        self.generation = generation;
        self
    }

    /// The id.
    pub fn id(&self) -> &IntegrationId {
        &self.id
    }

    /// Whose credentials it uses: the name of the connection.
    pub fn connection(&self) -> &str {
        self.tenant.as_deref().map_or(DEFAULT_CONNECTION, |tenant| &tenant.name)
    }

    /// Whether it takes no calls because its placeholders have values only in connections.
    pub fn needs_connection(&self) -> bool {
        self.trouble.as_deref().is_some_and(Refuse::is_asking)
    }

    /// Values of a connection that are secret wherever they are put.
    pub fn hidden(&self) -> impl Iterator<Item = &str> {
        self.tenant.iter().flat_map(|tenant| &tenant.hidden).map(|value| &***value)
    }

    /// Whether attempts of it are under way, or something of its scheme.
    pub(crate) fn is_busy(&self) -> bool {
        self.flow.as_deref().is_some_and(Flow::is_busy)
            || self.scheme.as_deref().is_some_and(SchemeDyn::is_busy_dyn)
    }

    /// The name for people.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it is for.
    pub fn description(&self) -> &str {
        &self.description
    }

    /// What it speaks.
    pub fn r#type(&self) -> &str {
        &self.r#type
    }

    /// Whether it takes calls.
    pub fn enabled(&self) -> bool {
        self.enabled
    }

    /// Who owns the configuration.
    pub fn source(&self) -> Source {
        self.source
    }

    /// Which version of the configuration this is; it never comes back.
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// When the configuration was last changed, in milliseconds since 1970.
    pub fn updated_at_ms(&self) -> i64 {
        self.updated_at_ms
    }

    /// Why the integration cannot be called, if its stored configuration does not open.
    pub fn trouble(&self) -> Option<Error> {
        self.trouble.as_deref().filter(|refuse| refuse.is_broken()).map(Refuse::error)
    }

    /// The configuration.
    ///
    /// # Errors
    ///
    /// As [`Handle::trouble`] when what is stored cannot be read.
    pub fn config(&self) -> Result<IntegrationConfig> {
        match self.trouble() {
            Some(trouble) if self.document.is_empty() => Err(trouble),
            _ => {
                let config = IntegrationConfig::from_slice(self.document.as_bytes())?;
                config.of(Catalog::of(self.pipeline.context()))
            }
        }
    }

    /// The configuration, if it refers to files.
    pub(crate) fn config_with_files(&self) -> Option<IntegrationConfig> {
        // Looked for in the text, since most refer to none.
        self.document.contains("${file:").then(|| self.config().ok()).flatten()
    }

    /// Whether this was made from `config` and would be made the same again, with the connectors of a catalog.
    pub(crate) fn is_of(&self, config: &IntegrationConfig, catalog: &Catalog) -> bool {
        *self.document == *config.text()
            && config.files().is_empty()
            && self.vendor.as_deref().is_none_or(|vendor| vendor.is_of(catalog))
    }

    /// The names of the layers, outermost first.
    pub fn layers(&self) -> impl Iterator<Item = &'static str> {
        self.pipeline.layers().iter().map(|layer| layer.name())
    }

    /// What limits the integration now; `None` if it does not open.
    pub fn state(&self) -> Option<FlowState> {
        let state = self.flow.as_deref().map(Flow::state)?;
        let forward = self.bridge.as_deref().map(Bridge::state).unwrap_or_default();
        let cache = self.cache.as_deref().map(CacheScope::state);
        Some(FlowState { cache, pool: self.occupancy(), forward, ..state })
    }

    /// Closes the circuit, whatever is known of the service.
    ///
    /// # Errors
    ///
    /// `unsupported` where the breaker is switched off; as [`Handle::trouble`] if the integration does not open.
    pub fn reset_breaker(&self) -> Result<()> {
        self.flow()?.switch()?.reset();
        tracing::info!(integration = %self.id, "the breaker was reset by hand");
        Ok(())
    }

    /// Opens the circuit until it is reset.
    ///
    /// # Errors
    ///
    /// As [`Handle::reset_breaker`].
    pub fn force_breaker_open(&self) -> Result<()> {
        self.flow()?.switch()?.force_open();
        tracing::warn!(integration = %self.id, "the breaker was opened by hand");
        Ok(())
    }

    fn flow(&self) -> Result<&Flow> {
        self.flow.as_deref().ok_or_else(|| {
            self.trouble()
                .unwrap_or_else(|| Error::new(Kind::Internal, "an integration that opens has a flow"))
        })
    }

    /// Turns the JSON that a caller sends into an operation of this integration's type.
    ///
    /// # Errors
    ///
    /// `invalid_config`, naming the key.
    pub fn parse(&self, request: &RawValue) -> Result<Operation> {
        self.pipeline.transport().parse_dyn(request)
    }

    /// Turns the JSON that a caller sends to subscribe to something into an operation of this integration's type. The
    /// reply of the call is a stream: [`Reply::events`].
    ///
    /// # Errors
    ///
    /// `unsupported` where there is nothing to subscribe to; `invalid_config`, naming the key.
    pub fn parse_stream(&self, request: &RawValue) -> Result<Operation> {
        self.pipeline.transport().parse_stream_dyn(request)
    }

    /// Gives a call that may do harm when it is repeated the idempotency key that the service recognises it by,
    /// which it then keeps, and says which header that is. A key that the caller has set stays. `None` where the
    /// service takes none, or repeating does no harm anyway.
    pub fn idempotency_key(&self, call: &mut Call) -> Option<(HeaderName, HeaderValue)> {
        let (name, key) = self.flow.as_deref()?.retry.key(call)?;
        Some((name.clone(), key.clone()))
    }

    /// How long after the beginning of a call another one may begin under its idempotency key: a little less than the service
    /// knows the key (`retry_config.idempotency_window`).
    pub fn key_lasts(&self) -> Duration {
        self.flow.as_deref().map_or_else(|| Policy::default().key_lasts(), |flow| flow.retry.key_lasts())
    }

    /// Sends a call down the pipeline.
    ///
    /// # Errors
    ///
    /// Whatever a layer or the transport says; see [`Kind`](trunkline_core::Kind).
    pub async fn call(&self, call: &mut Call) -> Result<Reply> {
        // Whatever its caller has set: the credentials are those of this handle.
        call.connection = self.tenant.as_ref().map(|tenant| tenant.name.clone());
        let mut result = self.pipeline.run(call).await;
        if let (Ok(_), Some(pointer)) = (&result, &call.returns) {
            result = action::part(result?, pointer).await;
        }
        result.map_err(|error| {
            let error = if error.attempts() == 0 { error.attempted(call.attempt) } else { error };
            let error = again(error, &call.operation);
            match &self.tenant {
                Some(tenant) => error.with("connection", &*tenant.name),
                None => error,
            }
        })
    }

    /// What can be asked for, such as the tables and columns of a database, as JSON. A call like any other: with
    /// credential, deadline and limits, only that the cache keeps none of it.
    ///
    /// # Errors
    ///
    /// `unsupported` where nothing of the kind is known; else as [`Handle::call`].
    pub async fn schema(&self, call: &mut Call) -> Result<Reply> {
        (call.schema, call.uncached) = (true, true);
        self.call(call).await
    }

    /// A call for [`Handle::schema`]. To layers it is a query that only reads.
    pub fn schema_call(&self) -> Call {
        Call::new(self.id.clone(), Query::new("").read_only())
    }

    /// How full the pool of connections is, where it has one.
    pub(crate) fn occupancy(&self) -> Option<Occupancy> {
        self.pipeline.transport().occupancy()
    }

    /// For whom it was opened; `None` for the default connection.
    pub(crate) fn tenant(&self) -> Option<&Tenant> {
        self.tenant.as_deref()
    }

    /// Where its credentials come from; `None` where it sends none.
    pub(crate) fn scheme(&self) -> Option<&dyn SchemeDyn> {
        self.scheme.as_deref()
    }

    /// What calls have shown of the service since this handle was opened.
    pub(crate) fn traffic(&self) -> TrafficState {
        self.traffic.snapshot()
    }

    /// What the health check knows.
    pub(crate) fn known(&self) -> &Known {
        &self.known
    }

    /// Forgets the replies that were kept, if any are.
    pub fn clear_cache(&self) {
        if let Some(cache) = &self.cache {
            cache.clear();
        }
    }

    /// How somebody agrees to what calls do in their name; goes with [`Handle::context`].
    ///
    /// # Errors
    ///
    /// `unsupported` where nobody has to; `invalid_config` where a connection has to be chosen first; as [`Handle::trouble`] if the integration does not open.
    pub fn consent(&self) -> Result<&dyn Consent> {
        let consent = self.scheme.as_deref().and_then(SchemeDyn::consent_dyn);
        consent.ok_or_else(|| {
            if let Some(asking) = self.trouble.as_deref().filter(|refuse| refuse.is_asking()) {
                return asking.error();
            }
            let message = "auth_type: nobody has to agree to this one; oauth2 with grant_type authorization_code or device_code asks a person";
            self.trouble().unwrap_or_else(|| Error::new(Kind::Unsupported, message))
        })
    }

    /// What the scheme works with.
    pub fn context(&self) -> &Context {
        self.pipeline.context()
    }

    /// Calls get another one from now on, or none. What its scheme has under way goes on, and is waited for before
    /// the manager is closed.
    pub(crate) fn retire(&self) {
        if let Some(bridge) = &self.bridge {
            bridge.stop();
        }
        if let Some(scheme) = &self.scheme {
            scheme.retire_dyn();
            Leaving::add(self.context(), scheme);
        }
    }

    /// Ends what the scheme has under way and must not lose.
    pub(crate) async fn settle(&self) {
        if let Some(scheme) = &self.scheme {
            scheme.close_dyn().await;
        }
    }

    /// Gives back what the transport holds, and forgets the replies that were kept.
    pub(crate) async fn close(&self) {
        // What it has is given back by the transport.
        self.end().await;
        self.clear_cache();
        self.pipeline.transport().close_dyn().await;
    }
}

/// What calls began that were under way when it was retired; and one that nobody used was not retired at all.
impl Drop for Handle {
    fn drop(&mut self) {
        if let Some(scheme) = &self.scheme {
            Leaving::add(self.context(), scheme);
        }
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handle")
            .field("id", &self.id)
            .field("type", &self.r#type)
            .field("enabled", &self.enabled)
            .field("generation", &self.generation)
            .finish_non_exhaustive()
    }
}

/// What may have been sent is sent again by its own ids, so they are told where they were made here: whatever it was that ended
/// the call.
fn again(error: Error, operation: &Operation) -> Error {
    match operation {
        Operation::Publish(publish) if error.outcome() == Outcome::Unknown => match publish.names() {
            Some((key, ids)) => error.with(key, ids),
            None => error,
        },
        _ => error,
    }
}
