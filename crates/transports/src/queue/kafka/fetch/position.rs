//! `Position`: where a partition is read, and the records that come from there.

use std::{sync::Arc, time::Duration};

use tokio::time::Instant;
use trunkline_core::Result;

use crate::queue::kafka::{
    messages::fetch::Slice,
    offsets::Partition,
    records::{Batches, Stored},
};

/// Records of a partition, at least one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::queue::kafka) struct Read {
    pub(in crate::queue::kafka) topic: Arc<str>,
    pub(in crate::queue::kafka) partition: i32,
    pub(in crate::queue::kafka) records: Vec<Stored>,
    /// The offset that the next record to be written had when these were read.
    pub(in crate::queue::kafka) end: i64,
}

/// The pause before a partition is asked for again that could not be read.
pub(super) const PAUSE: Duration = Duration::from_millis(200);

/// Where a partition is read.
#[derive(Debug)]
pub(super) struct Position {
    pub(super) topic: Arc<str>,
    pub(super) offset: i64,
    /// Whether a request for it is under way, and whether what it brings is void.
    pub(super) asked: bool,
    pub(super) not_before: Instant,
}

impl Position {
    /// The records of a slice, and the position behind them.
    pub(super) fn unpack(
        &mut self,
        partition: &Partition,
        slice: Slice,
        uncommitted: bool,
    ) -> Option<Result<Read>> {
        let aborted = if uncommitted { Vec::new() } else { slice.aborted };
        let mut batches = Batches::new(slice.records, aborted);
        let mut records = Vec::new();
        let error = loop {
            match batches.next(self.offset) {
                Ok(Some((mut more, next))) => {
                    records.append(&mut more);
                    self.offset = next;
                }
                Ok(None) => break None,
                Err(error) => break Some(error),
            }
        };
        match error {
            // What stands before the damage is read; the next time it is the first.
            Some(error) if records.is_empty() => {
                self.not_before = Instant::now() + PAUSE;
                let place =
                    format!("partition {} of topic {} from offset {}", partition.1, partition.0, self.offset);
                Some(Err(error.with("place", place)))
            }
            _ if records.is_empty() => None,
            _ => {
                Some(Ok(Read { topic: self.topic.clone(), partition: partition.1, records, end: slice.end }))
            }
        }
    }
}
