//! `Traffic`: what the latest calls of an integration have shown of its service. A call that succeeds pays for it with
//! one relaxed store, or two after a failure.

use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU32, AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::time::Instant;
use trunkline_core::{Blame, BreakerEffect, Call, Kind, Reply, Result};

/// What the latest calls have shown. Only what the service has to do with leaves a trace: no reply from the cache,
/// nothing that was refused before an attempt, no mistake and no hurry of a caller.
#[derive(Debug)]
pub struct Traffic {
    opened: Instant,
    /// Nanoseconds from `opened` until the last call that succeeded began, and one more; 0 if there was none.
    succeeded: AtomicU64,
    failures: AtomicU32,
    /// Calls that fail can afford a lock.
    failed: Mutex<Option<(Instant, Kind)>>,
}

/// What [`Traffic`] knows at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TrafficState {
    /// When the last call that succeeded began.
    pub succeeded: Option<Instant>,
    /// When the last one that failed did so, and how.
    pub failed: Option<(Instant, Kind)>,
    /// Failures since the service last answered.
    pub consecutive_failures: u32,
}

impl Traffic {
    /// Nothing was seen yet.
    pub fn new() -> Self {
        Self {
            opened: Instant::now(),
            succeeded: AtomicU64::new(0),
            failures: AtomicU32::new(0),
            failed: Mutex::new(None),
        }
    }

    /// What has been seen so far.
    pub fn snapshot(&self) -> TrafficState {
        let succeeded = self.succeeded.load(Ordering::Relaxed).checked_sub(1);
        TrafficState {
            succeeded: succeeded.map(|nanos| self.opened + Duration::from_nanos(nanos)),
            failed: *self.failed.lock().unwrap_or_else(PoisonError::into_inner),
            consecutive_failures: self.failures.load(Ordering::Relaxed),
        }
    }

    /// How a call has ended, or the head of its reply has come.
    pub(crate) fn heard(&self, call: &Call, result: &Result<Reply>) {
        match result {
            _ if call.attempt == 0 => {}
            // RFC 5861 section 4: kept, and sent because the service failed. Which way is not known here.
            Ok(_) if call.cache.and_then(|cache| cache.ttl).is_some_and(|ttl| ttl < 0) => {}
            Ok(_) => self.succeeded(call.began),
            Err(error) => self.failed(error.kind(), call.hurried),
        }
    }

    /// When it began is near enough, and saves a look at the clock.
    fn succeeded(&self, began: Instant) {
        let nanos = began.saturating_duration_since(self.opened).as_nanos();
        self.succeeded.store(u64::try_from(nanos).unwrap_or(u64::MAX - 1) + 1, Ordering::Relaxed);
        self.answered();
    }

    /// A call failed, of a caller who was in a hurry or not.
    pub(crate) fn failed(&self, kind: Kind, hurried: bool) {
        let row = kind.row();
        if row.breaker == BreakerEffect::Success {
            return self.answered();
        }
        let caller = row.blame == Blame::Caller || (hurried && kind == Kind::Timeout);
        if caller || row.blame == Blame::Us {
            return;
        }
        self.failures.fetch_add(1, Ordering::Relaxed);
        *self.failed.lock().unwrap_or_else(PoisonError::into_inner) = Some((Instant::now(), kind));
    }

    fn answered(&self) {
        if self.failures.load(Ordering::Relaxed) != 0 {
            self.failures.store(0, Ordering::Relaxed);
        }
    }
}

impl Default for Traffic {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use http::StatusCode;
    use trunkline_core::{CacheStatus, Error, Forward, HttpRequest, IntegrationId};

    use super::*;

    fn call() -> Call {
        Call::new(IntegrationId::new("a").unwrap(), HttpRequest::get("/"))
    }

    fn ok() -> Result<Reply> {
        Ok(Reply::new(StatusCode::OK, &b""[..]))
    }

    fn fails(kind: Kind) -> Result<Reply> {
        Err(Error::new(kind, "no"))
    }

    #[tokio::test(start_paused = true)]
    async fn the_last_success_and_the_last_failure_are_kept_and_failures_counted() {
        let traffic = Traffic::new();
        assert_eq!(traffic.snapshot(), TrafficState::default());
        tokio::time::advance(Duration::from_secs(1)).await;
        let first = call();
        traffic.heard(&first, &ok());
        tokio::time::advance(Duration::from_secs(1)).await;
        traffic.heard(&call(), &fails(Kind::Timeout));
        traffic.heard(&call(), &fails(Kind::Unauthenticated));
        let seen = traffic.snapshot();
        assert_eq!(seen.succeeded, Some(first.began));
        assert_eq!(seen.failed, Some((Instant::now(), Kind::Unauthenticated)));
        assert_eq!(seen.consecutive_failures, 2);
        let later = call();
        traffic.heard(&later, &ok());
        let after = traffic.snapshot();
        assert_eq!((after.succeeded, after.consecutive_failures), (Some(later.began), 0));
        assert_eq!(after.failed, seen.failed);
    }

    #[tokio::test]
    async fn what_the_service_has_no_part_in_leaves_no_trace() {
        let traffic = Traffic::new();
        let none = || Call { attempt: 0, ..call() };
        let stale = CacheStatus { ttl: Some(-1), ..CacheStatus::forward(Forward::Stale) };
        traffic.heard(&none(), &ok());
        traffic.heard(&none(), &fails(Kind::CircuitOpen));
        traffic.heard(&Call { cache: Some(stale), ..call() }, &ok());
        traffic.heard(&Call { hurried: true, ..call() }, &fails(Kind::Timeout));
        for kind in [Kind::InvalidConfig, Kind::Throttled, Kind::Internal] {
            traffic.heard(&call(), &fails(kind));
        }
        assert_eq!(traffic.snapshot(), TrafficState::default());
    }

    #[tokio::test]
    async fn a_rejected_request_is_no_success_but_ends_a_row_of_failures() {
        let traffic = Traffic::new();
        traffic.heard(&call(), &fails(Kind::Unavailable));
        traffic.heard(&call(), &fails(Kind::Rejected));
        let seen = traffic.snapshot();
        assert_eq!((seen.succeeded, seen.consecutive_failures), (None, 0));
        assert_eq!(seen.failed.map(|(_, kind)| kind), Some(Kind::Unavailable));
    }
}
