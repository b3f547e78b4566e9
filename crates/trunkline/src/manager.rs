//! `Manager`: the registry of integrations: register, replace, remove, enable, get, call, health.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use arc_swap::ArcSwap;
use futures_util::{StreamExt, stream};
use tokio::{
    sync::Mutex,
    time::{Instant, timeout_at},
};
use tokio_util::sync::CancellationToken;
use trunkline_core::{Call, Context, Egress, Error, IntegrationId, Kind, Operation, Reply, Result};
use trunkline_layers::{Metrics, Recorder};
use trunkline_store::{MemoryStore, Store, Stored};

use crate::{
    Activity, Handle, Health, IntegrationConfig, Source,
    handle::{Shared, Version},
};

/// Probes under way at the same time.
const PROBES: usize = 16;
/// Time for the health of all; those not asked by then are unknown.
const HEALTH: Duration = Duration::from_secs(30);

/// The registry. Clone it freely: clones are the same registry.
#[derive(Clone)]
pub struct Manager {
    inner: Arc<Inner>,
}

struct Inner {
    shared: Shared,
    store: Arc<dyn Store>,
    activity: Arc<Activity>,
    /// Read without a lock on every call; replaced whole by the few who write.
    registry: ArcSwap<Registry>,
    /// One writer at a time, so that store and registry change in the same order.
    writing: Mutex<()>,
    stop: CancellationToken,
}

type Registry = HashMap<IntegrationId, Arc<Handle>>;

/// What became of a registration.
#[derive(Debug)]
pub struct Registered {
    /// The integration.
    pub handle: Arc<Handle>,
    /// What its owner should know.
    pub warnings: Vec<String>,
}

/// How a [`Manager`] is set up.
#[derive(Debug)]
pub struct Builder {
    egress: Egress,
    store: Option<Arc<dyn Store>>,
    activity: usize,
    metrics: Metrics,
}

impl Builder {
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

    /// Opens all integrations of the store and starts writing activity down.
    ///
    /// # Errors
    ///
    /// `store_unavailable` when the store cannot be read. An integration that does not open is no error
    /// here: it is listed with what is wrong with it.
    pub async fn build(self) -> Result<Manager> {
        let store = self.store.unwrap_or_else(|| Arc::new(MemoryStore::new(16)));
        let recorder = Arc::new(Recorder::new(16_384));
        let mut metrics = self.metrics;
        let dropped = recorder.clone();
        metrics.register_counter(
            "trunkline_activity_dropped",
            "Activity records lost to overload",
            move || dropped.dropped(),
        );
        let shared = Shared {
            context: Context::new(Arc::new(self.egress)),
            metrics: Arc::new(metrics),
            recorder: recorder.clone(),
        };
        let activity = Arc::new(Activity::load(recorder, store.clone(), self.activity).await);
        let stored = store.load().await?;
        let registry = stored.into_iter().filter_map(|stored| revive(stored, &shared)).collect::<Registry>();
        let stop = CancellationToken::new();
        tokio::spawn(activity.clone().run(stop.clone()));
        let registry = ArcSwap::from_pointee(registry);
        Ok(Manager {
            inner: Arc::new(Inner { shared, store, activity, registry, writing: Mutex::default(), stop }),
        })
    }
}

/// Opens what was stored; what does not open is kept and says why.
fn revive(stored: Stored, shared: &Shared) -> Option<(IntegrationId, Arc<Handle>)> {
    let version =
        Version { source: Source::Store, generation: stored.generation, updated_at_ms: stored.updated_at_ms };
    let config = stored.document.and_then(|document| IntegrationConfig::from_slice(&document));
    let (config, opened) = match config {
        Ok(config) => {
            let opened = Handle::open(&config, shared, version);
            (config, opened)
        }
        Err(error) => {
            let stub = serde_json::json!({ "integration_id": stored.id, "type": "unknown" });
            (IntegrationConfig::from_json(stub).ok()?, Err(error))
        }
    };
    let handle = opened.unwrap_or_else(|error| {
        tracing::error!(integration = %config.id(), %error, "a stored integration does not open");
        Handle::broken(&config, shared, version, &error)
    });
    Some((config.id().clone(), Arc::new(handle)))
}

impl Manager {
    /// A manager to be set up.
    pub fn builder() -> Builder {
        Builder { egress: Egress::default(), store: None, activity: 50_000, metrics: Metrics::new() }
    }

