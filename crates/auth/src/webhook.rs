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
use trunkline_core::{Error, Secret};

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
    /// Checks signature and time of a webhook that comes `now`.
    ///
    /// # Errors
    ///
    /// Why it is not to be accepted.
    pub fn verify(&self, webhook: &Webhook<'_>, now: SystemTime) -> Result<Verified, Refusal> {
        let claim = match &self.scheme {
            Scheme::Stripe => stripe::claim(webhook),
            Scheme::Twilio => twilio::claim(webhook),
            Scheme::HubSpot => hubspot::claim(webhook),
            Scheme::Standard => standard::claim(webhook),
            Scheme::Hmac(generic) => generic.claim(webhook),
        }?;
        self.signed(&claim)?;
        if let Some(at) = claim.at {
            let since = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
            let age = i64::try_from(since.as_secs()).unwrap_or(i64::MAX).saturating_sub(at);
            if age.unsigned_abs() > self.tolerance.as_secs() {
                return Err(Refusal::Stale(age));
            }
        }
        let digest = claim.texts.first().map(|text| hash(text)).unwrap_or_default();
        Ok(Verified { id: claim.id, digest, by: self.scheme.name(), signed_at: claim.at })
    }

    /// Whether a secret of ours made a signature of it. Each comparison takes as long as any other.
    fn signed(&self, claim: &Claim) -> Result<(), Refusal> {
        for secret in &self.secrets {
            if let Scheme::Standard = self.scheme
                && let Some(key) =
                    public::key(secret).map_err(|error| Refusal::Unready(error.at("secret")))?
            {
                let ours = |text: &Vec<u8>| {
                    claim.public.iter().any(|signature| key.verify_sig(text, signature).is_ok())
                };
                if claim.texts.iter().any(ours) {
                    return Ok(());
                }
                continue;
            }
            let key = claim.encoding.key(secret).map_err(|error| Refusal::Unready(error.at("secret")))?;
            let key = hmac::Key::new(claim.algorithm, &key);
            for text in &claim.texts {
                let ours = claim.output.write(hmac::sign(&key, text).as_ref());
                let same =
                    |theirs: &String| verify_slices_are_equal(ours.as_bytes(), theirs.as_bytes()).is_ok();
                if claim.signatures.iter().any(same) {
                    return Ok(());
                }
            }
        }
        Err(Refusal::Wrong)
    }
}

#[cfg(test)]
mod tests;
