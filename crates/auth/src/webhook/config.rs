//! The keys that say how webhooks are signed.

use std::time::Duration;

use http::HeaderName;
use schemars::JsonSchema;
use serde::Deserialize;
use trunkline_core::{Error, Result, Seconds, Secret};

use super::{
    Scheme, Verifier,
    generic::{self, Generic},
};
use crate::{
    encoding::Encoding,
    hmac::{Hash, Output, Template},
};

/// How far the time of a webhook may be from ours unless set: what Stripe, HubSpot and Standard Webhooks say.
const TOLERANCE: Duration = Duration::from_secs(300);

/// How webhooks are signed.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Verify {
    /// Who signs in which way: `stripe`, `twilio`, `hubspot` (version 3), `standard` for Standard Webhooks, or `hmac` for
    /// what the keys below describe.
    pub r#type: VerifyType,
    /// The secret that they are signed with; for `standard` it may be the sender's public key, `whpk_…`. Without it none are
    /// taken.
    #[serde(default)]
    secret: Option<Secret>,
    /// Secrets that it takes the place of, and that are accepted for as long as they are here.
    #[serde(default)]
    old_secrets: Vec<Secret>,
    /// How far the time in a signature may be from ours, before it and after it. 300 seconds unless set.
    #[serde(default)]
    tolerance: Option<Seconds>,
    /// `hmac`: the header that has the signature, such as `X-Hub-Signature-256`. Several may stand in it, with commas.
    #[serde(default)]
    header: Option<String>,
    /// `hmac`: what stands before a signature, such as `sha256=`.
    #[serde(default)]
    prefix: Option<String>,
    /// `hmac`: how a signature is written; `hex` unless set.
    #[serde(default)]
    output: Option<Output>,
    /// `hmac`: the hash function; `sha256` unless set.
    #[serde(default)]
    algorithm: Option<Hash>,
    /// `hmac`: how the secret is written; as it is, unless set.
    #[serde(default)]
    secret_encoding: Option<Encoding>,
    /// `hmac`: what is signed, such as `v0:{header:X-Slack-Request-Timestamp}:{body}`; `{body}` unless set. Placeholders are
    /// `{method}` `{url}` `{host}` `{path}` `{query}` `{path_and_query}` `{header:NAME}` `{body}` `{body_sha256}`
    /// `{body_sha256_base64}`.
    #[serde(default)]
    sign: Option<String>,
    /// `hmac`: the header that has the time, in seconds or milliseconds of Unix time; it must be signed too. Without it a
    /// webhook that somebody has recorded is refused only while its event is remembered.
    #[serde(default)]
    timestamp_header: Option<String>,
}

/// Who signs in which way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum VerifyType {
    /// Stripe.
    Stripe,
    /// Twilio.
    Twilio,
    /// HubSpot, version 3.
    Hubspot,
    /// Standard Webhooks.
    Standard,
    /// What the other keys say.
    Hmac,
}

impl Verify {
    /// What checks them; `None` without a secret.
    ///
    /// # Errors
    ///
    /// `invalid_config`, naming the key.
    pub fn open(&self) -> Result<Option<Verifier>> {
        let scheme = match self.r#type {
            VerifyType::Stripe => Scheme::Stripe,
            VerifyType::Twilio => Scheme::Twilio,
            VerifyType::Hubspot => Scheme::HubSpot,
            VerifyType::Standard => Scheme::Standard,
            VerifyType::Hmac => Scheme::Hmac(self.generic()?),
        };
        if let (false, Some(key)) = (self.r#type == VerifyType::Hmac, self.key_of_hmac()) {
            return Err(Error::invalid(format!("{key}: is for type hmac alone")));
        }
        let Some(secret) = self.secret.clone() else { return Ok(None) };
        let secrets = std::iter::once(secret).chain(self.old_secrets.iter().cloned()).collect();
        Ok(Some(Verifier { scheme, secrets, tolerance: self.tolerance.map_or(TOLERANCE, Seconds::get) }))
    }

    fn key_of_hmac(&self) -> Option<&'static str> {
        let keys = [
            ("header", self.header.is_some()),
            ("prefix", self.prefix.is_some()),
            ("output", self.output.is_some()),
            ("algorithm", self.algorithm.is_some()),
            ("secret_encoding", self.secret_encoding.is_some()),
            ("sign", self.sign.is_some()),
            ("timestamp_header", self.timestamp_header.is_some()),
        ];
        keys.into_iter().find_map(|(key, set)| set.then_some(key))
    }

    fn generic(&self) -> Result<Generic> {
        let named = |key: &str, name: &str| {
            name.parse::<HeaderName>()
                .map_err(|_| Error::invalid(format!("{key}: is not the name of a header")))
        };
        let Some(header) = &self.header else {
            return Err(Error::invalid("header: type hmac needs the name of the header with the signature"));
        };
        let timestamp =
            self.timestamp_header.as_deref().map(|name| named("timestamp_header", name)).transpose()?;
        let sign = Template::parse(self.sign.as_deref().unwrap_or("{body}")).and_then(generic::of_another);
        let sign = sign.map_err(|error| error.at("sign"))?;
        if !sign.has_body() {
            return Err(Error::invalid("sign: has no {body}, so anything could be sent with a signature"));
        }
        if timestamp.as_ref().is_some_and(|name| !sign.has_header(name)) {
            return Err(Error::invalid(
                "timestamp_header: is not in sign, as {header:NAME}; a time that is not signed proves nothing",
            ));
        }
        Ok(Generic {
            header: named("header", header)?,
            prefix: self.prefix.clone().unwrap_or_default(),
            output: self.output.unwrap_or_default(),
            algorithm: self.algorithm.unwrap_or_default(),
            encoding: self.secret_encoding.unwrap_or_default(),
            sign,
            timestamp,
        })
    }
}
