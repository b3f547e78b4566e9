//! How records are read: how much of them, for how long, and where to go on when those at a position are gone.

use std::time::Duration;

use crate::queue::kafka::messages::fetch::{EARLIEST, LATEST};

/// How records are read.
#[derive(Debug, Clone, Copy)]
pub(in crate::queue::kafka) struct Settings {
    /// How long a broker waits for records where there are none.
    pub(in crate::queue::kafka) max_wait: Duration,
    /// How much comes at once, of one broker and of one partition, in bytes; one batch may be longer.
    pub(in crate::queue::kafka) max_bytes: i32,
    pub(in crate::queue::kafka) partition_max_bytes: i32,
    /// Whether records of transactions are read that are not committed.
    pub(in crate::queue::kafka) uncommitted: bool,
    /// Where to go on when the records at a position are gone.
    pub(in crate::queue::kafka) reset: Reset,
}

/// Where to begin (`auto.offset.reset`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::queue::kafka) enum Reset {
    Earliest,
    Latest,
    /// Nowhere: it is an error.
    Never,
}

impl Reset {
    /// The time that stands for it.
    pub(in crate::queue::kafka) fn time(self) -> Option<i64> {
        match self {
            Self::Earliest => Some(EARLIEST),
            Self::Latest => Some(LATEST),
            Self::Never => None,
        }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            max_wait: Duration::from_millis(500),
            max_bytes: 8 << 20,
            partition_max_bytes: 1 << 20,
            uncommitted: false,
            reset: Reset::Latest,
        }
    }
}
