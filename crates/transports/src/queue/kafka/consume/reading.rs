//! `Reading`: where somebody reads, which for one of a group is what the group has given.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
    time::Duration,
};

use tokio::{
    sync::watch,
    time::{Instant, timeout_at},
};
use trunkline_core::{Error, Kind, Result, Start};

use super::shared::Shared;
use crate::{
    again::copy,
    queue::{
        broker::Reached,
        kafka::{
            cluster::Cluster,
            fetch::{Fetcher, Read},
            group::{Assigned, Membership, Told},
            messages::fetch::{EARLIEST, LATEST},
            offsets::{self, Partition},
            records::Stored,
        },
    },
};

/// How long brokers may take to say where to begin.
pub(super) const BEGIN: Duration = Duration::from_secs(10);

/// Where somebody reads.
pub(super) struct Reading {
    pub(super) cluster: Arc<Cluster>,
    pub(super) fetcher: Fetcher,
    pub(super) topic: String,
    pub(super) start: Option<Start>,
    pub(super) membership: Option<watch::Receiver<Membership>>,
    /// The part of the group that is being read.
    pub(super) assigned: Option<Arc<Assigned>>,
    /// What was read and not handed out yet.
    pub(super) read: VecDeque<(Partition, Stored, i64)>,
    /// Of who reads alone: where it is told how far they have come, and how far that is in each partition.
    pub(super) alone: Option<(Reached, BTreeMap<i32, i64>)>,
}

/// From where on partitions are read that are new to whoever reads.
#[derive(Default)]
struct Begins {
    /// In which the group has come somewhere.
    resumed: Vec<(Partition, i64)>,
    /// In which it begins. It remembers where: those that are the latest now are others later.
    fresh: Vec<(Partition, i64)>,
}

impl Reading {
    /// Goes by what the group has given, waiting for that until `until`. `false` where it has given nothing by then.
    pub(super) async fn follow(&mut self, shared: &Shared, until: Instant) -> Result<bool> {
        loop {
            let Some(membership) = &mut self.membership else { return Ok(true) };
            let Some(assigned) = given(membership, until).await? else { return Ok(false) };
            if self.assigned.as_ref().is_some_and(|current| Arc::ptr_eq(current, &assigned)) {
                return Ok(true);
            }
            let (kept, new): (Vec<_>, Vec<_>) = {
                let ledger = shared.ledger();
                let all = assigned.partitions.iter().cloned();
                all.partition(|partition| ledger.has(partition) && self.fetcher.reads(partition))
            };
            self.read.retain(|(partition, ..)| kept.contains(partition));
            // What is another's meanwhile must not come.
            self.fetcher.keep(&kept);
            let limit = until.max(Instant::now() + BEGIN);
            let begins = self.resume(&assigned, new, limit).await?;
            let is_first = !begins.fresh.is_empty();
            // The group may have shared out anew meanwhile, and what was new may be another's.
            if self.take_up(shared, &assigned, begins) {
                if is_first {
                    // Before anything comes that may have to come again.
                    shared.tell(&assigned).await;
                }
                return Ok(true);
            }
        }
    }

    /// Takes up partitions that are new to us. `false` where what the group had given is not what it gives now.
    fn take_up(&mut self, shared: &Shared, assigned: &Arc<Assigned>, begins: Begins) -> bool {
        let mut ledger = shared.ledger();
        // The ledger hears of another part only once this one is no more; see `Told`.
        let current = self.membership.as_ref().map(|membership| membership.borrow().clone());
        if !matches!(current, Some(Membership::Assigned(current)) if Arc::ptr_eq(&current, assigned)) {
            return false;
        }
        let Begins { resumed, fresh } = begins;
        resumed.iter().for_each(|(partition, offset)| ledger.own(partition.clone(), *offset));
        fresh.iter().for_each(|(partition, offset)| ledger.begin(partition.clone(), *offset));
        self.fetcher.begin(resumed.into_iter().chain(fresh));
        self.assigned = Some(assigned.clone());
        true
    }

    /// Where partitions that are new to us are read on.
    async fn resume(&mut self, assigned: &Assigned, new: Vec<Partition>, until: Instant) -> Result<Begins> {
        if new.is_empty() {
            return Ok(Begins::default());
        }
        let resumed = offsets::committed(&assigned.coordinator, &assigned.who.group, &new, until).await?;
        let fresh: Vec<_> = new.into_iter().filter(|partition| !resumed.contains_key(partition)).collect();
        let fresh = self.begin(&fresh, EARLIEST, until).await?;
        Ok(Begins { resumed: resumed.into_iter().collect(), fresh })
    }

    /// Where partitions are read that nobody has read yet: at the start that is wished for, or else at `usual`.
    pub(super) async fn begin(
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

    pub(super) fn keep(&mut self, read: Read) {
        let partition = (self.topic.clone(), read.partition);
        let end = read.end;
        self.read.extend(read.records.into_iter().map(|stored| (partition.clone(), stored, end)));
    }
}

/// What the group has given, if that is something by `until`.
async fn given(
    membership: &mut watch::Receiver<Membership>,
    until: Instant,
) -> Result<Option<Arc<Assigned>>> {
    loop {
        let current = membership.borrow_and_update().clone();
        match current {
            Membership::Assigned(assigned) => return Ok(Some(assigned)),
            Membership::Failed(error) => return Err(copy(&error)),
            Membership::Joining(_) => {}
        }
        match timeout_at(until, membership.changed()).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) => return Err(Error::new(Kind::Internal, "the task of a group came to grief")),
            Err(_) => return Ok(None),
        }
    }
}
