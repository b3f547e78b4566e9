//! `Member`: being one of a consumer group (Kafka documentation, "Consumer Rebalance Protocol"). A task joins, keeps the
//! membership alive, and joins again whenever the group shares its partitions out anew; all others see what comes of it.

mod assign;
mod members;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use tokio::{
    sync::watch,
    time::{Instant, MissedTickBehavior, interval_at, sleep},
};
use tokio_util::sync::{CancellationToken, DropGuard};
use trunkline_core::{Error, Kind, Outcome, Result, Retry};

pub(super) use self::members::Members;
use super::{
    cluster::Cluster,
    codes::{self, Help},
    messages::group::{self as wire, Heartbeat, Identity, JoinGroup, LeaveGroup, SyncGroup},
    offsets::Partition,
    wire::Connection,
};

/// How long a member has to come back when the group shares out anew; it does so with its next heartbeat.
const REBALANCE: Duration = Duration::from_secs(60);

/// How long a broker may take to answer what it need not wait for.
const ANSWER: Duration = Duration::from_secs(10);

/// How long leaving may take: a group does without, after the session timeout.
pub(super) const GOODBYE: Duration = Duration::from_secs(5);

/// The pause after something went wrong.
const PAUSE: Duration = Duration::from_millis(500);

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
    /// Of all that the member had, these partitions stay its own without a break; none where it has lost all.
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
        let who = Identity { group: settings.group.clone(), generation: -1, ..Identity::default() };
        let task = Task { cluster, members, settings, told, state, who, leave: leave.clone() };
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

struct Task<T> {
    cluster: Arc<Cluster>,
    members: Arc<Members>,
    settings: Settings,
    told: Arc<T>,
    state: watch::Sender<Membership>,
    who: Identity,
    leave: CancellationToken,
}

/// Why a membership ends.
enum End {
    /// The group shares out anew.
    Again,
    /// The group has gone on without.
    Expelled,
    /// The coordinator cannot be spoken to.
    Lost,
    /// Trying again does not help.
    Failed(Error),
}

impl From<Error> for End {
    fn from(error: Error) -> Self {
        match error.kind().row().retry {
            Retry::Transient | Retry::Paced => Self::Lost,
            _ => Self::Failed(error),
        }
    }
}

/// What a code means for a membership.
fn ended(code: i16, what: &str) -> Result<(), End> {
    match code {
        0 => Ok(()),
        codes::REBALANCE_IN_PROGRESS => Err(End::Again),
        codes::UNKNOWN_MEMBER_ID | codes::ILLEGAL_GENERATION => Err(End::Expelled),
        code if codes::judge(code).help != Help::None => Err(End::Lost),
        code => Err(End::Failed(codes::refused(code, what, None))),
    }
}

impl<T: Told> Task<T> {
    async fn run(mut self) {
        let leave = self.leave.clone();
        let failed = leave.run_until_cancelled(self.stay()).await;
        if let Some(error) = failed {
            self.state.send_replace(Membership::Failed(Arc::new(error)));
            leave.cancelled().await;
        }
        let goodbye = Instant::now() + GOODBYE;
        let current = self.state.borrow().clone();
        if let Membership::Assigned(assigned) = current {
            let _ = tokio::time::timeout_at(goodbye, self.told.tell(&assigned)).await;
        }
        if !self.who.member.is_empty()
            && let Ok((node, known)) = self.cluster.coordinator(&self.who.group, goodbye).await
            && let Ok(coordinator) = self.cluster.connection(node, &known, goodbye).await
        {
            let _ = coordinator.ask(&LeaveGroup(&self.who), goodbye).await;
        }
    }

    /// Stays a member until that is not possible any more.
    async fn stay(&mut self) -> Error {
        let mut heard = Instant::now();
        loop {
            let end = match self.membership(&mut heard).await {
                Ok(never) => match never {},
                Err(end) => end,
            };
            let mut had = match &*self.state.borrow() {
                Membership::Assigned(assigned) => Some(assigned.clone()),
                _ => None,
            };
            let lost = matches!(end, End::Lost);
            match end {
                End::Failed(error) => return error,
                // The group still hears how far its members have come, until the last of them is back.
                End::Again => {
                    if let Some(assigned) = &had {
                        self.told.tell(assigned).await;
                    }
                }
                End::Expelled => {
                    self.gone();
                    self.who.member.clear();
                    had = None;
                }
                End::Lost => sleep(PAUSE).await,
            }
            // Who cannot be heard is taken for gone, and the partitions go to others: so nobody here goes on.
            let alone = heard.elapsed() >= self.settings.session;
            if alone {
                self.gone();
                had = None;
            }
            if alone || !lost {
                self.state.send_replace(Membership::Joining(had));
            }
        }
    }

    /// What the member had may be others' now.
    fn gone(&mut self) {
        self.told.given(&[]);
        self.who.generation = -1;
    }

