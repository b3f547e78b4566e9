//! `Manager`: the registry of integrations: register, replace, remove, enable, get, call, health.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use arc_swap::ArcSwap;
use futures_util::{StreamExt, stream};
use tokio::{
    sync::{Mutex, OwnedMutexGuard},
    task::JoinHandle,
    time::{Instant, timeout_at},
};
use tokio_util::sync::CancellationToken;
use trunkline_core::{Call, Egress, Error, IntegrationId, Kind, Operation, Outcome, Reply, Result};
use trunkline_layers::Metrics;
use trunkline_store::{Store, Stored};

use crate::{
    Activity, Builder, Catalog, Handle, Health, IntegrationConfig, Source,
    handle::{Shared, Version},
    health::Limits,
};

/// Probes under way at the same time.
const PROBES: usize = 16;

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
    writing: Arc<Mutex<()>>,
    limits: Limits,
    stop: CancellationToken,
    /// Writes activity down; ends with what is left when `stop` is cancelled.
    recording: Mutex<Option<JoinHandle<()>>>,
}

/// The right to write, until it is dropped.
type Writing = OwnedMutexGuard<()>;

type Registry = HashMap<IntegrationId, Arc<Handle>>;

/// What became of a registration.
#[derive(Debug)]
pub struct Registered {
    /// The integration.
    pub handle: Arc<Handle>,
    /// What its owner should know.
    pub warnings: Vec<String>,
}

impl Manager {
    /// A manager to be set up.
    pub fn builder() -> Builder {
        Builder::new()
    }

