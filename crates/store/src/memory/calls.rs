//! The records of calls in memory, and marks of messages, each with the time when it expires.

use std::collections::{BTreeMap, BTreeSet};

use trunkline_core::{BoxFuture, Result, now_ms};

use super::{Entry, MemoryStore, State};
use crate::{
    BegunCall, CallTerm, MarkWrite, Marked, Marks,
    marks::{FULL, id, is_short, named, of},
    store::{CALLS, full, superseded},
};

/// Records of one sort.
#[derive(Default)]
pub(super) struct Records {
    by_id: BTreeMap<String, (i64, Entry)>,
    /// The same by the time when they expire.
    expiring: BTreeSet<(i64, String)>,
}

impl Records {
    fn prune(&mut self, now_ms: i64) {
        while let Some((until, _)) = self.expiring.first()
            && *until <= now_ms
            && let Some((_, gone)) = self.expiring.pop_first()
        {
            self.by_id.remove(&gone);
        }
    }

    /// Why there is no room for another one of `what`.
    fn room(&self, what: &str, term: CallTerm) -> Result<()> {
        match self.by_id.len() < term.most as usize {
            true => Ok(()),
            false => Err(full(what, term, self.expiring.first().map(|(until, _)| *until))),
        }
    }

    fn put(&mut self, id: String, until_ms: i64, entry: Entry) {
        self.remove(&id);
        self.expiring.insert((until_ms, id.clone()));
        self.by_id.insert(id, (until_ms, entry));
    }

    fn remove(&mut self, id: &str) {
        if let Some((until, _)) = self.by_id.remove(id) {
            self.expiring.remove(&(until, id.to_owned()));
        }
    }
}

impl State {
    /// Forgets the marks of an integration.
    pub(super) fn delete_marks(&mut self, integration: &str) {
        let gone: Vec<_> = self.marks.by_id.range(of(integration)).map(|(id, _)| id.clone()).collect();
        gone.iter().for_each(|id| self.marks.remove(id));
    }

    fn mark(&mut self, mark: &MarkWrite<'_>, term: CallTerm) -> Result<Marked> {
        match *mark {
            MarkWrite::Begin { integration, name, record, beside } => {
                self.marks.prune(term.now_ms);
                let before: Vec<_> = match beside {
                    true => Vec::new(),
                    false => {
                        let before = self.marks.by_id.range(named(integration, name));
                        before.map(|(id, (until, entry))| (*until, entry.stored(id))).collect()
                    }
                };
                if !before.is_empty() {
                    for (until, stored) in &before {
                        if is_short(*until, term)
                            && let Some((_, entry)) = self.marks.by_id.remove(&stored.id)
                        {
                            self.marks.expiring.remove(&(*until, stored.id.clone()));
                            self.marks.put(stored.id.clone(), term.until_ms, entry);
                        }
                    }
                    return Ok(Marked::Before(before.into_iter().map(|(_, stored)| stored).collect()));
                }
                self.marks.room(FULL, term)?;
                let entry = self.entry(term.now_ms, record);
                let id = id(integration, name, entry.generation);
                self.marks.put(id.clone(), term.until_ms, entry);
                Ok(Marked::Now(id))
            }
            MarkWrite::End { id, record } => {
                let until = self.marks.by_id.get(id).map(|(until, _)| *until);
                match record.zip(until) {
                    Some((record, until)) => {
                        let entry = self.entry(now_ms(), record);
                        self.marks.put(id.to_owned(), until, entry);
                    }
                    None => self.marks.remove(id),
                }
                Ok(Marked::Ended)
            }
        }
    }
}

impl MemoryStore {
    pub(super) fn begin_now(&self, id: &str, record: &[u8], term: CallTerm) -> Result<BegunCall> {
        let mut state = self.state()?;
        state.calls.prune(term.now_ms);
        if let Some((_, entry)) = state.calls.by_id.get(id) {
            return Ok(BegunCall::Before(entry.stored(id)));
        }
        state.calls.room(CALLS, term)?;
        let entry = state.entry(term.now_ms, record);
        let generation = entry.generation;
        state.calls.put(id.to_owned(), term.until_ms, entry);
        Ok(BegunCall::Now(generation))
    }

    pub(super) fn end_now(&self, id: &str, generation: u64, record: Option<&[u8]>) -> Result<()> {
        let mut state = self.state()?;
        let held = state.calls.by_id.get(id).filter(|(_, entry)| entry.generation == generation);
        let until = held.ok_or_else(superseded)?.0;
        match record {
            Some(record) => {
                let entry = state.entry(now_ms(), record);
                state.calls.put(id.to_owned(), until, entry);
            }
            None => state.calls.remove(id),
        }
        Ok(())
    }
}

impl Marks for MemoryStore {
    fn write<'a>(
        &'a self,
        marks: &'a [MarkWrite<'a>],
        term: CallTerm,
    ) -> BoxFuture<'a, Result<Vec<Result<Marked>>>> {
        Box::pin(async move {
            let mut state = self.state()?;
            Ok(marks.iter().map(|mark| state.mark(mark, term)).collect())
        })
    }

    fn forget<'a>(&'a self, integration: &'a str) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            self.state()?.delete_marks(integration);
            Ok(())
        })
    }
}
