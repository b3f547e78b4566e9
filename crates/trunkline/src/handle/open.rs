//! How a handle is opened: transport, scheme and layers made of a configuration, or what stands there where that fails.

use std::sync::Arc;

use trunkline_core::{Error, Layer, Pipeline, Result, SchemeDyn, TransportDyn};
use trunkline_layers::{CacheScope, ErrorsConfig, ExpiredWhen, Observe, Service, Traffic};
use zeroize::Zeroizing;

use super::Handle;
use crate::{
    bridge::Bridge,
    config::{IntegrationConfig, host_and_port, not_known},
    files::Files,
    flow::Flow,
    health::Known,
    hooks::Hooks,
    order, placeholder,
    refuse::Refuse,
    shared::Shared,
    site::site,
    tenant::Tenant,
    version::Version,
};

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
    bridge: Option<Box<Bridge>>,
    hooks: Option<Box<Hooks>>,
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
        let known;
        let config = match config.vendor() {
            // That of a connection is its integration's.
            Some(vendor) if tenant.is_none() && !vendor.is_of(&shared.catalog) => {
                known = config.clone().of(Some(shared.catalog.clone()))?;
                &known
            }
            _ => config,
        };
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
        // They are the integration's, whoever calls it.
        let hooks = match &tenant {
            None => Hooks::open(config)?,
            Some(_) => None,
        };
        if tenant.is_none() && placeholder::any(config.document()) {
            placeholder::all(config.document())?;
            Bridge::none_for_connections(config)?;
            return Ok(Self::asking(config, shared, version, flow, hooks));
        }
        let cache = cache(config, shared);
        let site = site(config, shared, connection, cache.as_ref());
        let context = match &site.journal {
            Some(journal) => shared.context.clone().with_journal(journal.clone()),
            None => shared.context.clone(),
        };
        let transport = transport.open(own, &context)?;
        // Once, however many connections there are.
        let bridge = match &tenant {
            None => Bridge::open(config, &*transport)?,
            Some(_) => None,
        };
        let scheme = scheme.open(config.auth(), &site)?;
        // `none` sends nothing: it is not in the pipeline at all, unless the program has one of its own.
        let scheme = (auth_type != "none" || shared.brought(auth_type)).then_some(scheme);
        let judge = config.common().errors.as_ref().map(ErrorsConfig::open).transpose()?;
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
            judge,
            metrics,
            recorder: shared.recorder.clone(),
            spans: shared.spans.clone(),
            service: Service { system: transport.system(), address },
            traffic: traffic.clone(),
            flow: &flow,
            admission: shared.admission.clone(),
            cache: cache.clone(),
            own: &shared.layers,
        });
        let (flow, tenant) = (Some(Box::new(flow)), tenant.map(Box::new));
        let open =
            Open { layers, transport, cache, scheme, flow, trouble: None, traffic, tenant, bridge, hooks };
        shared.files.note(looks);
        Ok(Self::new(config, shared, version, open))
    }

    /// An integration with placeholders: its connections are called, and it says so.
    fn asking(
        config: &IntegrationConfig,
        shared: &Shared,
        version: Version,
        flow: Flow,
        hooks: Option<Box<Hooks>>,
    ) -> Self {
        let refuse = if config.enabled() { Refuse::asking() } else { Refuse::disabled() };
        let mut handle = Self::refusing(config, shared, version, refuse);
        handle.flow = Some(Box::new(flow));
        handle.hooks = hooks;
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
            bridge: None,
            hooks: None,
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
        Open { layers, transport, cache, scheme, flow, trouble, traffic, tenant, bridge, hooks }: Open,
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
            bridge,
            hooks,
            vendor: config.vendor().cloned().map(Box::new),
        }
    }
}

/// Where an integration keeps replies. The headers of HTTP say what may be kept; where there are none, the caller of a
/// query can, or the configuration.
fn cache(config: &IntegrationConfig, shared: &Shared) -> Option<Arc<CacheScope>> {
    let store = shared.cache.as_ref()?;
    let settings = config.common().cache_config.as_ref();
    let settings = settings.cloned().unwrap_or_default();
    if !settings.is_on() {
        return None;
    }
    let base = config.base_url();
    Some(Arc::new(CacheScope::new(store.clone(), &settings, base.as_deref())))
}
