//! `Handle`: an integration that was opened: its transport, its layers, and what it was configured with.

use std::{fmt, sync::Arc};

use http::{HeaderName, HeaderValue};
use serde::Serialize;
use serde_json::value::RawValue;
use trunkline_auth::{Entry as SchemeEntry, SCHEMES};
use trunkline_core::{
    Call, Consent, Context, Error, IntegrationId, Kind, Layer, Operation, Pipeline, Reply, Result, SchemeDyn,
    SharedLimits, TransportDyn,
};
use trunkline_layers::{
    Bound, CacheScope, CacheStore, ExpiredWhen, Metrics, Observe, Recorder, Service, Spans, Traffic,
    TrafficState,
};
use trunkline_store::Store;
use trunkline_transports::{Entry, TRANSPORTS};
use zeroize::Zeroizing;

use crate::{
    catalog::Catalog,
    config::{IntegrationConfig, host_and_port, not_known},
    files::Files,
    flow::{Flow, FlowState},
    health::Known,
    leaving::Leaving,
    order::{self, Own},
    placeholder,
    refuse::Refuse,
    site::{DEFAULT_CONNECTION, site},
    tenant::Tenant,
};

/// Who owns an integration's configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// The store: it was registered through the API or the library.
    Store,
    /// The configuration file: it changes there.
    File,
    /// The samples of `--demo`: gone with the process.
    Demo,
}

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
}

/// What becomes of a configuration.
struct Open {
    layers: Vec<Arc<dyn Layer>>,
    transport: Arc<dyn TransportDyn>,
    cache: Option<Arc<CacheScope>>,
    scheme: Option<Arc<dyn SchemeDyn>>,
    flow: Option<Box<Flow>>,
    trouble: Option<Box<Refuse>>,
    traffic: Arc<Traffic>,
    tenant: Option<Box<Tenant>>,
}

/// What every integration of a manager shares.
pub(crate) struct Shared {
    pub(crate) context: Context,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) recorder: Arc<Recorder>,
    /// Where calls leave their spans, if traces are recorded.
    pub(crate) spans: Option<Arc<Spans>>,
    /// What all integrations keep together; none where nothing is to be kept.
    pub(crate) cache: Option<Arc<CacheStore>>,
    pub(crate) catalog: Arc<Catalog>,
    pub(crate) admission: Arc<Bound>,
    /// Transports that the program brought along; they hide built-in ones of the same name.
    pub(crate) transports: Vec<Box<dyn Entry>>,
    /// Schemes that it brought along, which hide others in the same way.
    pub(crate) schemes: Vec<Box<dyn SchemeEntry>>,
    /// The program's own layers, outermost first.
    pub(crate) layers: Vec<Own>,
    /// What counts for all servers together; none where this one is alone.
    pub(crate) counter: Option<Arc<dyn SharedLimits>>,
    /// The files that integrations were opened with.
    pub(crate) files: Files,
}

impl Shared {
    fn transports(&self) -> impl Iterator<Item = &dyn Entry> + Clone {
        self.transports.iter().map(|own| &**own).chain(TRANSPORTS.iter().copied())
    }

    fn schemes(&self) -> impl Iterator<Item = &dyn SchemeEntry> + Clone {
        let built_in = SCHEMES.iter().copied().filter(|scheme| !self.brought(scheme.name()));
        self.schemes.iter().map(|own| &**own).chain(built_in)
    }

    /// Whether the program brought a scheme of this name along.
    fn brought(&self, auth_type: &str) -> bool {
        self.schemes.iter().any(|own| own.name() == auth_type)
    }
}

/// Where a handle's configuration stands in the store.
#[derive(Clone, Copy)]
pub(crate) struct Version {
    pub(crate) source: Source,
    pub(crate) generation: u64,
    pub(crate) updated_at_ms: i64,
}

impl Handle {
    /// Opens an integration. No I/O but reading references. What is known of the service from the handle
    /// `before` is shared with it; see [`Handle::adopt`].
    pub(crate) fn open(
        config: &IntegrationConfig,
        shared: &Shared,
        version: Version,
        before: Option<&Self>,
    ) -> Result<Self> {
        Self::open_for(None, config, shared, version, before)
    }

