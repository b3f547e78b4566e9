//! Where things are: brokers, leaders of partitions, coordinators of groups.

use trunkline_core::Result;

use super::{Api, Reader, Request, Writer, api};

/// Asks for the brokers, and for some topics.
#[derive(Debug)]
pub(crate) struct Metadata<'a> {
    /// `None` for all there are.
    pub(crate) topics: Option<&'a [String]>,
    /// Whether brokers that are set up to do so make those that are missing.
    pub(crate) create: bool,
}

/// A cluster as one of its brokers sees it.
#[derive(Debug, Default)]
pub(crate) struct View {
    pub(crate) brokers: Vec<Broker>,
    pub(crate) cluster_id: Option<String>,
    pub(crate) controller: i32,
    pub(crate) topics: Vec<TopicView>,
}

/// Where a broker says it is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Broker {
    pub(crate) id: i32,
    pub(crate) host: String,
    pub(crate) port: i32,
}

/// A topic, or why it is not to be seen.
#[derive(Debug, Clone, Default)]
pub(crate) struct TopicView {
    pub(crate) error: i16,
    pub(crate) name: String,
    pub(crate) internal: bool,
    pub(crate) partitions: Vec<PartitionView>,
}

/// A partition.
#[derive(Debug, Clone, Default)]
pub(crate) struct PartitionView {
    pub(crate) index: i32,
    /// The id of its leader; -1 while there is none.
    pub(crate) leader: i32,
    pub(crate) replicas: Vec<i32>,
    pub(crate) in_sync: Vec<i32>,
}

impl Request for Metadata<'_> {
    const API: Api = api(3, "Metadata", 4, 7);
    type Reply = View;

    fn write(&self, to: &mut Writer, _: i16) {
        match self.topics {
            Some(topics) => to.array(topics, |to, name| to.string(name)),
            None => to.i32(-1),
        }
        to.bool(self.create);
    }

    fn read(from: &mut Reader, version: i16) -> Result<View> {
        let _throttle = from.i32()?;
        let brokers = from.array(|from| {
            let broker = Broker { id: from.i32()?, host: from.string()?, port: from.i32()? };
            let _rack = from.nullable_string()?;
            Ok(broker)
        })?;
        let (cluster_id, controller) = (from.nullable_string()?, from.i32()?);
        let partition = |from: &mut Reader| {
            // Where there is no leader, the leader says so.
            let _error = from.i16()?;
            let (index, leader) = (from.i32()?, from.i32()?);
            if version >= 7 {
                let _leader_epoch = from.i32()?;
            }
            let (replicas, in_sync) = (from.array(Reader::i32)?, from.array(Reader::i32)?);
            if version >= 5 {
                let _offline = from.array(Reader::i32)?;
            }
            Ok(PartitionView { index, leader, replicas, in_sync })
        };
        let topics = from.array(|from| {
            Ok(TopicView {
                error: from.i16()?,
                name: from.string()?,
                internal: from.bool()?,
                partitions: from.array(partition)?,
            })
        })?;
        Ok(View { brokers, cluster_id, controller, topics })
    }
}

/// Asks which broker looks after a group.
#[derive(Debug)]
pub(crate) struct FindCoordinator<'a> {
    pub(crate) group: &'a str,
}

/// The broker that does.
#[derive(Debug)]
pub(crate) struct Coordinator {
    pub(crate) error: i16,
    pub(crate) reason: Option<String>,
    pub(crate) broker: Broker,
}

impl Request for FindCoordinator<'_> {
    const API: Api = api(10, "FindCoordinator", 1, 2);
    type Reply = Coordinator;

    fn write(&self, to: &mut Writer, _: i16) {
        to.string(self.group);
        // Of a group, and not of a transaction.
        to.i8(0);
    }

    fn read(from: &mut Reader, _: i16) -> Result<Coordinator> {
        let _throttle = from.i32()?;
        Ok(Coordinator {
            error: from.i16()?,
            reason: from.nullable_string()?,
            broker: Broker { id: from.i32()?, host: from.string()?, port: from.i32()? },
        })
    }
}
