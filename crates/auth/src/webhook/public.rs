//! Public keys of Standard Webhooks, which check what a private key has signed (`v1a`, Ed25519).
//! <https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md#signature-scheme>

use aws_lc_rs::signature::{ED25519, ED25519_PUBLIC_KEY_LEN, ParsedPublicKey};
use trunkline_core::{Error, Result, Secret};

use crate::encoding::base64;

/// What stands before a public key, and before the private one that belongs to it.
const PUBLIC: &str = "whpk_";
const PRIVATE: &str = "whsk_";

/// The public key that is given in the place of a secret; `None` where it is a secret. One is never used as the other:
/// anybody could sign with a public key.
///
/// # Errors
///
/// `invalid_config` where it is the private key, or no key of Ed25519.
pub(super) fn key(secret: &Secret) -> Result<Option<ParsedPublicKey>> {
    let text = secret.expose()?;
    let text = text.trim();
    if text.starts_with(PRIVATE) {
        return Err(Error::invalid(
            "is the private key (whsk_), which is its sender's; give the public one, whpk_…",
        ));
    }
    let Some(text) = text.strip_prefix(PUBLIC) else { return Ok(None) };
    let wrong = || Error::invalid("whpk_ is not followed by the 32 bytes of an Ed25519 key in base64");
    let bytes = base64(text).filter(|bytes| bytes.len() == ED25519_PUBLIC_KEY_LEN).ok_or_else(wrong)?;
    ParsedPublicKey::new(&ED25519, &bytes[..]).map(Some).map_err(|_| wrong())
}
