//! `jwt`: tokens that are made here (RFC 7519), each good for a while.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, SystemTime},
};

use arc_swap::ArcSwapOption;
use http::{HeaderMap, HeaderName, header};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde_json::{Map, Value};
use tokio::time::Instant;
use trunkline_core::{Context, Credential, Error, Form, Result, Scheme, Seconds, Secret, Site};

use crate::{
    encoding::Encoding,
    jose::{Algorithm, SigningKey},
    nonce,
};

/// A service that refuses every token it is shown gets a new one no more often than this.
const FORCED: Duration = Duration::from_secs(30);
/// What stands in a format for the token.
const TOKEN: &str = "{token}";

/// Makes JSON Web Tokens and sends them as `Authorization: Bearer TOKEN`. One is used until shortly before its end.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct JwtConfig {
    /// How tokens are signed.
    algorithm: Algorithm,
    /// The secret for `HS…`, or the private key in PEM for all others.
    key: Secret,
    /// How the secret for `HS…` is written; as it is, unless set.
    #[serde(default)]
    key_encoding: Encoding,
    /// Says in each token which key has signed it: the header's `kid`.
    #[serde(default)]
    key_id: Option<String>,
    /// More members of the token's header, such as `x5t`. `typ` is `JWT` unless set.
    #[serde(default)]
    #[schemars(schema_with = "members")]
    token_header: Map<String, Value>,
    /// Who makes the tokens: the claim `iss`.
    #[serde(default)]
    issuer: Option<String>,
    /// Of whom they speak: the claim `sub`.
    #[serde(default)]
    subject: Option<String>,
    /// For whom they are: the claim `aud`, one or several.
    #[serde(default)]
    audience: Option<Audience>,
    /// More claims. `iat` and `nbf` are left out of a token where they are null.
    #[serde(default)]
    #[schemars(schema_with = "members")]
    claims: Map<String, Value>,
    /// How long a token is good for, from its `iat` to its `exp`: five minutes unless set.
    #[serde(default = "five_minutes")]
    lifetime: Seconds,
    /// How far in the past `iat` and `nbf` are, for services whose clocks are behind: five seconds unless set.
    #[serde(default = "five_seconds")]
    backdate: Seconds,
    /// Whether each token has an id of its own: the claim `jti`.
    #[serde(default)]
    unique_id: bool,
    /// The header that a token is sent in; `Authorization` unless set.
    #[serde(default)]
    header: Option<String>,
    /// What is sent in it, with `{token}` in the place of the token: `Bearer {token}` in `Authorization`, and the
    /// token alone in another header, unless set.
    #[serde(default)]
    format: Option<String>,
}

/// One or several.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
enum Audience {
    One(String),
    Several(Vec<String>),
}

fn five_minutes() -> Seconds {
    Seconds::new(300)
}

fn five_seconds() -> Seconds {
    Seconds::new(5)
}

/// Members of a JSON object that anybody who gets a token can read.
fn members(_: &mut SchemaGenerator) -> Schema {
    let scalar = json_schema!({ "type": ["string", "number", "boolean", "null", "array", "object"] });
    json_schema!({ "type": "object", "additionalProperties": scalar })
}

/// The scheme.
#[derive(Debug)]
pub struct Jwt {
    key: SigningKey,
    claims: Map<String, Value>,
    lifetime: Duration,
    backdate: Duration,
    unique_id: bool,
    header: HeaderName,
    format: String,
    current: ArcSwapOption<Held>,
    /// When a refusal last led to a new token. Whoever makes a token holds it.
    forced: Mutex<Option<Instant>>,
}

/// A token in use.
#[derive(Debug)]
struct Held {
    credential: Arc<Credential>,
    /// When it is replaced: by the clock that nobody sets.
    renew: Instant,
}

impl Scheme for Jwt {
    const NAME: &'static str = "jwt";
    type Config = JwtConfig;

    fn open(config: JwtConfig, _: &Site) -> Result<Self> {
        config.open()
    }

    fn ready(&self) -> Option<Arc<Credential>> {
        let held = self.current.load();
        held.as_ref().filter(|held| Instant::now() < held.renew).map(|held| held.credential.clone())
    }

    async fn credential(&self, _: &Context) -> Result<Option<Arc<Credential>>> {
        let _turn = self.forced.lock().unwrap_or_else(PoisonError::into_inner);
        // Whoever had the turn before has made one for all.
        match self.ready() {
            Some(credential) => Ok(Some(credential)),
            None => self.renew().map(Some),
        }
    }

