//! `Pool`: the connections of one login to one database: made when they are needed, bounded, handed on while they are
//! good. What is dropped in the middle of something is never handed on.

mod lease;

use std::{
    collections::VecDeque,
    fmt,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use schemars::JsonSchema;
use serde::Deserialize;
use tokio::{
    runtime::Handle,
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Instant, timeout},
};
use trunkline_core::{Context, Credential, Error, Kind, Occupancy, Outcome, Result, Seconds};

pub(crate) use self::lease::Lease;
use super::engine::{Engine, Login};

/// How many connections there may be, and how long.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PoolConfig {
    /// Connections at the same time, for each connection (tenant) of the integration. 10 unless set.
    max: Option<u32>,
    /// How long a call waits for one that is free. 5 seconds unless set; never longer than the call may take.
    wait: Option<Seconds>,
    /// How long one may be idle before it is closed. 5 minutes unless set.
    idle_timeout: Option<Seconds>,
    /// How long one is used before another takes its place, give or take a tenth. 30 minutes unless set.
    max_lifetime: Option<Seconds>,
    /// How long it may take to connect and log in. 5 seconds unless set.
    connect: Option<Seconds>,
}

/// How much ahead of the end of a call its wait for a connection ends.
const AHEAD: Duration = Duration::from_millis(10);

/// The connections of one login.
pub(crate) struct Pool<E: Engine> {
    engine: E,
    idle: Mutex<VecDeque<Kept<E::Session>>>,
    permits: Arc<Semaphore>,
    limits: Limits,
    waiting: AtomicU32,
    opened: AtomicU64,
    timeouts: AtomicU64,
    /// Whether somebody looks after what is idle.
    swept: AtomicBool,
    closed: AtomicBool,
}

#[derive(Debug)]
struct Limits {
    max: u32,
    wait: Duration,
    idle: Duration,
    lifetime: Duration,
    connect: Duration,
}

/// A session with what the pool knows of it.
struct Kept<S> {
    session: S,
    /// Whose login it is.
    credential: Option<Arc<Credential>>,
    /// When it is to be replaced.
    ends: Instant,
    since: Instant,
}

impl PoolConfig {
    /// Makes the pool.
    ///
    /// # Errors
    ///
    /// `invalid_config`.
    pub(crate) fn open<E: Engine>(&self, engine: E) -> Result<Arc<Pool<E>>> {
        let max = self.max.unwrap_or(10);
        if !(1..=1000).contains(&max) {
            return Err(Error::invalid("pool.max: must be from 1 to 1000"));
        }
        let max = engine.most().map_or(max, |most| most.min(max));
        let or = |time: Option<Seconds>, usual| time.map_or(Duration::from_secs(usual), Seconds::get);
        let limits = Limits {
            max,
            wait: or(self.wait, 5),
            idle: or(self.idle_timeout, 300),
            lifetime: or(self.max_lifetime, 1800),
            connect: or(self.connect, 5),
        };
        Ok(Arc::new(Pool {
            engine,
            idle: Mutex::default(),
            permits: Arc::new(Semaphore::new(max as usize)),
            limits,
            waiting: AtomicU32::new(0),
            opened: AtomicU64::new(0),
            timeouts: AtomicU64::new(0),
            swept: AtomicBool::new(false),
            closed: AtomicBool::new(false),
        }))
    }
}

impl<E: Engine> Pool<E> {
    /// A session for a job, one that is there or a new one.
    ///
    /// # Errors
    ///
    /// `throttled` where none came free in time, and whatever [`Engine::connect`] says; all with outcome `not_sent`.
    pub(crate) async fn lease(
        self: &Arc<Self>,
        context: &Context,
        credential: Option<&Arc<Credential>>,
        deadline: Option<Instant>,
        login: impl FnOnce() -> Result<Login>,
    ) -> Result<Lease<E>> {
        let permit = match self.permits.clone().try_acquire_owned() {
            Ok(permit) => permit,
            Err(_) => self.wait(deadline).await?,
        };
        while let Some(mut kept) = self.take(credential) {
            if self.engine.revive(&mut kept.session, kept.since.elapsed()).await {
                return Ok(Lease::new(kept, permit, self, context));
            }
        }
        let login = login()?;
        // A future of its own in memory: it is large, and most calls do without.
        let connect = Box::pin(self.engine.connect(context, &login));
        let session = match timeout(self.limits.connect, connect).await {
            Ok(session) => session?,
            Err(_) => {
                let message =
                    format!("no connection to the database was made within {:?}", self.limits.connect);
                return Err(Error::new(Kind::Timeout, message).outcome_is(Outcome::NotSent));
            }
        };
        self.opened.fetch_add(1, Relaxed);
        let now = Instant::now();
        let spread = self.limits.lifetime / 5;
        let ends = now + self.limits.lifetime - spread / 2 + spread.mul_f64(fastrand::f64());
        let credential = credential.cloned();
        Ok(Lease::new(Kept { session, credential, ends, since: now }, permit, self, context))
    }

