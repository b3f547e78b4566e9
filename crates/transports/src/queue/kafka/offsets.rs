//! Where partitions begin and end, and how far groups have come in them.

use std::collections::BTreeMap;

use futures_util::future::try_join_all;
use tokio::time::Instant;
use trunkline_core::{Error, Result};

use super::{
    cluster::Cluster,
    codes::{self, Help},
    messages::{
        by_topic,
        fetch::{EARLIEST, LATEST, ListOffsets},
        offsets::OffsetFetch,
    },
    wire::Connection,
};

/// A partition.
pub(super) type Partition = (String, i32);

/// How far a group has come in a partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Lag {
    /// The offset of the record that it goes on with; `None` where it has not said.
    pub(super) committed: Option<i64>,
    /// The offset of the first record that is kept.
    pub(super) begin: i64,
    /// The offset that the next record to be written will have.
    pub(super) end: i64,
}

/// The first offset of records since `time` of each partition: in milliseconds since 1970, or [`LATEST`] or
/// [`EARLIEST`]. The end where no record is that new.
///
/// # Errors
///
/// As [`Cluster::leader`]; what brokers refuse.
pub(super) async fn list(
    cluster: &Cluster,
    partitions: &[Partition],
    time: i64,
    committed: bool,
    until: Instant,
) -> Result<BTreeMap<Partition, i64>> {
    match try_list(cluster, partitions, time, committed, until).await {
        Err((error, Help::Look)) if Instant::now() < until => {
            // Those that are not leaders any more do not answer: whoever is now, does.
            drop(error);
            cluster.refresh();
            try_list(cluster, partitions, time, committed, until).await.map_err(|(error, _)| error)
        }
        result => result.map_err(|(error, _)| error),
    }
}

async fn try_list(
    cluster: &Cluster,
    partitions: &[Partition],
    time: i64,
    committed: bool,
    until: Instant,
) -> Result<BTreeMap<Partition, i64>, (Error, Help)> {
    let plain = |error| (error, Help::None);
    let mut leaders: BTreeMap<i32, (Vec<&Partition>, _)> = BTreeMap::new();
    for partition in partitions {
        let (node, known) = cluster.leader(&partition.0, partition.1, until).await.map_err(plain)?;
        leaders.entry(node).or_insert_with(|| (Vec::new(), known)).0.push(partition);
    }
    let asked = leaders.into_iter().map(async |(node, (partitions, known))| {
        let connection =
            cluster.connection(node, &known, until).await.map_err(|error| (error, Help::Look))?;
        let topics = by_topic(partitions.iter().map(|(topic, index)| (&**topic, (*index, time))));
        let topics = connection.ask(&ListOffsets { committed, topics }, until).await;
        topics.map_err(|error| (error, Help::Look))
    });
    let mut found = BTreeMap::new();
    let mut ended = Vec::new();
    for topic in try_join_all(asked).await?.into_iter().flatten() {
        for listed in topic.partitions {
            let what = format!(
                "the broker does not say where partition {} of topic {} is",
                listed.partition, topic.name
            );
            codes::accepted(listed.error, &what, None)
                .map_err(|error| (error, codes::judge(listed.error).help))?;
            let partition = (topic.name.clone(), listed.partition);
            if listed.offset < 0 && time != LATEST {
                ended.push(partition);
            } else {
                found.insert(partition, listed.offset.max(0));
            }
        }
    }
    if !ended.is_empty() {
        found.append(&mut Box::pin(try_list(cluster, &ended, LATEST, committed, until)).await?);
    }
    Ok(found)
}

/// How far a group has come in each partition of a topic.
///
/// # Errors
///
/// As [`Cluster::coordinator`] and [`list`]; what brokers refuse.
pub(super) async fn lag(cluster: &Cluster, group: &str, topic: &str, until: Instant) -> Result<Vec<Lag>> {
    let (node, known) = cluster.coordinator(group, until).await?;
    let coordinator = cluster.connection(node, &known, until).await?;
    let (view, _) = cluster.topic(topic, until).await?;
    let all: Vec<_> = view.partitions.iter().map(|partition| (topic.to_owned(), partition.index)).collect();
    let committed = committed(&coordinator, group, &all, until).await?;
    let ends = list(cluster, &all, LATEST, false, until).await?;
    let begins = list(cluster, &all, EARLIEST, false, until).await?;
    let lag = |(partition, end): (Partition, i64)| {
        let begin = begins.get(&partition).copied().unwrap_or_default();
        Lag { committed: committed.get(&partition).copied(), begin, end }
    };
    Ok(ends.into_iter().map(lag).collect())
}

/// How far a group has come in these partitions; those are missing of which it has not said.
///
/// # Errors
///
/// What the coordinator refuses.
pub(super) async fn committed(
    coordinator: &Connection,
    group: &str,
    partitions: &[Partition],
    until: Instant,
) -> Result<BTreeMap<Partition, i64>> {
    let topics = by_topic(partitions.iter().map(|(topic, index)| (&**topic, *index)));
    let what = format!("the broker does not say how far group {group} has come");
    let offsets = coordinator.ask(&OffsetFetch { group, topics }, until).await?;
    codes::accepted(offsets.error, &what, None)?;
    let mut committed = BTreeMap::new();
    for topic in offsets.topics {
        for found in topic.partitions {
            codes::accepted(found.error, &what, None)?;
            if found.offset >= 0 {
                committed.insert((topic.name.clone(), found.partition), found.offset);
            }
        }
    }
    Ok(committed)
}