    /// Registers an integration. Nothing is sent: a service that is down can be registered.
    ///
    /// # Errors
    ///
    /// `invalid_config` or `unsupported`, naming the key; `conflict` when the id is taken;
    /// `store_unavailable`. In each case nothing has changed.
    pub async fn register(&self, config: IntegrationConfig) -> Result<Registered> {
        let inner = &self.inner;
        let _writing = inner.writing.lock().await;
        if inner.registry.load().contains_key(config.id()) {
            return Err(taken(config.id()));
        }
        self.store(config, None).await
    }

    /// Replaces an integration. `expected` is the generation that was read; `None` takes any.
    ///
    /// # Errors
    ///
    /// As [`Manager::register`]; `unknown_integration`, and `conflict` when it has changed since.
    pub async fn replace(&self, config: IntegrationConfig, expected: Option<u64>) -> Result<Registered> {
        let _writing = self.inner.writing.lock().await;
        let held = self.owned(config.id(), expected)?;
        self.store(config, Some(held.generation())).await
    }

    /// Switches an integration on or off. Calls under way end as they would have.
    ///
    /// # Errors
    ///
    /// As [`Manager::replace`].
    pub async fn set_enabled(&self, id: &str, enabled: bool) -> Result<Registered> {
        let _writing = self.inner.writing.lock().await;
        let held = self.owned(id, None)?;
        self.store(held.config()?.with_enabled(enabled), Some(held.generation())).await
    }

    /// Removes an integration with its secrets. Calls under way end as they would have.
    ///
    /// # Errors
    ///
    /// `unknown_integration`; `conflict` when it has changed since `expected`; `store_unavailable`.
    pub async fn remove(&self, id: &str, expected: Option<u64>) -> Result<()> {
        let inner = &self.inner;
        let _writing = inner.writing.lock().await;
        let held = self.owned(id, expected)?;
        inner.store.delete(id, Some(held.generation())).await?;
        self.swap(|registry| {
            registry.remove(id);
        });
        inner.shared.metrics.forget(held.id().shared());
        held.close().await;
        Ok(())
    }

    /// Replaces all integrations that come from `source` (a file, the samples) by `configs`, or none of
    /// them if one is at fault. They are not stored: their source is where they live.
    ///
    /// # Errors
    ///
    /// `invalid_config` or `unsupported`, naming the integration and the key; `conflict` when an id is
    /// there twice.
    pub async fn set_source(&self, source: Source, configs: &[IntegrationConfig]) -> Result<()> {
        let inner = &self.inner;
        let _writing = inner.writing.lock().await;
        let mut fresh = Registry::new();
        let held = inner.registry.load_full();
        for config in configs {
            let id = config.id();
            if held.get(id).is_some_and(|held| held.source() != source) || fresh.contains_key(id) {
                return Err(taken(id));
            }
            let version = Version { source, generation: 0, updated_at_ms: now_ms() };
            // One that did not change keeps its handle, and with it what it has learnt.
            let same =
                held.get(id).filter(|held| held.config().is_ok_and(|held| held.expose() == config.expose()));
            let handle = match same {
                Some(same) => same.clone(),
                None => Arc::new(Handle::open(config, &inner.shared, version).map_err(|error| error.at(id))?),
            };
            fresh.insert(id.clone(), handle);
        }
        let gone: Vec<_> = held
            .values()
            .filter(|held| {
                held.source() == source && !fresh.get(held.id()).is_some_and(|fresh| Arc::ptr_eq(fresh, held))
            })
            .cloned()
            .collect();
        self.swap(|registry| {
            registry.retain(|_, handle| handle.source() != source);
            registry.extend(fresh.clone());
        });
        for handle in gone {
            if !fresh.contains_key(handle.id()) {
                inner.shared.metrics.forget(handle.id().shared());
            }
            handle.close().await;
        }
        Ok(())
    }

    /// Checks a configuration as [`Manager::register`] would, and changes nothing.
    ///
    /// # Errors
    ///
    /// `invalid_config` or `unsupported`, naming the key.
    pub fn check(&self, config: &IntegrationConfig) -> Result<()> {
        let version = Version { source: Source::Store, generation: 0, updated_at_ms: 0 };
        Handle::open(config, &self.inner.shared, version).map(drop)
    }

    /// The integration of this id, as it is now. Takes no lock.
    ///
    /// # Errors
    ///
    /// `unknown_integration`.
    pub fn get(&self, id: &str) -> Result<Arc<Handle>> {
        self.inner.registry.load().get(id).cloned().ok_or_else(|| {
            let shown: String = id.chars().filter(|c| !c.is_control()).take(128).collect();
            Error::new(Kind::UnknownIntegration, "no such integration; list them to see which there are")
                .with("integration", shown)
        })
    }

