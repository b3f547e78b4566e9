//! Batches of records as they are stored and sent, in the one format since Kafka 0.11 (Kafka documentation, "Record
//! Batch"): a head, and records whose lengths, times and offsets are told as differences.

mod read;
#[cfg(test)]
mod tests;

use bytes::{BufMut, Bytes, BytesMut};
use crc::{CRC_32_ISCSI, Crc, Table};
use trunkline_core::Result;

pub(super) use self::read::{Batches, Stored};
use super::{
    codec::{Writer, varint_len},
    compression::Compression,
};

/// Castagnoli's, with a table that takes 16 bytes at a time.
static CRC: Crc<u32, Table<16>> = Crc::<u32, Table<16>>::new(&CRC_32_ISCSI);

/// How long the head of a batch is.
pub(super) const HEAD: usize = 61;

/// Where the checksum stands, and where begins what it is of.
const CHECKSUM: usize = 17;
const CHECKED: usize = 21;

/// The highest bits of a batch's attributes that are of use here.
const TRANSACTIONAL: i16 = 0x10;
const CONTROL: i16 = 0x20;
const APPEND_TIME: i16 = 0x08;

/// A record that is to be written, or that was read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Record {
    pub(super) key: Option<Bytes>,
    /// A record without a value deletes those of its key in a compacted topic.
    pub(super) value: Option<Bytes>,
    /// A name may be there several times.
    pub(super) headers: Vec<(String, Option<Bytes>)>,
    /// In milliseconds since 1970.
    pub(super) timestamp: i64,
}

impl Record {
    /// The same in memory of its own, for whoever keeps it: of what came together, one record would keep all.
    pub(super) fn owned(mut self) -> Self {
        let copy = |bytes: &mut Option<Bytes>| *bytes = bytes.as_deref().map(Bytes::copy_from_slice);
        copy(&mut self.key);
        copy(&mut self.value);
        self.headers.iter_mut().for_each(|(_, value)| copy(value));
        self
    }

    /// How long it is in a batch, at most.
    pub(super) fn size(&self) -> usize {
        let counted = |len: usize| varint_len(len as i64) + len;
        let bytes = |bytes: &Option<Bytes>| bytes.as_ref().map_or(1, |bytes| counted(bytes.len()));
        let headers: usize =
            self.headers.iter().map(|(name, value)| counted(name.len()) + bytes(value)).sum();
        // Length, attributes, the differences of time and offset, and the number of headers: 5, 1, 10, 5, 5.
        26 + bytes(&self.key) + bytes(&self.value) + headers
    }
}

/// Who writes: the identity of a producer, and the number of the first record of a batch (KIP-98).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stamp {
    pub(super) id: i64,
    pub(super) epoch: i16,
    pub(super) sequence: i32,
}

/// Writes a batch of at least one record, without a stamp.
///
/// # Errors
///
/// `internal` where the compression fails.
pub(super) fn write<'a>(
    records: impl ExactSizeIterator<Item = &'a Record> + Clone,
    compression: Compression,
) -> Result<BytesMut> {
    let count = records.len();
    let first = records.clone().next().map_or(0, |record| record.timestamp);
    let latest = records.clone().map(|record| record.timestamp).max().unwrap_or(first);
    let mut body = Writer::default();
    body.0.reserve(records.clone().map(Record::size).sum());
    for (at, record) in records.enumerate() {
        put(&mut body, record, record.timestamp - first, at as i64);
    }
    let body = compression.pack(body.0.freeze())?;

    let mut batch = BytesMut::with_capacity(HEAD + body.len());
    batch.put_i64(0);
    // What follows from here on.
    batch.put_i32((HEAD - 12 + body.len()) as i32);
    batch.put_i32(-1);
    batch.put_i8(2);
    batch.put_u32(0);
    batch.put_i16(compression as i16);
    batch.put_i32(count as i32 - 1);
    batch.put_i64(first);
    batch.put_i64(latest);
    batch.put_i64(-1);
    batch.put_i16(-1);
    batch.put_i32(-1);
    batch.put_i32(count as i32);
    batch.put_slice(&body);
    Ok(batch)
}

/// Puts a stamp on a batch, in the place of another if it has one.
pub(super) fn stamp(batch: &mut BytesMut, stamp: Stamp) {
    batch[43..51].copy_from_slice(&stamp.id.to_be_bytes());
    batch[51..53].copy_from_slice(&stamp.epoch.to_be_bytes());
    batch[53..57].copy_from_slice(&stamp.sequence.to_be_bytes());
    let sum = CRC.checksum(&batch[CHECKED..]);
    batch[CHECKSUM..CHECKED].copy_from_slice(&sum.to_be_bytes());
}

fn put(to: &mut Writer, record: &Record, time: i64, offset: i64) {
    let bytes = |bytes: &Option<Bytes>| {
        bytes.as_ref().map_or(1, |bytes| varint_len(bytes.len() as i64) + bytes.len())
    };
    let headers: usize = record
        .headers
        .iter()
        .map(|(name, value)| varint_len(name.len() as i64) + name.len() + bytes(value))
        .sum();
    let numbers = varint_len(time) + varint_len(offset) + varint_len(record.headers.len() as i64);
    to.varint((1 + numbers + bytes(&record.key) + bytes(&record.value) + headers) as i64);
    to.i8(0);
    to.varint(time);
    to.varint(offset);
    put_bytes(to, record.key.as_deref());
    put_bytes(to, record.value.as_deref());
    to.varint(record.headers.len() as i64);
    for (name, value) in &record.headers {
        put_bytes(to, Some(name.as_bytes()));
        put_bytes(to, value.as_deref());
    }
}

fn put_bytes(to: &mut Writer, bytes: Option<&[u8]>) {
    to.varint(bytes.map_or(-1, |bytes| bytes.len() as i64));
    to.0.put_slice(bytes.unwrap_or_default());
}
