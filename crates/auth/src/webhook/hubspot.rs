//! HubSpot, version 3: `X-HubSpot-Signature-v3`, of method, URL, body and time.
//! <https://developers.hubspot.com/docs/apps/developer-platform/build-apps/authentication/request-validation>

use super::{
    Refusal, Webhook,
    claim::{Claim, header, seconds},
};
use crate::hmac::Output;

/// Escapes that HubSpot undoes in the URL before it signs.
const UNDONE: [(&str, &str); 12] = [
    ("%3A", ":"),
    ("%2F", "/"),
    ("%3F", "?"),
    ("%40", "@"),
    ("%21", "!"),
    ("%24", "$"),
    ("%27", "'"),
    ("%28", "("),
    ("%29", ")"),
    ("%2A", "*"),
    ("%2C", ","),
    ("%3B", ";"),
];

pub(super) fn claim(webhook: &Webhook<'_>) -> Result<Claim, Refusal> {
    let signature =
        header(webhook.headers, "x-hubspot-signature-v3", "it has no X-HubSpot-Signature-v3")?.to_owned();
    let missing = "it has no X-HubSpot-Request-Timestamp";
    let time = header(webhook.headers, "x-hubspot-request-timestamp", missing)?;
    let at = seconds(time).ok_or(Refusal::Unsigned("its X-HubSpot-Request-Timestamp is no time"))?;
    let url = undone(webhook.url);
    let text = [webhook.method.as_str().as_bytes(), url.as_bytes(), webhook.body, time.as_bytes()].concat();
    Ok(Claim { at: Some(at), ..Claim::sha256(Output::Base64, vec![signature], text) })
}

/// Each once, so that what an escape hides stays hidden.
fn undone(url: &str) -> String {
    let (mut out, mut rest) = (String::with_capacity(url.len()), url);
    while let Some(at) = rest.find('%') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let known = rest
            .get(..3)
            .and_then(|escape| UNDONE.iter().find(|(known, _)| known.eq_ignore_ascii_case(escape)));
        let (text, length) = known.map_or(("%", 1), |(_, text)| (*text, 3));
        out.push_str(text);
        rest = &rest[length..];
    }
    out.push_str(rest);
    out
}
