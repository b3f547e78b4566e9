//! `Registry`: the integrations that there are, in step with the store: what is not stored is not shown, and
//! after a write of which nobody knows what became, what is shown is what is stored.

use std::{
    collections::HashMap,
    sync::{Arc, OnceLock},
};

use arc_swap::ArcSwap;
use tokio::sync::{Mutex, OwnedMutexGuard};
use trunkline_core::{Error, IntegrationId, Kind, Outcome, Result, now_ms};
use trunkline_store::Stored;

use crate::{
    Handle, IntegrationConfig, Source, bridge::Home, hooks, opened::Opened, shared::Shared, version::Version,
};

/// The integrations by their ids.
pub(crate) type Integrations = HashMap<IntegrationId, Arc<Handle>>;

/// The right to write, until it is dropped.
pub(crate) type Writing = OwnedMutexGuard<()>;

/// The integrations that there are.
pub(crate) struct Registry {
    pub(crate) shared: Shared,
    /// The connections that are open.
    pub(crate) opened: Arc<Opened>,
    /// Read without a lock on every call; replaced whole by the few who write.
    shown: ArcSwap<Integrations>,
    /// One writer at a time, so that store and registry change in the same order.
    writing: Arc<Mutex<()>>,
    /// Where bridges run; not there before the manager is.
    home: OnceLock<Home>,
}

/// What became of a registration.
#[derive(Debug)]
pub struct Registered {
    /// The integration.
    pub handle: Arc<Handle>,
    /// What its owner should know.
    pub warnings: Vec<String>,
}

impl Registry {
    /// Opens what the store has.
    pub(crate) async fn load(shared: Shared, opened: Arc<Opened>) -> Result<Arc<Self>> {
        let stored = shared.store.load().await?.into_iter();
        let shown = stored
            .filter_map(|stored| revive(stored, &shared, None))
            .map(|handle| (handle.id().clone(), handle))
            .collect::<Integrations>();
        Ok(Arc::new(Self {
            shared,
            opened,
            shown: ArcSwap::from_pointee(shown),
            writing: Arc::default(),
            home: OnceLock::new(),
        }))
    }

    /// The integration of this id, as it is now. Takes no lock.
    pub(crate) fn get(&self, id: &str) -> Option<Arc<Handle>> {
        self.shown.load().get(id).cloned()
    }

    /// All integrations as they are now.
    pub(crate) fn all(&self) -> Arc<Integrations> {
        self.shown.load_full()
    }

    pub(crate) async fn writing(&self) -> Writing {
        self.writing.clone().lock_owned().await
    }

    /// Opens, stores and shows an integration, in this order: what does not open is not stored.
    pub(crate) async fn put(
        self: &Arc<Self>,
        writing: Writing,
        config: IntegrationConfig,
        expected: Option<u64>,
    ) -> Result<Registered> {
        let version = Version { source: Source::Store, generation: 0, updated_at_ms: now_ms() };
        let held = self.get(config.id());
        let handle = Handle::open(&config, &self.shared, version, held.as_deref())?;
        let this = self.clone();
        commit(writing, async move {
            let put = this.shared.store.put(config.id(), expected, config.text().as_bytes()).await;
            let generation = match put {
                Ok(generation) => generation,
                Err(error) => return Err(this.reconciled(config.id(), error).await),
            };
            let handle = Arc::new(handle.at(generation));
            handle.adopt();
            let mut warnings = config.warnings();
            warnings.extend(hooks::astray(&config, |id| this.get(id)));
            let registered = Registered { handle: handle.clone(), warnings };
            let replaced =
                |shown: &mut Integrations| shown.insert(handle.id().clone(), handle).into_iter().collect();
            Ok((registered, this.swap(replaced)))
        })
        .await
    }

    /// Opens an integration anew, since a file that it refers to, or its connector, has changed. What was read before stays in force
    /// while the change is half done.
    pub(crate) async fn reopen(&self, held: &Arc<Handle>, config: &IntegrationConfig) {
        let writing = self.writing().await;
        // Whoever has replaced it has read the file.
        if !self.get(held.id()).is_some_and(|shown| Arc::ptr_eq(&shown, held)) {
            return;
        }
        let (source, generation, updated_at_ms) = (held.source(), held.generation(), held.updated_at_ms());
        let version = Version { source, generation, updated_at_ms };
        let integration = held.id();
        match Handle::open(config, &self.shared, version, Some(held)) {
            Ok(handle) => {
                let handle = Arc::new(handle);
                handle.adopt();
                tracing::info!(%integration, "what it refers to has changed and was read");
                let id = integration.clone();
                let gone = self.swap(|shown| shown.insert(id, handle).into_iter().collect());
                let _ = commit(writing, async { Ok(((), gone)) }).await;
            }
            Err(error) => {
                tracing::warn!(%integration, %error, "what it refers to has changed and does not do; nothing was changed");
            }
        }
    }

