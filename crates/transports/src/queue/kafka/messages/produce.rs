//! Writing records, under the identity of a producer (KIP-98).

use trunkline_core::Result;

use super::{Api, OfTopic, Reader, Request, Writer, api, read_topics};
use crate::queue::kafka::codec::broken;

/// Asks for the identity of a producer.
#[derive(Debug)]
pub(crate) struct InitProducerId;

/// The identity.
#[derive(Debug)]
pub(crate) struct ProducerId {
    pub(crate) error: i16,
    pub(crate) id: i64,
    pub(crate) epoch: i16,
}

impl Request for InitProducerId {
    // Tansu gives identities only to those who ask in a version that tells of an earlier one.
    const API: Api = Api { flexible: 2, ..api(22, "InitProducerId", 0, 3) };
    type Reply = ProducerId;

    fn write(&self, to: &mut Writer, version: i16) {
        // No transactions, so neither their id nor their time limit.
        match version >= Self::API.flexible {
            true => to.i8(0),
            false => to.nullable_string(None),
        }
        to.i32(0);
        if version >= 3 {
            to.i64(-1);
            to.i16(-1);
        }
        if version >= Self::API.flexible {
            to.no_tags();
        }
    }

    fn read(from: &mut Reader, _: i16) -> Result<ProducerId> {
        let _throttle = from.i32()?;
        Ok(ProducerId { error: from.i16()?, id: from.i64()?, epoch: from.i16()? })
    }
}

/// One batch of records for one partition.
#[derive(Debug)]
pub(crate) struct Produce<'a> {
    pub(crate) topic: &'a str,
    pub(crate) partition: i32,
    pub(crate) batch: &'a [u8],
    /// How long the leader may wait for its replicas, in milliseconds.
    pub(crate) timeout: i32,
}

/// Where it was written.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Produced {
    pub(crate) error: i16,
    /// The offset of its first record; -1 if the broker does not say.
    pub(crate) offset: i64,
    /// When the broker wrote it, in milliseconds since 1970, if the topic has its records bear that time; or -1.
    pub(crate) appended: i64,
    pub(crate) reason: Option<String>,
    /// Which records of the batch are at fault, and why.
    pub(crate) faults: Vec<(i32, Option<String>)>,
}

impl Request for Produce<'_> {
    const API: Api = api(0, "Produce", 3, 8);
    type Reply = Produced;

    fn write(&self, to: &mut Writer, _: i16) {
        to.nullable_string(None);
        // All replicas in sync.
        to.i16(-1);
        to.i32(self.timeout);
        to.array(&[()], |to, ()| {
            to.string(self.topic);
            to.array(&[()], |to, ()| {
                to.i32(self.partition);
                to.bytes(self.batch);
            });
        });
    }

    fn read(from: &mut Reader, version: i16) -> Result<Produced> {
        let topics: Vec<OfTopic<Produced>> = read_topics(from, |from| {
            let _index = from.i32()?;
            let (error, offset, appended) = (from.i16()?, from.i64()?, from.i64()?);
            if version >= 5 {
                let _log_start = from.i64()?;
            }
            let (faults, reason) = match version >= 8 {
                true => {
                    (from.array(|from| Ok((from.i32()?, from.nullable_string()?)))?, from.nullable_string()?)
                }
                false => (Vec::new(), None),
            };
            Ok(Produced { error, offset, appended, reason, faults })
        })?;
        let produced = topics.into_iter().flat_map(|topic| topic.partitions).next();
        produced.ok_or_else(|| broken("the broker does not say what became of a batch of records"))
    }
}
