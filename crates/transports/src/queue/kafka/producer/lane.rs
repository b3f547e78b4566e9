//! `Lane`: the task that writes the records of one partition, in order. What comes while a batch is on its way goes into
//! the next; where there is much of it, up to five are on their way, as many as brokers remember the numbers of.

use std::{collections::VecDeque, pin::Pin, sync::Arc, time::Duration};

use tokio::{
    sync::mpsc,
    time::{Instant, timeout},
};
use trunkline_core::{Error, Kind, Outcome, Result, Retry};

use super::{
    Settings,
    batch::{Batch, Fate},
    entry::Entry,
};
use crate::{
    again::copy,
    queue::kafka::{
        cluster::{Cluster, Known},
        codes,
        messages::produce::{InitProducerId, Produce, Produced},
        records::Stamp,
        wire::Connection,
    },
};

/// How many batches a broker remembers the numbers of (KIP-98, and `max.in.flight.requests.per.connection` of KAFKA-5494).
const IN_FLIGHT: usize = 5;

/// How much has to wait for a second batch to go out beside the first.
const WORTHWHILE: usize = 64 << 10;

/// How many records go into a batch, so that none is put together for too long.
const MOST: usize = 10_000;

/// When a task ends that has nothing to do.
const IDLE: Duration = Duration::from_secs(300);

/// A reply that is to come.
type Reply = Pin<Box<dyn Future<Output = Result<Produced>> + Send + Sync>>;

/// The writing of one partition.
pub(super) struct Lane {
    pub(super) cluster: Arc<Cluster>,
    pub(super) settings: Settings,
    topic: Arc<str>,
    pub(super) partition: i32,
    /// What waits to be sent, and how much that is in bytes.
    queue: VecDeque<Entry>,
    queued: usize,
    /// What is on its way, in order.
    flight: VecDeque<(Batch, Reply)>,
    /// Who writes, and the number of the next record; `None` until a broker gives an identity.
    pub(super) identity: Option<(i64, i16)>,
    sequence: i32,
    /// Whether something was written under that identity. Until then a broker takes whichever number comes first.
    is_known: bool,
    /// Who leads the partition, as it was found out.
    pub(super) leader: Option<(Connection, Arc<Known>)>,
}

impl Lane {
    pub(super) fn new(cluster: Arc<Cluster>, settings: Settings, topic: &str, partition: i32) -> Self {
        let (queue, flight) = (VecDeque::new(), VecDeque::new());
        let topic = topic.into();
        Self {
            cluster,
            settings,
            topic,
            partition,
            queue,
            queued: 0,
            flight,
            identity: None,
            sequence: 0,
            is_known: false,
            leader: None,
        }
    }

    /// Writes what comes, until nothing has come for a while.
    pub(super) async fn run(mut self, mut entries: mpsc::UnboundedReceiver<Entry>) {
        loop {
            while let Ok(entry) = entries.try_recv() {
                self.take(entry);
            }
            if self.may_send() {
                self.send().await;
                continue;
            }
            match self.flight.front_mut() {
                Some((_, reply)) => tokio::select! {
                    biased;
                    produced = reply => self.settle(produced).await,
                    entry = entries.recv(), if !entries.is_closed() || !entries.is_empty() => {
                        if let Some(entry) = entry {
                            self.take(entry);
                        }
                    }
                },
                None => match timeout(IDLE, entries.recv()).await {
                    Ok(Some(entry)) => self.take(entry),
                    Ok(None) => return,
                    // What comes in this moment is written still; what comes later finds nobody and begins another.
                    Err(_) => entries.close(),
                },
            }
        }
    }

    fn take(&mut self, entry: Entry) {
        self.queued += entry.size;
        self.queue.push_back(entry);
    }

    fn may_send(&self) -> bool {
        match self.flight.len() {
            0 => !self.queue.is_empty(),
            count => self.is_known && count < IN_FLIGHT && self.queued >= WORTHWHILE,
        }
    }

    /// Sends the next batch. Where that cannot be, all that wait hear why.
    async fn send(&mut self) {
        let until = self.queue.iter().map(|entry| entry.until).max().unwrap_or_else(Instant::now);
        if let Err(error) = self.ready(until).await {
            self.queued = 0;
            self.queue.drain(..).for_each(|entry| entry.settle(Err(copy(&error))));
            return;
        }
        let Some(mut batch) = self.next_batch() else { return };
        let stamp = self.number(batch.count());
        match self.begin(&mut batch, stamp).await {
            Ok(reply) => self.flight.push_back((batch, reply)),
            Err(error) => {
                let fate = batch.judge(Err(error), "");
                self.recover(batch, fate).await;
            }
        }
    }

