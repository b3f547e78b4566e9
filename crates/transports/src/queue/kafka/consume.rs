//! `Consuming`: somebody who reads a topic, alone or as one of a group. Kafka keeps no account of single messages, so what is
//! dealt with, what is to come again and how often it came is known here; the group hears how far all is dealt with.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    sync::{Notify, watch},
    time::{Instant, timeout_at},
};
use trunkline_core::{Ack, Error, Kind, Outcome, Result, Start};

use super::{
    cluster::Cluster,
    codes,
    fetch::{self, Fetcher, Read, Reset},
    group::{self, Assigned, Member, Membership, Told, fenced},
    ledger::{Due, Ledger, Mark},
    message::{self, message},
    messages::{
        by_topic,
        fetch::{EARLIEST, LATEST},
        offsets::OffsetCommit,
    },
    offsets::{self, Partition},
    records::Stored,
};
use crate::{
    again::copy,
    queue::broker::{Consumer, Delivery, Fate, Subscription},
};

/// How long brokers may take to say where to begin.
const BEGIN: Duration = Duration::from_secs(10);

/// How long the coordinator may take to hear how far the group has come.
const COMMIT: Duration = Duration::from_secs(10);

/// Somebody who reads a topic.
pub(in crate::queue) struct Consuming {
    shared: Arc<Shared>,
    reading: tokio::sync::Mutex<Reading>,
    member: Option<Member>,
}

/// What the task of a member knows too.
struct Shared {
    ledger: Mutex<Ledger>,
    /// Whether who gets a message acknowledges it: then the group hears of each at once.
    explicit: bool,
    /// One tells the group at a time; what others have to say meanwhile is said along with the next.
    telling: tokio::sync::Mutex<()>,
    again: Mutex<VecDeque<Again>>,
    returned: Notify,
}

/// A record that is handed out, or is to be once more.
#[derive(Debug, Clone)]
struct Again {
    mark: Mark,
    stored: Stored,
    deliveries: u32,
}

/// Where somebody reads.
struct Reading {
    cluster: Arc<Cluster>,
    fetcher: Fetcher,
    topic: String,
    start: Option<Start>,
    membership: Option<watch::Receiver<Membership>>,
    /// The part of the group that is being read.
    assigned: Option<Arc<Assigned>>,
    /// What was read and not handed out yet.
    read: VecDeque<(Partition, Stored, i64)>,
}

/// What a message is known by until it is settled.
#[derive(Debug, Clone)]
pub(in crate::queue) struct Held(Again);

impl Consuming {
    /// Begins to read: alone, all partitions from `start` on, or the latest; in a group those that it gives, from where it
    /// has come, or else from `start`, or the earliest.
    ///
    /// # Errors
    ///
    /// `rejected` where there is no such topic.
    pub(super) async fn begin(
        cluster: &Arc<Cluster>,
        subscription: &Subscription,
        session: Duration,
        uncommitted: bool,
    ) -> Result<Self> {
        let topic = subscription.source.clone();
        message::topic(&topic).map_err(|error| error.at("queue"))?;
        let until = Instant::now() + BEGIN;
        let rejected = |error: Error| error.outcome_is(Outcome::Rejected);
        let (view, _) = cluster.topic(&topic, until).await.map_err(rejected)?;
        let reset = if subscription.group.is_some() { Reset::Earliest } else { Reset::Latest };
        let settings = fetch::Settings { reset, uncommitted, ..fetch::Settings::default() };
        let shared = Arc::new(Shared {
            ledger: Mutex::default(),
            explicit: subscription.ack == Ack::Explicit,
            telling: tokio::sync::Mutex::default(),
            again: Mutex::default(),
            returned: Notify::new(),
        });
        let mut reading = Reading {
            cluster: cluster.clone(),
            fetcher: Fetcher::new(cluster.clone(), settings),
            topic: topic.clone(),
            start: subscription.start,
            membership: None,
            assigned: None,
            read: VecDeque::new(),
        };
        let member = match &subscription.group {
            Some(group) => {
                let settings = group::Settings { group: group.clone(), topics: vec![topic], session };
                let member = Member::join(cluster.clone(), settings, shared.clone());
                reading.membership = Some(member.membership());
                Some(member)
            }
            None => {
                let all: Vec<_> = view.partitions.iter().map(|found| (topic.clone(), found.index)).collect();
                let begun = reading.begin(&all, LATEST, until).await.map_err(rejected)?;
                reading
                    .fetcher
                    .assign(begun.into_iter().map(|(partition, offset)| (partition, Some(offset))));
                None
            }
        };
        Ok(Self { shared, reading: tokio::sync::Mutex::new(reading), member })
    }

