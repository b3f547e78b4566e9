//! `Limiter`: who may send now, who waits for how long, and who is refused. Those who wait go in the order in
//! which they came; one who goes away leaves no hole and has taken nothing.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use schemars::JsonSchema;
use serde::Serialize;
use tokio::{
    sync::Semaphore,
    time::{Instant, sleep_until, timeout_at},
};
use trunkline_core::{Call, Counted, Error, Kind, Result, SharedLimits};

use super::{bucket::LimitState, config::Rules, signals::Heard, state::State};
use crate::CallMetrics;

/// What counts for all servers together, and the name under which it does.
type Counter = (Arc<dyn SharedLimits>, Arc<str>);

/// The limits of an integration and what was taken of them. It outlives a change of configuration.
#[derive(Debug)]
pub struct Limiter {
    state: Mutex<State>,
    /// Held by the one whose turn is next; the others wait for it in the order in which they came.
    turn: Semaphore,
    metrics: CallMetrics,
    /// Boxed, since most servers are alone.
    counter: Option<Box<Counter>>,
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
    /// Who counts what is taken of the limits.
    pub counted: Counted,
    /// Among how many servers the limits are shared, as was last known. Not there where this one counts for itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub servers: Option<u32>,
}

impl Limiter {
    /// A limiter of which nothing was taken. Where several servers share the limits, `counter` counts for all of them
    /// under the name given: the integration's id, with that of the connection where it is not the default one.
    pub fn new(
        rules: impl Into<Arc<Rules>>,
        metrics: CallMetrics,
        counter: Option<(Arc<dyn SharedLimits>, Arc<str>)>,
    ) -> Self {
        let now = Instant::now();
        let mut state = State::new(rules.into(), now);
        if let Some((counter, _)) = &counter {
            state.follow(counter.standing(), now);
        }
        Self { state: Mutex::new(state), turn: Semaphore::new(1), metrics, counter: counter.map(Box::new) }
    }

    /// Goes on by other rules. What was taken stays taken, and what the service asked for holds: a change of
    /// configuration grants no fresh burst.
    pub fn adjust(&self, rules: impl Into<Arc<Rules>>) {
        self.lock().adjust(rules.into(), Instant::now());
    }

    /// Takes what an attempt of this call needs, now or when its turn comes.
    ///
    /// # Errors
    ///
    /// `throttled`, with the time to wait: when that is longer than the rules or the call's deadline allow,
    /// or too many wait.
    pub(crate) async fn admit(&self, call: &Call) -> Result<()> {
        match self.enter(call)? {
            Entry::Free => Ok(()),
            // Boxed, so that calls that need not wait do not carry its room.
            Entry::Waits(place, limit) => Box::pin(self.wait(place, limit)).await,
            Entry::Asks => Box::pin(self.ask(call)).await,
        }
    }

    /// Takes what the attempt needs, or a place in the queue.
    fn enter<'a>(&'a self, call: &'a Call) -> Result<Entry<'a>> {
        let mut state = self.lock();
        if state.is_open() {
            return Ok(Entry::Free);
        }
        let (now, action) = (Instant::now(), call.action());
        self.follow(&mut state, now);
        if state.waiting == 0 {
            if state.are_counted(Counted::Shared, action) {
                return Ok(Entry::Asks);
            }
            if self.attempt_here(&mut state, action, now)?.is_none() {
                return Ok(Entry::Free);
            }
        }
        let (place, limit) = self.queue(state, call, now)?;
        Ok(Entry::Waits(place, limit))
    }