    /// The records that wait, as many as go into a batch, without those that were given up meanwhile.
    fn next_batch(&mut self) -> Option<Batch> {
        let (mut entries, mut size) = (Vec::new(), 0);
        while let Some(entry) = self.queue.front() {
            if !entries.is_empty() && (size + entry.size > self.settings.max_batch || entries.len() >= MOST) {
                break;
            }
            let entry = self.queue.pop_front()?;
            self.queued -= entry.size;
            if entry.leaves() {
                size += entry.size;
                entries.push(entry);
            }
        }
        // What cannot be packed is a bug, of which its callers hear as their entries are dropped.
        (!entries.is_empty()).then(|| Batch::new(entries, self.settings.compression).ok()).flatten()
    }

    /// Sees to it that there are an identity and a connection to the leader. What may pass is tried twice, the second time
    /// with what is found out anew.
    pub(super) async fn ready(&mut self, until: Instant) -> Result<()> {
        match self.try_ready(until).await {
            Err(error) if error.kind().row().retry == Retry::Transient && Instant::now() < until => {
                self.look_again();
                self.try_ready(until).await
            }
            result => result,
        }
    }

    async fn try_ready(&mut self, until: Instant) -> Result<()> {
        if self.leader.as_ref().is_none_or(|(connection, _)| !connection.is_open()) {
            let (node, known) = self.cluster.leader(&self.topic, self.partition, until).await?;
            // What is known is kept first, so that it is forgotten where it leads nowhere.
            match self.cluster.connection(node, &known, until).await {
                Ok(connection) => self.leader = Some((connection, known)),
                Err(error) => {
                    self.cluster.forget(&known);
                    return Err(error);
                }
            }
        }
        if self.identity.is_none() {
            let given = self.cluster.ask_any(&InitProducerId, until).await;
            let given = given.map_err(|error| error.outcome_is(Outcome::NotSent))?;
            codes::accepted(given.error, "the broker gives no identity to write with", None)
                .map_err(|error| error.outcome_is(Outcome::NotSent))?;
            self.identity = Some((given.id, given.epoch));
            (self.sequence, self.is_known) = (0, false);
        }
        Ok(())
    }

    /// Forgets who leads the partition.
    pub(super) fn look_again(&mut self) {
        if let Some((_, known)) = self.leader.take() {
            self.cluster.forget(&known);
        }
    }

    /// The numbers of the next records, which no others ever get under this identity.
    pub(super) fn number(&mut self, count: i32) -> Stamp {
        let (id, epoch) = self.identity.expect("a lane that is ready has one");
        let sequence = self.sequence;
        self.sequence = advance(sequence, count);
        Stamp { id, epoch, sequence }
    }

    /// Whether a batch has numbers of the present identity.
    pub(super) fn has_numbered(&self, batch: &Batch) -> bool {
        batch.stamp.is_some_and(|stamp| self.identity == Some((stamp.id, stamp.epoch)))
    }

    /// Tells everyone that a batch was written.
    pub(super) fn written(&mut self, batch: Batch, produced: &Produced) {
        self.is_known |= self.has_numbered(&batch);
        batch.written(self.partition, produced);
    }

    /// Sends a batch to the leader and leaves the reply for later.
    ///
    /// # Errors
    ///
    /// As [`Connection::begin`].
    pub(super) async fn begin(&self, batch: &mut Batch, stamp: Stamp) -> Result<Reply> {
        let until = batch.until.min(Instant::now() + self.settings.request_timeout);
        let left = until.saturating_duration_since(Instant::now());
        let timeout = left.as_millis().clamp(1, i32::MAX as u128) as i32;
        let bytes = batch.stamped(stamp);
        let Some((connection, _)) = &self.leader else {
            return Err(Error::new(
                Kind::Unavailable,
                "nobody leads the partition; see that its brokers are up",
            )
            .outcome_is(Outcome::NotSent));
        };
        let request = Produce { topic: &self.topic, partition: self.partition, batch: bytes, timeout };
        let begun = connection.begin(&request, until).await?;
        Ok(Box::pin(begun.reply()))
    }

    /// Takes what came of the oldest batch on its way.
    async fn settle(&mut self, result: Result<Produced>) {
        let Some((mut batch, _)) = self.flight.pop_front() else { return };
        match batch.judge(result, &self.what()) {
            Fate::Written(produced) => self.written(batch, &produced),
            fate => self.recover(batch, fate).await,
        }
    }

    /// All that is on its way behind a batch that failed, and what came of each: those that were written have been told.
    pub(super) async fn land(&mut self) -> VecDeque<(Batch, Fate)> {
        let mut landed = VecDeque::new();
        while let Some((mut batch, reply)) = self.flight.pop_front() {
            match batch.judge(reply.await, &self.what()) {
                Fate::Written(produced) => self.written(batch, &produced),
                fate => landed.push_back((batch, fate)),
            }
        }
        landed
    }

    pub(super) fn what(&self) -> String {
        format!("the broker takes no record for partition {} of topic {}", self.partition, self.topic)
    }
}

/// The number behind `count` records; numbers begin anew after the highest (KIP-98).
fn advance(sequence: i32, count: i32) -> i32 {
    sequence.wrapping_add(count) & i32::MAX
}