    /// The same for a connection, of which `config` is what was merged; `None` is the default one.
    pub(crate) fn open_for(
        tenant: Option<Tenant>,
        config: &IntegrationConfig,
        shared: &Shared,
        version: Version,
        before: Option<&Self>,
    ) -> Result<Self> {
        let (r#type, auth_type) = (config.r#type(), &config.common().auth_type);
        let Some(transport) = shared.transports().find(|transport| transport.name() == r#type) else {
            return Err(not_known("type", r#type, shared.transports().map(|transport| transport.name())));
        };
        let Some(scheme) = shared.schemes().find(|scheme| scheme.name() == auth_type) else {
            return Err(not_known("auth_type", auth_type, shared.schemes().map(|scheme| scheme.name())));
        };
        let looks = Files::look(config);
        let own = config.own(&shared.catalog)?;
        let connection = tenant.as_ref().map(|tenant| &tenant.name);
        let metrics = shared.metrics.of(config.id().shared());
        let same = |before: &&Self| before.config().is_ok_and(|before| before.same_service(config));
        let before = before.filter(same).and_then(|before| before.flow.as_deref());
        let flow = Flow::open(config, connection, &metrics, before, shared.counter.as_ref())?;
        if tenant.is_none() && placeholder::any(config.document()) {
            placeholder::all(config.document())?;
            return Ok(Self::asking(config, shared, version, flow));
        }
        let transport = transport.open(own, &shared.context)?;
        let cache = cache(config, shared, transport.is_http());
        let site = site(config, shared, connection, cache.as_ref());
        let scheme = scheme.open(config.auth(), &site)?;
        // `none` sends nothing: it is not in the pipeline at all, unless the program has one of its own.
        let scheme = (auth_type != "none" || shared.brought(auth_type)).then_some(scheme);
        let expired = config.common().expired_when.as_ref().map(ExpiredWhen::open).transpose()?;
        let address = match &tenant {
            Some(tenant) => tenant.address.clone(),
            None => host_and_port(config),
        };
        let off = (!config.enabled()).then(|| match &tenant {
            Some(tenant) if tenant.is_off => Refuse::connection_disabled(),
            _ => Refuse::disabled(),
        });
        let traffic = Arc::new(Traffic::new());
        let layers = order::layers(order::Parts {
            id: config.id(),
            common: config.common(),
            off,
            scheme: scheme.clone(),
            expired: expired.map(Box::new),
            metrics,
            recorder: shared.recorder.clone(),
            spans: shared.spans.clone(),
            service: Service { system: transport.name(), address },
            traffic: traffic.clone(),
            flow: &flow,
            admission: shared.admission.clone(),
            cache: cache.clone(),
            own: &shared.layers,
        });
        let (flow, tenant) = (Some(Box::new(flow)), tenant.map(Box::new));
        let open = Open { layers, transport, cache, scheme, flow, trouble: None, traffic, tenant };
        shared.files.note(looks);
        Ok(Self::new(config, shared, version, open))
    }

    /// An integration with placeholders: its connections are called, and it says so.
    fn asking(config: &IntegrationConfig, shared: &Shared, version: Version, flow: Flow) -> Self {
        let refuse = if config.enabled() { Refuse::asking() } else { Refuse::disabled() };
        let mut handle = Self::refusing(config, shared, version, refuse);
        handle.flow = Some(Box::new(flow));
        handle
    }

    /// An integration that is stored and cannot be opened: it is listed, says why, and is not lost.
    pub(crate) fn broken(
        config: &IntegrationConfig,
        shared: &Shared,
        version: Version,
        error: &Error,
    ) -> Self {
        Self::refusing(config, shared, version, Refuse::broken(error))
    }

    fn refusing(config: &IntegrationConfig, shared: &Shared, version: Version, refuse: Refuse) -> Self {
        let (metrics, traffic) = (shared.metrics.of(config.id().shared()), Arc::new(Traffic::new()));
        let (recorder, spans) = (shared.recorder.clone(), shared.spans.clone());
        let observe = Observe::new(metrics, recorder, traffic.clone(), spans);
        // It may be one of these that is missing.
        shared.files.note(Files::look(config));
        let open = Open {
            layers: vec![Arc::new(observe)],
            transport: Arc::new(refuse.clone()),
            cache: None,
            scheme: None,
            flow: None,
            trouble: Some(Box::new(refuse)),
            traffic,
            tenant: None,
        };
        Self::new(config, shared, version, open)
    }

    /// An integration of which nothing but the id can be read.
    pub(crate) fn damaged(id: &str, shared: &Shared, version: Version, error: &Error) -> Result<Self> {
        let stub = serde_json::json!({ "integration_id": id, "type": "unknown" });
        let mut broken = Self::broken(&IntegrationConfig::from_json(stub)?, shared, version, error);
        broken.document = Zeroizing::default();
        Ok(broken)
    }

    fn new(
        config: &IntegrationConfig,
        shared: &Shared,
        Version { source, generation, updated_at_ms }: Version,
        Open { layers, transport, cache, scheme, flow, trouble, traffic, tenant }: Open,
    ) -> Self {
        Self {
            id: config.id().clone(),
            name: config.name().into(),
            description: config.description().into(),
            r#type: config.r#type().into(),
            enabled: config.enabled(),
            source,
            generation,
            updated_at_ms,
            document: config.text(),
            pipeline: Pipeline::new(shared.context.clone(), layers, transport),
            cache,
            scheme,
            flow,
            trouble,
            traffic,
            known: Known::default(),
            tenant,
        }
    }

    /// From now on this is the integration's handle: what it shares with those before it goes by its
    /// configuration.
    pub(crate) fn adopt(&self) {
        if let Some(flow) = &self.flow {
            flow.adopt();
        }
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
                Ok(config.of(Catalog::of(self.pipeline.context())))
            }
        }
    }

    /// The configuration, if it refers to files.
    pub(crate) fn config_with_files(&self) -> Option<IntegrationConfig> {
        // Looked for in the text, since most refer to none.
        self.document.contains("${file:").then(|| self.config().ok()).flatten()
    }

    /// Whether this was made from `config` and would be made the same again.
    pub(crate) fn is_of(&self, config: &IntegrationConfig) -> bool {
        *self.document == *config.text() && config.files().is_empty()
    }

    /// The names of the layers, outermost first.
    pub fn layers(&self) -> impl Iterator<Item = &'static str> {
        self.pipeline.layers().iter().map(|layer| layer.name())
    }