    /// Opens what the store has.
    pub(crate) async fn start(
        shared: Shared,
        store: Arc<dyn Store>,
        keep: usize,
        limits: Limits,
    ) -> Result<Self> {
        let stored = store.load().await?;
        let registry = stored
            .into_iter()
            .filter_map(|stored| revive(stored, &shared, None))
            .map(|handle| (handle.id().clone(), handle))
            .collect::<Registry>();
        let activity = Arc::new(Activity::load(shared.recorder.clone(), store.clone(), keep).await);
        let stop = CancellationToken::new();
        let recording = tokio::spawn(activity.clone().run(stop.clone()));
        let inner = Inner {
            shared,
            store,
            activity,
            registry: ArcSwap::from_pointee(registry),
            writing: Arc::default(),
            limits,
            stop,
            recording: Mutex::new(Some(recording)),
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Registers an integration. Nothing is sent: a service that is down can be registered.
    ///
    /// # Errors
    ///
    /// `invalid_config` or `unsupported`, naming the key; `conflict` when the id is taken;
    /// `store_unavailable`. In each case nothing has changed, unless the error's outcome is `unknown`.
    pub async fn register(&self, config: IntegrationConfig) -> Result<Registered> {
        let writing = self.writing().await;
        if self.inner.registry.load().contains_key(config.id()) {
            return Err(taken(config.id()));
        }
        self.store(writing, config, None).await
    }

    /// Replaces an integration. `expected` is the generation that was read; `None` takes any. Calls under
    /// way end as they would have.
    ///
    /// # Errors
    ///
    /// As [`Manager::register`]; `unknown_integration`, and `conflict` when it has changed since.
    pub async fn replace(&self, config: IntegrationConfig, expected: Option<u64>) -> Result<Registered> {
        let writing = self.writing().await;
        let held = self.owned(config.id(), expected)?;
        self.store(writing, config, Some(held.generation())).await
    }

    /// Switches an integration on or off. Calls under way end as they would have.
    ///
    /// # Errors
    ///
    /// As [`Manager::replace`].
    pub async fn set_enabled(&self, id: &str, enabled: bool) -> Result<Registered> {
        let writing = self.writing().await;
        let held = self.owned(id, None)?;
        self.store(writing, held.config()?.with_enabled(enabled), Some(held.generation())).await
    }

    /// Removes an integration with its secrets. Calls under way end as they would have.
    ///
    /// # Errors
    ///
    /// `unknown_integration`; `conflict` when it has changed since `expected`; `store_unavailable`.
    pub async fn remove(&self, id: &str, expected: Option<u64>) -> Result<()> {
        let writing = self.writing().await;
        let held = self.owned(id, expected)?;
        // One that is too damaged to say its generation can still be removed.
        let expected = Some(held.generation()).filter(|generation| *generation != 0);
        let this = self.clone();
        commit(writing, async move {
            if let Err(error) = this.inner.store.delete(held.id(), expected).await {
                return Err(this.reconciled(held.id(), error).await);
            }
            Ok(((), this.swap(|registry| registry.remove(held.id()).into_iter().collect())))
        })
        .await
    }

    /// Replaces all integrations that come from `source` (a file, the samples) by `configs`, or none of
    /// them if one is at fault. They are not stored: their source is where they live. One that did not
    /// change keeps its handle, and with it what it has learnt.
    ///
    /// # Errors
    ///
    /// `invalid_config` or `unsupported`, naming the integration and the key; `conflict` when an id is
    /// there twice, or is another source's.
    pub async fn set_source(&self, source: Source, configs: &[IntegrationConfig]) -> Result<()> {
        if source == Source::Store {
            return Err(Error::new(Kind::Unsupported, "what is in the store is changed one by one"));
        }
        let writing = self.writing().await;
        let mut fresh = Registry::with_capacity(configs.len());
        let held = self.inner.registry.load_full();
        for config in configs {
            let id = config.id();
            let conflict =
                |message| Err(Error::new(Kind::Conflict, message).at(id).with("integration", &**id));
            if fresh.contains_key(id) {
                return conflict("is there twice; rename one of them");
            }
            let held = held.get(id);
            if held.is_some_and(|held| held.source() != source) {
                return conflict(
                    "is registered already; rename it here, or remove the one that is registered",
                );
            }
            let handle = match held.filter(|held| held.is_of(config)) {
                Some(same) => same.clone(),
                None => {
                    let version = Version { source, generation: 0, updated_at_ms: now_ms() };
                    let opened = Handle::open(config, &self.inner.shared, version, held.map(|held| &**held));
                    Arc::new(opened.map_err(|error| error.at(id))?)
                }
            };
            fresh.insert(id.clone(), handle);
        }
        fresh.values().for_each(|handle| handle.adopt());
        let gone = self.swap(|registry| {
            let is_gone = |handle: &Arc<Handle>| {
                handle.source() == source
                    && !fresh.get(handle.id()).is_some_and(|fresh| Arc::ptr_eq(fresh, handle))
            };
            let gone = registry.extract_if(|_, handle| is_gone(handle)).map(|(_, gone)| gone).collect();
            registry.extend(fresh);
            gone
        });
        commit(writing, async { Ok(((), gone)) }).await
    }

    /// Checks a configuration as [`Manager::register`] would, and changes nothing.
    ///
    /// # Errors
    ///
    /// `invalid_config` or `unsupported`, naming the key.
    pub fn check(&self, config: &IntegrationConfig) -> Result<()> {
        let version = Version { source: Source::Store, generation: 0, updated_at_ms: 0 };
        Handle::open(config, &self.inner.shared, version, None).map(drop)
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

    /// Probes one integration, for at most 5 seconds unless set otherwise.
    ///
    /// # Errors
    ///
    /// `unknown_integration`. That a service is down is no error here.
    pub async fn health(&self, id: &str) -> Result<Health> {
        let handle = self.get(id)?;
        Ok(Health::of(&handle, self.inner.limits.one).await)
    }

    /// Probes all integrations, 16 at a time, for at most 30 seconds unless set otherwise. Those that could
    /// not be asked by then are unknown.
    pub async fn health_all(&self) -> BTreeMap<IntegrationId, Health> {
        let all = self.list();
        let mut found: BTreeMap<_, _> =
            all.iter().map(|handle| (handle.id().clone(), Health::not_checked())).collect();
        let Limits { one, all: whole } = self.inner.limits;
        let end = Instant::now() + whole;
        let probes = stream::iter(all)
            .map(|handle| async move { (handle.id().clone(), Health::of(&handle, one).await) });
        let mut probes = std::pin::pin!(probes.buffer_unordered(PROBES));
        while let Ok(Some((id, health))) = timeout_at(end, probes.next()).await {
            found.insert(id, health);
        }
        found
    }

    /// The schemas of everything that can be configured here.
    pub fn catalog(&self) -> &Catalog {
        &self.inner.shared.catalog
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

    /// Writes down what is left of activity, gives back what transports hold, and gives the store up.
    /// Calls under way may still end; their records are kept only if they end before.
    pub async fn close(&self) {
        let _writing = self.writing().await;
        self.inner.stop.cancel();
        let mut recording = self.inner.recording.lock().await;
        if let Some(task) = &mut *recording {
            let _ = task.await;
            *recording = None;
        }
        stream::iter(self.list()).for_each_concurrent(PROBES, async |handle| handle.close().await).await;
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

    async fn writing(&self) -> Writing {
        self.inner.writing.clone().lock_owned().await
    }

    /// Opens, stores and shows an integration, in this order: what does not open is not stored, and what
    /// is not stored is not shown.
    async fn store(
        &self,
        writing: Writing,
        config: IntegrationConfig,
        expected: Option<u64>,
    ) -> Result<Registered> {
        let version = Version { source: Source::Store, generation: 0, updated_at_ms: now_ms() };
        let held = self.inner.registry.load().get(config.id()).cloned();
        let handle = Handle::open(&config, &self.inner.shared, version, held.as_deref())?;
        let this = self.clone();
        commit(writing, async move {
            let put = this.inner.store.put(config.id(), expected, config.text().as_bytes()).await;
            let generation = match put {
                Ok(generation) => generation,
                Err(error) => return Err(this.reconciled(config.id(), error).await),
            };
            let handle = Arc::new(handle.at(generation));
            handle.adopt();
            let registered = Registered { handle: handle.clone(), warnings: config.warnings() };
            let replaced =
                |registry: &mut Registry| registry.insert(handle.id().clone(), handle).into_iter().collect();
            Ok((registered, this.swap(replaced)))
        })
        .await
    }

    /// After a write that failed: if nobody knows whether the store was changed, or the store says that
    /// the registry is wrong about it, the registry is set to what the store has.
    async fn reconciled(&self, id: &str, error: Error) -> Error {
        let apart = matches!(error.kind(), Kind::Conflict | Kind::UnknownIntegration);
        if !apart && error.outcome() != Outcome::Unknown {
            return error;
        }
        match self.inner.store.load().await {
            Ok(stored) => {
                let stored = stored.into_iter().find(|stored| stored.id == id);
                let held = self.inner.registry.load().get(id).cloned();
                let generation = held.as_ref().map(|held| held.generation());
                if stored.as_ref().map(|stored| stored.generation) != generation {
                    let revived = |stored| revive(stored, &self.inner.shared, held.as_deref());
                    let handle = stored.and_then(revived).inspect(|handle| handle.adopt());
                    let gone = self.swap(|registry| {
                        let gone = registry.remove(id);
                        registry.extend(handle.map(|handle| (handle.id().clone(), handle)));
                        gone.into_iter().collect()
                    });
                    close(gone).await;
                }
            }
            Err(trouble) => {
                tracing::error!(integration = id, error = %trouble, "whether a write was stored is not known");
            }
        }
        error
    }

    /// Shows another registry; what was in it before is given back to be closed.
    fn swap(&self, change: impl FnOnce(&mut Registry) -> Vec<Arc<Handle>>) -> Vec<Arc<Handle>> {
        let mut registry = Registry::clone(&self.inner.registry.load());
        let gone = change(&mut registry);
        self.inner.registry.store(Arc::new(registry));
        gone
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

/// Opens what was stored; what does not open is kept and says why.
fn revive(stored: Stored, shared: &Shared, before: Option<&Handle>) -> Option<Arc<Handle>> {
    let Stored { id, generation, updated_at_ms, document } = stored;
    let version = Version { source: Source::Store, generation, updated_at_ms };
    let handle = match document.and_then(|document| IntegrationConfig::from_slice(&document)) {
        Ok(config) => Handle::open(&config, shared, version, before).unwrap_or_else(|error| {
            tracing::error!(integration = id, %error, "a stored integration does not open");
            Handle::broken(&config, shared, version, &error)
        }),
        Err(error) => {
            tracing::error!(integration = id, %error, "a stored integration cannot be read");
            // Under an id that is none it could be neither called nor removed.
            Handle::damaged(&id, shared, version, &error).ok()?
        }
    };
    Some(Arc::new(handle))
}

/// Runs what changes store and registry to its end, even if the caller goes away in the middle: they must
/// not part. What the change took out of the registry is closed when others may write again.
async fn commit<T: Send + 'static>(
    writing: Writing,
    change: impl Future<Output = Result<(T, Vec<Arc<Handle>>)>> + Send + 'static,
) -> Result<T> {
    let change = tokio::spawn(async move {
        let changed = change.await;
        drop(writing);
        let (value, gone) = changed?;
        close(gone).await;
        Ok(value)
    });
    change.await.unwrap_or_else(|_| Err(Error::new(Kind::Internal, "the change did not run to its end")))
}

async fn close(gone: Vec<Arc<Handle>>) {
    for handle in gone {
        handle.close().await;
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
