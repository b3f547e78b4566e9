//! `Reading`: where somebody reads, which for one of a group is what the group has given.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use tokio::{
    sync::watch,
    time::{Instant, timeout_at},
};
use trunkline_core::{Error, Kind, Result, Start};

use super::shared::Shared;
use crate::{
    again::copy,
    queue::kafka::{
        cluster::Cluster,
        fetch::{Fetcher, Read},
        group::{Assigned, Membership},
        messages::fetch::{EARLIEST, LATEST},
        offsets::{self, Partition},
        records::Stored,
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
}

impl Reading {
    /// Goes by what the group has given, waiting for that until `until`. `false` where it has given nothing by then.
    pub(super) async fn follow(&mut self, shared: &Shared, until: Instant) -> Result<bool> {
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
