//! A store in memory: the whole contract, gone with the process. For the library and for tests.

mod calls;
mod events;
mod tokens;

use std::{
    collections::{BTreeMap, VecDeque},
    fmt,
    ops::Bound,
    sync::{Mutex, MutexGuard, PoisonError},
};

use trunkline_core::{BoxFuture, Error, Kind, Result, now_ms};
use zeroize::Zeroizing;

use crate::{
    BegunCall, CallTerm, Events, Marks, Part, PartKind, Store, Stored, Tokens,
    store::{compare, compare_part, no_connection},
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
    parts: BTreeMap<String, Entry>,
    activity: VecDeque<Vec<u8>>,
    calls: calls::Records,
    marks: calls::Records,
    events: events::Kept,
    tokens: BTreeMap<String, Entry>,
}

struct Entry {
    generation: u64,
    updated_at_ms: i64,
    document: Zeroizing<Vec<u8>>,
}

impl State {
    /// A document at a generation that was never given out.
    fn entry(&mut self, updated_at_ms: i64, document: &[u8]) -> Entry {
        self.last_generation += 1;
        let document = Zeroizing::new(document.to_vec());
        Entry { generation: self.last_generation, updated_at_ms, document }
    }

    /// Forgets what belongs to an integration.
    fn delete_parts(&mut self, integration: &str) {
        for kind in PartKind::ALL {
            let keys = kind.after(integration, "");
            self.parts.extract_if(keys, |_, _| true).for_each(drop);
        }
        self.events.forget(integration);
    }
}

impl Entry {
    fn stored(&self, id: &str) -> Stored {
        Stored {
            id: id.to_owned(),
            generation: self.generation,
            updated_at_ms: self.updated_at_ms,
            document: Ok(self.document.clone()),
        }
    }
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
        if expected.is_none() {
            state.delete_parts(id);
        }
        let entry = state.entry(now_ms(), document);
        let generation = entry.generation;
        state.integrations.insert(id.to_owned(), entry);
        Ok(generation)
    }

    fn delete_now(&self, id: &str, expected: Option<u64>) -> Result<()> {
        let mut state = self.state()?;
        compare(id, state.integrations.get(id).map(|entry| entry.generation), expected, false)?;
        state.integrations.remove(id);
        state.delete_parts(id);
        state.delete_marks(id);
        Ok(())
    }

    fn put_part_now(&self, part: Part<'_>, expected: Option<u64>, document: &[u8]) -> Result<u64> {
        let (mut state, key) = (self.state()?, part.key());
        compare_part(part, state.parts.get(&key).map(|entry| entry.generation), expected, true)?;
        if let (None, Some(owner)) = (expected, part.owner())
            && !state.parts.contains_key(&owner.key())
        {
            return Err(no_connection(part));
        }
        if part.kind == PartKind::Connection && expected.is_none() {
            state.parts.remove(&part.grant().key());
        }
        let entry = state.entry(now_ms(), document);
        let generation = entry.generation;
        state.parts.insert(key, entry);
        Ok(generation)
    }

    fn delete_part_now(&self, part: Part<'_>, expected: Option<u64>) -> Result<()> {
        let (mut state, key) = (self.state()?, part.key());
        compare_part(part, state.parts.get(&key).map(|entry| entry.generation), expected, false)?;
        state.parts.remove(&key);
        if part.kind == PartKind::Connection {
            state.parts.remove(&part.grant().key());
        }
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
            Ok(state.integrations.iter().map(|(id, entry)| entry.stored(id)).collect())
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

    fn part<'a>(&'a self, part: Part<'a>) -> BoxFuture<'a, Result<Option<Stored>>> {
        Box::pin(async move {
            Ok(self.state()?.parts.get(&part.key()).map(|entry| entry.stored(part.connection)))
        })
    }

    fn parts<'a>(
        &'a self,
        kind: PartKind,
        integration: &'a str,
        after: &'a str,
        most: u32,
    ) -> BoxFuture<'a, Result<Vec<Stored>>> {
        Box::pin(async move {
            let (state, keys) = (self.state()?, kind.after(integration, after));
            let (prefix, keys) =
                (kind.of(integration).len(), (Bound::Excluded(keys.start), Bound::Excluded(keys.end)));
            let found = state.parts.range(keys).take(most as usize);
            Ok(found.map(|(key, entry)| entry.stored(&key[prefix..])).collect())
        })
    }

    fn put_part<'a>(
        &'a self,
        part: Part<'a>,
        expected: Option<u64>,
        document: &'a [u8],
    ) -> BoxFuture<'a, Result<u64>> {
        Box::pin(async move { self.put_part_now(part, expected, document) })
    }

    fn delete_part<'a>(&'a self, part: Part<'a>, expected: Option<u64>) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move { self.delete_part_now(part, expected) })
    }

    fn append_activity<'a>(&'a self, segment: &'a [u8]) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move { self.append_now(segment) })
    }

    fn load_activity(&self) -> BoxFuture<'_, Result<Vec<Vec<u8>>>> {
        Box::pin(async { Ok(self.state()?.activity.iter().cloned().collect()) })
    }

    fn begin_call<'a>(
        &'a self,
        id: &'a str,
        record: &'a [u8],
        term: CallTerm,
    ) -> BoxFuture<'a, Result<BegunCall>> {
        Box::pin(async move { self.begin_now(id, record, term) })
    }

    fn end_call<'a>(
        &'a self,
        id: &'a str,
        generation: u64,
        record: Option<&'a [u8]>,
    ) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move { self.end_now(id, generation, record) })
    }

    fn marks(&self) -> Option<&dyn Marks> {
        Some(self)
    }

    fn events(&self) -> Option<&dyn Events> {
        Some(self)
    }

    fn tokens(&self) -> Option<&dyn Tokens> {
        Some(self)
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
