//! `Manager`: the registry of integrations: register, replace, remove, enable, get, call, health.

use std::{
    collections::BTreeMap,
    sync::{Arc, Once, Weak},
    time::Duration,
};

use futures_util::{StreamExt, stream};
use tokio::{
    sync::Mutex,
    task::JoinHandle,
    time::{Instant, timeout, timeout_at},
};
use tokio_util::sync::{CancellationToken, DropGuard};
use trunkline_core::{Call, Egress, Error, IntegrationId, Kind, Operation, Reply, Result, now_ms};
use trunkline_layers::Metrics;
use trunkline_store::Keys;

use crate::{
    Activity, Builder, Catalog, Handle, Health, IntegrationConfig, Removed, Source, Trial,
    bridge::Home,
    connections::to_its_end,
    files,
    folder::Folder,
    health::Limits,
    hooks::Post,
    leaving::Leaving,
    opened::Opened,
    pools::Pools,
    registry::{Integrations, Registered, Registry},
    shared::Shared,
    site::note,
    version::Version,
};

/// How long exchanges of tokens may take to end when everything else has.
const SETTLE: Duration = Duration::from_secs(10);

/// How long the connections of an integration may take to be closed.
const GOODBYE: Duration = Duration::from_secs(5);

/// Probes under way at the same time.
const PROBES: usize = 16;

/// The registry. Clone it freely: clones are the same registry.
#[derive(Clone)]
pub struct Manager {
    inner: Arc<Inner>,
}

/// A manager that may be gone.
#[derive(Clone)]
pub(crate) struct Weakly(Weak<Inner>);

impl Weakly {
    pub(crate) fn upgrade(&self) -> Option<Manager> {
        self.0.upgrade().map(|inner| Manager { inner })
    }
}

struct Inner {
    registry: Arc<Registry>,
    activity: Arc<Activity>,
    limits: Limits,
    /// Webhooks that wait to be forwarded.
    post: Arc<Post>,
    /// Whether it forwards.
    begun: Once,
    stop: CancellationToken,
    /// What handles that are gone have under way.
    leaving: Arc<Leaving>,
    /// Nobody waits for that any more when this is gone.
    _over: DropGuard,
    /// Writes activity down; ends with what is left when `stop` is cancelled.
    recording: Mutex<Option<JoinHandle<()>>>,
}

impl Manager {
    /// A manager to be set up.
    pub fn builder() -> Builder {
        Builder::new()
    }

    /// Opens what the store has.
    pub(crate) async fn start(
        shared: Shared,
        folder: Option<Folder>,
        opened: Arc<Opened>,
        pools: &Pools,
        keep: usize,
        limits: Limits,
    ) -> Result<Self> {
        let registry = Registry::load(shared, opened).await?;
        pools.of(&registry);
        let (recorder, store) = (registry.shared.recorder.clone(), registry.shared.store.clone());
        let activity = Arc::new(Activity::load(recorder, store, keep).await);
        let (stop, over) = (CancellationToken::new(), CancellationToken::new());
        let leaving = registry.shared.context.shared::<Leaving>();
        leaving.begin(over.clone());
        let (watching, stopped) = (files::watch(registry.clone()), stop.clone());
        tokio::spawn(async move { stopped.run_until_cancelled(watching).await });
        if let Some(folder) = folder {
            let (watching, stopped) = (folder.watch(registry.clone()), stop.clone());
            tokio::spawn(async move { stopped.run_until_cancelled(watching).await });
        }
        let post = Arc::new(Post::new(stop.child_token()));
        let recording = tokio::spawn(activity.clone().run(stop.clone()));
        let recording = Mutex::new(Some(recording));
        let inner = Arc::new(Inner {
            registry,
            activity,
            limits,
            post,
            begun: Once::new(),
            stop,
            leaving,
            _over: over.drop_guard(),
            recording,
        });
        Ok(Self { inner })
    }

    /// Begins to forward webhooks and messages, where [`Builder::begin_later`] was said. Called again it does nothing.
    pub fn begin(&self) {
        let inner = &self.inner;
        inner.begun.call_once(|| {
            inner.post.begin(inner.registry.shared.store.clone(), Weakly(Arc::downgrade(inner)));
            let (stop, store) = (inner.stop.child_token(), &inner.registry.shared.store);
            inner.registry.bridge(Home::new(stop, Weakly(Arc::downgrade(inner)), store));
        });
    }

    /// Registers an integration. Nothing is sent: a service that is down can be registered.
    ///
    /// # Errors
    ///
    /// `invalid_config` or `unsupported`, naming the key; `conflict` when the id is taken;
    /// `store_unavailable`. In each case nothing has changed, unless the error's outcome is `unknown`.
    pub async fn register(&self, config: IntegrationConfig) -> Result<Registered> {
        let writing = self.inner.registry.writing().await;
        if self.inner.registry.get(config.id()).is_some() {
            return Err(taken(config.id()));
        }
        self.inner.registry.put(writing, config, None).await
    }