    async fn wait(&self, deadline: Option<Instant>) -> Result<OwnedSemaphorePermit> {
        /// Counts one who waits for as long as it lives.
        struct Waiting<'a>(&'a AtomicU32);
        impl Drop for Waiting<'_> {
            fn drop(&mut self) {
                self.0.fetch_sub(1, Relaxed);
            }
        }
        self.waiting.fetch_add(1, Relaxed);
        let _waiting = Waiting(&self.waiting);
        // A call that is out of time while it waits can say that nothing was sent, if it ends ahead of its deadline.
        let within = deadline.map_or(Duration::MAX, |deadline| {
            deadline.saturating_duration_since(Instant::now()).saturating_sub(AHEAD)
        });
        match timeout(self.limits.wait.min(within), self.permits.clone().acquire_owned()).await {
            Ok(permit) => Ok(permit.expect("it is never closed")),
            Err(_) => {
                self.timeouts.fetch_add(1, Relaxed);
                let Limits { max, wait, .. } = self.limits;
                let wait = wait.min(within);
                let message = format!(
                    "none of the {max} connections to the database came free within {wait:?}; raise pool.max, or \
                     make statements shorter"
                );
                Err(Error::new(Kind::Throttled, message))
            }
        }
    }

    /// The session that was used last, if it is of this login and has time left. Those that are not are closed.
    fn take(&self, credential: Option<&Arc<Credential>>) -> Option<Kept<E::Session>> {
        let now = Instant::now();
        let good = |kept: &Kept<E::Session>| {
            let same = match (&kept.credential, credential) {
                (None, None) => true,
                (Some(a), Some(b)) => Arc::ptr_eq(a, b),
                _ => false,
            };
            same && now < kept.ends && now < kept.since + self.limits.idle
        };
        loop {
            // One is closed without the lock.
            let kept = self.idle().pop_back()?;
            if good(&kept) {
                return Some(kept);
            }
        }
    }

    fn put_back(self: &Arc<Self>, kept: Kept<E::Session>) {
        let mut idle = self.idle();
        // Under the lock: nothing is put back once `close` has emptied it.
        if self.closed.load(Relaxed) {
            return;
        }
        idle.push_back(Kept { since: Instant::now(), ..kept });
        drop(idle);
        // Where no runtime is left nobody needs what is idle for much longer.
        if let Ok(runtime) = Handle::try_current()
            && !self.swept.swap(true, Relaxed)
        {
            runtime.spawn(sweep(Arc::downgrade(self)));
        }
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, VecDeque<Kept<E::Session>>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How full it is.
    pub(crate) fn occupancy(&self) -> Occupancy {
        let free = u32::try_from(self.permits.available_permits()).unwrap_or(u32::MAX);
        Occupancy {
            idle: u32::try_from(self.idle().len()).unwrap_or(u32::MAX),
            used: self.limits.max.saturating_sub(free),
            max: self.limits.max,
            waiting: self.waiting.load(Relaxed),
            opened: self.opened.load(Relaxed),
            timeouts: self.timeouts.load(Relaxed),
            ..Occupancy::default()
        }
    }

    /// Closes what is idle, and all else when it is given back.
    pub(crate) fn close(&self) {
        let mut idle = self.idle();
        self.closed.store(true, Relaxed);
        let closed = std::mem::take(&mut *idle);
        drop(idle);
        drop(closed);
    }

    /// Closes what is idle.
    fn forget_idle(&self) {
        let idle = std::mem::take(&mut *self.idle());
        drop(idle);
    }
}

/// Closes what was idle for too long, until nothing is idle.
async fn sweep<E: Engine>(pool: std::sync::Weak<Pool<E>>) {
    loop {
        let Some(next) = pool.upgrade().map(|pool| {
            let mut idle = pool.idle();
            let now = Instant::now();
            let limit = pool.limits.idle;
            let mut gone = Vec::new();
            // The one that has waited longest is in front.
            while idle.front().is_some_and(|kept| kept.since + limit <= now) {
                gone.extend(idle.pop_front());
            }
            let next = idle.front().map(|kept| kept.since + limit);
            if next.is_none() {
                pool.swept.store(false, Relaxed);
            }
            drop(idle);
            next
        }) else {
            return;
        };
        match next {
            Some(next) => tokio::time::sleep_until(next).await,
            None => return,
        }
    }
}

impl<E: Engine> fmt::Debug for Pool<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool")
            .field("engine", &self.engine)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
