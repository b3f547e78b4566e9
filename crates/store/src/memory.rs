//! A store in memory: the whole contract, gone with the process. For the library and for tests.

use std::{
    collections::{BTreeMap, VecDeque},
    fmt,
    sync::{Mutex, MutexGuard, PoisonError},
};

use trunkline_core::{BoxFuture, Error, Kind, Result};
use zeroize::Zeroizing;

use crate::{
    Store, Stored,
    store::{compare, now_ms},
};

/// A [`Store`] that keeps everything in memory.
pub struct MemoryStore {
    activity_segments: usize,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    closed: bool,
    last_generation: u64,
    integrations: BTreeMap<String, Entry>,
    activity: VecDeque<Vec<u8>>,
}

struct Entry {
    generation: u64,
    updated_at_ms: i64,
    document: Zeroizing<Vec<u8>>,
}

impl MemoryStore {
    /// An empty store that keeps the newest `activity_segments` segments of activity.
    pub fn new(activity_segments: u32) -> Self {
        Self { activity_segments: activity_segments as usize, state: Mutex::default() }
    }

    fn state(&self) -> Result<MutexGuard<'_, State>> {
        // No method leaves the state half changed, so a panic elsewhere does not spoil it.
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.closed { Err(Error::new(Kind::Store, "the store is closed")) } else { Ok(state) }
    }

    fn put_now(&self, id: &str, expected: Option<u64>, document: &[u8]) -> Result<u64> {
        let mut state = self.state()?;
        compare(id, state.integrations.get(id).map(|entry| entry.generation), expected, true)?;
        state.last_generation += 1;
        let generation = state.last_generation;
        let document = Zeroizing::new(document.to_vec());
        state.integrations.insert(id.to_owned(), Entry { generation, updated_at_ms: now_ms(), document });
        Ok(generation)
    }

    fn delete_now(&self, id: &str, expected: Option<u64>) -> Result<()> {
        let mut state = self.state()?;
        compare(id, state.integrations.get(id).map(|entry| entry.generation), expected, false)?;
        state.integrations.remove(id);
        Ok(())
    }

    fn append_now(&self, segment: &[u8]) -> Result<()> {
        let mut state = self.state()?;
        state.activity.push_back(segment.to_vec());
        let excess = state.activity.len().saturating_sub(self.activity_segments);
        state.activity.drain(..excess);
        Ok(())
    }
}

impl Default for MemoryStore {
    /// A store that keeps 64 segments of activity.
    fn default() -> Self {
        Self::new(64)
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore").finish_non_exhaustive()
    }
}

impl Store for MemoryStore {
    fn load(&self) -> BoxFuture<'_, Result<Vec<Stored>>> {
        Box::pin(async {
            let state = self.state()?;
            let stored = |(id, entry): (&String, &Entry)| Stored {
                id: id.clone(),
                generation: entry.generation,
                updated_at_ms: entry.updated_at_ms,
                document: Ok(entry.document.clone()),
            };
            Ok(state.integrations.iter().map(stored).collect())
        })
    }

    fn put<'a>(
        &'a self,
        id: &'a str,
        expected: Option<u64>,
        document: &'a [u8],
    ) -> BoxFuture<'a, Result<u64>> {
        Box::pin(async move { self.put_now(id, expected, document) })
    }

    fn delete<'a>(&'a self, id: &'a str, expected: Option<u64>) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move { self.delete_now(id, expected) })
    }

    fn append_activity<'a>(&'a self, segment: &'a [u8]) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move { self.append_now(segment) })
    }

    fn load_activity(&self) -> BoxFuture<'_, Result<Vec<Vec<u8>>>> {
        Box::pin(async { Ok(self.state()?.activity.iter().cloned().collect()) })
    }

    fn ping(&self) -> BoxFuture<'_, Result<()>> {
        Box::pin(async { self.state().map(drop) })
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        Box::pin(async {
            if let Ok(mut state) = self.state() {
                state.closed = true;
            }
        })
    }
}
