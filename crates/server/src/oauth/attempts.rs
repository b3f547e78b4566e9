//! How the last attempt to connect each account ended: whoever sent a link somewhere does not see the page.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{SystemTime, UNIX_EPOCH},
};

use schemars::JsonSchema;
use serde::Serialize;
use trunkline::{Error, Result};

use super::{Account, pages::plain};

/// Of how many accounts it is kept; the oldest go.
const MOST: usize = 1_000;

/// How somebody who was sent to the provider came back.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub(crate) struct Attempt {
    /// When, in milliseconds since 1970.
    at_ms: u64,
    /// `ok`, or the code of an error's kind.
    kind: &'static str,
    /// What went wrong, as the page said it.
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
}

/// One an account, the oldest first.
#[derive(Debug, Default)]
pub(super) struct Attempts(Mutex<VecDeque<(Account, Attempt)>>);

impl Attempts {
    fn all(&self) -> MutexGuard<'_, VecDeque<(Account, Attempt)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn of(&self, account: &Account) -> Option<Attempt> {
        self.all().iter().find(|(held, _)| held == account).map(|(_, attempt)| attempt.clone())
    }

    pub(super) fn note(&self, account: Account, result: &Result<()>) {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let error = result.as_ref().err();
        let attempt = Attempt {
            at_ms: u64::try_from(now.as_millis()).unwrap_or_default(),
            kind: error.map_or("ok", |error| error.kind().code()),
            detail: error.map(Error::message).map(plain),
        };
        let mut all = self.all();
        all.retain(|(held, _)| *held != account);
        if all.len() >= MOST {
            all.pop_front();
        }
        all.push_back((account, attempt));
    }
}

#[cfg(test)]
mod tests {
    use trunkline::Kind;

    use super::*;

    #[test]
    fn the_last_attempt_of_an_account_is_kept_and_of_so_many_accounts() {
        let account = |n: usize| Account { integration: n.to_string(), connection: "default".into() };
        let attempts = Attempts::default();
        attempts.note(account(0), &Err(Error::new(Kind::Forbidden, "first")));
        attempts.note(account(0), &Err(Error::new(Kind::Rejected, "second\u{202e}")));
        let last = attempts.of(&account(0)).unwrap();
        assert_eq!((last.kind, last.detail.as_deref()), ("rejected", Some("second\u{fffd}")));
        (0..=MOST).for_each(|n| attempts.note(account(n), &Ok(())));
        assert!(attempts.of(&account(0)).is_none());
        assert_eq!(attempts.of(&account(1)).unwrap().kind, "ok");
    }
}
