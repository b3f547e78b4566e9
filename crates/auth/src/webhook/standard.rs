//! Standard Webhooks: `webhook-signature: v1,…`, of the id, the time and the body, with dots between.
//! <https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md>

use super::{
    Refusal, Webhook,
    claim::{Claim, header, seconds},
};
use crate::{encoding::Encoding, hmac::Output};

/// What the names of its headers begin with; that of Svix, whom many send through, is older.
const NAMES: [&str; 2] = ["webhook", "svix"];

/// Signatures of other versions, such as `v1a` with a public key, are no signatures of ours.
pub(super) fn claim(webhook: &Webhook<'_>) -> Result<Claim, Refusal> {
    let name = NAMES.iter().find(|name| webhook.headers.contains_key(format!("{name}-signature")));
    let name = name.ok_or(Refusal::Unsigned("it has no webhook-signature"))?;
    let of = |part: &str, what: &'static str| header(webhook.headers, format!("{name}-{part}"), what);
    let id = of("id", "it has no webhook-id")?;
    let time = of("timestamp", "it has no webhook-timestamp")?;
    let at = seconds(time).ok_or(Refusal::Unsigned("its webhook-timestamp is no time"))?;
    let signatures = of("signature", "its webhook-signature is empty")?.split(' ');
    let signatures = signatures.filter_map(|part| part.strip_prefix("v1,")).map(str::to_owned).collect();
    let text = [id.as_bytes(), b".", time.as_bytes(), b".", webhook.body].concat();
    let claim = Claim::sha256(Output::Base64, signatures, text);
    Ok(Claim { encoding: Encoding::Base64, at: Some(at), id: Some(id.to_owned()), ..claim })
}
