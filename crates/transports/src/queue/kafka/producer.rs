//! `Producer`: writes records, each once (KIP-98). A task for each partition puts records together and keeps their order;
//! see `producer/lane.rs`.

mod batch;
mod entry;
mod lane;
mod partition;
mod recover;
#[cfg(test)]
mod tests;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{
    sync::{Semaphore, mpsc},
    time::{Instant, timeout_at},
};
use trunkline_core::{Error, Kind, Outcome, Result};

use self::{
    entry::{Entry, Ticket},
    lane::Lane,
    partition::Sticky,
};
use super::{cluster::Cluster, compression::Compression, records::Record};

/// How much may wait to be written, of all partitions together, in bytes. What is more waits outside.
const ROOM: usize = 32 << 20;

/// Where a record was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Placed {
    pub(super) partition: i32,
    /// `None` where the broker says that it has the record, and no more where.
    pub(super) offset: Option<i64>,
    /// In milliseconds since 1970: the record's own time, or the broker's where the topic is set up so.
    pub(super) timestamp: i64,
}

/// How records are written.
#[derive(Debug, Clone, Copy)]
pub(super) struct Settings {
    pub(super) compression: Compression,
    /// How long a batch may be before it is packed, in bytes; one record may be longer.
    pub(super) max_batch: usize,
    /// How long one attempt to write may take: the leader waits for its replicas that long.
    pub(super) request_timeout: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        // A little less than brokers take (`message.max.bytes`, 1,048,588).
        Self {
            compression: Compression::None,
            max_batch: 1_000_000,
            request_timeout: Duration::from_secs(30),
        }
    }
}

/// Writes records to a cluster.
#[derive(Debug)]
pub(super) struct Producer {
    cluster: Arc<Cluster>,
    settings: Settings,
    lanes: Mutex<HashMap<(String, i32), mpsc::UnboundedSender<Entry>>>,
    sticky: Sticky,
    room: Arc<Semaphore>,
}

impl Producer {
    pub(super) fn new(cluster: Arc<Cluster>, settings: Settings) -> Self {
        let (lanes, sticky) = (Mutex::default(), Sticky::default());
        Self { cluster, settings, lanes, sticky, room: Arc::new(Semaphore::new(ROOM)) }
    }

    /// Hands over a record to be written, to `partition` or else where its key belongs, behind all that were handed over
    /// before. Waits until there is room for it, until `until` at most; whether it was written the ticket tells. One that is
    /// dropped takes the record along if it has not left.
    ///
    /// # Errors
    ///
    /// What brokers refuse, as `codes.rs` has it, with outcome `not_sent`.
    pub(super) async fn begin(
        &self,
        topic: &str,
        partition: Option<i32>,
        record: Record,
        until: Instant,
    ) -> Result<Ticket> {
        let size = record.size();
        let partition = match partition {
            Some(partition) => partition,
            None => {
                let (view, _) = self.cluster.topic(topic, until).await?;
                self.sticky.choose(&view, record.key.as_deref(), size)?
            }
        };
        let wanted = u32::try_from(size.min(ROOM)).expect("it is at most 32 MiB");
        let room = timeout_at(until, self.room.clone().acquire_many_owned(wanted)).await;
        let room = room.map_err(|_| {
            let message =
                format!("records for topic {topic} come faster than they are written; send fewer at a time");
            Error::new(Kind::Throttled, message).outcome_is(Outcome::NotSent)
        })?;
        let room = room.expect("it is never closed");
        let (entry, ticket) = Entry::new(record, size, until, room);
        self.hand_over(topic, partition, entry);
        Ok(ticket)
    }

    /// Hands a record to the task of its partition, which is begun if there is none.
    fn hand_over(&self, topic: &str, partition: i32, entry: Entry) {
        let mut lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (topic.to_owned(), partition);
        let entry = match lanes.get(&key) {
            Some(lane) => match lane.send(entry) {
                Ok(()) => return,
                Err(mpsc::error::SendError(entry)) => entry,
            },
            None => entry,
        };
        lanes.retain(|_, lane| !lane.is_closed());
        let (lane, entries) = mpsc::unbounded_channel();
        let _ = lane.send(entry);
        lanes.insert(key, lane);
        tokio::spawn(Lane::new(self.cluster.clone(), self.settings, topic, partition).run(entries));
    }
}
