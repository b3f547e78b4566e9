//! `Shared`: what is known of messages that were handed out, for whoever settles them and for the task of the member, which
//! tells the group how far all is dealt with.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    sync::Notify,
    time::{Instant, timeout_at},
};
use trunkline_core::{Error, Kind, Result};

use super::{Held, delivery};
use crate::queue::{
    broker::Delivery,
    kafka::{
        codes,
        group::{Assigned, Told},
        ledger::{Due, Ledger, Mark},
        messages::{by_topic, offsets::OffsetCommit},
        offsets::Partition,
        records::Stored,
    },
};

/// How long the coordinator may take to hear how far the group has come.
pub(super) const COMMIT: Duration = Duration::from_secs(10);

/// What the task of a member knows too.
pub(super) struct Shared {
    pub(super) ledger: Mutex<Ledger>,
    /// Whether who gets a message acknowledges it: then the group hears of each at once.
    pub(super) explicit: bool,
    /// One tells the group at a time; what others have to say meanwhile is said along with the next.
    pub(super) telling: tokio::sync::Mutex<()>,
    pub(super) again: Mutex<VecDeque<Again>>,
    pub(super) returned: Notify,
}

/// A record that is handed out, or is to be once more.
#[derive(Debug, Clone)]
pub(super) struct Again {
    pub(super) mark: Mark,
    pub(super) stored: Stored,
    pub(super) deliveries: u32,
}

impl Shared {
    pub(super) fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn lock_again(&self) -> MutexGuard<'_, VecDeque<Again>> {
        self.again.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What was sent back and is still ours, at most `max`.
    pub(super) fn take_back(&self, max: usize) -> Vec<Delivery<Held>> {
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
    pub(super) async fn say(&self, assigned: &Assigned, until: Instant) -> Result<()> {
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
