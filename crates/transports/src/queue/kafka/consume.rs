//! `Consuming`: somebody who reads a topic, alone or as one of a group. Kafka keeps no account of single messages, so what is
//! dealt with, what is to come again and how often it came is known here; the group hears how far all is dealt with.

mod reading;
mod shared;

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex},
    time::Duration,
};

use serde_json::json;
use tokio::{
    sync::{Notify, watch},
    time::{Instant, timeout_at},
};
use trunkline_core::{Ack, Error, Kind, Outcome, Result, Retry, Start};

use self::{
    reading::{BEGIN, Reading},
    shared::{Again, COMMIT, Shared},
};
use super::{
    cluster::Cluster,
    fetch::{self, Fetcher, Reset},
    group::{self, Assigned, Member, Members, Membership, fenced},
    message::{self, message},
    messages::fetch::LATEST,
    offsets::Partition,
    records::Stored,
};
use crate::{
    again::copy,
    queue::broker::{Consumer, Delivery, Fate, Reached, Subscription},
};

/// When the coordinator is told again that could not be told while the group shared out.
const AGAIN: Duration = Duration::from_millis(250);

/// Somebody who reads a topic.
pub(in crate::queue) struct Consuming {
    shared: Arc<Shared>,
    reading: tokio::sync::Mutex<Reading>,
    member: Option<Member>,
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
        members: &Arc<Members>,
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
            alone: None,
        };
        let member = match &subscription.group {
            Some(group) => {
                let settings = group::Settings { group: group.clone(), topics: vec![topic], session };
                let member = Member::join(cluster.clone(), members.clone(), settings, shared.clone());
                reading.membership = Some(member.membership());
                Some(member)
            }
            None => {
                let read = places(&subscription.reached);
                let all = view.partitions.iter().map(|found| (topic.clone(), found.index));
                let (read_on, new): (Vec<_>, Vec<_>) = all.partition(|(_, index)| read.contains_key(index));
                // A partition that is new to a topic is read from its beginning, where others were read before.
                if !read.is_empty() {
                    reading.start = Some(Start::Earliest);
                }
                let mut begun = reading.begin(&new, LATEST, until).await.map_err(rejected)?;
                begun.extend(read_on.into_iter().map(|partition| (partition.clone(), read[&partition.1])));
                let places: BTreeMap<_, _> =
                    begun.iter().map(|((_, index), offset)| (*index, *offset)).collect();
                reached(&subscription.reached, &places);
                reading.alone = Some((subscription.reached.clone(), places));
                reading.fetcher.begin(begun);
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
            if let Some((last, places)) = &mut reading.alone
                && !found.is_empty()
            {
                for fact in &found {
                    places.extend(behind(fact));
                }
                reached(last, places);
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
        // Whether it may have been heard, and the answer was lost.
        let mut unsure = false;
        loop {
            let mut changed = self.member.as_ref().map(Member::membership);
            let assigned = self.settled(until).await?;
            if self.shared.ledger().is_told(&held.mark) {
                return if self.shared.ledger().holds(&held.mark) { Ok(()) } else { Err(fenced()) };
            }
            match self.shared.say(&assigned, until).await {
                // The group shares out anew, or the coordinator has gone: if the partition stays ours, it is said then. To say
                // it twice is to say it once.
                Err(error) if error.kind().row().retry == Retry::Transient && Instant::now() < until => {
                    let Some(changed) = &mut changed else { return Err(error) };
                    unsure |= error.outcome() == Outcome::Unknown;
                    let _ = timeout_at(until.min(Instant::now() + AGAIN), changed.changed()).await;
                }
                result if unsure => return result.map_err(|error| error.outcome_is(Outcome::Unknown)),
                result => return result,
            }
        }
    }
}

/// Where somebody who reads alone has come to in each partition.
fn places(last: &Reached) -> BTreeMap<i32, i64> {
    last.last().and_then(|last| serde_json::from_str(&last).ok()).unwrap_or_default()
}

fn reached(last: &Reached, places: &BTreeMap<i32, i64>) {
    last.set(json!(places).to_string());
}

/// The place behind a message.
fn behind<M>(delivery: &Delivery<M>) -> Option<(i32, i64)> {
    let fact = |wanted: &str| delivery.facts.iter().find(|(name, _)| *name == wanted)?.1.as_i64();
    Some((i32::try_from(fact("partition")?).ok()?, fact("offset")? + 1))
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
