//! `Post`: what waits to be forwarded, by where it goes, and the loop that forwards what is due. No target waits for another.

use std::{
    collections::{HashMap, HashSet},
    future::pending,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    select,
    sync::{Mutex as Turn, Notify},
    task::{JoinHandle, JoinSet},
    time::{MissedTickBehavior, interval, sleep, timeout},
};
use tokio_util::sync::CancellationToken;
use trunkline_core::{Result, now_ms};
use trunkline_store::Store;

use super::forward::{Due, STORE_PAUSE, forward};
use crate::manager::Weakly;

/// So many events are on their way to one target at the same time.
const AT_ONCE: usize = 8;
/// How long calls that are under way may take to end when it stops.
const GRACE: Duration = Duration::from_secs(5);

/// The clock may be set: so long is waited at once.
const LONGEST: Duration = Duration::from_secs(60);

/// How often events whose time is over are looked for, where none come.
const TIDY: Duration = Duration::from_secs(600);

/// An integration, and where its events go.
type Lane = (String, String);

/// What waits to be forwarded.
pub(crate) struct Post {
    /// When each lane is to be looked at, in milliseconds of Unix time. One that nothing waits for is not there.
    due: Mutex<HashMap<Lane, i64>>,
    /// Lanes of which something was asked for again. What is under way is passed over when its lane is looked at, so they are
    /// looked at once more when that has ended.
    asked: Mutex<HashSet<Lane>>,
    /// Rung when one is to be looked at earlier.
    earlier: Notify,
    stop: CancellationToken,
    task: Turn<Option<JoinHandle<()>>>,
}

impl Post {
    /// Nothing yet; it ends with `stop`.
    pub(crate) fn new(stop: CancellationToken) -> Self {
        let (due, asked) = (Mutex::default(), Mutex::default());
        Self { due, asked, earlier: Notify::new(), stop, task: Turn::default() }
    }

    /// Begins to forward, here. Called once, before anybody else knows of it.
    pub(crate) fn begin(self: &Arc<Self>, store: Arc<dyn Store>, manager: Weakly) {
        let round =
            Round { post: self.clone(), store, manager, under_way: JoinSet::new(), busy: HashMap::new() };
        if let Ok(mut task) = self.task.try_lock() {
            *task = Some(tokio::spawn(round.run()));
        }
    }

    /// Something waits for a target, and is due then.
    pub(super) fn wait(&self, integration: &str, target: &str, due_ms: i64) {
        self.wait_in((integration.to_owned(), target.to_owned()), due_ms);
        self.earlier.notify_one();
    }

    /// Something waits for a target once more, and is due then.
    pub(super) fn wait_again(&self, integration: &str, target: &str, due_ms: i64) {
        self.asked().insert((integration.to_owned(), target.to_owned()));
        self.wait(integration, target, due_ms);
    }

    fn wait_in(&self, lane: Lane, due_ms: i64) {
        let mut due = self.due();
        let held = due.entry(lane).or_insert(due_ms);
        *held = due_ms.min(*held);
    }

    /// Forwards no more, and waits a few seconds for what is under way.
    pub(crate) async fn ended(&self) {
        self.stop.cancel();
        if let Some(task) = self.task.lock().await.take() {
            let _ = task.await;
        }
    }

