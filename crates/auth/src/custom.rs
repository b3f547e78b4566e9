//! `custom`: a token for what an API wants to hear first, described in the configuration: call this, take the token
//! from there, send it so.

mod answer;
mod quote;
mod request;
mod template;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use http::HeaderMap;
use schemars::JsonSchema;
use serde::Deserialize;
use trunkline_core::{
    Context, Credential, Error, Kind, Outcome, Reply, Result, Scheme, Seconds, Secret, Site, parse,
};

use self::{
    answer::{Answer, Life, Where},
    request::{Request, RequestConfig},
    template::Names,
};
use crate::{
    place::Place,
    tokens::{Issue, Token, Tokens},
};

/// How long the answer may take.
const EXCHANGE: Duration = Duration::from_secs(60);
/// How much of it is read.
const ANSWER: usize = 64 << 10;

/// Gets a token by a request that is described here, and sends it with each call. It is asked for with the first call,
/// by one for all, and replaced before it ends, or when the service refuses it.
///
/// ```json
/// {
///   "secrets": { "user": "${env:SHOP_USER}", "password": "${file:/run/secrets/shop}" },
///   "request": {
///     "url": "https://shop.example.com/login",
///     "json": { "user": "{{user}}", "password": "{{password}}" }
///   },
///   "token": { "pointer": "/session/token" },
///   "expires_in": "/session/ttl",
///   "send": { "header": "X-Session" }
/// }
/// ```
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CustomConfig {
    /// What is called for a token.
    request: RequestConfig,
    /// What is secret in the request, by the name that stands for it there: `{{password}}`.
    #[serde(default)]
    secrets: BTreeMap<String, Secret>,
    /// The same for what is no secret, and may be shown.
    #[serde(default)]
    values: BTreeMap<String, String>,
    /// Where in the answer the token is.
    token: Where,
    /// Where it says for how many seconds the token is good, as a JSON pointer. Give at most one of `expires_in`,
    /// `expires_at` and `lifetime`: without any, and where there is nothing, a token is used until it is refused.
    #[serde(default)]
    expires_in: Option<String>,
    /// Where it says when the token ends: in seconds or milliseconds since 1970, or by RFC 3339.
    #[serde(default)]
    expires_at: Option<String>,
    /// For how long any token is good, where the answer does not say.
    #[serde(default)]
    lifetime: Option<Seconds>,
    /// How it is sent: `Authorization: Bearer TOKEN` unless set.
    #[serde(default)]
    send: Option<SendConfig>,
}

/// How a token is sent. Name one of `header`, `query` and `cookie`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct SendConfig {
    /// The header it goes into.
    #[serde(default)]
    header: Option<String>,
    /// The query parameter it goes into.
    #[serde(default)]
    query: Option<String>,
    /// The cookie it goes into.
    #[serde(default)]
    cookie: Option<String>,
    /// What is sent, with `{token}` in the place of the token, such as `Token token={token}`.
    #[serde(default)]
    format: Option<String>,
}

/// The scheme.
#[derive(Debug)]
pub struct Custom(Tokens<Exchange>);

/// What is asked, what is made of the answer, and how it is sent.
#[derive(Debug)]
struct Exchange {
    request: Request,
    names: Names,
    answer: Answer,
    place: Place,
    format: String,
}

impl Scheme for Custom {
    const NAME: &'static str = "custom";
    type Config = CustomConfig;

    fn open(config: CustomConfig, _: &Site) -> Result<Self> {
        config.open().map(|exchange| Self(Tokens::new(exchange)))
    }

    fn ready(&self) -> Option<Arc<Credential>> {
        self.0.ready()
    }

    fn at_hand(&self) -> Option<Arc<Credential>> {
        self.0.at_hand()
    }

    async fn credential(&self, context: &Context) -> Result<Option<Arc<Credential>>> {
        self.0.get(context).await.map(Some)
    }

    async fn rejected(&self, credential: &Arc<Credential>, _: &HeaderMap) {
        self.0.rejected(credential);
    }
}

impl CustomConfig {
    fn open(self) -> Result<Exchange> {
        let names = Names::new(self.secrets, self.values)?;
        let request = self.request.open(&names).map_err(|error| error.at("request"))?;
        self.token.check().map_err(|error| error.at("token"))?;
        let life = match (self.expires_in, self.expires_at, self.lifetime) {
            (None, None, None) => Life::Unknown,
            (Some(pointer), None, None) => Life::In(pointer),
            (None, Some(pointer), None) => Life::At(pointer),
            (None, None, Some(lifetime)) => Life::Fixed(lifetime.get()),
            _ => return Err(Error::invalid("expires_in, expires_at, lifetime: give one of them, or none")),
        };
        if let Life::In(pointer) | Life::At(pointer) = &life {
            let key = if matches!(life, Life::In(_)) { "expires_in" } else { "expires_at" };
            parse::pointer(pointer).map_err(|error| error.at(key))?;
        }
        let (place, format) = match self.send {
            None => (Place::new(None, None, None, "Authorization")?, Some("Bearer {token}".to_owned())),
            Some(SendConfig { header: None, query: None, cookie: None, .. }) => {
                return Err(Error::invalid("send: name one of header, query and cookie"));
            }
            Some(SendConfig { header, query, cookie, format }) => {
                let place = Place::new(header.as_deref(), query, cookie, "Authorization");
                (place.map_err(|error| error.at("send"))?, format)
            }
        };
        let format = format.unwrap_or_else(|| "{token}".to_owned());
        if !format.contains("{token}") {
            return Err(Error::invalid(
                "send.format: must have {token} where the token goes, such as \"Bearer {token}\"",
            ));
        }
        Ok(Exchange { request, names, answer: Answer { token: self.token, life }, place, format })
    }
}

impl Issue for Exchange {
    async fn issue(&self, context: &Context, _: Option<Arc<Credential>>) -> Result<Token> {
        let answer = tokio::time::timeout(EXCHANGE, self.ask(context)).await;
        answer
            .unwrap_or_else(|_| Err(Error::new(Kind::Timeout, format!("no answer within {EXCHANGE:?}"))))
            .map_err(|error| error.at("asking request.url for a token").outcome_is(Outcome::NotSent))
    }
}

impl Exchange {
    async fn ask(&self, context: &Context) -> Result<Token> {
        let (request, sent) = self.request.render(&self.names, self.answer.is_json())?;
        let Reply { status, headers, body, .. } = context.web()?.send(&self.request.url, request).await?;
        let body = body.collect(ANSWER).await?;
        let (token, lives) = self.answer.read(status, &headers, &body, sent)?;
        let value = Secret::literal(self.format.replace("{token}", &token));
        let credential = Credential::new(self.place.form(value));
        credential.header().map_err(|_| {
            Error::new(
                Kind::Protocol,
                "the token has a character that may not stand in a header; check token",
            )
        })?;
        Ok(Token { credential, lives })
    }
}

#[cfg(test)]
mod tests;