    /// Joins, and keeps the membership alive until it ends.
    async fn membership(&mut self, heard: &mut Instant) -> Result<std::convert::Infallible, End> {
        self.members.none_leaves(&self.settings.group).await;
        let until = Instant::now() + ANSWER;
        let (node, known) = self.cluster.coordinator(&self.settings.group, until).await?;
        let coordinator = match self.cluster.own(node, &known, until).await {
            Ok(coordinator) => coordinator,
            Err(error) => {
                self.cluster.forget(&known);
                return Err(error.into());
            }
        };
        let counts = self.enter(&coordinator, heard).await?;
        let tick = (self.settings.session / 3).min(Duration::from_secs(3));
        // Not at once: others may be yet to hear of their parts.
        let mut ticks = interval_at(Instant::now() + tick, tick);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            let current = self.state.borrow().clone();
            if let Membership::Assigned(assigned) = &current {
                self.told.tell(assigned).await;
            }
            let code = coordinator.ask(&Heartbeat(&self.who), Instant::now() + self.settings.session).await?;
            ended(code, &self.what())?;
            *heard = Instant::now();
            // The leader finds out that topics have grown, and shares out what is new.
            if let Some(counts) = &counts
                && self.count(counts.keys()).await.is_ok_and(|now| now != *counts)
            {
                return Err(End::Again);
            }
        }
    }

    /// Joins the group and gets a part. The leader gets to know, too, how many partitions it shared out.
    async fn enter(
        &mut self,
        coordinator: &Connection,
        heard: &mut Instant,
    ) -> Result<Option<BTreeMap<String, i32>>, End> {
        let subscription = wire::subscription(&self.settings.topics);
        let millis = |time: Duration| time.as_millis().min(i32::MAX as u128) as i32;
        let before = self.who.generation;
        let joined = loop {
            let request = JoinGroup {
                who: &self.who,
                session: millis(self.settings.session),
                rebalance: millis(REBALANCE.max(self.settings.session)),
                assignors: assign::KNOWN,
                subscription: &subscription,
            };
            // Others have that long to come back, and a group that is new waits a while for more.
            let joined = coordinator.ask(&request, Instant::now() + REBALANCE + ANSWER).await?;
            match joined.error {
                // It first says what it calls us, so that members who do not come back are not many (KIP-394).
                codes::MEMBER_ID_REQUIRED if self.who.member != joined.member => {
                    self.who.member = joined.member;
                }
                code => {
                    ended(code, &self.what())?;
                    break joined;
                }
            }
        };
        (self.who.member, self.who.generation) = (joined.member, joined.generation);
        let counts = match joined.leader == self.who.member {
            true => Some(self.count(&assign::wanted(&joined.members)).await?),
            false => None,
        };
        let shares =
            counts.as_ref().map(|counts| assign::share_out(&joined.assignor, &joined.members, counts));
        let request = SyncGroup { who: &self.who, assignments: shares.as_deref().unwrap_or_default() };
        let synced = coordinator.ask(&request, Instant::now() + REBALANCE + ANSWER).await?;
        match synced.error {
            // Who is not the leader any more, or has become it, has nothing to say, or too little.
            codes::INVALID_REQUEST => return Err(End::Lost),
            code => ended(code, &self.what())?,
        }
        let topics = wire::read_assignment(synced.assignment)?;
        let partitions = topics
            .into_iter()
            .flat_map(|topic| topic.partitions.into_iter().map(move |index| (topic.name.clone(), index)));
        let partitions: Vec<_> = partitions.collect();
        *heard = Instant::now();
        // From one generation to the next nobody else can have had what a member has in both.
        let unbroken = before >= 0 && self.who.generation == before.wrapping_add(1);
        self.told.given(if unbroken { &partitions } else { &[] });
        let (who, coordinator) = (self.who.clone(), coordinator.clone());
        let assigned = Assigned { who, coordinator, partitions };
        self.state.send_replace(Membership::Assigned(Arc::new(assigned)));
        Ok(counts)
    }

    /// How many partitions topics have, those that are there.
    async fn count(
        &self,
        topics: impl IntoIterator<Item = impl AsRef<str>>,
    ) -> Result<BTreeMap<String, i32>> {
        let mut counts = BTreeMap::new();
        for topic in topics {
            match self.cluster.topic(topic.as_ref(), Instant::now() + ANSWER).await {
                Ok((view, _)) => {
                    counts.insert(topic.as_ref().to_owned(), view.partitions.len() as i32);
                }
                Err(error) if error.kind() == Kind::Rejected => {}
                Err(error) => return Err(error),
            }
        }
        Ok(counts)
    }

    fn what(&self) -> String {
        format!("the broker does not take us into group {}", self.settings.group)
    }
}

/// The group has given the partition of a message to another member since.
pub(super) fn fenced() -> Error {
    let message = "the group has given the partition of this message to another member; it comes again";
    Error::new(Kind::Rejected, message).outcome_is(Outcome::Rejected)
}
