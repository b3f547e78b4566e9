//! `CacheStore`: what all integrations of a manager keep, bounded by bytes.

use std::{
    fmt,
    hash::{BuildHasher, Hash},
    sync::{
        Arc,
        atomic::{AtomicU32, AtomicU64, Ordering},
    },
};

use http::HeaderMap;
use prometheus_client::metrics::{counter::Counter, family::Family};
use quick_cache::{DefaultHashBuilder, Equivalent, Lifecycle, OptionsBuilder, Weighter, sync::Cache};
use trunkline_core::Fingerprint;

use super::{
    entry::Stored,
    flight::Flights,
    freshness::Clock,
    lookups::{ByResult, Lookups},
    tally::{Counted, Tally},
};

/// What a response is kept under. Two tenants never have one in common: the scope is an integration as it was
/// opened, and what replaces it has another; the connection is whose credential was used.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Key {
    pub(super) scope: u64,
    pub(super) connection: Option<Arc<str>>,
    pub(super) print: Fingerprint<'static>,
}

/// The same while it is borrowed from a call: a hit copies nothing.
#[derive(Debug, Clone, Hash)]
pub(super) struct KeyRef<'a> {
    pub(super) scope: u64,
    pub(super) connection: Option<&'a Arc<str>>,
    pub(super) print: Fingerprint<'a>,
}

impl Equivalent<Key> for KeyRef<'_> {
    fn equivalent(&self, key: &Key) -> bool {
        self.scope == key.scope && self.connection == key.connection.as_ref() && self.print == key.print
    }
}

impl KeyRef<'_> {
    pub(super) fn to_key(&self) -> Key {
        let Fingerprint { text, relay } = &self.print;
        let print = Fingerprint { text: text.clone().into_owned().into(), relay: *relay };
        Key { scope: self.scope, connection: self.connection.cloned(), print }
    }
}

/// What is kept under one key: responses that different request headers select, newest first.
#[derive(Debug)]
struct Variants {
    list: Box<[Arc<Stored>]>,
    weight: Counted,
}

/// Responses under one key. A service that varies by more than this is not helped by a cache.
const MAX_VARIANTS: usize = 16;

/// What was found for a request.
pub(super) enum Found {
    /// This, which its headers select.
    Selected(Arc<Stored>),
    /// Others that they do not select.
    Others,
    /// Nothing.
    Nothing,
}

/// Bytes of one part of the store, which is locked by itself and holds no response that is larger.
const PART: u64 = 4 << 20;
/// Counters of invalidations. Keys share them, and a change under one key keeps what is on its way under another
/// out of the store if they share one: so there are many.
const MARKS: usize = 1 << 16;

/// Responses that are kept, of all integrations of a manager.
pub struct CacheStore {
    cache: Cache<Key, Arc<Variants>, Weight, DefaultHashBuilder, Evictions>,
    evicted: Arc<AtomicU64>,
    scopes: AtomicU64,
    /// How often something was invalidated: a response that was asked for before is not kept after.
    marks: Box<[AtomicU32]>,
    hasher: DefaultHashBuilder,
    pub(super) flights: Arc<Flights>,
    pub(super) lookups: Lookups,
    pub(super) clock: Clock,
}

impl CacheStore {
    /// A store of at most `bytes`, bodies, headers and keys.
    pub fn new(bytes: u64) -> Self {
        let evicted = Arc::<AtomicU64>::default();
        let parts = usize::try_from(bytes / PART).unwrap_or(usize::MAX).clamp(1, 64);
        let options = OptionsBuilder::new()
            .estimated_items_capacity(usize::try_from(bytes / 8192).unwrap_or(usize::MAX).clamp(16, 4096))
            .weight_capacity(bytes)
            .shards(parts)
            .build()
            .expect("capacity and weight are set");
        let hasher = DefaultHashBuilder::default();
        Self {
            cache: Cache::with_options(options, Weight, hasher, Evictions(evicted.clone())),
            evicted,
            scopes: AtomicU64::new(1),
            marks: (0..MARKS).map(|_| AtomicU32::new(0)).collect(),
            hasher: DefaultHashBuilder::default(),
            flights: Arc::default(),
            lookups: Lookups::default(),
            clock: Clock::new(),
        }
    }

    /// Bytes that are kept.
    pub fn bytes(&self) -> u64 {
        self.cache.weight()
    }

    /// Bytes that may be kept.
    pub(super) fn most(&self) -> u64 {
        self.cache.capacity()
    }

