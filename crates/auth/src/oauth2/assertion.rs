//! `Assertion`: a JSON Web Token that stands for a client or a grant (RFC 7523).

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use trunkline_core::{Error, RequestId, Result, Seconds, Secret};

use crate::{
    encoding::Encoding,
    jose::{Algorithm, SigningKey},
};

/// For how long an assertion is good. It is made for one request.
const LIFETIME: Duration = Duration::from_secs(60);
/// Servers refuse those that are good for long; an hour is what Google takes at most.
const LONGEST: Duration = Duration::from_secs(3600);

/// How a client signs that it is who it says (`private_key_jwt`, OpenID Connect Core section 9).
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ClientKey {
    /// How it signs: `RS256`, `PS256`, `ES256`, `EdDSA` and the like.
    algorithm: Algorithm,
    /// The private key, in PEM.
    private_key: Secret,
    /// The name of the key at the server.
    #[serde(default)]
    key_id: Option<String>,
    /// For whom the assertion is; the URL of the token endpoint unless set.
    #[serde(default)]
    audience: Option<String>,
}

/// What is shown to the server in the place of a grant (RFC 7523 section 2.1).
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct GrantAssertion {
    /// How it is signed: `RS256`, `ES256` and the like.
    algorithm: Algorithm,
    /// The private key, in PEM.
    private_key: Secret,
    /// The name of the key at the server.
    #[serde(default)]
    key_id: Option<String>,
    /// Who says so (`iss`); `client_id` unless set.
    #[serde(default)]
    issuer: Option<String>,
    /// For whom a token is wanted (`sub`): a user, or the issuer itself.
    #[serde(default)]
    subject: Option<String>,
    /// Who is to believe it (`aud`); the URL of the token endpoint unless set.
    #[serde(default)]
    audience: Option<String>,
    /// For how long it is good, at most an hour; 60 seconds unless set.
    #[serde(default)]
    lifetime: Option<Seconds>,
    /// More claims.
    #[serde(default)]
    claims: Map<String, Value>,
}

/// Makes assertions.
#[derive(Debug)]
pub(super) struct Assertion {
    key: SigningKey,
    audience: Option<String>,
    lifetime: Duration,
    claims: Map<String, Value>,
}

impl Assertion {
    /// Those of a client.
    pub(super) fn of_client(key: ClientKey, client: &str) -> Result<Self> {
        let ClientKey { algorithm, private_key, key_id, audience } = key;
        let key = SigningKey::new("private_key", private_key, Encoding::Utf8, algorithm)?.key_id(key_id);
        Ok(Self { key, audience, lifetime: LIFETIME, claims: from(client, Some(client)) })
    }

    /// Those of a client that signs with its secret (`client_secret_jwt`).
    pub(super) fn of_secret(secret: Secret, client: &str) -> Result<Self> {
        let key = SigningKey::new("client_secret", secret, Encoding::Utf8, Algorithm::HS256)?;
        Ok(Self { key, audience: None, lifetime: LIFETIME, claims: from(client, Some(client)) })
    }

    /// Those that stand for a grant.
    pub(super) fn of_grant(config: GrantAssertion, client: &str) -> Result<Self> {
        let GrantAssertion {
            algorithm,
            private_key,
            key_id,
            issuer,
            subject,
            audience,
            lifetime,
            claims: more,
        } = config;
        let key = SigningKey::new("private_key", private_key, Encoding::Utf8, algorithm)?.key_id(key_id);
        let issuer = issuer.unwrap_or_else(|| client.to_owned());
        if issuer.is_empty() {
            return Err(Error::invalid("issuer: set it, or client_id"));
        }
        let lifetime = lifetime.map_or(LIFETIME, Seconds::get);
        if lifetime.is_zero() || lifetime > LONGEST {
            return Err(Error::invalid("lifetime: must be more than nothing, and at most an hour"));
        }
        let mut claims = from(&issuer, subject.as_deref());
        for (name, value) in more {
            if matches!(&*name, "iss" | "sub" | "aud" | "exp" | "iat" | "jti") {
                return Err(Error::invalid(format!(
                    "claims.{name}: has a key of its own, or follows; remove it"
                )));
            }
            claims.insert(name, value);
        }
        Ok(Self { key, audience, lifetime, claims })
    }

    /// What it says each time.
    pub(super) fn says(&self) -> Value {
        json!([self.audience, self.claims])
    }

    /// One for `server`, good from now on and never made again.
    pub(super) fn mint(&self, server: &str) -> Result<String> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let mut claims = self.claims.clone();
        claims.insert("aud".to_owned(), self.audience.as_deref().unwrap_or(server).into());
        claims.insert("iat".to_owned(), now.into());
        claims.insert("exp".to_owned(), now.saturating_add(self.lifetime.as_secs()).into());
        claims.insert("jti".to_owned(), RequestId::new().to_string().into());
        self.key.mint(&claims)
    }
}

fn from(issuer: &str, subject: Option<&str>) -> Map<String, Value> {
    let named = [("iss", Some(issuer)), ("sub", subject)];
    named.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?.into()))).collect()
}
