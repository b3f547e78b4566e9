//! `Tally`: how much is kept of one scope, counted as it comes and goes: nobody has to look at all that is kept.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use schemars::JsonSchema;
use serde::Serialize;

/// How full a cache is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct CacheState {
    /// How many targets something is kept of.
    pub entries: u64,
    /// Bytes that are kept: bodies, headers, and what they are found by.
    pub bytes: u64,
    /// Bytes that all integrations keep together.
    pub all_bytes: u64,
    /// Bytes that they may keep together at most; beyond that what is used least makes room.
    pub max_bytes: u64,
}

/// What is kept of one scope.
#[derive(Debug, Default)]
pub(super) struct Tally {
    entries: AtomicU64,
    bytes: AtomicU64,
}

impl Tally {
    pub(super) fn entries(&self) -> u64 {
        self.entries.load(Ordering::Relaxed)
    }

    pub(super) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }
}

/// An entry in a tally, as long as it lives. However it leaves the store, it counts no more.
#[derive(Debug)]
pub(super) struct Counted {
    tally: Arc<Tally>,
    bytes: u64,
}

impl Counted {
    pub(super) fn new(tally: &Arc<Tally>, bytes: u64) -> Self {
        tally.entries.fetch_add(1, Ordering::Relaxed);
        tally.bytes.fetch_add(bytes, Ordering::Relaxed);
        Self { tally: tally.clone(), bytes }
    }

    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.tally.entries.fetch_sub(1, Ordering::Relaxed);
        self.tally.bytes.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}