    /// Replaces an integration. `expected` is the generation that was read; `None` takes any. Calls under
    /// way end as they would have.
    ///
    /// # Errors
    ///
    /// As [`Manager::register`]; `unknown_integration`, and `conflict` when it has changed since.
    pub async fn replace(&self, config: IntegrationConfig, expected: Option<u64>) -> Result<Registered> {
        let writing = self.inner.registry.writing().await;
        let held = self.owned(config.id(), expected)?;
        self.inner.registry.put(writing, config, Some(held.generation())).await
    }

    /// Switches an integration on or off. Calls under way end as they would have.
    ///
    /// # Errors
    ///
    /// As [`Manager::replace`].
    pub async fn set_enabled(&self, id: &str, enabled: bool) -> Result<Registered> {
        let writing = self.inner.registry.writing().await;
        let held = self.owned(id, None)?;
        let config = held.config()?.with_enabled(enabled);
        self.inner.registry.put(writing, config, Some(held.generation())).await
    }

    /// Removes an integration with its secrets and its connections. Calls under way end as they would have. Accounts
    /// that were connected are given up first, for 5 seconds at most; whatever their providers say, it is removed.
    ///
    /// # Errors
    ///
    /// `unknown_integration`; `conflict` when it has changed since `expected`; `store_unavailable`.
    pub async fn remove(&self, id: &str, expected: Option<u64>) -> Result<Removed> {
        self.owned(id, expected)?;
        let (this, id) = (self.clone(), id.to_owned());
        to_its_end(async move {
            // Others may write meanwhile.
            let revoked = this.give_up_all(&id).await;
            let writing = this.inner.registry.writing().await;
            let held = this.owned(&id, expected)?;
            let id = held.id().clone();
            this.inner.registry.delete(writing, held).await?;
            this.inner.registry.forget(&id).await;
            Ok(Removed { revoked })
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
        let writing = self.inner.registry.writing().await;
        let mut fresh = Integrations::with_capacity(configs.len());
        let held = self.inner.registry.all();
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
            let handle = match held.filter(|held| held.is_of(config, &self.inner.registry.shared.catalog)) {
                Some(same) => same.clone(),
                None => {
                    let version = Version { source, generation: 0, updated_at_ms: now_ms() };
                    let opened =
                        Handle::open(config, &self.inner.registry.shared, version, held.map(|held| &**held));
                    Arc::new(opened.map_err(|error| error.at(id))?)
                }
            };
            fresh.insert(id.clone(), handle);
        }
        self.inner.registry.show(writing, source, fresh).await
    }

    /// Reads a configuration, with the connectors that this manager knows.
    ///
    /// # Errors
    ///
    /// As [`IntegrationConfig::from_json`]; `invalid_config` where there is no such connector.
    pub fn read(&self, json: serde_json::Value) -> Result<IntegrationConfig> {
        IntegrationConfig::from_json(json)?.of(Some(self.inner.registry.shared.catalog.clone()))
    }

    /// Opens an integration for the program alone: it is neither stored nor listed, and goes with its handle.
    ///
    /// # Errors
    ///
    /// `invalid_config` or `unsupported`, naming the key.
    pub fn open(&self, config: &IntegrationConfig) -> Result<Arc<Handle>> {
        let version = Version { source: Source::Store, generation: 0, updated_at_ms: now_ms() };
        let handle = Handle::open(config, &self.inner.registry.shared, version, None)?;
        handle.adopt();
        Ok(Arc::new(handle))
    }

    /// Opens an integration to be tried before anything of it is stored; see [`Trial`].
    ///
    /// # Errors
    ///
    /// `invalid_config` or `unsupported`, naming the key.
    pub fn trial(&self, config: &IntegrationConfig) -> Result<Trial> {
        Trial::open(config, &self.inner.registry.shared)
    }

    /// Opens one that is stored, or a connection of it, once more, to be asked over connections of its own.
    ///
    /// # Errors
    ///
    /// As [`Manager::trial`], where it does not open.
    pub fn trial_of(&self, stored: &Arc<Handle>) -> Result<Trial> {
        Trial::of(stored, &self.inner.registry.shared)
    }

    /// Checks a configuration as [`Manager::register`] would, and changes nothing.
    ///
    /// # Errors
    ///
    /// `invalid_config` or `unsupported`, naming the key.
    pub fn check(&self, config: &IntegrationConfig) -> Result<()> {
        let version = Version { source: Source::Store, generation: 0, updated_at_ms: 0 };
        Handle::open(config, &self.inner.registry.shared, version, None).map(drop)
    }

    /// The integration of this id, as it is now. Takes no lock.
    ///
    /// # Errors
    ///
    /// `unknown_integration`.
    pub fn get(&self, id: &str) -> Result<Arc<Handle>> {
        self.inner.registry.get(id).ok_or_else(|| {
            let shown: String = id.chars().filter(|c| !c.is_control()).take(128).collect();
            Error::new(Kind::UnknownIntegration, "no such integration; list them to see which there are")
                .with("integration", shown)
        })
    }

    /// All integrations, in the order of their ids.
    pub fn list(&self) -> Vec<Arc<Handle>> {
        let mut all: Vec<_> = self.inner.registry.all().values().cloned().collect();
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

    /// How one integration is. Probes it, for at most 5 seconds unless set otherwise. What was found out less than 5
    /// seconds ago is found out: `checked_at_ms` says when.
    ///
    /// # Errors
    ///
    /// `unknown_integration`. That a service is down is no error here.
    pub async fn health(&self, id: &str) -> Result<Health> {
        let handle = self.get(id)?;
        Ok(Health::of(&handle, self.inner.limits.one).await)
    }

    /// The same of all integrations, 16 at a time, for at most 30 seconds unless set otherwise. Of those that could
    /// not be asked by then it is said what is known without asking, if anything is.
    pub async fn health_all(&self) -> BTreeMap<IntegrationId, Health> {
        let all = self.list();
        let mut found = BTreeMap::new();
        let Limits { one, all: whole } = self.inner.limits;
        let end = Instant::now() + whole;
        let probes = stream::iter(all.clone())
            .map(|handle| async move { (handle.id().clone(), Health::of(&handle, one).await) });
        let mut probes = std::pin::pin!(probes.buffer_unordered(PROBES));
        while let Ok(Some((id, health))) = timeout_at(end, probes.next()).await {
            found.insert(id, health);
        }
        for handle in all {
            found.entry(handle.id().clone()).or_insert_with(|| Health::known(&handle));
        }
        found
    }

    /// The schemas of everything that can be configured here.
    pub fn catalog(&self) -> &Catalog {
        &self.inner.registry.shared.catalog
    }

    /// What happened lately.
    pub fn activity(&self) -> &Arc<Activity> {
        &self.inner.activity
    }

    /// Writes down in the activity what happened to an integration that was no call.
    pub fn note(&self, id: &IntegrationId, event: &'static str, kind: Option<Kind>) {
        note(&self.inner.registry.shared.recorder, id, None, event, kind);
    }

    /// The metrics of all calls.
    pub fn metrics(&self) -> &Metrics {
        &self.inner.registry.shared.metrics
    }

    /// The egress guard that every connection passes.
    pub fn egress(&self) -> &Egress {
        &self.inner.registry.shared.context.egress
    }

    /// The master keys that the store seals with; `None` where it seals nothing.
    pub fn keys(&self) -> Option<&dyn Keys> {
        self.inner.registry.shared.store.keys()
    }

    /// Whether the store answers.
    ///
    /// # Errors
    ///
    /// `store_unavailable`.
    pub async fn ready(&self) -> Result<()> {
        self.inner.registry.shared.store.ping().await
    }

    /// Waits for the exchanges of tokens that are under way: what they bring may be the only copy of the next grant.
    /// Before the runtimes of callers end, where they began.
    pub async fn settle(&self) {
        let all = self.list().into_iter().chain(self.inner.registry.opened.all());
        stream::iter(all).for_each_concurrent(None, async |handle| handle.settle().await).await;
        self.inner.leaving.ended().await;
    }

    /// Writes down what is left of activity, gives back what transports hold, leaves the servers that share
    /// limits, and gives the store up.
    /// Calls under way may still end; their records are kept only if they end before.
    pub async fn close(&self) {
        let _writing = self.inner.registry.writing().await;
        // While what becomes of webhooks and messages can still be written down.
        self.inner.post.ended().await;
        stream::iter(self.list()).for_each_concurrent(None, async |handle| handle.end().await).await;
        self.inner.stop.cancel();
        let mut recording = self.inner.recording.lock().await;
        if let Some(task) = &mut *recording {
            let _ = task.await;
            *recording = None;
        }
        let handles = || stream::iter(self.list().into_iter().chain(self.inner.registry.opened.all()));
        // Whoever exchanges a grant may be about to hear the only copy of the next one.
        if timeout(SETTLE, self.settle()).await.is_err() {
            tracing::warn!("tokens were still being asked for when the time to stop was up");
        }
        let goodbye = async |handle: Arc<Handle>| {
            if timeout(GOODBYE, handle.close()).await.is_err() {
                tracing::warn!(integration = %handle.id(), "its connections were not closed in time");
            }
        };
        handles().for_each_concurrent(PROBES, goodbye).await;
        if let Some(counter) = &self.inner.registry.shared.counter {
            counter.close().await;
        }
        self.inner.registry.shared.store.close().await;
    }

    /// Webhooks that wait to be forwarded.
    pub(crate) fn post(&self) -> &Post {
        &self.inner.post
    }

    pub(crate) fn registry(&self) -> &Arc<Registry> {
        &self.inner.registry
    }

    /// How long probes may take.
    pub(crate) fn limits(&self) -> Limits {
        self.inner.limits
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
}

impl std::fmt::Debug for Manager {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Manager")
            .field("integrations", &self.inner.registry.all().len())
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