    /// Over which part of the group it hears how far it has come: the present one, or while it shares out the one before.
    async fn settled(&self, until: Instant) -> Result<Arc<Assigned>> {
        let Some(member) = &self.member else { return Err(fenced()) };
        let mut membership = member.membership();
        loop {
            let current = membership.borrow_and_update().clone();
            match current {
                Membership::Assigned(assigned) | Membership::Joining(Some(assigned)) => return Ok(assigned),
                Membership::Failed(error) => return Err(copy(&error)),
                Membership::Joining(None) => {}
            }
            match timeout_at(until, membership.changed()).await {
                Ok(Ok(())) => {}
                _ => {
                    let message = "the group is sharing its partitions out; the message may come again";
                    return Err(Error::new(Kind::Contended, message).outcome_is(Outcome::Unknown));
                }
            }
        }
    }
}

impl Consumer for Consuming {
    type Mark = Held;

    async fn fetch(&self, max: u32, until: Instant) -> Result<Vec<Delivery<Held>>> {
        let max = max as usize;
        let Ok(mut reading) = timeout_at(until, self.reading.lock()).await else { return Ok(Vec::new()) };
        loop {
            if !reading.follow(&self.shared, until).await? {
                return Ok(Vec::new());
            }
            let mut found = self.shared.take_back(max);
            while found.len() < max
                && let Some((partition, Stored { offset, record }, end)) = reading.read.pop_front()
            {
                let stored = Stored { offset, record: record.owned() };
                if reading.membership.is_none() {
                    found.push(delivery(&partition, stored, None, Some(end)));
                } else if let Some(mark) = self.shared.ledger().hand_out(&partition, stored.offset) {
                    let held = Again { mark, stored: stored.clone(), deliveries: 1 };
                    found.push(delivery(&partition, stored, Some(held), Some(end)));
                }
            }
            if !found.is_empty() || max == 0 || Instant::now() >= until {
                return Ok(found);
            }
            let changed = reading.membership.clone();
            tokio::select! {
                read = reading.fetcher.next(until) => {
                    if let Some(read) = read? {
                        reading.keep(read);
                    }
                }
                () = self.shared.returned.notified() => {}
                () = changes(changed) => {}
            }
        }
    }

    async fn settle(&self, held: &Held, fate: Fate) -> Result<()> {
        let Held(held) = held;
        if fate == Fate::Requeue {
            if self.shared.ledger().holds(&held.mark) {
                let again = Again { deliveries: held.deliveries + 1, ..held.clone() };
                self.shared.lock_again().push_back(again);
                self.shared.returned.notify_one();
            }
            return Ok(());
        }
        if !self.shared.ledger().done(&held.mark) {
            return Err(fenced());
        }
        if !self.shared.explicit {
            return Ok(());
        }
        let until = Instant::now() + COMMIT;
        loop {
            let mut changed = self.member.as_ref().map(Member::membership);
            let assigned = self.settled(until).await?;
            if self.shared.ledger().is_told(&held.mark) {
                return if self.shared.ledger().holds(&held.mark) { Ok(()) } else { Err(fenced()) };
            }
            match self.shared.say(&assigned, until).await {
                // The group shares out anew: if the partition stays ours, it is said then.
                Err(error) if error.kind() == Kind::Contended && Instant::now() < until => {
                    let Some(changed) = &mut changed else { return Err(error) };
                    let _ = timeout_at(until, changed.changed()).await;
                }
                result => return result,
            }
        }
    }
}

/// Waits until the membership changes; for ever where there is none.
async fn changes(membership: Option<watch::Receiver<Membership>>) {
    match membership {
        Some(mut membership) => {
            let _ = membership.changed().await;
        }
        None => std::future::pending().await,
    }
}

impl Shared {
    fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock_again(&self) -> MutexGuard<'_, VecDeque<Again>> {
        self.again.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What was sent back and is still ours, at most `max`.
    fn take_back(&self, max: usize) -> Vec<Delivery<Held>> {
        let ledger = self.ledger();
        let mut again = self.lock_again();
        let count = again.len().min(max);
        let taken = again.drain(..count).filter(|again| ledger.holds(&again.mark));
        taken
            .map(|again| delivery(&again.mark.partition.clone(), again.stored.clone(), Some(again), None))
            .collect()
    }

    /// Tells the group how far all is dealt with.
    ///
    /// # Errors
    ///
    /// `contended` where the group is sharing out anew; what the coordinator refuses.
    async fn say(&self, assigned: &Assigned, until: Instant) -> Result<()> {
        let Ok(_turn) = timeout_at(until, self.telling.lock()).await else {
            return Err(Error::new(
                Kind::Timeout,
                "the coordinator did not hear in time how far the group has come",
            ));
        };
        let due: Vec<Due> = self
            .ledger()
            .due()
            .into_iter()
            .filter(|due| assigned.partitions.contains(&due.partition))
            .collect();
        if due.is_empty() {
            return Ok(());
        }
        let topics = by_topic(due.iter().map(|due| (&*due.partition.0, (due.partition.1, due.offset))));
        let request = OffsetCommit { who: &assigned.who, topics };
        let answer = assigned.coordinator.ask(&request, until).await?;
        for (partition, code) in answer.into_iter().flat_map(|topic| topic.partitions) {
            let what =
                format!("the broker does not take down how far the group has come in partition {partition}");
            match code {
                codes::ILLEGAL_GENERATION | codes::UNKNOWN_MEMBER_ID | codes::REBALANCE_IN_PROGRESS => {
                    return Err(codes::refused(codes::REBALANCE_IN_PROGRESS, &what, None));
                }
                code => codes::accepted(code, &what, None)?,
            }
        }
        let mut ledger = self.ledger();
        due.iter().for_each(|due| ledger.told(due));
        Ok(())
    }
}

