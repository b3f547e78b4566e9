//! `Opened`: the connections that are open: as many as are in use, and never more than a bound of idle ones.

use std::{
    array,
    hash::{BuildHasher, Hash},
    sync::{Arc, Weak},
};

use quick_cache::{DefaultHashBuilder, Equivalent, Lifecycle, OptionsBuilder, UnitWeighter, sync::Cache};
use tokio::sync::{Mutex, OwnedMutexGuard};
use trunkline_core::IntegrationId;

use crate::Handle;

/// How many connections stay open unless set otherwise. One takes about 4 KiB, as an integration does, and 40 MB are what
/// a machine has to spare; more are seldom called within the minutes for which a token or a limit matters.
pub(crate) const OPEN: usize = 10_000;

/// Locks for those that are being opened or changed. Two connections may share one; then one waits for the other.
const TURNS: usize = 64;

/// The connections that are open, the least used of them going first.
pub(crate) struct Opened {
    handles: Cache<Key, Entry, UnitWeighter, DefaultHashBuilder, InUse>,
    turns: [Arc<Mutex<()>>; TURNS],
    hasher: DefaultHashBuilder,
}

/// The right to open or change a connection, until it is dropped.
pub(crate) type Turn = OwnedMutexGuard<()>;

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Key {
    integration: IntegrationId,
    connection: Arc<str>,
}

/// The same while it is borrowed: a call that finds its connection open copies nothing.
#[derive(Clone, Copy, Hash)]
struct KeyRef<'a> {
    integration: &'a str,
    connection: &'a str,
}

impl Equivalent<Key> for KeyRef<'_> {
    fn equivalent(&self, key: &Key) -> bool {
        *self.integration == *key.integration && *self.connection == *key.connection
    }
}

#[derive(Clone)]
struct Entry {
    /// The integration's handle that it was opened over. Another one is another configuration.
    base: Weak<Handle>,
    handle: Arc<Handle>,
}

/// Keeps what calls are under way with: opened again beside it, it would have its limits twice.
#[derive(Clone)]
struct InUse;

impl Lifecycle<Key, Entry> for InUse {
    type RequestState = Vec<Entry>;

    fn is_pinned(&self, _: &Key, entry: &Entry) -> bool {
        Arc::strong_count(&entry.handle) > 1 || entry.handle.is_busy()
    }

    /// Dropped when the lock is given back.
    fn on_evict(&self, gone: &mut Self::RequestState, _: Key, entry: Entry) {
        gone.push(entry);
    }
}

impl Opened {
    /// Room for `most` that are not in use.
    pub(crate) fn new(most: usize) -> Self {
        let options = OptionsBuilder::new()
            .estimated_items_capacity(most.max(1))
            .weight_capacity(most.max(1) as u64)
            // Each is locked by itself; a call holds the lock for as long as it takes to find its handle.
            .shards((most / 256).clamp(1, 16))
            .build()
            .expect("capacity and weight are set");
        Self {
            handles: Cache::with_options(options, UnitWeighter, DefaultHashBuilder::default(), InUse),
            turns: array::from_fn(|_| Arc::default()),
            hasher: DefaultHashBuilder::default(),
        }
    }

    /// A connection that is open over `base`.
    pub(crate) fn get(&self, base: &Arc<Handle>, connection: &str) -> Option<Arc<Handle>> {
        let entry = self.handles.get(&KeyRef { integration: base.id(), connection })?;
        (entry.base.as_ptr() == Arc::as_ptr(base)).then_some(entry.handle)
    }

    /// One that was opened, be it over a configuration that holds no more.
    pub(crate) fn any(&self, integration: &str, connection: &str) -> Option<Arc<Handle>> {
        self.handles.peek(&KeyRef { integration, connection }).map(|entry| entry.handle)
    }

    /// Whoever opens or changes a connection does so alone.
    pub(crate) async fn turn(&self, integration: &str, connection: &str) -> Turn {
        let hash = self.hasher.hash_one(KeyRef { integration, connection });
        let turn = usize::try_from(hash % TURNS as u64).expect("less than the turns");
        self.turns[turn].clone().lock_owned().await
    }

    /// From now on calls get this one.
    pub(crate) fn put(&self, base: &Arc<Handle>, connection: Arc<str>, handle: Arc<Handle>) {
        handle.adopt();
        if let Some(before) = self.any(base.id(), &connection) {
            before.retire();
        }
        let key = Key { integration: base.id().clone(), connection };
        self.handles.insert(key, Entry { base: Arc::downgrade(base), handle });
    }

    /// From now on calls do not get it: it is opened anew, if there still is such a connection. Gives it back to be closed.
    pub(crate) fn forget(&self, integration: &str, connection: &str) -> Option<Arc<Handle>> {
        let (_, Entry { handle, .. }) = self.handles.remove(&KeyRef { integration, connection })?;
        handle.retire();
        Some(handle)
    }

    /// The same for the connections of all integrations that are not there any more.
    pub(crate) fn retain(&self, is_there: impl Fn(&str) -> bool) -> Vec<Arc<Handle>> {
        let mut gone = self.all();
        gone.retain(|handle| !is_there(handle.id()));
        self.handles.retain(|key, _| is_there(&key.integration));
        gone
    }

    /// How many are open.
    pub(crate) fn count(&self) -> usize {
        self.handles.len()
    }

    /// All that are open.
    pub(crate) fn all(&self) -> Vec<Arc<Handle>> {
        self.handles.iter().map(|(_, entry)| entry.handle).collect()
    }
}
