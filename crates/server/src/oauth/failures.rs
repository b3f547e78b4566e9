//! What last went wrong with each account: whoever sent a link somewhere has not seen the page.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use schemars::JsonSchema;
use serde::Serialize;
use tokio::time::Instant;
use trunkline::Error;

use super::{Account, pages::plain};

/// Of how many accounts it is kept; the oldest go.
const MOST: usize = 1_000;

/// How somebody who was sent to the provider came back without a consent.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub(crate) struct Failure {
    /// When, in milliseconds since 1970.
    at_ms: u64,
    /// The code of the error's kind.
    kind: &'static str,
    /// What went wrong, as the page said it.
    detail: String,
}

/// One an account, the oldest first.
#[derive(Debug, Default)]
pub(super) struct Failures(Mutex<VecDeque<(Account, Failure)>>);

impl Failures {
    fn all(&self) -> MutexGuard<'_, VecDeque<(Account, Failure)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn of(&self, account: &Account) -> Option<Failure> {
        self.all().iter().find(|(held, _)| held == account).map(|(_, failure)| failure.clone())
    }

    /// It went well.
    pub(super) fn forget(&self, account: &Account) {
        self.all().retain(|(held, _)| held != account);
    }

    pub(super) fn note(&self, account: Account, error: &Error) {
        self.forget(&account);
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let failure = Failure {
            at_ms: u64::try_from(now.as_millis()).unwrap_or_default(),
            kind: error.kind().code(),
            detail: plain(error.message()),
        };
        let mut all = self.all();
        if all.len() >= MOST {
            all.pop_front();
        }
        all.push_back((account, failure));
    }
}

/// How often something may be done that strangers can cause: 60 times at once, and once in a second.
#[derive(Debug)]
pub(super) struct Allowance(Mutex<(u32, Instant)>);

impl Allowance {
    const MOST: u32 = 60;
    const EACH: Duration = Duration::from_secs(1);

    /// Whether it may be done now.
    pub(super) fn take(&self) -> bool {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (left, since) = &mut *held;
        let more = u32::try_from(since.elapsed().as_secs() / Self::EACH.as_secs()).unwrap_or(u32::MAX);
        if more > 0 {
            (*left, *since) = (left.saturating_add(more).min(Self::MOST), Instant::now());
        }
        let may = *left > 0;
        *left = left.saturating_sub(1);
        may
    }
}

impl Default for Allowance {
    fn default() -> Self {
        Self(Mutex::new((Self::MOST, Instant::now())))
    }
}

#[cfg(test)]
mod tests {
    use trunkline::Kind;

    use super::*;

    #[test]
    fn the_last_failure_of_an_account_is_kept_until_something_goes_well() {
        let account = |n: usize| Account { integration: n.to_string(), connection: "default".into() };
        let failures = Failures::default();
        failures.note(account(0), &Error::new(Kind::Forbidden, "first"));
        failures.note(account(0), &Error::new(Kind::Rejected, "second\u{202e}"));
        let last = failures.of(&account(0)).unwrap();
        assert_eq!((last.kind, &*last.detail), ("rejected", "second\u{fffd}"));
        failures.forget(&account(0));
        assert!(failures.of(&account(0)).is_none());
        (0..=MOST).for_each(|n| failures.note(account(n), &Error::new(Kind::Forbidden, "no")));
        assert!(failures.of(&account(0)).is_none() && failures.of(&account(1)).is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn strangers_are_noted_now_and_then() {
        let allowance = Allowance::default();
        assert_eq!((0..100).filter(|_| allowance.take()).count(), 60);
        tokio::time::advance(Duration::from_secs(3)).await;
        assert_eq!((0..100).filter(|_| allowance.take()).count(), 3);
    }
}
