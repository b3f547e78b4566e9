//! `Limiter`: who may send now, who waits for how long, and who is refused. Those who wait go in the order in
//! which they came; one who goes away leaves no hole and has taken nothing.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use schemars::JsonSchema;
use serde::Serialize;
use tokio::{
    sync::Semaphore,
    time::{Instant, sleep_until, timeout_at},
};
use trunkline_core::{Call, Error, Kind, Result};

use super::{
    bucket::{Bucket, LimitState},
    config::{Limit, Rules},
    signals::{Heard, Policy},
};
use crate::CallMetrics;

/// Policies of a service that are remembered.
const POLICIES: usize = 4;
/// … for as long as it does not repeat them.
const REMEMBERED: Duration = Duration::from_secs(15 * 60);

/// The limits of an integration and what was taken of them. It outlives a change of configuration.
#[derive(Debug)]
pub struct Limiter {
    state: Mutex<State>,
    /// Held by the one whose turn is next; the others wait for it in the order in which they came.
    turn: Semaphore,
    metrics: CallMetrics,
}

#[derive(Debug)]
struct State {
    rules: Rules,
    buckets: Vec<Bucket>,
    /// What the service says its limits are, and when it said so last.
    learned: Vec<(Bucket, Instant)>,
    /// The service asked to send nothing until then.
    paused: Option<Instant>,
    waiting: u32,
}

/// What is shown of a limiter.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct RateLimitState {
    /// The limits that hold, those of the configuration first.
    pub limits: Vec<LimitState>,
    /// How many calls wait for their turn.
    pub waiting: u32,
    /// For how many seconds the service wants nothing sent, if it said so.
    pub paused_for_seconds: Option<f64>,
}

impl Limiter {
    /// A limiter of which nothing was taken.
    pub fn new(rules: Rules, metrics: CallMetrics) -> Self {
        let now = Instant::now();
        let buckets = rules.limits.iter().map(|limit| Bucket::new(limit.clone(), now)).collect();
        let state = State { rules, buckets, learned: Vec::new(), paused: None, waiting: 0 };
        Self { state: Mutex::new(state), turn: Semaphore::new(1), metrics }
    }

    /// Goes on by other rules. What was taken stays taken, and what the service asked for holds: a change of
    /// configuration grants no fresh burst.
    pub fn adjust(&self, rules: Rules) {
        let mut state = self.lock();
        let now = Instant::now();
        let mut before = std::mem::take(&mut state.buckets);
        let buckets = rules.limits.iter().map(|limit| {
            let known = |bucket: &Bucket| {
                (bucket.limit().per, &bucket.limit().actions) == (limit.per, &limit.actions)
            };
            match before.iter().position(known) {
                Some(n) => before.remove(n).adjusted(limit.clone(), now),
                None => Bucket::drained(limit.clone(), now),
            }
        });
        state.buckets = buckets.collect();
        if rules.signals.is_none() {
            (state.paused, state.learned) = (None, Vec::new());
        }
        state.rules = rules;
    }

    /// Takes what an attempt of this call needs, now or when its turn comes.
    ///
    /// # Errors
    ///
    /// `throttled`, with the time to wait: when that is longer than the rules or the call's deadline allow,
    /// or too many wait.
    pub(crate) async fn admit(&self, call: &Call) -> Result<()> {
        match self.enter(call)? {
            None => Ok(()),
            // Boxed, so that calls that need not wait do not carry its room.
            Some((place, limit)) => Box::pin(self.wait(place, limit)).await,
        }
    }

