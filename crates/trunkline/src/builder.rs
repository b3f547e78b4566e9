//! `Builder`: how a [`Manager`] is set up.

use std::{path::PathBuf, sync::Arc, time::Duration};

use trunkline_auth::{Entry as SchemeEntry, Of as OfScheme};
use trunkline_connectors::Connector;
use trunkline_core::{
    Context, Counted, Egress, IntegrationId, Layer, Result, Scheme, SharedLimits, Transport,
};
use trunkline_layers::{Bound, CacheStore, Capacity, Metrics, Recorder, Spans};
use trunkline_store::{MemoryStore, Store};
use trunkline_transports::{Entry, HttpPort, Of};

use crate::{
    Catalog, Manager,
    files::Files,
    folder::Folder,
    health::Limits,
    opened::{OPEN, Opened},
    order::Own,
    pools::Pools,
    shared::Shared,
};

/// How a [`Manager`] is set up.
pub struct Builder {
    egress: Egress,
    store: Option<Arc<dyn Store>>,
    activity: usize,
    cache: u64,
    metrics: Metrics,
    spans: Option<Arc<Spans>>,
    limits: Limits,
    in_flight: u32,
    open: usize,
    transports: Vec<Box<dyn Entry>>,
    schemes: Vec<Box<dyn SchemeEntry>>,
    layers: Vec<Own>,
    counter: Option<Arc<dyn SharedLimits>>,
    databases: Option<PathBuf>,
    connectors: Option<PathBuf>,
    own: Vec<Arc<Connector>>,
    begin_later: bool,
}

/// Calls under way at the same time, of all integrations together.
const IN_FLIGHT: u32 = 1024;

impl Builder {
    pub(crate) fn new() -> Self {
        Self {
            egress: Egress::default(),
            store: None,
            activity: 50_000,
            cache: 64 << 20,
            metrics: Metrics::new(),
            spans: None,
            limits: Limits::default(),
            in_flight: IN_FLIGHT,
            open: OPEN,
            transports: Vec::new(),
            schemes: Vec::new(),
            layers: Vec::new(),
            counter: None,
            databases: None,
            connectors: None,
            own: Vec::new(),
            begin_later: false,
        }
    }

    /// A folder of manifests: each describes a vendor, and takes the place of a built-in one of its name. It is looked at
    /// every few seconds; a file that does not do changes nothing. None unless set.
    #[must_use]
    pub fn connectors_in(mut self, folder: impl Into<PathBuf>) -> Self {
        self.connectors = Some(folder.into());
        self
    }

    /// Adds a connector of your own: integrations name it as they do those that are built in, and it takes the place of one
    /// of its name.
    #[must_use]
    pub fn connector(mut self, connector: impl Into<Arc<Connector>>) -> Self {
        self.own.push(connector.into());
        self
    }

    /// Forwards no webhook and no message before [`Manager::begin`] is called: for a program that has to say more first, such
    /// as which integrations it has from elsewhere, or what may be dialled.
    #[must_use]
    pub fn begin_later(mut self) -> Self {
        self.begin_later = true;
        self
    }

    /// Which addresses may be dialled; the profile `guarded` unless set.
    #[must_use]
    pub fn egress(mut self, egress: Egress) -> Self {
        self.egress = egress;
        self
    }

    /// Where integrations live; in memory unless set.
    #[must_use]
    pub fn store(mut self, store: Arc<dyn Store>) -> Self {
        self.store = Some(store);
        self
    }

    /// How many records of activity are kept; 50,000 unless set.
    #[must_use]
    pub fn activity(mut self, records: usize) -> Self {
        self.activity = records;
        self
    }

    /// Bytes of replies that are kept, over all integrations; 64 MiB unless set, and none with 0.
    #[must_use]
    pub fn cache(mut self, bytes: u64) -> Self {
        self.cache = bytes;
        self
    }

    /// Records traces: each call, and each attempt of it, leaves a span here, for the program to drain and export.
    /// None are recorded unless set.
    #[must_use]
    pub fn spans(mut self, spans: Arc<Spans>) -> Self {
        self.spans = Some(spans);
        self
    }

    /// How long the health check may take for one integration, and for all; 5 and 30 seconds unless set.
    #[must_use]
    pub fn health_within(mut self, one: Duration, all: Duration) -> Self {
        self.limits = Limits { one, all };
        self
    }

    /// How many calls may be under way at the same time, of all integrations together; 1,024 unless set. Others
    /// wait for up to a second, 256 of them, and then hear `overloaded`.
    #[must_use]
    pub fn in_flight(mut self, calls: u32) -> Self {
        self.in_flight = calls;
        self
    }

    /// How many connections stay open when nobody calls them; 10,000 unless set. One that is called for the first time,
    /// or after it was closed, is opened from the store; what was learnt of it, an open circuit for instance, is gone as
    /// after a restart.
    #[must_use]
    pub fn open_connections(mut self, most: usize) -> Self {
        self.open = most;
        self
    }

    /// Counts what is taken of rate limits together with other managers, such as those of other servers:
    /// [`RedisLimits`](crate::RedisLimits) does it in Redis. Unless set, each counts for itself.
    #[must_use]
    pub fn shared_limits(mut self, counter: Arc<dyn SharedLimits>) -> Self {
        self.counter = Some(counter);
        self
    }