    /// How many keys something is kept under.
    pub fn entries(&self) -> u64 {
        self.cache.len() as u64
    }

    /// How many keys had to make room for others.
    pub fn evictions(&self) -> u64 {
        self.evicted.load(Ordering::Relaxed)
    }

    /// How often it was asked, by what came of it.
    pub(crate) fn lookups(&self) -> Family<ByResult, Counter> {
        self.lookups.family()
    }

    /// The largest response that finds room.
    pub(super) fn largest(&self) -> usize {
        usize::try_from(self.cache.shard_capacity()).unwrap_or(usize::MAX)
    }

    /// A scope that nobody has had.
    pub(super) fn scope(&self) -> u64 {
        self.scopes.fetch_add(1, Ordering::Relaxed)
    }

    /// Forgets all that is kept in a scope.
    pub(super) fn forget(&self, scope: u64) {
        self.cache.retain(|key, _| key.scope != scope);
    }

    pub(super) fn find<K: Hash + Equivalent<Key>>(&self, key: &K, asked: &HeaderMap) -> Found {
        let Some(variants) = self.cache.get(key) else { return Found::Nothing };
        match variants.list.iter().find(|stored| stored.selection.is_of(asked)) {
            Some(stored) => Found::Selected(stored.clone()),
            None => Found::Others,
        }
    }

    /// How often what is kept under `key` may have been invalidated; for [`CacheStore::put`].
    pub(super) fn mark(&self, key: &Key) -> u32 {
        self.counter(key).load(Ordering::Acquire)
    }

    fn counter(&self, key: &Key) -> &AtomicU32 {
        // Connections and relayed replies share a mark: what changes one of them is about the same resource.
        let hash = self.hasher.hash_one((key.scope, &key.print.text));
        &self.marks[usize::try_from(hash % MARKS as u64).expect("less than the marks")]
    }

    /// Keeps a response to a request with the headers `asked`, unless the key was invalidated since `mark`, and counts it
    /// in `tally`.
    pub(super) fn put(&self, key: &Key, stored: Stored, asked: &HeaderMap, mark: u32, tally: &Arc<Tally>) {
        if self.mark(key) != mark {
            return;
        }
        let (before, stored) = (self.cache.peek(key), Arc::new(stored));
        // What the same request selected before is superseded, and all is by what every request selects.
        let others = before.iter().flat_map(|before| before.list.iter());
        let others = others.filter(|other| !stored.selection.is_of_all() && !other.selection.is_of(asked));
        let mut list: Vec<_> =
            std::iter::once(stored.clone()).chain(others.cloned()).take(MAX_VARIANTS).collect();
        let overhead = size_of::<Key>() + key.print.text.len() + 64;
        let mut weight = overhead;
        list.retain(|stored| {
            weight += stored.size();
            weight <= self.largest()
        });
        let weight = overhead + list.iter().map(|stored| stored.size()).sum::<usize>();
        let weight = Counted::new(tally, weight as u64);
        self.cache.insert(key.clone(), Arc::new(Variants { list: list.into(), weight }));
        if self.mark(key) != mark {
            self.cache.remove(key);
        }
    }

    /// Forgets what is kept under a key, and what is on its way to be.
    pub(super) fn invalidate(&self, key: &Key) {
        self.counter(key).fetch_add(1, Ordering::AcqRel);
        for relay in [false, true] {
            let print = Fingerprint { relay, ..key.print.clone() };
            self.cache.remove(&Key { print, ..key.clone() });
        }
    }

    /// Forgets what is kept under a key.
    pub(super) fn remove(&self, key: &Key) {
        self.cache.remove(key);
    }
}

impl fmt::Debug for CacheStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CacheStore").field("entries", &self.entries()).field("bytes", &self.bytes()).finish()
    }
}

#[derive(Clone)]
struct Weight;

impl Weighter<Key, Arc<Variants>> for Weight {
    fn weight(&self, _: &Key, variants: &Arc<Variants>) -> u64 {
        variants.weight.bytes()
    }
}

#[derive(Clone)]
struct Evictions(Arc<AtomicU64>);

impl Lifecycle<Key, Arc<Variants>> for Evictions {
    /// Dropped when the lock is given back.
    type RequestState = Vec<Arc<Variants>>;

    fn on_evict(&self, state: &mut Self::RequestState, _: Key, variants: Arc<Variants>) {
        self.0.fetch_add(1, Ordering::Relaxed);
        state.push(variants);
    }
}
