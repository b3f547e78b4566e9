//! Standard Webhooks: `webhook-signature: v1,…` or `v1a,…`, of the id, the time and the body, with dots between.
//! <https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md>

use base64::{Engine, engine::general_purpose::STANDARD};

use super::{
    Refusal, Webhook,
    claim::{Claim, header, seconds},
};
use crate::{encoding::Encoding, hmac::Output};

/// What the names of its headers begin with; that of Svix, whom many send through, is older.
const NAMES: [&str; 2] = ["webhook", "svix"];

/// Signatures are HMACs (`v1`) or of a private key (`v1a`). Those of other versions are none of ours.
pub(super) fn claim(webhook: &Webhook<'_>) -> Result<Claim, Refusal> {
    let name = NAMES.iter().find(|name| webhook.headers.contains_key(format!("{name}-signature")));
    let name = name.ok_or(Refusal::Unsigned("it has no webhook-signature"))?;
    let of = |part: &str, what: &'static str| header(webhook.headers, format!("{name}-{part}"), what);
    let id = of("id", "it has no webhook-id")?;
    let time = of("timestamp", "it has no webhook-timestamp")?;
    let at = seconds(time).ok_or(Refusal::Unsigned("its webhook-timestamp is no time"))?;
    let all = of("signature", "its webhook-signature is empty")?;
    let version = |version: &'static str| all.split(' ').filter_map(move |part| part.strip_prefix(version));
    let signatures = version("v1,").map(str::to_owned).collect();
    let public = version("v1a,").filter_map(|text| STANDARD.decode(text).ok()).collect();
    let text = [id.as_bytes(), b".", time.as_bytes(), b".", webhook.body].concat();
    let claim = Claim::sha256(Output::Base64, signatures, text);
    Ok(Claim { encoding: Encoding::Base64, public, at: Some(at), id: Some(id.to_owned()), ..claim })
}
