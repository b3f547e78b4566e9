//! `aws_sigv4`: requests signed as AWS wants them (Signature Version 4), with Amazon's own crate.

use std::{fmt, time::SystemTime};

use aws_credential_types::Credentials;
use aws_sigv4::{
    http_request::{
        PayloadChecksumKind, PercentEncodingMode, SignableBody, SignableRequest, SignatureLocation,
        SigningSettings, UriPathNormalizationMode, sign,
    },
    sign::v4,
};
use http::{HeaderMap, HeaderName, HeaderValue, header};
use schemars::JsonSchema;
use serde::Deserialize;
use tracing::dispatcher::{Dispatch, with_default};
use trunkline_core::{Error, Result, Seconds, Secret, Sign, WireRequest};

use crate::{query, signed::Signer};

/// Signs each request with Signature Version 4 of AWS, which services in its manner know too.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AwsSigV4 {
    /// Which key signs, such as `AKIAIOSFODNN7EXAMPLE`.
    access_key_id: Secret,
    /// The key.
    secret_access_key: Secret,
    /// The token that belongs to a key which is good for a while.
    #[serde(default)]
    session_token: Option<Secret>,
    /// Where the service is, such as `eu-central-1`.
    region: String,
    /// What the service is called in signatures, such as `s3`, `dynamodb` or `execute-api`.
    service: String,
    /// Puts the signature into the query instead of headers, good for so long.
    #[serde(default)]
    presign: Option<Seconds>,
}

/// Headers that somebody between here and the service may change, beside those that Amazon's crate leaves out. They are
/// not signed.
const UNSIGNED: [HeaderName; 11] = [
    header::ACCEPT_ENCODING,
    header::CONNECTION,
    header::EXPECT,
    header::FORWARDED,
    header::TE,
    header::VIA,
    HeaderName::from_static("traceparent"),
    HeaderName::from_static("tracestate"),
    HeaderName::from_static("x-forwarded-for"),
    HeaderName::from_static("x-forwarded-host"),
    HeaderName::from_static("x-forwarded-proto"),
];
/// Headers of a signature …
const HEADERS: [HeaderName; 3] = [
    header::AUTHORIZATION,
    HeaderName::from_static("x-amz-date"),
    HeaderName::from_static("x-amz-security-token"),
];
/// … and parameters of one that stands in the query. A caller's own do not go along.
const PARAMETERS: [&str; 7] = [
    "X-Amz-Algorithm",
    "X-Amz-Credential",
    "X-Amz-Date",
    "X-Amz-Expires",
    "X-Amz-Security-Token",
    "X-Amz-SignedHeaders",
    "X-Amz-Signature",
];

/// What signs.
struct Signature {
    access_key_id: Secret,
    secret_access_key: Secret,
    session_token: Option<Secret>,
    region: String,
    service: String,
    settings: SigningSettings,
    /// Whether a body may go unsigned, where it cannot be read ahead or the signature is in the query.
    unsigned_body: bool,
}

impl Signer for AwsSigV4 {
    const NAME: &'static str = "aws_sigv4";

    fn open(self) -> Result<impl Sign> {
        self.read()
    }
}

impl AwsSigV4 {
    fn read(self) -> Result<Signature> {
        let Self { access_key_id, secret_access_key, session_token, region, service, presign } = self;
        for (key, text) in [("region", &region), ("service", &service)] {
            let known = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
            if text.is_empty() || !text.bytes().all(known) {
                return Err(Error::invalid(format!("{key}: must be a word such as eu-central-1 or s3")));
            }
        }
        let s3 = service == "s3" || service.starts_with("s3-");
        let mut settings = SigningSettings::default();
        if s3 {
            // S3 takes the path as it comes, and wants to know each body's hash.
            settings.percent_encoding_mode = PercentEncodingMode::Single;
            settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
            settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
        }
        if let Some(good) = presign {
            if good.get().subsec_nanos() != 0 {
                return Err(Error::invalid("presign: must be whole seconds"));
            }
            settings.signature_location = SignatureLocation::QueryParams;
            settings.expires_in = Some(good.get());
        }
        let signature = Signature {
            access_key_id,
            secret_access_key,
            session_token,
            region,
            service,
            settings,
            unsigned_body: s3,
        };
        signature.check()?;
        Ok(signature)
    }
}