impl Told for Shared {
    fn given(&self, partitions: &[Partition]) {
        self.ledger().keep(partitions);
    }

    async fn tell(&self, assigned: &Assigned) {
        // Where it fails it is said the next time, or the messages come again.
        let _ = self.say(assigned, Instant::now() + COMMIT).await;
    }
}

impl Reading {
    /// Goes by what the group has given, waiting for that until `until`. `false` where it has given nothing by then.
    async fn follow(&mut self, shared: &Shared, until: Instant) -> Result<bool> {
        let Some(membership) = &mut self.membership else { return Ok(true) };
        let assigned = loop {
            let current = membership.borrow_and_update().clone();
            match current {
                Membership::Assigned(assigned) => break assigned,
                Membership::Failed(error) => return Err(copy(&error)),
                Membership::Joining(_) => {}
            }
            match timeout_at(until, membership.changed()).await {
                Ok(Ok(())) => {}
                Ok(Err(_)) => return Err(Error::new(Kind::Internal, "the task of a group came to grief")),
                Err(_) => return Ok(false),
            }
        };
        if self.assigned.as_ref().is_some_and(|current| Arc::ptr_eq(current, &assigned)) {
            return Ok(true);
        }
        let (kept, new): (Vec<_>, Vec<_>) = {
            let ledger = shared.ledger();
            assigned.partitions.iter().cloned().partition(|partition| ledger.has(partition))
        };
        self.read.retain(|(partition, ..)| kept.contains(partition));
        // A fetcher that goes on with fewer must not bring what is another's meanwhile.
        self.fetcher.assign(kept.iter().map(|partition| (partition.clone(), None)));
        let limit = until.max(Instant::now() + BEGIN);
        let begun = self.resume(&assigned, &new, limit).await?;
        let mut ledger = shared.ledger();
        begun.iter().for_each(|(partition, offset)| ledger.own(partition.clone(), *offset));
        drop(ledger);
        let new = begun.into_iter().map(|(partition, offset)| (partition, Some(offset)));
        self.fetcher.assign(kept.into_iter().map(|partition| (partition, None)).chain(new));
        self.assigned = Some(assigned);
        Ok(true)
    }

    /// Where partitions that are new to us are read on.
    async fn resume(
        &mut self,
        assigned: &Assigned,
        new: &[Partition],
        until: Instant,
    ) -> Result<Vec<(Partition, i64)>> {
        if new.is_empty() {
            return Ok(Vec::new());
        }
        let committed = offsets::committed(&assigned.coordinator, &assigned.who.group, new, until).await?;
        let fresh: Vec<_> =
            new.iter().filter(|partition| !committed.contains_key(*partition)).cloned().collect();
        let begun = self.begin(&fresh, EARLIEST, until).await?;
        Ok(committed.into_iter().chain(begun).collect())
    }

    /// Where partitions are read that nobody has read yet: at the start that is wished for, or else at `usual`.
    async fn begin(
        &mut self,
        partitions: &[Partition],
        usual: i64,
        until: Instant,
    ) -> Result<Vec<(Partition, i64)>> {
        let time = match self.start {
            Some(Start::Offset(offset)) => {
                let offset = i64::try_from(offset).unwrap_or(i64::MAX);
                return Ok(partitions.iter().map(|partition| (partition.clone(), offset)).collect());
            }
            Some(Start::Earliest) => EARLIEST,
            Some(Start::Latest) => LATEST,
            Some(Start::Time(time)) => time.max(0),
            None => usual,
        };
        let found = offsets::list(&self.cluster, partitions, time, false, until).await?;
        Ok(found.into_iter().collect())
    }

    fn keep(&mut self, read: Read) {
        let partition = (self.topic.clone(), read.partition);
        let end = read.end;
        self.read.extend(read.records.into_iter().map(|stored| (partition.clone(), stored, end)));
    }
}

fn delivery(partition: &Partition, stored: Stored, held: Option<Again>, end: Option<i64>) -> Delivery<Held> {
    let mut facts = vec![("partition", partition.1.into()), ("offset", stored.offset.into())];
    if let Some(end) = end {
        facts.push(("lag", (end - stored.offset - 1).max(0).into()));
    }
    let deliveries = held.as_ref().map(|held| held.deliveries);
    Delivery {
        timestamp: Some(stored.record.timestamp).filter(|time| *time >= 0),
        message: message(&partition.0, stored.record),
        deliveries,
        redelivered: deliveries.is_some_and(|count| count > 1),
        facts,
        mark: held.map(Held),
    }
}
