//! `Client`: who asks for a token, and how it shows that it is who it says (RFC 6749 section 2.3).

use std::sync::atomic::{AtomicU8, Ordering};

use base64::{Engine, engine::general_purpose::STANDARD};
use http::HeaderValue;
use schemars::JsonSchema;
use serde::Deserialize;
use trunkline_core::{Error, Result, Scrub, Secret};
use url::form_urlencoded::{Serializer, byte_serialize};

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
    /// Not at all: a public client has none, and only says who it is.
    None,
}

/// One way to do so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    Basic,
    Post,
    None,
}

/// A client of an authorization server.
#[derive(Debug)]
pub(super) struct Client {
    id: String,
    secret: Option<Secret>,
    auth: ClientAuth,
    /// The way that `auto` has found out: 1 is `basic`, 2 `post`.
    found: AtomicU8,
}

/// Whether a parameter is the client's to set.
pub(super) fn is_own(name: &str) -> bool {
    matches!(name, "client_id" | "client_secret" | "client_assertion" | "client_assertion_type")
}

impl Client {
    pub(super) fn new(id: String, secret: Option<Secret>, auth: ClientAuth) -> Result<Self> {
        if id.is_empty() {
            return Err(Error::invalid("client_id: is empty"));
        }
        match (auth, &secret) {
            (ClientAuth::Basic | ClientAuth::Post, None) => Err(Error::invalid(
                "client_secret: is missing; set it, or client_auth to none for a public client",
            )),
            (ClientAuth::None, Some(_)) => {
                Err(Error::invalid("client_auth: is none, but there is a client_secret; remove one of them"))
            }
            _ => Ok(Self { id, secret, auth, found: AtomicU8::new(0) }),
        }
    }

    /// What a server may echo of it.
    pub(super) fn secrets(&self) -> Scrub {
        let mut secrets = Scrub::default();
        self.secret.iter().for_each(|secret| secrets.secret(secret));
        secrets
    }

    /// Whether it has a secret.
    pub(super) fn is_confidential(&self) -> bool {
        self.secret.is_some()
    }

    /// The ways to try, one after the other.
    pub(super) fn ways(&self) -> &'static [Way] {
        match (self.auth, self.found.load(Ordering::Relaxed)) {
            _ if self.secret.is_none() => &[Way::None],
            (ClientAuth::Auto, 0) => &[Way::Basic, Way::Post],
            (ClientAuth::Auto, 1) | (ClientAuth::Basic, _) => &[Way::Basic],
            (ClientAuth::Auto | ClientAuth::Post, _) => &[Way::Post],
            (ClientAuth::None, _) => &[Way::None],
        }
    }

    /// The server has taken the client's word.
    pub(super) fn took(&self, way: Way) {
        self.found.store(if way == Way::Basic { 1 } else { 2 }, Ordering::Relaxed);
    }

    /// Adds to the form what this way puts there, and gives the header that it takes.
    pub(super) fn show(&self, way: Way, form: &mut Serializer<'_, String>) -> Result<Option<HeaderValue>> {
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
            Way::None => form.append_pair("client_id", &self.id),
        };
        Ok(None)
    }
}
