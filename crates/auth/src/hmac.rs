//! `hmac`: requests signed with a shared secret (RFC 2104), as a template says. Hundreds of services have a scheme of
//! this kind, and no two the same.

mod output;
mod template;

use std::{collections::BTreeMap, time::SystemTime};

use aws_lc_rs::hmac;
use http::{HeaderName, HeaderValue, header};
use schemars::JsonSchema;
use serde::Deserialize;
use trunkline_core::{Error, Result, Secret, Sign, WireRequest, parse};

use self::template::Fact;
pub(crate) use self::{
    output::Output,
    template::{Facts, Template},
};
use crate::{encoding::Encoding, nonce, query, signed::Signer};

/// Signs each request with a shared secret. What is signed, and where the signature goes, is said in templates with
/// placeholders: `{method}` `{url}` `{host}` `{path}` `{query}` `{path_and_query}` `{header:NAME}` `{body}`
/// `{body_sha256}` `{body_sha256_base64}` of the request; `{timestamp}` `{timestamp_ms}` `{timestamp_iso}` `{date}`
/// `{nonce}`, new for each attempt; `{key_id}` and `{value:NAME}`; and `{signature}`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Hmac {
    /// The hash function.
    #[serde(default)]
    algorithm: Hash,
    /// The secret that the service knows too.
    secret: Secret,
    /// How the secret is written; as it is, unless set.
    #[serde(default)]
    secret_encoding: Encoding,
    /// Which secret it is: `{key_id}` in templates.
    #[serde(default)]
    key_id: Option<Secret>,
    /// Further secrets, such as a passphrase: `{value:NAME}` in templates.
    #[serde(default)]
    values: BTreeMap<String, Secret>,
    /// What is signed, such as `{timestamp}.{method}.{path_and_query}.{body}`. It sees the headers and parameters below
    /// that have no `{signature}` themselves.
    sign: String,
    /// How the signature is written; `hex` unless set.
    #[serde(default)]
    output: Output,
    /// Headers to set, such as `X-Signature: "{signature}"`.
    #[serde(default)]
    headers: BTreeMap<String, String>,
    /// Query parameters to set, such as `signature: "{signature}"`.
    #[serde(default)]
    query: BTreeMap<String, String>,
}

/// A hash function.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Hash {
    /// SHA-256.
    #[default]
    Sha256,
    /// SHA-384.
    Sha384,
    /// SHA-512.
    Sha512,
    /// SHA-1, for services that know nothing better.
    Sha1,
}

impl Hash {
    pub(crate) fn get(self) -> hmac::Algorithm {
        match self {
            Self::Sha256 => hmac::HMAC_SHA256,
            Self::Sha384 => hmac::HMAC_SHA384,
            Self::Sha512 => hmac::HMAC_SHA512,
            Self::Sha1 => hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
        }
    }
}

/// Headers that say where a message ends, or where it goes.
const NOT_OURS: [HeaderName; 4] =
    [header::HOST, header::CONTENT_LENGTH, header::TRANSFER_ENCODING, header::CONNECTION];

/// Where a filled template goes.
#[derive(Debug)]
enum Place {
    Header(HeaderName),
    Query(String),
}

/// What signs.
#[derive(Debug)]
struct Stamp {
    algorithm: Hash,
    secret: Secret,
    encoding: Encoding,
    key_id: Option<Secret>,
    values: BTreeMap<String, Secret>,
    sign: Template,
    output: Output,
    /// What is set before it is signed, and after.
    before: Vec<(Place, Template)>,
    after: Vec<(Place, Template)>,
}

impl Signer for Hmac {
    const NAME: &'static str = "hmac";

    fn open(self) -> Result<impl Sign> {
        self.read()
    }
}