    /// The only folder in which databases that are files (type `sqlite`) may be; relative paths are relative to it. It
    /// is made when it is needed. Unless set, such a file may be wherever the program can write, and relative paths are
    /// relative to its working directory: set it where others than the program's author write configurations.
    #[must_use]
    pub fn databases_in(mut self, folder: impl Into<PathBuf>) -> Self {
        self.databases = Some(folder.into());
        self
    }

    /// Adds a transport of your own: [`Transport::NAME`] becomes a `type` that integrations may have. Where
    /// that name is built in, yours takes its place.
    #[must_use]
    pub fn transport<T: Transport>(mut self) -> Self {
        self.transports.push(Box::new(Of::<T>::NEW));
        self
    }

    /// Adds an auth scheme of your own: [`Scheme::NAME`] becomes an `auth_type` that integrations may have. Where
    /// that name is built in, yours takes its place, `none` included. Its configuration is checked, described and
    /// masked by the schema of [`Scheme::Config`].
    #[must_use]
    pub fn scheme<T: Scheme>(mut self) -> Self {
        // One that was added before under this name has no say any more.
        self.schemes.retain(|scheme| scheme.name() != T::NAME);
        self.schemes.push(Box::new(OfScheme::<T>::NEW));
        self
    }

    /// Adds a layer of your own. It stands below the deadline and the admission, above the cache and the retry:
    /// each call passes it once, however often it is attempted and also if the cache answers it. Of several the
    /// first that was added is the outermost. Probes do not pass it, nor do calls of an integration that is
    /// switched off.
    ///
    /// `make` is asked whenever a configuration is opened, be it only to check it, and leaves the layer out with
    /// `None`. What has to outlive a change of the configuration is kept in `make`, and shared with the layers.
    #[must_use]
    pub fn layer<L: Layer>(
        mut self,
        make: impl Fn(&IntegrationId) -> Option<L> + Send + Sync + 'static,
    ) -> Self {
        self.layers.push(Box::new(move |id| make(id).map(|layer| Arc::new(layer) as Arc<dyn Layer>)));
        self
    }

    /// Opens all integrations of the store and starts writing activity down.
    ///
    /// # Errors
    ///
    /// `store_unavailable` when the store cannot be read. An integration that does not open is no error
    /// here: it is listed with what is wrong with it.
    pub async fn build(self) -> Result<Manager> {
        // What is kept in memory is not kept twice.
        let store = self.store.unwrap_or_else(|| Arc::new(MemoryStore::new(0)));
        let recorder = Arc::new(Recorder::new(16_384));
        let mut metrics = self.metrics;
        let dropped = recorder.clone();
        metrics.register_counter(
            "trunkline_activity_dropped",
            "Activity records lost to overload",
            move || dropped.dropped(),
        );
        if let Some(spans) = self.spans.clone() {
            metrics.register_counter(
                "trunkline_spans_dropped",
                "Spans of traces that were lost: too many at once, or nobody took them",
                move || spans.dropped(),
            );
        }
        let cache = (self.cache > 0).then(|| Arc::new(CacheStore::new(self.cache)));
        cache.iter().for_each(|cache| metrics.register_cache(cache));
        if let Some(counter) = self.counter.clone() {
            metrics.register_gauge(
                "trunkline_shared_limits_up",
                "1 while all servers count rate limits together, 0 while each has to for itself",
                move || u64::from(counter.standing().counted == Counted::Shared),
            );
        }
        let opened = Arc::new(Opened::new(self.open));
        let counted = opened.clone();
        metrics.register_gauge(
            "trunkline_connections_open",
            "Connections that were called and are kept open",
            move || counted.count() as u64,
        );
        let pools = Arc::new(Pools::default());
        let read = pools.clone();
        metrics.register_pools(move || read.read());
        let mut context = Context::new(Arc::new(self.egress));
        if let Some(folder) = self.databases {
            context = context.with_databases(folder);
        }
        if let Some(instance) = store.instance() {
            context = context.with_instance(instance);
        }
        let catalog = match (&*self.transports, &*self.schemes, &*self.own, &self.connectors) {
            ([], [], [], None) => Catalog::shared().clone(),
            (transports, schemes, ..) => {
                let own = Arc::new(Catalog::with(transports, schemes));
                own.clone().keep(&context);
                own
            }
        };
        if !self.own.is_empty() {
            let mut connectors = (*catalog.connectors()).clone();
            self.own.into_iter().for_each(|connector| connectors.insert(connector));
            catalog.set_connectors(connectors);
        }
        let folder = self.connectors.map(|path| Folder::read(path, &catalog)).transpose()?;
        let web = Arc::new(HttpPort::new(&context));
        let shared = Shared {
            context: context.with_web(web),
            store,
            metrics: Arc::new(metrics),
            recorder: recorder.clone(),
            spans: self.spans,
            cache,
            catalog,
            admission: Arc::new(Bound::of_server(Capacity { max: self.in_flight, ..Capacity::default() })),
            transports: self.transports.into(),
            schemes: self.schemes.into(),
            layers: self.layers.into(),
            counter: self.counter,
            files: Files::default(),
        };
        let manager = Manager::start(shared, folder, opened, &pools, self.activity, self.limits).await?;
        if !self.begin_later {
            manager.begin();
        }
        Ok(manager)
    }
}

impl std::fmt::Debug for Builder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Builder")
            .field("egress", &self.egress)
            .field("store", &self.store)
            .finish_non_exhaustive()
    }
}