    async fn rejected(&self, credential: &Arc<Credential>, _: &HeaderMap) {
        let mut forced = self.forced.lock().unwrap_or_else(PoisonError::into_inner);
        let held = self.current.load();
        let current = held.as_ref().is_some_and(|held| Arc::ptr_eq(&held.credential, credential));
        if current && forced.is_none_or(|forced| forced.elapsed() >= FORCED) {
            *forced = Some(Instant::now());
            self.current.store(None);
        }
    }
}

impl Jwt {
    /// Makes a token and puts it to use.
    fn renew(&self) -> Result<Arc<Credential>> {
        let token = self.key.mint(&self.claims_at(SystemTime::now()))?;
        let value = Secret::literal(self.format.replace(TOKEN, &token));
        let credential = Arc::new(Credential::new(Form::Header { name: self.header.clone(), value }));
        let good = self.lifetime - self.backdate;
        // A part of its life where that is short: it is still to arrive, and clocks differ.
        let renew = Instant::now() + (good - Duration::from_secs(30).min(good / 4));
        self.current.store(Some(Arc::new(Held { credential: credential.clone(), renew })));
        Ok(credential)
    }

    /// The claims of a token that is made now.
    fn claims_at(&self, now: SystemTime) -> Map<String, Value> {
        let now = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let issued = now.saturating_sub(self.backdate);
        let mut claims = self.claims.clone();
        let times = [("iat", issued), ("nbf", issued), ("exp", issued + self.lifetime)];
        for (name, time) in times {
            // One that is null is not wanted.
            if claims.remove(name).is_none() {
                claims.insert(name.to_owned(), time.as_secs().into());
            }
        }
        if self.unique_id {
            claims.insert("jti".to_owned(), nonce::uuid().into());
        }
        claims
    }
}

impl JwtConfig {
    fn open(self) -> Result<Jwt> {
        let key = SigningKey::new("key", self.key, self.key_encoding, self.algorithm)?
            .key_id(self.key_id)
            .header(self.token_header)
            .map_err(|error| error.at("token_header"))?;
        let mut claims = self.claims;
        let audience = self.audience.map(|audience| match audience {
            Audience::One(one) => Value::from(one),
            Audience::Several(all) => Value::from(all),
        });
        let own = [
            ("iss", "issuer", self.issuer.map(Value::from)),
            ("sub", "subject", self.subject.map(Value::from)),
            ("aud", "audience", audience),
        ];
        for (claim, key, value) in own {
            if let Some(value) = value
                && claims.insert(claim.to_owned(), value).is_some()
            {
                return Err(Error::invalid(format!(
                    "claims.{claim}: is said by {key} too; remove one of them"
                )));
            }
        }
        for (claim, key) in
            [("exp", "lifetime"), ("iat", "backdate"), ("nbf", "backdate"), ("jti", "unique_id")]
        {
            let may_be_left_out = matches!(claim, "iat" | "nbf");
            if claims.get(claim).is_some_and(|value| !(may_be_left_out && value.is_null())) {
                return Err(Error::invalid(format!("claims.{claim}: is said by {key}; remove it")));
            }
        }
        let (lifetime, backdate) = (self.lifetime.get(), self.backdate.get());
        if lifetime < Duration::from_secs(2) || lifetime <= backdate * 2 {
            return Err(Error::invalid("lifetime: must be at least 2 seconds, and more than twice backdate"));
        }
        let header: HeaderName = match self.header {
            Some(name) => name.parse().map_err(|_| Error::invalid("header: is not the name of a header"))?,
            None => header::AUTHORIZATION,
        };
        let usual = if header == header::AUTHORIZATION { "Bearer {token}" } else { TOKEN };
        let format = self.format.unwrap_or_else(|| usual.to_owned());
        if !format.contains(TOKEN) || http::HeaderValue::from_str(&format).is_err() {
            return Err(Error::invalid(
                "format: must be one line with {token} where the token goes, such as \"Bearer {token}\"",
            ));
        }
        let (current, forced, unique_id) = (ArcSwapOption::empty(), Mutex::default(), self.unique_id);
        Ok(Jwt { key, claims, lifetime, backdate, unique_id, header, format, current, forced })
    }
}

#[cfg(test)]
mod tests;
