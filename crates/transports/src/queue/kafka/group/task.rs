//! `Task`: joins a group, keeps the membership alive, and joins again whenever the group shares its partitions out anew.

use std::{collections::BTreeMap, convert::Infallible, sync::Arc, time::Duration};

use tokio::{
    sync::watch,
    time::{Instant, MissedTickBehavior, interval_at, sleep},
};
use tokio_util::sync::CancellationToken;
use trunkline_core::{Error, Kind, Result, Retry};

use super::{Assigned, GOODBYE, Members, Membership, Settings, Told, assign};
use crate::queue::kafka::{
    cluster::Cluster,
    codes::{self, Help},
    messages::group::{self as wire, Heartbeat, Identity, JoinGroup, LeaveGroup, SyncGroup},
    wire::Connection,
};

/// How long a member has to come back when the group shares out anew; it does so with its next heartbeat.
const REBALANCE: Duration = Duration::from_secs(60);

/// How long a broker may take to answer what it need not wait for.
const ANSWER: Duration = Duration::from_secs(10);

/// The pause after something went wrong.
const PAUSE: Duration = Duration::from_millis(500);

/// Somebody who is a member.
pub(super) struct Task<T> {
    cluster: Arc<Cluster>,
    members: Arc<Members>,
    settings: Settings,
    told: Arc<T>,
    state: watch::Sender<Membership>,
    who: Identity,
    /// The generation in which the member got the part that it has, or had until the group began to share out.
    part: Option<i32>,
    /// How many partitions topics had when the member shared them out; `None` where another one has.
    counts: Option<BTreeMap<String, i32>>,
    leave: CancellationToken,
}

/// Why a membership ends.
enum End {
    /// The group shares out anew.
    Again,
    /// The group has gone on without, and knows us no more.
    Expelled,
    /// The group has gone on to another generation, and still knows us: who came back as somebody else would leave a member behind
    /// whom the group waits for until its session is over.
    Fenced,
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
        codes::UNKNOWN_MEMBER_ID => Err(End::Expelled),
        codes::ILLEGAL_GENERATION => Err(End::Fenced),
        code if codes::judge(code).help != Help::None => Err(End::Lost),
        code => Err(End::Failed(codes::refused(code, what, None))),
    }
}

impl<T: Told> Task<T> {
    /// One that joins when it is run, and tells `state` what it has, until `leave` says so.
    pub(super) fn new(
        cluster: Arc<Cluster>,
        members: Arc<Members>,
        settings: Settings,
        told: Arc<T>,
        state: watch::Sender<Membership>,
        leave: CancellationToken,
    ) -> Self {
        let who = Identity { group: settings.group.clone(), generation: -1, ..Identity::default() };
        Self { cluster, members, settings, told, state, who, part: None, counts: None, leave }
    }

    /// Stays a member until it is to leave, and leaves.
    pub(super) async fn run(mut self) {
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
            match end {
                End::Failed(error) => return error,
                End::Again => self.shares_out().await,
                End::Expelled => {
                    self.gone();
                    self.who.member.clear();
                }
                End::Fenced => self.gone(),
                End::Lost => sleep(PAUSE).await,
            }
            // Who cannot be heard is taken for gone, and the partitions go to others: so nobody here goes on.
            if heard.elapsed() >= self.settings.session {
                self.gone();
            }
        }
    }

    /// The group shares out anew. It still hears how far its members have come, until the last of them is back.
    async fn shares_out(&mut self) {
        let current = self.state.borrow().clone();
        if let Membership::Assigned(assigned) = current {
            self.told.tell(&assigned).await;
            self.state.send_replace(Membership::Joining(Some(assigned)));
        }
    }

    /// What the member had may be others' now.
    fn gone(&mut self) {
        self.state.send_replace(Membership::Joining(None));
        self.told.given(&[]);
        self.part = None;
    }

    /// Joins, or goes on where only the connection to the coordinator was lost, and keeps the membership alive until it ends.
    async fn membership(&mut self, heard: &mut Instant) -> Result<Infallible, End> {
        let until = Instant::now() + ANSWER;
        let (node, known) = self.cluster.coordinator(&self.settings.group, until).await?;
        let coordinator = match self.cluster.own(node, &known, until).await {
            Ok(coordinator) => coordinator,
            Err(error) => {
                self.cluster.forget(&known);
                return Err(error.into());
            }
        };
        let tick = (self.settings.session / 3).min(Duration::from_secs(3));
        let current = self.state.borrow().clone();
        let first = match current {
            // Whether it still is a member the coordinator says at once.
            Membership::Assigned(assigned) => {
                let coordinator = coordinator.clone();
                let assigned = Assigned {
                    coordinator,
                    who: assigned.who.clone(),
                    partitions: assigned.partitions.clone(),
                };
                self.state.send_replace(Membership::Assigned(Arc::new(assigned)));
                Instant::now()
            }
            _ => {
                self.enter(&coordinator, heard).await?;
                // Not at once: others may be yet to hear of their parts.
                Instant::now() + tick
            }
        };
        let mut ticks = interval_at(first, tick);
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
            if let Some(counts) = &self.counts
                && self.count(counts.keys()).await.is_ok_and(|now| now != *counts)
            {
                return Err(End::Again);
            }
        }
    }

    /// Joins the group and gets a part.
    async fn enter(&mut self, coordinator: &Connection, heard: &mut Instant) -> Result<(), End> {
        self.members.none_leaves(&self.settings.group).await;
        let subscription = wire::subscription(&self.settings.topics);
        let millis = |time: Duration| time.as_millis().min(i32::MAX as u128) as i32;
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
        self.counts = match joined.leader == self.who.member {
            true => Some(self.count(&assign::wanted(&joined.members)).await?),
            false => None,
        };
        let shares =
            self.counts.as_ref().map(|counts| assign::share_out(&joined.assignor, &joined.members, counts));
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
        // From one generation to the next nobody else can have had what a member has in both. It may be the same one: a
        // coordinator repeats itself for who follows others.
        let now = self.who.generation;
        let unbroken = self.part.is_some_and(|part| now == part || now == part.wrapping_add(1));
        self.told.given(if unbroken { &partitions } else { &[] });
        self.part = Some(now);
        let (who, coordinator) = (self.who.clone(), coordinator.clone());
        let assigned = Assigned { who, coordinator, partitions };
        self.state.send_replace(Membership::Assigned(Arc::new(assigned)));
        Ok(())
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
