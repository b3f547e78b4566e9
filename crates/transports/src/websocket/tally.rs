//! `Tally`: what is counted of those who listen, and of replies that nobody waited for.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use trunkline_core::Streams;

/// Counted by all connections and streams of a transport.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    readers: AtomicU32,
    dropped: AtomicU64,
    late: AtomicU64,
}

impl Tally {
    /// One more reads.
    pub(super) fn reader_came(&self) {
        self.readers.fetch_add(1, Ordering::Relaxed);
    }

    /// One reads no more.
    pub(super) fn reader_went(&self) {
        self.readers.fetch_sub(1, Ordering::Relaxed);
    }

    /// A reader missed so many messages.
    pub(super) fn dropped(&self, messages: u64) {
        self.dropped.fetch_add(messages, Ordering::Relaxed);
    }

    /// A reply came after its caller had gone.
    pub(super) fn late(&self) {
        self.late.fetch_add(1, Ordering::Relaxed);
    }

    /// What was counted so far.
    pub(crate) fn read(&self) -> Streams {
        Streams {
            readers: self.readers.load(Ordering::Relaxed),
            dropped: self.dropped.load(Ordering::Relaxed),
            late: self.late.load(Ordering::Relaxed),
        }
    }
}