impl Sign for Signature {
    fn sign(&self, request: &mut WireRequest<'_>) -> Result<()> {
        self.sign_at(request, SystemTime::now()).map_err(|error| error.at("auth_config"))
    }
}

impl Signature {
    /// The secrets, by the names of their keys.
    fn secrets(&self) -> [(&'static str, Option<&Secret>); 3] {
        [
            ("access_key_id", Some(&self.access_key_id)),
            ("secret_access_key", Some(&self.secret_access_key)),
            ("session_token", self.session_token.as_ref()),
        ]
    }

    /// Looks at those secrets that are at hand. References are read when a request is signed.
    fn check(&self) -> Result<()> {
        let at_hand =
            |(_, secret): &(_, Option<&Secret>)| secret.is_some_and(|secret| !secret.is_reference());
        self.secrets()
            .into_iter()
            .filter(at_hand)
            .try_for_each(|(key, secret)| exposed(key, secret).map(drop))
    }

    fn credentials(&self) -> Result<Credentials> {
        let [id, key, token] = self.secrets().map(|(key, secret)| exposed(key, secret));
        Ok(Credentials::new(id?.unwrap_or_default(), key?.unwrap_or_default(), token?, None, "trunkline"))
    }

    fn sign_at(&self, request: &mut WireRequest<'_>, now: SystemTime) -> Result<()> {
        HEADERS.iter().for_each(|name| drop(request.headers.remove(name)));
        PARAMETERS.iter().try_for_each(|name| query::remove(request.uri, name))?;
        let in_query = self.settings.signature_location == SignatureLocation::QueryParams;
        let body = match request.body {
            // What a presigned request will carry is not asked there, so S3 does not hash it.
            _ if self.unsigned_body && in_query => SignableBody::UnsignedPayload,
            Some(bytes) => SignableBody::Bytes(bytes),
            None if self.unsigned_body => SignableBody::UnsignedPayload,
            None => {
                return Err(Error::invalid(
                    "the signature needs the body, which streams; send a smaller one, or use /call",
                ));
            }
        };
        let failed = || Error::invalid("a request to this URL and with these headers cannot be signed");
        let identity = self.credentials()?.into();
        let params = v4::SigningParams::builder()
            .identity(&identity)
            .region(&self.region)
            .name(&self.service)
            .time(now)
            .settings(self.settings.clone())
            .build()
            .map_err(|_| failed())?
            .into();
        let signable = SignableRequest::new(
            request.method.as_str(),
            request.uri.to_string(),
            signed(request.headers),
            body,
        );
        let signable = signable.map_err(|_| failed())?;
        // It would trace every header and the id of the key.
        let signed = with_default(&Dispatch::none(), || sign(signable, &params));
        let (instructions, _) = signed.map_err(|_| failed())?.into_parts();
        let (headers, parameters) = instructions.into_parts();
        for made in headers {
            let mut value = HeaderValue::from_str(made.value()).map_err(|_| failed())?;
            value.set_sensitive(true);
            request.headers.insert(HeaderName::from_static(made.name()), value);
        }
        parameters.iter().try_for_each(|(name, value)| query::set(request.uri, name, value))
    }
}

/// What a secret says, which must be words without spaces to stand in a signature or a header.
fn exposed(key: &str, secret: Option<&Secret>) -> Result<Option<String>> {
    let Some(secret) = secret else { return Ok(None) };
    let text = secret.expose().map_err(|error| error.at(key))?;
    match text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        true => {
            Err(Error::invalid(format!("{key}: must be one word; was a space or line break pasted with it?")))
        }
        false => Ok(Some(text.into_owned())),
    }
}

/// The headers that are signed. What is no text cannot be.
fn signed(headers: &HeaderMap) -> impl Iterator<Item = (&str, &str)> {
    let signed = headers.iter().filter(|(name, _)| !UNSIGNED.contains(name));
    signed.filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)))
}

impl fmt::Debug for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { region, service, .. } = self;
        f.debug_struct("Signature").field("region", region).field("service", service).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
