//! Reading records, and finding out where to begin.

use bytes::Bytes;
use trunkline_core::Result;

use super::{Api, OfTopic, Reader, Request, Writer, api, read_topics, write_topics};

/// Asks for records.
#[derive(Debug)]
pub(crate) struct Fetch {
    /// How long the broker may wait until there are `min_bytes`, in milliseconds.
    pub(crate) max_wait: i32,
    pub(crate) min_bytes: i32,
    /// How much of all partitions, and of one, at most; the first batch comes in any case.
    pub(crate) max_bytes: i32,
    pub(crate) partition_max_bytes: i32,
    /// Whether what belongs to transactions is left out until they are committed.
    pub(crate) committed: bool,
    pub(crate) topics: Vec<OfTopic<From>>,
}

/// From where on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct From {
    pub(crate) partition: i32,
    pub(crate) offset: i64,
}

/// Records, as they are stored.
#[derive(Debug)]
pub(crate) struct Fetched {
    pub(crate) error: i16,
    pub(crate) topics: Vec<OfTopic<Slice>>,
}

/// What there is of a partition.
#[derive(Debug, Clone)]
pub(crate) struct Slice {
    pub(crate) partition: i32,
    pub(crate) error: i16,
    /// The offset that the next record to be written will have.
    pub(crate) end: i64,
    /// Transactions that were given up: producer, and the first offset of it.
    pub(crate) aborted: Vec<(i64, i64)>,
    pub(crate) records: Bytes,
}

impl Request for Fetch {
    const API: Api = api(1, "Fetch", 4, 11);
    type Reply = Fetched;

    fn write(&self, to: &mut Writer, version: i16) {
        // Who asks is no replica.
        to.i32(-1);
        to.i32(self.max_wait);
        to.i32(self.min_bytes);
        to.i32(self.max_bytes);
        to.i8(self.committed.into());
        if version >= 7 {
            // No session: each request names all it wants (KIP-227).
            to.i32(0);
            to.i32(-1);
        }
        write_topics(to, &self.topics, |to, from| {
            to.i32(from.partition);
            if version >= 9 {
                to.i32(-1);
            }
            to.i64(from.offset);
            if version >= 5 {
                to.i64(-1);
            }
            to.i32(self.partition_max_bytes);
        });
        if version >= 7 {
            to.i32(0);
        }
        if version >= 11 {
            to.string("");
        }
    }

    fn read(from: &mut Reader, version: i16) -> Result<Fetched> {
        let _throttle = from.i32()?;
        let error = match version >= 7 {
            true => {
                let error = from.i16()?;
                let _session = from.i32()?;
                error
            }
            false => 0,
        };
        let topics = read_topics(from, |from| {
            let (partition, error, end) = (from.i32()?, from.i16()?, from.i64()?);
            let _last_stable = from.i64()?;
            if version >= 5 {
                let _log_start = from.i64()?;
            }
            let aborted = from.array(|from| Ok((from.i64()?, from.i64()?)))?;
            if version >= 11 {
                let _preferred_replica = from.i32()?;
            }
            Ok(Slice { partition, error, end, aborted, records: from.bytes()? })
        })?;
        Ok(Fetched { error, topics })
    }
}

/// The time that stands for the end of a partition.
pub(crate) const LATEST: i64 = -1;

/// The time that stands for its beginning.
pub(crate) const EARLIEST: i64 = -2;

/// Asks for the first offset of records since some time, in milliseconds since 1970, or of [`LATEST`] or [`EARLIEST`].
#[derive(Debug)]
pub(crate) struct ListOffsets {
    pub(crate) committed: bool,
    /// By partition.
    pub(crate) topics: Vec<OfTopic<(i32, i64)>>,
}

/// An offset, or why there is none.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Listed {
    pub(crate) partition: i32,
    pub(crate) error: i16,
    /// -1 where no record is that new.
    pub(crate) offset: i64,
}

impl Request for ListOffsets {
    const API: Api = api(2, "ListOffsets", 1, 5);
    type Reply = Vec<OfTopic<Listed>>;

    fn write(&self, to: &mut Writer, version: i16) {
        to.i32(-1);
        if version >= 2 {
            to.i8(self.committed.into());
        }
        write_topics(to, &self.topics, |to, (partition, time)| {
            to.i32(*partition);
            if version >= 4 {
                to.i32(-1);
            }
            to.i64(*time);
        });
    }

    fn read(from: &mut Reader, version: i16) -> Result<Self::Reply> {
        if version >= 2 {
            let _throttle = from.i32()?;
        }
        read_topics(from, |from| {
            let (partition, error) = (from.i32()?, from.i16()?);
            let (_time, offset) = (from.i64()?, from.i64()?);
            if version >= 4 {
                let _leader_epoch = from.i32()?;
            }
            Ok(Listed { partition, error, offset })
        })
    }
}