    /// Takes what the attempt needs, or a place in the queue, which is kept until the instant given.
    fn enter<'a>(&'a self, call: &'a Call) -> Result<Option<(Queued<'a>, Instant)>> {
        let mut state = self.lock();
        if state.is_open() {
            return Ok(None);
        }
        let (now, action) = (Instant::now(), call.action());
        if state.waiting == 0 && state.ready(action, now, false) <= now {
            state.take(action, now);
            return Ok(None);
        }
        let turn = state.ready(action, now, true);
        let max_wait = state.rules.max_wait;
        let longest = now + call.max_wait.map_or(max_wait, |own| own.min(max_wait));
        let limit = call.deadline.map_or(longest, |deadline| deadline.min(longest));
        if turn > limit || state.waiting >= state.rules.max_queue {
            drop(state);
            return Err(self.refuse(turn - now));
        }
        state.queue(action, true);
        self.metrics.queued();
        Ok(Some((Queued { limiter: self, action }, limit)))
    }

    /// Waits for the turn of one who has a place in the queue.
    async fn wait(&self, place: Queued<'_>, limit: Instant) -> Result<()> {
        let action = place.action;
        let late = |this: &Self| {
            let now = Instant::now();
            let wait = this.lock().ready(action, now, true) - now;
            this.refuse(wait)
        };
        let Ok(_turn) = timeout_at(limit, self.turn.acquire()).await else { return Err(late(self)) };
        loop {
            let ready = {
                let mut state = self.lock();
                let now = Instant::now();
                let ready = state.ready(action, now, false);
                if ready <= now {
                    state.take(action, now);
                    return Ok(());
                }
                ready
            };
            // What the service said meanwhile may have made it longer.
            if ready > limit {
                return Err(late(self));
            }
            sleep_until(ready).await;
        }
    }

    fn refuse(&self, wait: Duration) -> Error {
        self.metrics.throttled();
        let paused = self.lock().paused.is_some_and(|until| until > Instant::now());
        let message = if paused {
            "the service has asked for a pause that is longer than the call can wait"
        } else {
            "the rate limit leaves no room in time; call less often, or raise rate_limit.max_wait or max_queue"
        };
        Error::new(Kind::Throttled, message).retry_after(wait)
    }

    /// Takes what a health probe needs, without waiting for its turn.
    ///
    /// # Errors
    ///
    /// `rate_limited` while the service wants nothing sent.
    pub fn probe(&self) -> Result<()> {
        let mut state = self.lock();
        let now = Instant::now();
        if let Some(until) = state.paused.filter(|until| *until > now) {
            return Err(
                Error::new(Kind::RateLimited, "the service has asked for a pause").retry_after(until - now)
            );
        }
        state.take("", now);
        Ok(())
    }

    /// Believes what the service said. It only ever makes things slower.
    pub(super) fn hear(&self, heard: &Heard) {
        self.lock().hear(heard, Instant::now());
    }

    /// What it shows.
    pub fn snapshot(&self) -> RateLimitState {
        let mut state = self.lock();
        let now = Instant::now();
        let State { buckets, learned, paused, waiting, .. } = &mut *state;
        let own = buckets.iter_mut().map(|bucket| bucket.snapshot(now, false));
        let learned = learned.iter_mut().map(|(bucket, _)| bucket.snapshot(now, true));
        RateLimitState {
            limits: own.chain(learned).collect(),
            waiting: *waiting,
            paused_for_seconds: paused.filter(|until| *until > now).map(|until| (until - now).as_secs_f64()),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Whether nothing limits anything.
    fn is_open(&self) -> bool {
        self.buckets.is_empty() && self.learned.is_empty() && self.paused.is_none() && self.waiting == 0
    }

    fn buckets(&mut self) -> impl Iterator<Item = &mut Bucket> {
        self.buckets.iter_mut().chain(self.learned.iter_mut().map(|(bucket, _)| bucket))
    }

    /// When all buckets have what an attempt of `action` takes, behind those that wait if it is `last`.
    fn ready(&mut self, action: &str, now: Instant, last: bool) -> Instant {
        self.paused = self.paused.filter(|until| *until > now);
        self.learned.retain(|(_, said)| now.saturating_duration_since(*said) < REMEMBERED);
        let free = self.paused.unwrap_or(now);
        self.buckets().fold(free, |ready, bucket| {
            let (ahead, weight) = (if last { bucket.awaited } else { 0 }, bucket.limit().weight(action));
            ready.max(bucket.ready(now, ahead, weight))
        })
    }

    /// Takes it from all of them.
    fn take(&mut self, action: &str, now: Instant) {
        for bucket in self.buckets() {
            let weight = bucket.limit().weight(action);
            bucket.take(now, weight);
        }
    }

    /// One more waits, or one less.
    fn queue(&mut self, action: &str, more: bool) {
        self.waiting = if more { self.waiting + 1 } else { self.waiting.saturating_sub(1) };
        for bucket in self.buckets() {
            let weight = u64::from(bucket.limit().weight(action));
            // Rules that changed meanwhile may have weighed it otherwise.
            bucket.awaited =
                if more { bucket.awaited + weight } else { bucket.awaited.saturating_sub(weight) };
        }
    }

    fn hear(&mut self, heard: &Heard, now: Instant) {
        if let Some(pause) = heard.pause.filter(|pause| !pause.is_zero()) {
            self.paused = self.paused.max(Some(now + pause));
        }
        for policy in &heard.policies {
            let Policy { requests, per, left } = *policy;
            let known = self
                .learned
                .iter()
                .position(|(bucket, _)| (bucket.limit().requests, bucket.limit().per) == (requests, per));
            let n = known.unwrap_or_else(|| {
                if self.learned.len() == POLICIES {
                    self.learned.remove(0);
                }
                let limit = Limit { requests, per, burst: requests, weights: Box::default(), actions: None };
                self.learned.push((Bucket::new(limit, now), now));
                self.learned.len() - 1
            });
            let (bucket, said) = &mut self.learned[n];
            *said = now;
            if let Some(left) = left {
                bucket.only(left, now);
            }
        }
    }
}

/// A place in the queue, given up on drop.
struct Queued<'a> {
    limiter: &'a Limiter,
    action: &'a str,
}

impl Drop for Queued<'_> {
    fn drop(&mut self) {
        self.limiter.lock().queue(self.action, false);
        self.limiter.metrics.left_queue();
    }
}