    fn asked(&self) -> MutexGuard<'_, HashSet<Lane>> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn due(&self) -> MutexGuard<'_, HashMap<Lane, i64>> {
        self.due.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The loop.
struct Round {
    post: Arc<Post>,
    store: Arc<dyn Store>,
    manager: Weakly,
    under_way: JoinSet<(Due, Option<i64>)>,
    /// What is under way, by where it goes.
    busy: HashMap<Lane, HashSet<u64>>,
}

impl Round {
    async fn run(mut self) {
        let stop = self.post.stop.clone();
        stop.run_until_cancelled(self.forward()).await;
        let under_way = &mut self.under_way;
        let _ = timeout(GRACE, async { while under_way.join_next().await.is_some() {} }).await;
    }

    async fn forward(&mut self) {
        let post = self.post.clone();
        self.remember().await;
        let mut tidy = interval(TIDY);
        tidy.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let now = now_ms();
            for (lane, _) in self.with_room().into_iter().filter(|(_, due)| *due <= now) {
                self.begin(lane, now).await;
            }
            let next = self.with_room().into_iter().map(|(_, due)| millis(due - now_ms())).min();
            let next = next.unwrap_or(LONGEST).min(LONGEST);
            select! {
                Some(ended) = self.under_way.join_next() => {
                    if let Ok((due, again)) = ended {
                        self.end(due, again);
                    }
                }
                () = post.earlier.notified() => {}
                _ = tidy.tick() => {
                    // What is due is not kept waiting for all of them.
                    if self.expire().await {
                        tidy.reset_immediately();
                    }
                }
                () = sleep(next) => {}
            }
        }
    }

    /// Reads what waited when the process ended.
    async fn remember(&self) {
        let Some(events) = self.store.events() else { return pending().await };
        loop {
            match events.lanes().await {
                Ok(lanes) => {
                    for lane in lanes {
                        self.post.wait_in((lane.integration, lane.target), lane.due_ms);
                    }
                    return;
                }
                Err(error) => {
                    tracing::error!(%error, "what waits to be forwarded cannot be read");
                    sleep(millis(STORE_PAUSE)).await;
                }
            }
        }
    }

    /// Takes events whose time is over away. Says whether there may be more of them.
    async fn expire(&self) -> bool {
        let Some(events) = self.store.events() else { return false };
        events.expire(now_ms()).await.unwrap_or_else(|error| {
            tracing::error!(%error, "events whose time is over cannot be taken away");
            false
        })
    }

    /// Lanes in which there is room for more, and when each is to be looked at.
    fn with_room(&self) -> Vec<(Lane, i64)> {
        let room = |lane: &Lane| self.busy.get(lane).is_none_or(|busy| busy.len() < AT_ONCE);
        let due = self.post.due();
        due.iter().filter(|(lane, _)| room(lane)).map(|(lane, due)| (lane.clone(), *due)).collect()
    }

    /// Begins to forward what is due in a lane, as far as there is room.
    async fn begin(&mut self, lane: Lane, now: i64) {
        // Before it is looked at: what comes meanwhile is looked at the next time.
        self.post.due().remove(&lane);
        match self.waiting(&lane).await {
            Ok(waiting) => {
                for due in waiting {
                    let busy = self.busy.entry(lane.clone()).or_default();
                    if due.waiting.due_ms > now || busy.len() >= AT_ONCE {
                        return self.post.wait_in(lane, due.waiting.due_ms);
                    }
                    busy.insert(due.waiting.number);
                    let (manager, store) = (self.manager.clone(), self.store.clone());
                    self.under_way.spawn(async move {
                        let again = forward(&due, &manager, &store).await;
                        (due, again)
                    });
                }
            }
            Err(error) => {
                tracing::error!(integration = lane.0, to = lane.1, %error, "what waits to be forwarded cannot be read");
                self.post.wait_in(lane, now + STORE_PAUSE);
            }
        }
    }

    /// What waits in a lane and is not under way.
    async fn waiting(&self, (integration, target): &Lane) -> Result<Vec<Due>> {
        let Some(events) = self.store.events() else { return Ok(Vec::new()) };
        let busy = self.busy.get(&(integration.clone(), target.clone()));
        // One more than there is room for tells when to look again.
        let waiting = events.waiting(integration, target, 2 * AT_ONCE as u32 + 1).await?;
        let waiting = waiting.into_iter().filter(|one| busy.is_none_or(|busy| !busy.contains(&one.number)));
        let due = |waiting| Due { integration: integration.clone(), target: target.clone(), waiting };
        Ok(waiting.map(due).collect())
    }

    fn end(&mut self, due: Due, again: Option<i64>) {
        let lane = (due.integration, due.target);
        if let Some(busy) = self.busy.get_mut(&lane) {
            busy.remove(&due.waiting.number);
            if busy.is_empty() {
                self.busy.remove(&lane);
            }
        }
        let asked = match self.busy.contains_key(&lane) {
            true => self.post.asked().contains(&lane),
            false => self.post.asked().remove(&lane),
        };
        if let Some(due_ms) = again.into_iter().chain(asked.then(now_ms)).min() {
            self.post.wait_in(lane, due_ms);
        }
    }
}

fn millis(millis: i64) -> Duration {
    Duration::from_millis(u64::try_from(millis).unwrap_or(0))
}
