//! `Batch`: records that are written together, and what is known of whether they were.

use bytes::BytesMut;
use tokio::time::Instant;
use trunkline_core::{Error, Outcome, Result, Retry};

use super::{Placed, entry::Entry};
use crate::{
    again::copy,
    queue::kafka::{
        codes::{self, Help},
        compression::Compression,
        messages::produce::Produced,
        records::{self, Stamp},
    },
};

/// Records that are written together.
#[derive(Debug)]
pub(super) struct Batch {
    entries: Vec<Entry>,
    bytes: BytesMut,
    /// What it was sent with last.
    pub(super) stamp: Option<Stamp>,
    /// Whether it may have been written with that stamp.
    pub(super) uncertain: bool,
    /// Until when the last of its callers waits, or of those behind it.
    pub(super) until: Instant,
}

/// What came of sending a batch.
#[derive(Debug)]
pub(super) enum Fate {
    Written(Produced),
    /// The broker wants it smaller.
    TooLarge(Error),
    /// It was not written for a reason that may pass.
    Again(Error, Help),
    /// The broker knows another number than the one that is its turn.
    OutOfStep(Error),
    /// The broker knows nothing of the producer any more, nor of what it has written.
    Forgotten(Error),
    Refused(Error),
}

impl Batch {
    /// Puts records together, of which there is at least one.
    ///
    /// # Errors
    ///
    /// `internal`, where they cannot be packed.
    pub(super) fn new(entries: Vec<Entry>, compression: Compression) -> Result<Self> {
        let bytes = records::write(entries.iter().map(|entry| &entry.record), compression)?;
        let until = entries.iter().map(|entry| entry.until).max().unwrap_or_else(Instant::now);
        Ok(Self { entries, bytes, stamp: None, uncertain: false, until })
    }

    /// How many bytes of records it has, before they are packed.
    pub(super) fn size(&self) -> usize {
        self.entries.iter().map(|entry| entry.size).sum()
    }

    pub(super) fn count(&self) -> i32 {
        self.entries.len() as i32
    }

    /// Whether somebody still waits for a record of it.
    pub(super) fn is_wanted(&self) -> bool {
        self.entries.iter().any(Entry::is_wanted)
    }

    /// The bytes to send, under a stamp.
    pub(super) fn stamped(&mut self, stamp: Stamp) -> &[u8] {
        if self.stamp != Some(stamp) {
            records::stamp(&mut self.bytes, stamp);
            self.stamp = Some(stamp);
        }
        &self.bytes
    }

    /// What a reply, or its absence, means. Remembers whether the batch may have been written.
    pub(super) fn judge(&mut self, result: Result<Produced>, what: &str) -> Fate {
        let produced = match result {
            Ok(produced) => produced,
            Err(error) => {
                self.uncertain |= error.outcome() != Outcome::NotSent;
                return match error.kind().row().retry {
                    Retry::Transient => Fate::Again(error, Help::Look),
                    _ => Fate::Refused(error),
                };
            }
        };
        let reason = || {
            // What is wrong with the first record at fault says more than what is wrong with the batch.
            let fault = produced.faults.iter().find_map(|(_, reason)| reason.as_deref());
            codes::refused(produced.error, what, fault.or(produced.reason.as_deref()))
        };
        match produced.error {
            0 | codes::DUPLICATE_SEQUENCE_NUMBER => Fate::Written(produced),
            codes::MESSAGE_TOO_LARGE if self.entries.len() > 1 => Fate::TooLarge(reason()),
            codes::OUT_OF_ORDER_SEQUENCE_NUMBER | codes::INVALID_PRODUCER_EPOCH => Fate::OutOfStep(reason()),
            codes::UNKNOWN_PRODUCER_ID => Fate::Forgotten(reason()),
            code => {
                self.uncertain |= !codes::is_before_append(code);
                match codes::judge(code).help {
                    Help::None => Fate::Refused(reason()),
                    help => Fate::Again(reason(), help),
                }
            }
        }
    }

    /// Tells everyone that it was written.
    pub(super) fn written(self, partition: i32, produced: &Produced) {
        let first = (produced.error == 0 && produced.offset >= 0).then_some(produced.offset);
        for (at, entry) in self.entries.into_iter().enumerate() {
            let timestamp = if produced.appended >= 0 { produced.appended } else { entry.record.timestamp };
            entry.settle(Ok(Placed { partition, offset: first.map(|first| first + at as i64), timestamp }));
        }
    }

    /// Tells everyone that it was not, or that nobody knows.
    pub(super) fn failed(self, error: &Error) {
        let uncertain = self.uncertain;
        for entry in self.entries {
            let error = copy(error);
            entry.settle(Err(if uncertain { error.outcome_is(Outcome::Unknown) } else { error }));
        }
    }

    /// Two batches of half as many records.
    ///
    /// # Errors
    ///
    /// As [`Batch::new`]; then all have been told.
    pub(super) fn halves(mut self, compression: Compression) -> Result<[Self; 2]> {
        let second = self.entries.split_off(self.entries.len() / 2);
        Ok([Self::new(self.entries, compression)?, Self::new(second, compression)?])
    }
}
