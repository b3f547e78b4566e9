//! Being a member of a consumer group (Kafka documentation, "Consumer Rebalance Protocol"; KIP-62, KIP-345).

use bytes::Bytes;
use trunkline_core::Result;

use super::{Api, OfTopic, Reader, Request, Writer, api, read_topics, write_topics};

/// Who a member is, in which generation of its group.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Identity {
    pub(crate) group: String,
    pub(crate) generation: i32,
    /// What the coordinator calls it; empty until it does.
    pub(crate) member: String,
}

impl Identity {
    fn write(&self, to: &mut Writer, with_instance: bool) {
        to.string(&self.group);
        to.i32(self.generation);
        to.string(&self.member);
        if with_instance {
            // It has no name of its own to be known by after a restart (KIP-345).
            to.nullable_string(None);
        }
    }
}

/// Joins a group.
#[derive(Debug)]
pub(crate) struct JoinGroup<'a> {
    pub(crate) who: &'a Identity,
    /// How long it may be silent, and how long others wait for it, in milliseconds.
    pub(crate) session: i32,
    pub(crate) rebalance: i32,
    /// Ways to share partitions out, the best first.
    pub(crate) assignors: &'a [&'static str],
    pub(crate) subscription: &'a [u8],
}

/// The group as it is now.
#[derive(Debug)]
pub(crate) struct Joined {
    pub(crate) error: i16,
    pub(crate) generation: i32,
    pub(crate) assignor: String,
    pub(crate) leader: String,
    pub(crate) member: String,
    /// All members and what they subscribe to; told to the leader alone.
    pub(crate) members: Vec<(String, Bytes)>,
}

impl Request for JoinGroup<'_> {
    const API: Api = api(11, "JoinGroup", 2, 5);
    type Reply = Joined;

    fn write(&self, to: &mut Writer, version: i16) {
        to.string(&self.who.group);
        to.i32(self.session);
        to.i32(self.rebalance);
        to.string(&self.who.member);
        if version >= 5 {
            to.nullable_string(None);
        }
        to.string("consumer");
        to.array(self.assignors, |to, name| {
            to.string(name);
            to.bytes(self.subscription);
        });
    }

    fn read(from: &mut Reader, version: i16) -> Result<Joined> {
        let _throttle = from.i32()?;
        Ok(Joined {
            error: from.i16()?,
            generation: from.i32()?,
            assignor: from.string()?,
            leader: from.string()?,
            member: from.string()?,
            members: from.array(|from| {
                let member = from.string()?;
                if version >= 5 {
                    let _instance = from.nullable_string()?;
                }
                Ok((member, from.bytes()?))
            })?,
        })
    }
}

/// Asks for one's part; the leader says everyone's.
#[derive(Debug)]
pub(crate) struct SyncGroup<'a> {
    pub(crate) who: &'a Identity,
    pub(crate) assignments: &'a [(String, Bytes)],
}

/// One's part.
#[derive(Debug)]
pub(crate) struct Synced {
    pub(crate) error: i16,
    pub(crate) assignment: Bytes,
}

impl Request for SyncGroup<'_> {
    const API: Api = api(14, "SyncGroup", 1, 3);
    type Reply = Synced;

    fn write(&self, to: &mut Writer, version: i16) {
        self.who.write(to, version >= 3);
        to.array(self.assignments, |to, (member, assignment)| {
            to.string(member);
            to.bytes(assignment);
        });
    }

    fn read(from: &mut Reader, _: i16) -> Result<Synced> {
        let _throttle = from.i32()?;
        Ok(Synced { error: from.i16()?, assignment: from.bytes()? })
    }
}

/// Says that one is still there. The reply is an error code.
#[derive(Debug)]
pub(crate) struct Heartbeat<'a>(pub(crate) &'a Identity);

impl Request for Heartbeat<'_> {
    const API: Api = api(12, "Heartbeat", 1, 3);
    type Reply = i16;

    fn write(&self, to: &mut Writer, version: i16) {
        self.0.write(to, version >= 3);
    }

    fn read(from: &mut Reader, _: i16) -> Result<i16> {
        let _throttle = from.i32()?;
        from.i16()
    }
}

/// Leaves. The reply is an error code.
#[derive(Debug)]
pub(crate) struct LeaveGroup<'a>(pub(crate) &'a Identity);

impl Request for LeaveGroup<'_> {
    const API: Api = api(13, "LeaveGroup", 1, 2);
    type Reply = i16;

    fn write(&self, to: &mut Writer, _: i16) {
        to.string(&self.0.group);
        to.string(&self.0.member);
    }

    fn read(from: &mut Reader, _: i16) -> Result<i16> {
        let _throttle = from.i32()?;
        from.i16()
    }
}

/// What a member subscribes to, as the protocol `consumer` writes it.
pub(crate) fn subscription(topics: &[String]) -> Bytes {
    let mut to = Writer::default();
    to.i16(0);
    to.array(topics, |to, name| to.string(name));
    to.bytes(&[]);
    to.0.freeze()
}

/// The topics of a subscription, of whatever version: later ones add to the end.
pub(crate) fn read_subscription(bytes: Bytes) -> Result<Vec<String>> {
    let mut from = Reader(bytes);
    let _version = from.i16()?;
    from.array(Reader::string)
}

/// The partitions of a member, as the protocol `consumer` writes them.
pub(crate) fn assignment(topics: &[OfTopic<i32>]) -> Bytes {
    let mut to = Writer::default();
    to.i16(0);
    write_topics(&mut to, topics, |to, partition| to.i32(*partition));
    to.bytes(&[]);
    to.0.freeze()
}

/// The partitions of an assignment; none where it is empty, as it is for members that have no part.
pub(crate) fn read_assignment(bytes: Bytes) -> Result<Vec<OfTopic<i32>>> {
    if bytes.is_empty() {
        return Ok(Vec::new());
    }
    let mut from = Reader(bytes);
    let _version = from.i16()?;
    read_topics(&mut from, Reader::i32)
}
