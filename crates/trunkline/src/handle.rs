//! `Handle`: an integration that was opened: its transport, its layers, and what it was configured with.

use std::{fmt, sync::Arc};

use http::{HeaderName, HeaderValue, Uri, uri::Scheme};
use serde::Serialize;
use serde_json::value::RawValue;
use trunkline_auth::{Entry as SchemeEntry, SCHEMES};
use trunkline_core::{
    Call, Context, Error, IntegrationId, Kind, Layer, Operation, Pipeline, Reply, Result, SchemeDyn,
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
    config::{IntegrationConfig, not_known},
    flow::{Flow, FlowState},
    health::Known,
    order::{self, Own},
    refuse::Refuse,
    site::site,
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
        let (r#type, auth_type) = (config.r#type(), &config.common().auth_type);
        let Some(transport) = shared.transports().find(|transport| transport.name() == r#type) else {
            return Err(not_known("type", r#type, shared.transports().map(|transport| transport.name())));
        };
        let Some(scheme) = shared.schemes().find(|scheme| scheme.name() == auth_type) else {
            return Err(not_known("auth_type", auth_type, shared.schemes().map(|scheme| scheme.name())));
        };
        let transport = transport.open(config.own(&shared.catalog)?, &shared.context)?;
        let scheme = scheme.open(config.auth(), &site(config, shared, None))?;
        // `none` sends nothing: it is not in the pipeline at all, unless the program has one of its own.
        let scheme = (auth_type != "none" || shared.brought(auth_type)).then_some(scheme);
        let expired = config.common().expired_when.as_ref().map(ExpiredWhen::open).transpose()?;
        let metrics = shared.metrics.of(config.id().shared());
        let same = |before: &&Self| before.config().is_ok_and(|before| before.same_service(config));
        let before = before.filter(same).and_then(|before| before.flow.as_deref());
        let flow = Flow::open(config, &metrics, before, shared.counter.as_ref())?;
        let cache = cache(config, shared, transport.is_http());
        let traffic = Arc::new(Traffic::new());
        let layers = order::layers(order::Parts {
            id: config.id(),
            common: config.common(),
            scheme: scheme.clone(),
            expired: expired.map(Box::new),
            metrics,
            recorder: shared.recorder.clone(),
            spans: shared.spans.clone(),
            service: Service { system: transport.name(), address: address(config) },
            traffic: traffic.clone(),
            flow: &flow,
            admission: shared.admission.clone(),
            cache: cache.clone(),
            own: &shared.layers,
        });
        let flow = Some(Box::new(flow));
        let open = Open { layers, transport, cache, scheme, flow, trouble: None, traffic };
        Ok(Self::new(config, shared, version, open))
    }

    /// An integration that is stored and cannot be opened: it is listed, says why, and is not lost.
    pub(crate) fn broken(
        config: &IntegrationConfig,
        shared: &Shared,
        version: Version,
        error: &Error,
    ) -> Self {
        let (metrics, traffic) = (shared.metrics.of(config.id().shared()), Arc::new(Traffic::new()));
        let (recorder, spans) = (shared.recorder.clone(), shared.spans.clone());
        let observe = Observe::new(metrics, recorder, traffic.clone(), spans);
        let refuse = Refuse::broken(error);
        let open = Open {
            layers: vec![Arc::new(observe)],
            transport: Arc::new(refuse.clone()),
            cache: None,
            scheme: None,
            flow: None,
            trouble: Some(Box::new(refuse)),
            traffic,
        };
        Self::new(config, shared, version, open)
    }

    /// An integration of which nothing but the id can be read.
    pub(crate) fn damaged(id: &str, shared: &Shared, version: Version, error: &Error) -> Result<Self> {
        let stub = serde_json::json!({ "integration_id": id, "type": "unknown" });
        let broken = Self::broken(&IntegrationConfig::from_json(stub)?, shared, version, error);
        Ok(Self { document: Zeroizing::default(), ..broken })
    }

    fn new(
        config: &IntegrationConfig,
        shared: &Shared,
        Version { source, generation, updated_at_ms }: Version,
        Open { layers, transport, cache, scheme, flow, trouble, traffic }: Open,
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
    pub(crate) fn at(self, generation: u64) -> Self {
        Self { generation, ..self }
    }

    /// The id.
    pub fn id(&self) -> &IntegrationId {
        &self.id
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
        self.trouble.as_deref().map(Refuse::error)
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

    /// Whether this was made from `config` and would be made the same again.
    pub(crate) fn is_of(&self, config: &IntegrationConfig) -> bool {
        *self.document == *config.text() && !config.reads_files()
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
        let result = self.pipeline.run(call).await;
        result.map_err(|error| if error.attempts() == 0 { error.attempted(call.attempt) } else { error })
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

/// Host and port of the base URL, and no more of it: the rest may hold secrets.
fn address(config: &IntegrationConfig) -> Option<(Box<str>, u16)> {
    let uri: Uri = config.base_url()?.parse().ok()?;
    let implied = if uri.scheme() == Some(&Scheme::HTTPS) { 443 } else { 80 };
    let host = uri.host()?.trim_matches(['[', ']']);
    Some((host.into(), uri.port_u16().unwrap_or(implied)))
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
