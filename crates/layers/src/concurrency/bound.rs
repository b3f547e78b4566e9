//! `Bound`: the places for what is under way at the same time, and a queue that is bounded too.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use schemars::JsonSchema;
use serde::Serialize;
use tokio::{
    sync::{Semaphore, SemaphorePermit},
    time::{Instant, timeout_at},
};
use trunkline_core::{Call, Error, Kind, Result};

use super::config::Capacity;
use crate::CallMetrics;

/// Places for calls. It outlives a change of configuration.
#[derive(Debug)]
pub struct Bound {
    free: Semaphore,
    capacity: Mutex<Capacity>,
    /// Places that are to go when they become free: the capacity was lowered while they were taken.
    surplus: AtomicU32,
    waiting: AtomicU32,
    /// What a caller hears who finds no place.
    kind: Kind,
    metrics: Option<CallMetrics>,
}

/// What is shown of a bound.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct ConcurrencyState {
    /// How many may be under way.
    pub max: u32,
    /// How many are.
    pub in_flight: u32,
    /// How many wait.
    pub waiting: u32,
}

impl Bound {
    /// The places of one integration: its callers hear `throttled`.
    pub fn of_integration(capacity: Capacity, metrics: CallMetrics) -> Self {
        Self::new(capacity, Kind::Throttled, Some(metrics))
    }

    /// The places of a whole server: its callers hear `overloaded`.
    pub fn of_server(capacity: Capacity) -> Self {
        Self::new(capacity, Kind::Overloaded, None)
    }

    fn new(capacity: Capacity, kind: Kind, metrics: Option<CallMetrics>) -> Self {
        Self {
            free: Semaphore::new(capacity.max as usize),
            capacity: Mutex::new(capacity),
            surplus: AtomicU32::new(0),
            waiting: AtomicU32::new(0),
            kind,
            metrics,
        }
    }

    /// Goes on with another capacity. What is under way stays so.
    pub fn adjust(&self, capacity: Capacity) {
        let mut held = self.lock();
        let (before, after) = (held.max, capacity.max);
        *held = capacity;
        // Under the lock, so that two changes do not mix.
        if after < before {
            let fewer = before - after;
            let gone = self.free.forget_permits(fewer as usize);
            self.surplus.fetch_add(fewer - u32::try_from(gone).unwrap_or(fewer), Ordering::AcqRel);
        } else {
            let more = (before..after).filter(|_| !self.is_surplus()).count();
            self.free.add_permits(more);
        }
    }

    /// Takes a place, now or when one becomes free.
    ///
    /// # Errors
    ///
    /// `throttled` or `overloaded` when too many wait, or it takes longer than callers may wait.
    pub(super) async fn enter(self: &Arc<Self>, call: &Call) -> Result<Place<&Arc<Self>>> {
        match self.free.try_acquire() {
            Ok(permit) => Ok(Place::new(self, permit)),
            // Boxed, so that calls that need not wait do not carry its room.
            Err(_) => Box::pin(self.wait(call)).await,
        }
    }

    async fn wait(self: &Arc<Self>, call: &Call) -> Result<Place<&Arc<Self>>> {
        let (max_queue, max_wait) = {
            let capacity = self.lock();
            (capacity.max_queue, capacity.max_wait)
        };
        let waiting = Waiting::begin(self);
        if waiting.before >= max_queue {
            return Err(self.refuse("as many calls are under way and wait as may"));
        }
        let longest = Instant::now() + call.max_wait.map_or(max_wait, |own| own.min(max_wait));
        let end = call.deadline.map_or(longest, |deadline| deadline.min(longest));
        match timeout_at(end, self.free.acquire()).await {
            Ok(Ok(permit)) => Ok(Place::new(self, permit)),
            Ok(Err(_)) | Err(_) => {
                Err(self.refuse("no other call ended while this one waited for its place"))
            }
        }
    }

    fn refuse(&self, what: &'static str) -> Error {
        if let Some(metrics) = &self.metrics {
            metrics.throttled();
        }
        // Spread over two seconds, so that those who are refused together do not come together again.
        let wait = Duration::from_secs(1).mul_f64(1.0 + fastrand::f64());
        Error::new(self.kind, format!("{what}; call less at the same time, or raise the bound"))
            .retry_after(wait)
    }

    /// Takes one off the surplus, if there is any.
    fn is_surplus(&self) -> bool {
        self.surplus.fetch_update(Ordering::AcqRel, Ordering::Acquire, |n| n.checked_sub(1)).is_ok()
    }

    /// What it shows.
    pub fn snapshot(&self) -> ConcurrencyState {
        let max = self.lock().max;
        let free = u32::try_from(self.free.available_permits()).unwrap_or(u32::MAX);
        let in_flight = (max + self.surplus.load(Ordering::Acquire)).saturating_sub(free);
        ConcurrencyState { max, in_flight, waiting: self.waiting.load(Ordering::Acquire) }
    }

    fn lock(&self) -> MutexGuard<'_, Capacity> {
        self.capacity.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A place that was taken; given back on drop. Most end with their call, and borrow what they are a place of.
#[derive(Debug)]
pub(super) struct Place<B: AsRef<Bound>>(B);

impl<'a> Place<&'a Arc<Bound>> {
    fn new(bound: &'a Arc<Bound>, permit: SemaphorePermit<'_>) -> Self {
        permit.forget();
        Self(bound)
    }

    /// The same place, which may outlive its call.
    pub(super) fn kept(self) -> Place<Arc<Bound>> {
        let bound = self.0.clone();
        std::mem::forget(self);
        Place(bound)
    }
}

impl<B: AsRef<Bound>> Drop for Place<B> {
    fn drop(&mut self) {
        let bound = self.0.as_ref();
        if bound.surplus.load(Ordering::Relaxed) == 0 || !bound.is_surplus() {
            bound.free.add_permits(1);
        }
    }
}

/// Somebody who waits; one less on drop.
struct Waiting<'a> {
    bound: &'a Bound,
    before: u32,
}

impl<'a> Waiting<'a> {
    fn begin(bound: &'a Bound) -> Self {
        if let Some(metrics) = &bound.metrics {
            metrics.queued();
        }
        Self { bound, before: bound.waiting.fetch_add(1, Ordering::AcqRel) }
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        if let Some(metrics) = &self.bound.metrics {
            metrics.left_queue();
        }
        self.bound.waiting.fetch_sub(1, Ordering::AcqRel);
    }
}
