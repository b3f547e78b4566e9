//! Batches of records as brokers send them: several in a row, the last one perhaps cut off, and what belongs to
//! transactions among it.

use std::collections::HashSet;

use bytes::Bytes;
use trunkline_core::{Error, Kind, Result};

use super::{APPEND_TIME, CHECKED, CHECKSUM, CONTROL, CRC, HEAD, Record, TRANSACTIONAL};
use crate::queue::kafka::{
    codec::{Reader, broken},
    compression::Compression,
};

/// A record and its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stored {
    pub(crate) offset: i64,
    pub(crate) record: Record,
}

/// The batches of a slice of a partition.
#[derive(Debug)]
pub(crate) struct Batches {
    rest: Bytes,
    /// Transactions that were given up, in the order of their first offsets; and those of them that have begun so far.
    aborted: std::vec::IntoIter<(i64, i64)>,
    open: HashSet<i64>,
    waiting: Option<(i64, i64)>,
}

/// The head of a batch.
struct Head {
    base: i64,
    attributes: i16,
    last: i64,
    first_time: i64,
    latest: i64,
    producer: i64,
    count: i32,
}

impl Batches {
    /// `aborted` are the transactions to leave out: producer, and the first offset of it.
    pub(crate) fn new(records: Bytes, mut aborted: Vec<(i64, i64)>) -> Self {
        aborted.sort_unstable_by_key(|(_, first)| *first);
        let mut aborted = aborted.into_iter();
        let waiting = aborted.next();
        Self { rest: records, aborted, open: HashSet::new(), waiting }
    }

    /// Reads the next batch: its records from offset `from` on, and the offset to go on with. `None` at the end.
    ///
    /// # Errors
    ///
    /// `protocol` where it is damaged, `unsupported` where it is of an old format.
    pub(crate) fn next(&mut self, from: i64) -> Result<Option<(Vec<Stored>, i64)>> {
        let Some(len) = self.rest.get(8..12).and_then(|len| len.try_into().ok()).map(i32::from_be_bytes)
        else {
            return Ok(None);
        };
        let len = usize::try_from(len).map_err(|_| damaged("has no length"))? + 12;
        // Brokers send as many bytes as are asked for, whatever they cut off.
        if self.rest.len() < len {
            return Ok(None);
        }
        let mut batch = Reader(self.rest.split_to(len));
        match batch.0.get(16) {
            Some(2) if len >= HEAD => {}
            Some(0 | 1) => {
                let message = "the topic has records in a format from before Kafka 0.11; write them anew";
                return Err(Error::new(Kind::Unsupported, message));
            }
            _ => return Err(damaged("has a format that is not known")),
        }
        let sum = batch.0[CHECKSUM..CHECKED].try_into().map(u32::from_be_bytes).unwrap_or_default();
        if sum != CRC.checksum(&batch.0[CHECKED..]) {
            return Err(damaged("does not have its checksum"));
        }
        let head = head(&mut batch)?;
        let next = (head.last + 1).max(from);
        if !self.shows(&head, &batch)? || head.last < from {
            return Ok(Some((Vec::new(), next)));
        }
        let mut body = Reader(Compression::of(head.attributes)?.unpack(batch.0)?);
        let mut records = Vec::with_capacity(usize::try_from(head.count).unwrap_or_default().min(1024));
        for _ in 0..head.count {
            let stored = record(&mut body, &head)?;
            // A batch comes whole, also where one begins in the middle of it.
            if stored.offset >= from {
                records.push(stored);
            }
        }
        Ok(Some((records, next)))
    }

    /// Whether the records of a batch are for readers: markers of transactions are not, and what was given up.
    fn shows(&mut self, head: &Head, body: &Reader) -> Result<bool> {
        while let Some((producer, first)) = self.waiting
            && first <= head.last
        {
            self.open.insert(producer);
            self.waiting = self.aborted.next();
        }
        if head.attributes & CONTROL != 0 {
            // A marker ends the transaction of its producer: behind it, another may begin.
            let marker = record(&mut Reader(body.0.clone()), head)?;
            let aborts = marker.record.key.as_deref().is_some_and(|key| key.get(2..4) == Some(&[0, 0]));
            if aborts {
                self.open.remove(&head.producer);
            }
            return Ok(false);
        }
        Ok(head.attributes & TRANSACTIONAL == 0 || !self.open.contains(&head.producer))
    }
}

fn head(batch: &mut Reader) -> Result<Head> {
    let base = batch.i64()?;
    let _ = batch.take(CHECKED - 8)?;
    let (attributes, last) = (batch.i16()?, i64::from(batch.i32()?));
    let (first_time, latest, producer) = (batch.i64()?, batch.i64()?, batch.i64()?);
    let _epoch_and_sequence = batch.take(6)?;
    let count = batch.i32()?;
    if last < 0 || count < 0 || base < 0 {
        return Err(damaged("has a negative offset"));
    }
    Ok(Head { base, attributes, last: base + last, first_time, latest, producer, count })
}

fn record(body: &mut Reader, head: &Head) -> Result<Stored> {
    let mut from = Reader(body.counted()?.ok_or_else(|| damaged("has a record without a length"))?);
    let _attributes = from.i8()?;
    let (time, offset) = (from.varint()?, from.varint()?);
    let (key, value) = (from.counted()?, from.counted()?);
    let count = from.varint()?;
    let mut headers = Vec::new();
    for _ in 0..count {
        let name = from.counted()?.unwrap_or_default();
        headers.push((String::from_utf8_lossy(&name).into_owned(), from.counted()?));
    }
    let timestamp = match head.attributes & APPEND_TIME {
        0 => head.first_time.saturating_add(time),
        _ => head.latest,
    };
    Ok(Stored { offset: head.base.saturating_add(offset), record: Record { key, value, headers, timestamp } })
}

fn damaged(how: &'static str) -> Error {
    broken("the broker sent a batch of records that is damaged").with("batch", how)
}