    /// Deletes an integration and shows it no more.
    pub(crate) async fn delete(self: &Arc<Self>, writing: Writing, held: Arc<Handle>) -> Result<()> {
        // One that is too damaged to say its generation can still be removed.
        let expected = Some(held.generation()).filter(|generation| *generation != 0);
        let this = self.clone();
        commit(writing, async move {
            if let Err(error) = this.shared.store.delete(held.id(), expected).await {
                return Err(this.reconciled(held.id(), error).await);
            }
            Ok(((), this.swap(|shown| shown.remove(held.id()).into_iter().collect())))
        })
        .await
    }

    /// Forgets what calls that were under way have written down of an integration since it was deleted.
    pub(crate) async fn forget(&self, id: &IntegrationId) {
        let _writing = self.writing().await;
        if let Some(home) = self.home.get().filter(|_| self.get(id).is_none()) {
            home.forget(id).await;
        }
    }

    /// Shows `fresh` instead of whatever came from `source`. Nothing is stored.
    pub(crate) async fn show(&self, writing: Writing, source: Source, fresh: Integrations) -> Result<()> {
        fresh.values().for_each(|handle| handle.adopt());
        let gone = self.swap(|shown| {
            let is_gone = |handle: &Arc<Handle>| {
                handle.source() == source
                    && !fresh.get(handle.id()).is_some_and(|fresh| Arc::ptr_eq(fresh, handle))
            };
            let gone = shown.extract_if(|_, handle| is_gone(handle)).map(|(_, gone)| gone).collect();
            shown.extend(fresh);
            gone
        });
        commit(writing, async { Ok(((), gone)) }).await
    }

    /// After a write that failed: if nobody knows whether the store was changed, or the store says that
    /// the registry is wrong about it, the registry is set to what the store has.
    async fn reconciled(&self, id: &str, error: Error) -> Error {
        let apart = matches!(error.kind(), Kind::Conflict | Kind::UnknownIntegration);
        if !apart && error.outcome() != Outcome::Unknown {
            return error;
        }
        match self.shared.store.load().await {
            Ok(stored) => {
                let stored = stored.into_iter().find(|stored| stored.id == id);
                let held = self.get(id);
                let generation = held.as_ref().map(|held| held.generation());
                if stored.as_ref().map(|stored| stored.generation) != generation {
                    let revived = |stored| revive(stored, &self.shared, held.as_deref());
                    let handle = stored.and_then(revived).inspect(|handle| handle.adopt());
                    let gone = self.swap(|shown| {
                        let gone = shown.remove(id);
                        shown.extend(handle.map(|handle| (handle.id().clone(), handle)));
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

    /// Shows other integrations; those that are shown no more are given back to be closed.
    fn swap(&self, change: impl FnOnce(&mut Integrations) -> Vec<Arc<Handle>>) -> Vec<Arc<Handle>> {
        let mut shown = Integrations::clone(&self.shown.load());
        let mut gone = change(&mut shown);
        let shown = Arc::new(shown);
        self.shown.store(shown.clone());
        // Of one that is changed they are opened anew when they are next called, with what is known from before.
        if gone.iter().any(|gone| !shown.contains_key(gone.id())) {
            gone.extend(self.opened.retain(|id| shown.contains_key(id)));
        }
        gone.iter().for_each(|gone| gone.retire());
        self.begin();
        gone
    }

    /// From now on messages are passed on, here.
    pub(crate) fn bridge(&self, home: Home) {
        // A registry has one manager.
        let _ = self.home.set(home);
        self.begin();
    }

    /// Begins to pass on the messages of integrations that are new, and tells the others that there are new ones.
    fn begin(&self) {
        if let Some(home) = self.home.get() {
            self.shown.load().values().for_each(|handle| handle.begin(home));
            home.changed();
        }
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
