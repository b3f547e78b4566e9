//! How far a group has come.

use trunkline_core::Result;

use super::{Api, OfTopic, Reader, Request, Writer, api, group::Identity, read_topics, write_topics};

/// Says how far.
#[derive(Debug)]
pub(crate) struct OffsetCommit<'a> {
    pub(crate) who: &'a Identity,
    /// By partition, the offset of the record to go on with.
    pub(crate) topics: Vec<OfTopic<(i32, i64)>>,
}

impl Request for OffsetCommit<'_> {
    const API: Api = api(8, "OffsetCommit", 2, 7);
    /// An error code for each partition.
    type Reply = Vec<OfTopic<(i32, i16)>>;

    fn write(&self, to: &mut Writer, version: i16) {
        to.string(&self.who.group);
        to.i32(self.who.generation);
        to.string(&self.who.member);
        if version >= 7 {
            to.nullable_string(None);
        }
        if version <= 4 {
            // Kept for as long as the broker keeps them.
            to.i64(-1);
        }
        write_topics(to, &self.topics, |to, (partition, offset)| {
            to.i32(*partition);
            to.i64(*offset);
            if version >= 6 {
                to.i32(-1);
            }
            to.nullable_string(Some(""));
        });
    }

    fn read(from: &mut Reader, version: i16) -> Result<Self::Reply> {
        if version >= 3 {
            let _throttle = from.i32()?;
        }
        read_topics(from, |from| Ok((from.i32()?, from.i16()?)))
    }
}

/// Asks how far.
#[derive(Debug)]
pub(crate) struct OffsetFetch<'a> {
    pub(crate) group: &'a str,
    pub(crate) topics: Vec<OfTopic<i32>>,
}

/// How far a group has come.
#[derive(Debug)]
pub(crate) struct Offsets {
    pub(crate) error: i16,
    pub(crate) topics: Vec<OfTopic<Committed>>,
}

/// How far in one partition.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Committed {
    pub(crate) partition: i32,
    /// -1 where it has never been said.
    pub(crate) offset: i64,
    pub(crate) error: i16,
}

impl Request for OffsetFetch<'_> {
    const API: Api = api(9, "OffsetFetch", 2, 5);
    type Reply = Offsets;

    fn write(&self, to: &mut Writer, _: i16) {
        to.string(self.group);
        write_topics(to, &self.topics, |to, partition| to.i32(*partition));
    }

    fn read(from: &mut Reader, version: i16) -> Result<Offsets> {
        if version >= 3 {
            let _throttle = from.i32()?;
        }
        let topics = read_topics(from, |from| {
            let (partition, offset) = (from.i32()?, from.i64()?);
            if version >= 5 {
                let _leader_epoch = from.i32()?;
            }
            let _metadata = from.nullable_string()?;
            Ok(Committed { partition, offset, error: from.i16()? })
        })?;
        Ok(Offsets { error: from.i16()?, topics })
    }
}