    /// All integrations, in the order of their ids.
    pub fn list(&self) -> Vec<Arc<Handle>> {
        let mut all: Vec<_> = self.inner.registry.load().values().cloned().collect();
        all.sort_unstable_by(|a, b| a.id().cmp(b.id()));
        all
    }

    /// Calls an integration.
    ///
    /// # Errors
    ///
    /// `unknown_integration`, and whatever the pipeline says.
    pub async fn call(&self, id: &str, operation: impl Into<Operation>) -> Result<Reply> {
        let handle = self.get(id)?;
        let mut call = Call::new(handle.id().clone(), operation);
        handle.call(&mut call).await
    }

    /// Probes one integration, for at most 5 seconds.
    ///
    /// # Errors
    ///
    /// `unknown_integration`. That a service is down is no error here.
    pub async fn health(&self, id: &str) -> Result<Health> {
        let handle = self.get(id)?;
        Ok(Health::of(&handle).await)
    }

    /// Probes all integrations, 16 at a time, for at most 30 seconds. Those that could not be asked by
    /// then are unknown.
    pub async fn health_all(&self) -> BTreeMap<IntegrationId, Health> {
        let all = self.list();
        let mut found: BTreeMap<_, _> =
            all.iter().map(|handle| (handle.id().clone(), Health::not_checked())).collect();
        let end = Instant::now() + HEALTH;
        let probes =
            stream::iter(all).map(|handle| async move { (handle.id().clone(), Health::of(&handle).await) });
        let mut probes = std::pin::pin!(probes.buffer_unordered(PROBES));
        while let Ok(Some((id, health))) = timeout_at(end, probes.next()).await {
            found.insert(id, health);
        }
        found
    }

    /// What happened lately.
    pub fn activity(&self) -> &Activity {
        &self.inner.activity
    }

    /// The metrics of all calls.
    pub fn metrics(&self) -> &Metrics {
        &self.inner.shared.metrics
    }

    /// The egress guard that every connection passes.
    pub fn egress(&self) -> &Egress {
        &self.inner.shared.context.egress
    }

    /// Whether the store answers.
    ///
    /// # Errors
    ///
    /// `store_unavailable`.
    pub async fn ready(&self) -> Result<()> {
        self.inner.store.ping().await
    }

    /// Writes down what is left of activity and gives the store up.
    pub async fn close(&self) {
        self.inner.stop.cancel();
        self.inner.activity.flush().await;
        self.inner.store.close().await;
    }

    /// The integration of this id, if it is the store's to change.
    fn owned(&self, id: &str, expected: Option<u64>) -> Result<Arc<Handle>> {
        let held = self.get(id)?;
        match held.source() {
            Source::Store => {}
            Source::File => {
                return Err(Error::new(
                    Kind::Conflict,
                    "the integration is defined in the configuration file; change it there",
                ));
            }
            Source::Demo => {
                return Err(Error::new(
                    Kind::Conflict,
                    "the samples of --demo cannot be changed; register your own",
                ));
            }
        }
        if expected.is_some_and(|expected| expected != held.generation()) {
            return Err(Error::new(
                Kind::Conflict,
                "the integration has changed since it was read; read it again",
            )
            .with("generation", held.generation().to_string()));
        }
        Ok(held)
    }

    /// Opens, stores and shows an integration, in this order: what does not open is not stored, and what
    /// is not stored is not shown. The caller holds the writing lock.
    async fn store(&self, config: IntegrationConfig, expected: Option<u64>) -> Result<Registered> {
        let inner = &self.inner;
        let version = Version { source: Source::Store, generation: 0, updated_at_ms: now_ms() };
        let handle = Handle::open(&config, &inner.shared, version)?;
        let document = zeroize::Zeroizing::new(config.expose().to_string());
        let generation = inner.store.put(config.id(), expected, document.as_bytes()).await?;
        let handle = Arc::new(handle.at(generation));
        let warnings = config.warnings();
        self.swap(|registry| {
            registry.insert(handle.id().clone(), handle.clone());
        });
        Ok(Registered { handle, warnings })
    }

    fn swap(&self, change: impl FnOnce(&mut Registry)) {
        let mut registry = Registry::clone(&self.inner.registry.load());
        change(&mut registry);
        self.inner.registry.store(Arc::new(registry));
    }
}

impl std::fmt::Debug for Manager {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Manager")
            .field("integrations", &self.inner.registry.load().len())
            .finish_non_exhaustive()
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

fn taken(id: &IntegrationId) -> Error {
    Error::new(Kind::Conflict, "an integration of this id exists; replace it with PUT, or choose another id")
        .with("integration", &**id)
}

fn now_ms() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(now.as_millis()).unwrap_or_default()
}
