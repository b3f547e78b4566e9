//! `Flights`: of callers that want the same at the same time one asks, and the others wait for what it brings.

use std::{
    collections::HashMap,
    hash::{BuildHasher, Hash},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use quick_cache::DefaultHashBuilder;
use tokio::{sync::watch, time::timeout};

use super::store::Key;

/// How long others wait for a body to come once its head has: whoever leads may read slowly.
const BODY: Duration = Duration::from_secs(2);

/// How far a flight is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// The service was asked.
    Asking,
    /// It has answered, and its answer is on its way into the store.
    Filling,
    /// It is in the store.
    Landed,
    /// It is nothing that others may have.
    Own,
}

/// Parts of the table, each with a lock of its own.
const PARTS: usize = 16;
/// Keys that are remembered as not worth waiting for; more share a place.
const LONERS: usize = 4096;

/// Callers that join one flight. Those beyond it go by themselves: what they meet below turns them away where
/// they are too many, and whoever waits here is counted nowhere else.
const FOLLOWERS: u32 = 256;

/// The flights under way.
#[derive(Debug)]
pub(super) struct Flights {
    parts: [Mutex<HashMap<Key, Flight>>; PARTS],
    /// A part of the hash of keys whose last answer was of no use to others. Those go at once: waiting would only
    /// make them later.
    loners: Box<[AtomicU32]>,
    hasher: DefaultHashBuilder,
}

/// A flight that can be joined.
#[derive(Debug)]
struct Flight {
    stage: watch::Receiver<Stage>,
    joined: u32,
}

impl Default for Flights {
    fn default() -> Self {
        Self {
            parts: Default::default(),
            loners: (0..LONERS).map(|_| AtomicU32::new(0)).collect(),
            hasher: DefaultHashBuilder::default(),
        }
    }
}

/// What a caller is among those who want the same.
#[derive(Debug)]
pub(super) enum Role {
    /// It asks, for the others too.
    Lead(Lead),
    /// It waits.
    Follow(Follow),
    /// Each for itself.
    Alone,
}

impl Flights {
    /// The hash of a key whose last answer was of no use to others.
    pub(super) fn useless(&self, key: &impl Hash) -> Option<u64> {
        let hash = self.hasher.hash_one(key);
        (self.loner(hash).load(Ordering::Relaxed) == tag(hash)).then_some(hash)
    }

    /// The answer to a key of this hash may be of use after all.
    pub(super) fn useful(&self, hash: u64) {
        let _ = self.loner(hash).compare_exchange(tag(hash), 0, Ordering::Relaxed, Ordering::Relaxed);
    }

    /// Joins those who want what is kept under `key`.
    pub(super) fn join(self: &Arc<Self>, key: &Key) -> Role {
        let hash = self.hasher.hash_one(key);
        if self.loner(hash).load(Ordering::Relaxed) == tag(hash) {
            return Role::Alone;
        }
        self.board(key, hash)
    }

    /// Leads, if nobody does.
    pub(super) fn lead(self: &Arc<Self>, key: &Key) -> Option<Lead> {
        match self.board(key, self.hasher.hash_one(key)) {
            Role::Lead(lead) => Some(lead),
            Role::Follow(_) | Role::Alone => None,
        }
    }

    fn board(self: &Arc<Self>, key: &Key, hash: u64) -> Role {
        let mut part = self.part(hash).lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(flight) = part.get_mut(key) {
            if flight.joined == FOLLOWERS {
                return Role::Alone;
            }
            flight.joined += 1;
            return Role::Follow(Follow(flight.stage.clone()));
        }
        let (sender, stage) = watch::channel(Stage::Asking);
        part.insert(key.clone(), Flight { stage, joined: 0 });
        Role::Lead(Lead { flights: self.clone(), key: key.clone(), hash, sender })
    }

    fn part(&self, hash: u64) -> &Mutex<HashMap<Key, Flight>> {
        &self.parts[usize::try_from(hash % PARTS as u64).expect("less than the parts")]
    }

    fn loner(&self, hash: u64) -> &AtomicU32 {
        &self.loners[usize::try_from((hash >> 8) % LONERS as u64).expect("less than the loners")]
    }

    /// How many are under way.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.parts.iter().map(|part| part.lock().unwrap().len()).sum()
    }
}

/// Never zero, which is nobody's.
fn tag(hash: u64) -> u32 {
    (hash >> 32) as u32 | 1
}

/// The caller that asks. When it goes away without a word, those that wait choose another.
#[derive(Debug)]
pub(super) struct Lead {
    flights: Arc<Flights>,
    key: Key,
    hash: u64,
    sender: watch::Sender<Stage>,
}

impl Lead {
    /// The head of an answer has come that will be kept.
    pub(super) fn filling(&self) {
        self.sender.send_replace(Stage::Filling);
    }

    /// The answer is kept.
    pub(super) fn landed(self) {
        self.flights.useful(self.hash);
        self.end(Stage::Landed);
    }

    /// The answer is of no use to others.
    pub(super) fn own(self) {
        self.flights.loner(self.hash).store(tag(self.hash), Ordering::Relaxed);
        self.end(Stage::Own);
    }

    /// There is no answer; the next time there may be one.
    pub(super) fn failed(self) {
        self.end(Stage::Own);
    }

    fn end(self, stage: Stage) {
        self.sender.send_replace(stage);
    }
}

impl Drop for Lead {
    fn drop(&mut self) {
        self.flights.part(self.hash).lock().unwrap_or_else(PoisonError::into_inner).remove(&self.key);
    }
}

/// A caller that waits. Its own deadline bounds that, above.
#[derive(Debug)]
pub(super) struct Follow(watch::Receiver<Stage>);

impl Follow {
    /// Waits; whether it is worth looking into the store again.
    pub(super) async fn wait(mut self) -> bool {
        let head = self.0.wait_for(|stage| *stage != Stage::Asking).await.map(|stage| *stage);
        match head {
            Ok(Stage::Filling) => {}
            Ok(stage) => return stage == Stage::Landed,
            // Whoever led is gone: another leads.
            Err(_) => return true,
        }
        match timeout(BODY, self.0.wait_for(|stage| *stage != Stage::Filling)).await {
            Ok(Ok(stage)) => *stage == Stage::Landed,
            Ok(Err(_)) => true,
            Err(_) => false,
        }
    }
}
