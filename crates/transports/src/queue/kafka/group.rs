//! `Member`: being one of a consumer group (Kafka documentation, "Consumer Rebalance Protocol"). A task joins, keeps the
//! membership alive, and joins again whenever the group shares its partitions out anew; all others see what comes of it.

mod assign;
mod members;
mod task;

use std::{sync::Arc, time::Duration};

use tokio::sync::watch;
use tokio_util::sync::{CancellationToken, DropGuard};
use trunkline_core::{Error, Kind, Outcome};

pub(super) use self::members::Members;
use self::task::Task;
use super::{cluster::Cluster, messages::group::Identity, offsets::Partition, wire::Connection};

/// How long leaving may take: a group does without, after the session timeout.
pub(super) const GOODBYE: Duration = Duration::from_secs(5);

/// Which group, and how.
#[derive(Debug, Clone)]
pub(super) struct Settings {
    pub(super) group: String,
    pub(super) topics: Vec<String>,
    /// After so long a silence others get a member's partitions.
    pub(super) session: Duration,
}

/// What a member has.
#[derive(Debug, Clone)]
pub(super) enum Membership {
    /// Nothing at the moment: the group is sharing out. It still hears how far a member has come with what it had.
    Joining(Option<Arc<Assigned>>),
    /// These partitions.
    Assigned(Arc<Assigned>),
    /// Nothing, and that for good.
    Failed(Arc<Error>),
}

/// The part of a member.
#[derive(Debug)]
pub(super) struct Assigned {
    pub(super) who: Identity,
    /// To the coordinator; heartbeats go over it too.
    pub(super) coordinator: Connection,
    pub(super) partitions: Vec<Partition>,
}

/// A member. Dropped, it leaves its group.
#[derive(Debug)]
pub(super) struct Member {
    membership: watch::Receiver<Membership>,
    _leave: DropGuard,
}

/// Who has to do with what becomes of a membership.
pub(super) trait Told: Send + Sync + 'static {
    /// Of all that the member had, these partitions stay its own without a break; none where it has lost all. That is told
    /// between two parts, while the membership is no [`Membership::Assigned`].
    fn given(&self, partitions: &[Partition]);

    /// Tells the group how far it has come, where there is something to tell. It is called with each heartbeat, and before
    /// partitions are given up.
    fn tell(&self, assigned: &Assigned) -> impl Future<Output = ()> + Send;
}

impl Member {
    /// Joins a group, in the background: once those of `members` are gone who are leaving it.
    pub(super) fn join(
        cluster: Arc<Cluster>,
        members: Arc<Members>,
        settings: Settings,
        told: Arc<impl Told>,
    ) -> Self {
        let (state, membership) = watch::channel(Membership::Joining(None));
        let leave = CancellationToken::new();
        let left = members.enter(&settings.group, &leave);
        let task = Task::new(cluster, members, settings, told, state, leave.clone());
        tokio::spawn(async move {
            task.run().await;
            drop(left);
        });
        Self { membership, _leave: leave.drop_guard() }
    }

    /// What the member has, and from now on will have.
    pub(super) fn membership(&self) -> watch::Receiver<Membership> {
        let mut membership = self.membership.clone();
        membership.mark_unchanged();
        membership
    }
}

/// The partition of a message may be another member's since.
pub(super) fn fenced() -> Error {
    let message =
        "the group has shared its partitions out since, or took us for gone; the message comes again";
    Error::new(Kind::Rejected, message).outcome_is(Outcome::Rejected)
}
