//! `Grant`: what an authorization server has given, as it is kept: the tokens, and what is being done about them.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use trunkline_core::{Error, Kind, Result};
use zeroize::Zeroizing;

use super::answer::Issued;
use crate::tokens::ages;

/// How long whoever exchanges a grant has it to itself: longer than an exchange takes, and what is written after it.
const LEASE_MS: i64 = 75_000;
/// A year. What a server says beyond that says nothing.
const LONGEST_MS: u64 = 365 * 24 * 3600 * 1000;

/// What is kept for a connection. Nothing in it is shown.
#[derive(Default, Clone, Serialize, Deserialize)]
pub(super) struct Grant {
    /// To whom it was granted, by whom, and for which service: it is of no use to others.
    #[serde(default)]
    bound_to: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) access_token: Option<Zeroizing<String>>,
    /// When the access token was issued, in milliseconds of Unix time.
    #[serde(default)]
    pub(super) issued_at_ms: i64,
    /// For how long it is good, if that was said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    lives_ms: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) refresh_token: Option<Zeroizing<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) scope: Option<String>,
    /// Where the service is, as far as the server said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) origin: Option<String>,
    /// The digest of the refresh token in the configuration that this began with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) pasted: Option<String>,
    /// That it is being exchanged, by whom, and until when others wait for that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    lease: Option<Lease>,
    /// That an exchange was begun of which nobody knows whether the server has acted.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    interrupted: bool,
    /// Why somebody has to connect the account again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) reauth: Option<String>,
}

#[derive(Clone, Serialize, Deserialize)]
struct Lease {
    owner: String,
    until_ms: i64,
}

/// What somebody who wants a token has to do.
pub(super) enum Next {
    /// Take this one, which is good for so long, if that is known.
    Use(Zeroizing<String>, Option<Duration>),
    /// Wait: somebody else is about to have one.
    Wait,
    /// Exchange the refresh token, or ask anew where there is none.
    Exchange,
    /// Nothing, until somebody has connected the account (again); with the reason.
    Nobody(String),
}

/// Who asks.
pub(super) struct Asker<'a> {
    pub(super) owner: &'a str,
    /// Whether leases of others can still be theirs: they may be processes that run.
    pub(super) shared: bool,
    pub(super) now_ms: i64,
    /// The token that the service has refused, or that is about to end.
    pub(super) spent: Option<&'a str>,
    /// Whether a token can be had without a refresh token.
    pub(super) alone: bool,
}

impl Grant {
    pub(super) fn of(bound_to: String) -> Self {
        Self { bound_to, ..Self::default() }
    }

    /// Whether it was granted to whom, by whom and for what `bound_to` says.
    pub(super) fn is_bound_to(&self, bound_to: &str) -> bool {
        self.bound_to == bound_to
    }

    pub(super) fn next(&self, asker: &Asker<'_>) -> Next {
        if let Some(reason) = &self.reauth {
            return Next::Nobody(reason.clone());
        }
        if let Some(lease) = &self.lease
            && (0..=LEASE_MS).contains(&(lease.until_ms - asker.now_ms))
            && (asker.shared || lease.owner == asker.owner)
        {
            return Next::Wait;
        }
        let renewable = asker.alone || self.refresh_token.is_some();
        // The only one there is is used until the service refuses it, and again: that may have been a slip.
        let token =
            self.access_token.as_ref().filter(|token| !renewable || asker.spent != Some(token.as_str()));
        if let Some(token) = token {
            let Some(lives) = self.lives() else { return Next::Use(token.clone(), None) };
            // A clock that was set back says that it has not been issued yet.
            let age = Duration::from_millis(u64::try_from(asker.now_ms - self.issued_at_ms).unwrap_or(0));
            let (renew, end) = ages(lives);
            if age < if renewable { renew } else { end } {
                return Next::Use(token.clone(), Some(lives.saturating_sub(age)));
            }
        }
        match (renewable, token) {
            (true, _) => Next::Exchange,
            (false, None) => Next::Nobody("nobody has connected this account yet".to_owned()),
            (false, Some(_)) => {
                Next::Nobody("the access token has expired, and there is no refresh token".to_owned())
            }
        }
    }

    fn lives(&self) -> Option<Duration> {
        self.lives_ms.map(Duration::from_millis)
    }

    /// When the access token ends, in milliseconds of Unix time.
    pub(super) fn expires_at_ms(&self) -> Option<i64> {
        Some(self.issued_at_ms.saturating_add(i64::try_from(self.lives_ms?).ok()?))
    }

    /// Whether an exchange before this one may have been cut off.
    pub(super) fn was_cut_off(&self) -> bool {
        self.interrupted
    }

    /// Whether nothing was ever granted.
    pub(super) fn is_empty(&self) -> bool {
        self.access_token.is_none() && self.refresh_token.is_none() && self.reauth.is_none()
    }

    /// One for the same that holds nothing yet.
    pub(super) fn anew(&self) -> Self {
        Self::of(self.bound_to.clone())
    }

    /// The same, leased by `owner` for an exchange.
    pub(super) fn leased(&self, owner: &str, now_ms: i64) -> Self {
        let lease = Some(Lease { owner: owner.to_owned(), until_ms: now_ms.saturating_add(LEASE_MS) });
        // Whoever had it before has not said how it ended.
        Self { lease, interrupted: self.interrupted || self.lease.is_some(), ..self.clone() }
    }

    /// The same after an exchange that brought nothing. `interrupted`: nobody knows whether the server has acted.
    pub(super) fn released(&self, interrupted: bool) -> Self {
        Self { lease: None, interrupted, ..self.clone() }
    }

    /// The same, of no use any more.
    pub(super) fn ended(&self, reason: String) -> Self {
        Self { lease: None, interrupted: false, reauth: Some(reason), ..self.clone() }
    }

    /// The same with what was issued for it. A refresh token that the answer leaves out stays (RFC 6749 section 6).
    pub(super) fn granted(&self, issued: Issued, now_ms: i64) -> Self {
        let Issued { access_token, lives, refresh_token, scope, origin, .. } = issued;
        let lives_ms =
            lives.map(|lives| u64::try_from(lives.as_millis()).unwrap_or(u64::MAX).min(LONGEST_MS));
        Self {
            bound_to: self.bound_to.clone(),
            access_token: Some(access_token),
            issued_at_ms: now_ms,
            lives_ms,
            refresh_token: refresh_token.or_else(|| self.refresh_token.clone()),
            scope: scope.or_else(|| self.scope.clone()),
            origin: origin.or_else(|| self.origin.clone()),
            pasted: self.pasted.clone(),
            lease: None,
            interrupted: false,
            reauth: None,
        }
    }
}

/// Reads a grant that was kept.
pub(super) fn read(document: &[u8]) -> Result<Grant> {
    serde_json::from_slice(document)
        .map_err(|_| Error::new(Kind::Store, "what is kept of the account's tokens cannot be read"))
}

/// Writes a grant down.
pub(super) fn write(grant: &Grant) -> Zeroizing<Vec<u8>> {
    Zeroizing::new(serde_json::to_vec(grant).expect("a structure of text and numbers is JSON"))
}
