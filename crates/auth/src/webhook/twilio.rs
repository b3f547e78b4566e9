//! Twilio: `X-Twilio-Signature`, of the URL and of what was sent.
//! <https://www.twilio.com/docs/usage/security#validating-requests>

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
};

use aws_lc_rs::{constant_time::verify_slices_are_equal, hmac};
use http::{Uri, header};
use url::form_urlencoded;

use super::{
    Refusal, Webhook,
    claim::{self, Claim},
};
use crate::hmac::Output;

/// The fields of a form are signed after the URL, by their names and with nothing between; of any other body the hash is in
/// the URL, as `bodySHA256`. Whether the URL is signed with its port or without depends on the service that sends.
///
/// There is no time in it.
pub(super) fn claim(webhook: &Webhook<'_>) -> Result<Claim, Refusal> {
    let signature = signature(webhook)?;
    let url: Uri = webhook.url.parse().map_err(|_| Refusal::Unsigned("its URL cannot be read"))?;
    let mut fields = String::new();
    if is_form(webhook) {
        let mut pairs = BTreeMap::<_, BTreeSet<_>>::new();
        for (name, value) in form_urlencoded::parse(webhook.body) {
            pairs.entry(name).or_default().insert(value);
        }
        for (name, values) in &pairs {
            for value in values {
                fields.push_str(name);
                fields.push_str(value);
            }
        }
    } else {
        hashed(&url, webhook.body)?;
    }
    let texts = spellings(&url, webhook.url).map(|url| format!("{url}{fields}").into_bytes()).into();
    let text = Vec::new();
    Ok(Claim {
        texts,
        algorithm: algorithm(webhook)?,
        ..Claim::sha256(Output::Base64, vec![signature.to_owned()], text)
    })
}

fn signature<'a>(webhook: &Webhook<'a>) -> Result<&'a str, Refusal> {
    claim::header(webhook.headers, "x-twilio-signature", "it has no X-Twilio-Signature")
}

/// Whether its head has all that a signature needs.
pub(super) fn glance(webhook: &Webhook<'_>) -> Result<(), Refusal> {
    signature(webhook)?;
    algorithm(webhook)?;
    let url: Uri = webhook.url.parse().map_err(|_| Refusal::Unsigned("its URL cannot be read"))?;
    if !is_form(webhook) {
        named(&url)?;
    }
    Ok(())
}

fn is_form(webhook: &Webhook<'_>) -> bool {
    let media = webhook.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let media = media.unwrap_or_default().split(';').next().unwrap_or_default().trim();
    media.eq_ignore_ascii_case("application/x-www-form-urlencoded")
}

/// The hash of the body that the URL names.
fn named(url: &Uri) -> Result<Cow<'_, str>, Refusal> {
    let mut pairs = form_urlencoded::parse(url.query().unwrap_or_default().as_bytes());
    let found = pairs.find(|(name, _)| name == "bodySHA256").map(|(_, hash)| hash);
    found.ok_or(Refusal::Unsigned("its body is no form, and bodySHA256 is not in its URL"))
}

/// Checks that the URL, which is signed, has the hash of the body.
fn hashed(url: &Uri, body: &[u8]) -> Result<(), Refusal> {
    let hash = named(url)?;
    let ours = super::hash(body);
    verify_slices_are_equal(ours.as_bytes(), hash.as_bytes())
        .map_err(|_| Refusal::Unsigned("its body is not the one that bodySHA256 is of"))
}

/// The URL without a port, and with one.
fn spellings(url: &Uri, text: &str) -> [String; 2] {
    let (scheme, host) = (url.scheme_str().unwrap_or_default(), url.host().unwrap_or_default());
    let port = url.port_u16().unwrap_or(if scheme == "http" { 80 } else { 443 });
    // As it was written behind the host.
    let rest = text.split_once("://").map_or(text, |(_, rest)| rest);
    let rest = rest.find(['/', '?']).map_or("", |at| &rest[at..]);
    [format!("{scheme}://{host}{rest}"), format!("{scheme}://{host}:{port}{rest}")]
}

/// That of keys that are made for webhooks alone is named in a header; of a token it is SHA-1.
fn algorithm(webhook: &Webhook<'_>) -> Result<hmac::Algorithm, Refusal> {
    let settings = webhook.headers.get("x-twilio-webhooks-signature-settings");
    let settings = settings.and_then(|value| value.to_str().ok()).unwrap_or_default();
    let pairs = settings.split(',').filter_map(|part| part.split_once('='));
    let named = pairs.filter(|(name, _)| name.trim() == "algorithm").map(|(_, value)| value.trim()).next();
    match named.unwrap_or_default() {
        "" | "HMAC_SHA1" => Ok(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY),
        "HMAC_SHA256" => Ok(hmac::HMAC_SHA256),
        _ => Err(Refusal::Unsigned("its X-Twilio-Webhooks-Signature-Settings names an unknown algorithm")),
    }
}