    /// Takes a place in the queue for one who cannot be let through before `first`. It is kept until the instant given.
    fn queue<'a>(
        &'a self,
        mut state: MutexGuard<'_, State>,
        call: &'a Call,
        first: Instant,
    ) -> Result<(Queued<'a>, Instant)> {
        let (now, action) = (Instant::now(), call.action());
        let turn = state.ready(action, now, true).max(first);
        let max_wait = state.rules.max_wait;
        let longest = now + call.max_wait.map_or(max_wait, |own| own.min(max_wait));
        let limit = call.deadline.map_or(longest, |deadline| deadline.min(longest));
        if turn > limit || state.waiting >= state.rules.max_queue {
            drop(state);
            return Err(self.refuse(turn - now));
        }
        state.queue(action, true);
        self.metrics.queued();
        Ok((Queued { limiter: self, action }, limit))
    }

    /// Asks the counter for one before whom nobody waits. Nobody waits for its answer either: who comes meanwhile asks
    /// too.
    async fn ask(&self, call: &Call) -> Result<()> {
        let Some(ready) = self.attempt(call.action()).await? else { return Ok(()) };
        let (place, limit) = self.queue(self.lock(), call, ready)?;
        self.wait(place, limit).await
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
            let Some(ready) = self.attempt(action).await? else { return Ok(()) };
            // What the service said meanwhile, or what other servers took, may have made it longer.
            if ready > limit {
                return Err(late(self));
            }
            sleep_until(ready).await;
        }
    }

    /// Takes what an attempt needs, or says when it can be there.
    async fn attempt(&self, action: &str) -> Result<Option<Instant>> {
        let (counter, name, takes) = {
            let mut state = self.lock();
            let now = Instant::now();
            self.follow(&mut state, now);
            match &self.counter {
                Some(counter) if state.are_counted(Counted::Shared, action) => {
                    let ready = state.ready_apart(action, now);
                    if ready > now {
                        return Ok(Some(ready));
                    }
                    (&counter.0, &counter.1, state.asks(action))
                }
                _ => return self.attempt_here(&mut state, action, now),
            }
        };
        let answer = counter.take(name, &takes, false).await;
        let mut state = self.lock();
        let now = Instant::now();
        match answer {
            Ok(taken) => {
                state.heard(action, &takes, &taken, now);
                Ok((!taken.wait.is_zero()).then_some(now + taken.wait))
            }
            // It has gone over to somebody else, who decides.
            Err(_) => {
                self.follow(&mut state, now);
                self.attempt_here(&mut state, action, now)
            }
        }
    }

    /// The same where no counter is to be asked.
    fn attempt_here(&self, state: &mut State, action: &str, now: Instant) -> Result<Option<Instant>> {
        if state.are_counted(Counted::Closed, action) {
            self.metrics.throttled();
            let message = "the counter that the servers share is out of reach, and without it nothing is let through; \
                           see to its server, or set server.without_redis to local_share";
            return Err(Error::new(Kind::Throttled, message).retry_after(Duration::from_secs(1)));
        }
        let ready = state.ready(action, now, false);
        if ready > now {
            return Ok(Some(ready));
        }
        state.take(action, now);
        Ok(None)
    }

    /// Goes by who counts now.
    fn follow(&self, state: &mut State, now: Instant) {
        if let Some(counter) = &self.counter {
            state.follow(counter.0.standing(), now);
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
    pub async fn probe(&self) -> Result<()> {
        let (counter, name, takes) = {
            let mut state = self.lock();
            let now = Instant::now();
            if let Some(until) = state.paused.filter(|until| *until > now) {
                return Err(Error::new(Kind::RateLimited, "the service has asked for a pause")
                    .retry_after(until - now));
            }
            self.follow(&mut state, now);
            match &self.counter {
                Some(counter) if state.are_counted(Counted::Shared, "") => {
                    (&counter.0, &counter.1, state.asks(""))
                }
                _ => {
                    state.take("", now);
                    return Ok(());
                }
            }
        };
        if let Ok(taken) = counter.take(name, &takes, true).await {
            self.lock().heard("", &takes, &taken, Instant::now());
        }
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
        self.follow(&mut state, now);
        state.snapshot(now)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What becomes of a call that comes.
enum Entry<'a> {
    /// It has taken what it needs.
    Free,
    /// It has a place in the queue until then.
    Waits(Queued<'a>, Instant),
    /// Nobody waits, and what is left is known elsewhere.
    Asks,
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
