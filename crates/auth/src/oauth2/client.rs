//! `Client`: who asks for a token, and how it shows that it is who it says (RFC 6749 section 2.3, RFC 7523).

use std::sync::atomic::{AtomicU8, Ordering};

use base64::{Engine, engine::general_purpose::STANDARD};
use http::HeaderValue;
use schemars::JsonSchema;
use serde::Deserialize;
use trunkline_core::{Error, Result, Scrub, Secret};
use url::form_urlencoded::{Serializer, byte_serialize};

use super::assertion::{Assertion, ClientKey};

/// How a client shows its secret.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum ClientAuth {
    /// As `basic`, and as `post` where the server answers that it does not know the client.
    #[default]
    Auto,
    /// In the header `Authorization`.
    Basic,
    /// As `client_secret` in the body.
    Post,
    /// By a token that is signed with the secret.
    ClientSecretJwt,
    /// By a token that is signed with `client_key`.
    PrivateKeyJwt,
    /// Not at all: a public client has none, and only says who it is.
    None,
}

/// One way to do so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    Basic,
    Post,
    Jwt,
    None,
}

/// What says that `client_assertion` is one (RFC 7523 section 2.2).
const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// A client of an authorization server.
#[derive(Debug)]
pub(super) struct Client {
    id: String,
    secret: Option<Secret>,
    auth: ClientAuth,
    assertion: Option<Assertion>,
    /// The way that `auto` has found out: 1 is `basic`, 2 `post`.
    found: AtomicU8,
}

/// Whether a parameter is the client's to set.
pub(super) fn is_own(name: &str) -> bool {
    matches!(name, "client_id" | "client_secret" | "client_assertion" | "client_assertion_type")
}

impl Client {
    /// A client. `nobody` says that it may go without an id, as some grants need none.
    pub(super) fn new(
        id: String,
        secret: Option<Secret>,
        auth: ClientAuth,
        key: Option<ClientKey>,
        nobody: bool,
    ) -> Result<Self> {
        if id.is_empty() && !(nobody && secret.is_none() && key.is_none()) {
            return Err(Error::invalid("client_id: is empty"));
        }
        let auth = if key.is_some() && auth == ClientAuth::Auto { ClientAuth::PrivateKeyJwt } else { auth };
        let assertion = match (auth, key, &secret) {
            (ClientAuth::PrivateKeyJwt, Some(_), Some(_)) => {
                return Err(Error::invalid(
                    "client_secret: is not used beside client_key; remove one of them",
                ));
            }
            (ClientAuth::PrivateKeyJwt, Some(key), None) => {
                Some(Assertion::of_client(key, &id).map_err(|error| error.at("client_key"))?)
            }
            (ClientAuth::PrivateKeyJwt, None, _) => {
                return Err(Error::invalid("client_key: is missing; set it, or another client_auth"));
            }
            (_, Some(_), _) => {
                return Err(Error::invalid(
                    "client_auth: must be private_key_jwt where there is a client_key",
                ));
            }
            (ClientAuth::ClientSecretJwt, None, Some(secret)) => {
                Some(Assertion::of_secret(secret.clone(), &id)?)
            }
            (ClientAuth::Basic | ClientAuth::Post | ClientAuth::ClientSecretJwt, None, None) => {
                return Err(Error::invalid(
                    "client_secret: is missing; set it, or client_auth to none for a public client",
                ));
            }
            (ClientAuth::None, None, Some(_)) => {
                return Err(Error::invalid(
                    "client_auth: is none, but there is a client_secret; remove one of them",
                ));
            }
            _ => None,
        };
        Ok(Self { id, secret, auth, assertion, found: AtomicU8::new(0) })
    }

    /// Who it is.
    pub(super) fn id(&self) -> &str {
        &self.id
    }

    /// What a server may echo of it.
    pub(super) fn secrets(&self) -> Scrub {
        let mut secrets = Scrub::default();
        self.secret.iter().for_each(|secret| secrets.secret(secret));
        secrets
    }

    /// Whether it can show that it is who it says.
    pub(super) fn is_confidential(&self) -> bool {
        self.secret.is_some() || self.assertion.is_some()
    }

    /// The ways to try, one after the other.
    pub(super) fn ways(&self) -> &'static [Way] {
        match (self.auth, self.found.load(Ordering::Relaxed)) {
            _ if self.assertion.is_some() => &[Way::Jwt],
            _ if self.secret.is_none() => &[Way::None],
            (ClientAuth::Auto, 0) => &[Way::Basic, Way::Post],
            (ClientAuth::Auto, 1) | (ClientAuth::Basic, _) => &[Way::Basic],
            (ClientAuth::Auto | ClientAuth::Post, _) => &[Way::Post],
            // Those that sign have an assertion.
            (ClientAuth::None | ClientAuth::ClientSecretJwt | ClientAuth::PrivateKeyJwt, _) => &[Way::None],
        }
    }

    /// The server has taken the client's word.
    pub(super) fn took(&self, way: Way) {
        self.found.store(if way == Way::Basic { 1 } else { 2 }, Ordering::Relaxed);
    }

    /// Adds to the form for `server` what this way puts there, and gives the header that it takes.
    pub(super) fn show(
        &self,
        way: Way,
        server: &str,
        form: &mut Serializer<'_, String>,
    ) -> Result<Option<HeaderValue>> {
        let secret = match &self.secret {
            Some(secret) => secret.expose()?,
            None => "".into(),
        };
        match way {
            Way::Basic => {
                // RFC 6749 section 2.3.1: encoded as in a form, each by itself, before they are joined.
                let encoded = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
                let pair = format!("{}:{}", encoded(&self.id), encoded(&secret));
                let mut value = HeaderValue::try_from(format!("Basic {}", STANDARD.encode(pair)))
                    .expect("base64 is a header value");
                value.set_sensitive(true);
                return Ok(Some(value));
            }
            Way::Post => form.append_pair("client_id", &self.id).append_pair("client_secret", &secret),
            Way::Jwt => {
                let assertion = self.assertion.as_ref().map(|assertion| assertion.mint(server)).transpose();
                let assertion = assertion.map_err(|error| error.at("client_key"))?.unwrap_or_default();
                form.append_pair("client_id", &self.id)
                    .append_pair("client_assertion_type", ASSERTION_TYPE)
                    .append_pair("client_assertion", &assertion)
            }
            Way::None if self.id.is_empty() => form,
            Way::None => form.append_pair("client_id", &self.id),
        };
        Ok(None)
    }
}