    /// What limits the integration now; `None` if it does not open.
    pub fn state(&self) -> Option<FlowState> {
        self.flow.as_deref().map(Flow::state)
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

    /// Gives a call that may do harm when it is repeated the idempotency key that the service recognises it by,
    /// which it then keeps, and says which header that is. A key that the caller has set stays. `None` where the
    /// service takes none, or repeating does no harm anyway.
    pub fn idempotency_key(&self, call: &mut Call) -> Option<(HeaderName, HeaderValue)> {
        let (name, key) = self.flow.as_deref()?.retry.key(call)?;
        Some((name.clone(), key.clone()))
    }

    /// Sends a call down the pipeline.
    ///
    /// # Errors
    ///
    /// Whatever a layer or the transport says; see [`Kind`](trunkline_core::Kind).
    pub async fn call(&self, call: &mut Call) -> Result<Reply> {
        // Whatever its caller has set: the credentials are those of this handle.
        call.connection = self.tenant.as_ref().map(|tenant| tenant.name.clone());
        let result = self.pipeline.run(call).await;
        result.map_err(|error| {
            let error = if error.attempts() == 0 { error.attempted(call.attempt) } else { error };
            match &self.tenant {
                Some(tenant) => error.with("connection", &*tenant.name),
                None => error,
            }
        })
    }

    /// Asks the service the cheapest question that proves something, with the credential but without the
    /// other layers, and says what it proves. It pays for the rate limit without waiting for its turn, and an
    /// answer closes the circuit.
    ///
    /// The credential is the one at hand. Only where there is none the scheme is asked for it, as by a call, since
    /// without one nobody knows whether calls would succeed; while an earlier failure keeps the scheme from asking, its
    /// error is the answer. A refusal is not told to the scheme: no probe makes it give a credential up.
    ///
    /// # Errors
    ///
    /// Whatever the scheme or the transport says; `rate_limited` while the service wants nothing sent.
    pub async fn probe(&self) -> Result<&'static str> {
        if let Some(flow) = &self.flow {
            flow.limiter.probe().await?;
        }
        let (context, transport) = (self.pipeline.context(), self.pipeline.transport());
        let mut call = Call::new(self.id.clone(), trunkline_core::HttpRequest::get(""));
        if let Some(scheme) = &self.scheme {
            call.credential = match scheme.at_hand_dyn() {
                Some(credential) => Some(credential),
                None => scheme.credential_dyn(context).await?,
            };
        }
        let evidence = transport.probe_dyn(context, &mut call).await?;
        if evidence == "answered"
            && let Some(circuit) = self.flow.as_deref().and_then(Flow::circuit)
        {
            circuit.proved();
        }
        Ok(evidence)
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
        self.clear_cache();
        self.pipeline.transport().close_dyn().await;
    }
}

/// Where an integration keeps replies. The headers of HTTP say what may be kept; where there are none, only the
/// configuration can.
fn cache(config: &IntegrationConfig, shared: &Shared, http: bool) -> Option<Arc<CacheScope>> {
    let store = shared.cache.as_ref()?;
    let settings = config.common().cache_config.as_ref();
    if !settings.map_or(http, |settings| settings.is_on() && (http || settings.ttl.is_some())) {
        return None;
    }
    let settings = settings.cloned().unwrap_or_default();
    let base = config.base_url();
    Some(Arc::new(CacheScope::new(store.clone(), &settings, base.as_deref())))
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