impl Hmac {
    fn read(self) -> Result<Stamp> {
        if !self.secret.is_reference() {
            self.secret_encoding.key(&self.secret).map_err(|error| error.at("secret"))?;
        }
        let read = |key: &str, text: &str| -> Result<Template> {
            let template = Template::parse(text).map_err(|error| error.at(key))?;
            if template.has(Fact::KeyId) && self.key_id.is_none() {
                return Err(Error::invalid(format!("{key}: has {{key_id}}, but there is no key_id")));
            }
            if let Some(name) = template.values().find(|name| !self.values.contains_key(*name)) {
                let near = parse::nearest(name, self.values.keys().map(String::as_str));
                let near = near.map_or_else(String::new, |near| format!(", did you mean {{value:{near}}}?"));
                return Err(Error::invalid(format!(
                    "{key}: has {{value:…}} of a name that is not in values{near}"
                )));
            }
            Ok(template)
        };
        let sign = read("sign", &self.sign)?;
        if sign.has(Fact::Signature) {
            return Err(Error::invalid("sign: has {signature}, which is not yet known"));
        }
        let mut all = Vec::new();
        for (name, text) in &self.query {
            let key = format!("query.{}", name.escape_default());
            if name.is_empty() {
                return Err(Error::invalid("query: has a parameter without a name"));
            }
            all.push((Place::Query(name.clone()), read(&key, text)?));
        }
        for (name, text) in &self.headers {
            let key = format!("headers.{}", name.escape_default());
            let parsed: HeaderName =
                name.parse().map_err(|_| Error::invalid("is not the name of a header").at(&key))?;
            if NOT_OURS.contains(&parsed) {
                return Err(Error::invalid("is set by Trunkline itself; remove it").at(&key));
            }
            if text.contains(['\r', '\n', '\0']) {
                return Err(Error::invalid("must be one line").at(&key));
            }
            all.push((Place::Header(parsed), read(&key, text)?));
        }
        let (after, before): (Vec<_>, Vec<_>) =
            all.into_iter().partition(|(_, template)| template.has(Fact::Signature));
        if after.is_empty() {
            return Err(Error::invalid(
                "headers: none has {signature}, nor has any of query; say where it goes",
            ));
        }
        let Self { algorithm, secret, secret_encoding: encoding, key_id, values, output, .. } = self;
        Ok(Stamp { algorithm, secret, encoding, key_id, values, sign, output, before, after })
    }
}

impl Sign for Stamp {
    fn sign(&self, request: &mut WireRequest<'_>) -> Result<()> {
        let nonce = nonce::hex();
        self.stamp(request, SystemTime::now(), &nonce).map_err(|error| error.at("auth_config"))
    }
}

impl Stamp {
    fn stamp(&self, request: &mut WireRequest<'_>, now: SystemTime, nonce: &str) -> Result<()> {
        let (key_id, values) = (self.key_id.as_ref(), &self.values);
        let mut facts = Facts { now, nonce, key_id, values, signature: "" };
        // What a caller sends in the signature's place is not signed.
        for (place, _) in &self.after {
            place.clear(request)?;
        }
        for (place, template) in &self.before {
            place.set(request, template, &facts)?;
        }
        let key = self.encoding.key(&self.secret).map_err(|error| error.at("secret"))?;
        let mut context = hmac::Context::with_key(&hmac::Key::new(self.algorithm.get(), &key));
        self.sign.fill(&facts, request, |piece| context.update(piece))?;
        let signature = self.output.write(context.sign().as_ref());
        facts.signature = &signature;
        for (place, template) in &self.after {
            place.set(request, template, &facts)?;
        }
        Ok(())
    }
}

impl Place {
    fn clear(&self, request: &mut WireRequest<'_>) -> Result<()> {
        match self {
            Self::Header(name) => drop(request.headers.remove(name)),
            Self::Query(name) => query::remove(request.uri, name)?,
        }
        Ok(())
    }

    fn set(&self, request: &mut WireRequest<'_>, template: &Template, facts: &Facts<'_>) -> Result<()> {
        let mut filled = Vec::new();
        template.fill(facts, request, |piece| filled.extend_from_slice(piece))?;
        match self {
            Self::Header(name) => {
                let mut value = HeaderValue::try_from(filled).map_err(|_| {
                    Error::invalid(format!("headers.{name}: what is to stand there is not one line"))
                })?;
                value.set_sensitive(true);
                request.headers.insert(name, value);
                Ok(())
            }
            Self::Query(name) => query::set(request.uri, name, &String::from_utf8_lossy(&filled)),
        }
    }
}

#[cfg(test)]
mod tests;
