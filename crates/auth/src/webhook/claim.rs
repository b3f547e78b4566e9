//! `Claim`: what a webhook says of its own signature, before anything of it is believed.

use aws_lc_rs::hmac;
use http::{HeaderMap, HeaderName};

use super::Refusal;
use crate::{encoding::Encoding, hmac::Output};

/// What a webhook says of its own signature.
#[derive(Debug)]
pub(super) struct Claim {
    /// Signatures as they are written, of which one has to be ours.
    pub(super) signatures: Vec<String>,
    /// Signatures of a private key (Ed25519), where the scheme has such; keys that check them say so.
    pub(super) public: Vec<Vec<u8>>,
    /// What may have been signed; the first is what it usually is.
    pub(super) texts: Vec<Vec<u8>>,
    pub(super) algorithm: hmac::Algorithm,
    /// How signatures are written.
    pub(super) output: Output,
    /// How secrets are written.
    pub(super) encoding: Encoding,
    /// When it was signed, in seconds of Unix time, where that is signed too.
    pub(super) at: Option<i64>,
    /// The id of the event, where that is signed too.
    pub(super) id: Option<String>,
}

impl Claim {
    /// One of HMAC with SHA-256, and of a secret that is used as it is.
    pub(super) fn sha256(output: Output, signatures: Vec<String>, text: Vec<u8>) -> Self {
        Self {
            signatures,
            public: Vec::new(),
            texts: vec![text],
            algorithm: hmac::HMAC_SHA256,
            output,
            encoding: Encoding::Utf8,
            at: None,
            id: None,
        }
    }
}

/// A header as text; `what` says what its absence means.
pub(super) fn header<'a>(
    headers: &'a HeaderMap,
    name: impl AsRef<str>,
    what: &'static str,
) -> Result<&'a str, Refusal> {
    let name: Result<HeaderName, _> = name.as_ref().parse();
    let value = name.ok().and_then(|name| headers.get(name)).and_then(|value| value.to_str().ok());
    value.map(str::trim).filter(|value| !value.is_empty()).ok_or(Refusal::Unsigned(what))
}

/// Seconds of Unix time, which may be written in milliseconds: these are too many for seconds until the year 5138.
pub(super) fn seconds(text: &str) -> Option<i64> {
    let number: i64 = text.trim().parse().ok()?;
    Some(if number.unsigned_abs() < 100_000_000_000 { number } else { number / 1000 })
}
