//! `Verifier`: whether a webhook comes from whom it says, and is fresh. It knows no server and no clock.

mod claim;
mod config;
mod generic;
mod hubspot;
mod public;
mod standard;
mod stripe;
mod twilio;

use std::{
    fmt,
    time::{Duration, SystemTime},
};

use aws_lc_rs::{
    constant_time::verify_slices_are_equal,
    digest::{SHA256, digest},
    hmac,
};
use http::{HeaderMap, Method};
use trunkline_core::{Error, Result, Secret};

use self::{claim::Claim, generic::Generic};
use crate::hmac::Output;

pub use self::config::{Verify, VerifyType};

/// A request that says it is a webhook.
#[derive(Debug, Clone, Copy)]
pub struct Webhook<'a> {
    /// Its method.
    pub method: &'a Method,
    /// The whole URL as the sender knows it: that of the proxy in front, where there is one.
    pub url: &'a str,
    /// Its headers.
    pub headers: &'a HeaderMap,
    /// Its body, as it came.
    pub body: &'a [u8],
}

/// What is known of a webhook that was accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// The id of the event, where the scheme has one that is signed.
    pub id: Option<String>,
    /// The SHA-256 of what was signed, in hexadecimal digits: two deliveries that are the same to the sender's signature have
    /// the same one, however they are written.
    pub digest: String,
    /// Who signs in this way, as in the configuration: `stripe`, `hmac`.
    pub by: &'static str,
    /// When it was signed, in seconds of Unix time, where that is signed too.
    pub signed_at: Option<i64>,
}

/// Why a webhook was not accepted. For operators: its sender is not told which it was.
#[derive(Debug)]
pub enum Refusal {
    /// What is needed to check it is not there, or not readable.
    Unsigned(&'static str),
    /// None of its signatures is ours.
    Wrong,
    /// It was signed so many seconds ago; in as many, where that is below zero.
    Stale(i64),
    /// It cannot be checked now, such as for a secret that cannot be read.
    Unready(Error),
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unsigned(what) => f.write_str(what),
            Self::Wrong => f.write_str(
                "no signature of it was made with a secret of this integration, of this URL and this body",
            ),
            Self::Stale(age @ 0..) => {
                write!(f, "it was signed {age} s ago, which is longer than tolerance allows")
            }
            Self::Stale(age) => write!(f, "it is signed for a time {} s from now", age.unsigned_abs()),
            Self::Unready(error) => write!(f, "it cannot be checked: {}", error.message()),
        }
    }
}

/// The SHA-256 of bytes, in hexadecimal digits.
pub fn hash(bytes: &[u8]) -> String {
    Output::Hex.write(digest(&SHA256, bytes).as_ref())
}

/// Checks webhooks of one sender.
#[derive(Debug)]
pub struct Verifier {
    scheme: Scheme,
    /// The one that is in use first, then those that were before.
    secrets: Vec<Secret>,
    tolerance: Duration,
}

#[derive(Debug)]
enum Scheme {
    Stripe,
    Twilio,
    HubSpot,
    Standard,
    Hmac(Generic),
}

impl Scheme {
    /// As it is configured.
    fn name(&self) -> &'static str {
        match self {
            Self::Stripe => "stripe",
            Self::Twilio => "twilio",
            Self::HubSpot => "hubspot",
            Self::Standard => "standard",
            Self::Hmac(_) => "hmac",
        }
    }
}

impl Verifier {
    /// Whether the head of a webhook that comes `now` leaves hope that it is signed, and lately. Its body is not looked at: this
    /// is asked before that is read, and tells of nothing that it is what it says.
    ///
    /// # Errors
    ///
    /// Why it is not to be accepted, whatever its body.
    pub fn glance(&self, webhook: &Webhook<'_>, now: SystemTime) -> Result<(), Refusal> {
        let head = Webhook { body: &[], ..*webhook };
        let claim = match &self.scheme {
            // What is signed of a body is in its URL: it cannot be had without.
            Scheme::Twilio => return twilio::glance(&head),
            _ => self.claim(&head)?,
        };
        if claim.signatures.is_empty() && claim.public.is_empty() {
            return Err(Refusal::Wrong);
        }
        self.fresh(&claim, now)
    }

    /// Checks signature and time of a webhook that comes `now`.
    ///
    /// # Errors
    ///
    /// Why it is not to be accepted.
    pub fn verify(&self, webhook: &Webhook<'_>, now: SystemTime) -> Result<Verified, Refusal> {
        let claim = self.claim(webhook)?;
        self.signed(&claim)?;
        self.fresh(&claim, now)?;
        let digest = claim.texts.first().map(|text| hash(text)).unwrap_or_default();
        Ok(Verified { id: claim.id, digest, by: self.scheme.name(), signed_at: claim.at })
    }

    fn claim(&self, webhook: &Webhook<'_>) -> Result<Claim, Refusal> {
        match &self.scheme {
            Scheme::Stripe => stripe::claim(webhook),
            Scheme::Twilio => twilio::claim(webhook),
            Scheme::HubSpot => hubspot::claim(webhook),
            Scheme::Standard => standard::claim(webhook),
            Scheme::Hmac(generic) => generic.claim(webhook),
        }
    }

    /// Whether it was signed lately, where that is signed too.
    fn fresh(&self, claim: &Claim, now: SystemTime) -> Result<(), Refusal> {
        let Some(at) = claim.at else { return Ok(()) };
        let since = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let age = i64::try_from(since.as_secs()).unwrap_or(i64::MAX).saturating_sub(at);
        if age.unsigned_abs() > self.tolerance.as_secs() { Err(Refusal::Stale(age)) } else { Ok(()) }
    }

    /// Whether a secret of ours made a signature of it. One that cannot be read keeps none of the others from being tried.
    fn signed(&self, claim: &Claim) -> Result<(), Refusal> {
        let mut unready = None;
        for secret in &self.secrets {
            match self.signed_with(secret, claim) {
                Ok(true) => return Ok(()),
                Ok(false) => {}
                Err(error) => unready = unready.or(Some(error)),
            }
        }
        Err(unready.map_or(Refusal::Wrong, |error| Refusal::Unready(error.at("secret"))))
    }

    /// Whether this one did. Each comparison takes as long as any other.
    fn signed_with(&self, secret: &Secret, claim: &Claim) -> Result<bool> {
        if let Scheme::Standard = self.scheme
            && let Some(key) = public::key(secret)?
        {
            let ours =
                |text: &Vec<u8>| claim.public.iter().any(|signature| key.verify_sig(text, signature).is_ok());
            return Ok(claim.texts.iter().any(ours));
        }
        let key = hmac::Key::new(claim.algorithm, &claim.encoding.key(secret)?);
        Ok(claim.texts.iter().any(|text| {
            let ours = claim.output.write(hmac::sign(&key, text).as_ref());
            let same = |theirs: &String| verify_slices_are_equal(ours.as_bytes(), theirs.as_bytes()).is_ok();
            claim.signatures.iter().any(same)
        }))
    }
}

#[cfg(test)]
mod tests;
