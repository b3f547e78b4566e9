//! `oauth2`: tokens of an authorization server (RFC 6749), sent as bearer tokens (RFC 6750).

mod answer;
mod client;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use http::{HeaderMap, HeaderValue, header};
use schemars::JsonSchema;
use serde::Deserialize;
use trunkline_core::{
    Context, Credential, Error, Form, HttpRequest, Kind, Outcome, Reply, Result, Scheme, Secret, Site,
};
use url::form_urlencoded::Serializer;

use self::{
    answer::Answer,
    client::{Client, ClientAuth, Way},
};
use crate::{
    endpoint::endpoint,
    tokens::{Issue, Token, Tokens},
};

/// How long the server may take to answer. It is not given up sooner: what it says may be the only copy of a grant.
const EXCHANGE: Duration = Duration::from_secs(60);
/// How much of its answer is read.
const ANSWER: usize = 64 << 10;

/// Gets an access token from an authorization server and sends it as `Authorization: Bearer TOKEN`. It is asked for
/// with the first call, and replaced before it ends.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OAuth2Config {
    /// Where tokens are issued, such as `https://login.example.com/oauth/token`.
    token_url: String,
    /// Who asks.
    client_id: String,
    /// The client's secret.
    #[serde(default)]
    client_secret: Option<Secret>,
    /// What a token is given for. `client_credentials` unless set.
    #[serde(default)]
    grant_type: Grant,
    /// How the client shows its secret. `auto` unless set: in a header, and in the body where the server does not
    /// take that.
    #[serde(default)]
    client_auth: ClientAuth,
    /// What the token is to be good for: a list, or words with spaces between.
    #[serde(default)]
    scope: Option<Words>,
    /// For whom the token is, where the server wants to know.
    #[serde(default)]
    audience: Option<String>,
    /// The services that the token is for, as absolute URIs (RFC 8707).
    #[serde(default)]
    resource: Option<Words>,
    /// More parameters of the request for a token.
    #[serde(default)]
    params: BTreeMap<String, String>,
}

/// What a token is given for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Grant {
    /// The client's own account (RFC 6749 section 4.4).
    #[default]
    ClientCredentials,
}

/// One or several words.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(untagged)]
enum Words {
    One(String),
    Several(Vec<String>),
}

impl Words {
    fn iter(&self) -> impl Iterator<Item = &str> {
        let all = match self {
            Self::One(all) => std::slice::from_ref(all),
            Self::Several(words) => words,
        };
        all.iter().flat_map(|words| words.split_ascii_whitespace())
    }
}

/// The scheme.
#[derive(Debug)]
pub struct OAuth2(Tokens<Server>);

/// An authorization server, and what it is asked for.
#[derive(Debug)]
struct Server {
    token_url: String,
    client: Client,
    /// The parameters that are the same each time.
    params: Vec<(String, String)>,
}

impl Scheme for OAuth2 {
    const NAME: &'static str = "oauth2";
    type Config = OAuth2Config;

    fn open(config: OAuth2Config, _: &Site) -> Result<Self> {
        config.open().map(|server| Self(Tokens::new(server)))
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

impl OAuth2Config {
    fn open(self) -> Result<Server> {
        let token_url = endpoint("token_url", &self.token_url)?;
        let client = Client::new(self.client_id, self.client_secret, self.client_auth)?;
        let Grant::ClientCredentials = self.grant_type;
        if !client.is_confidential() {
            return Err(Error::invalid(
                "client_secret: is needed for grant_type client_credentials, which is the client's own account",
            ));
        }
        let mut params = vec![("grant_type".to_owned(), "client_credentials".to_owned())];
        let scope = self.scope.iter().flat_map(Words::iter).collect::<Vec<_>>().join(" ");
        params.extend(
            [("scope", Some(scope).filter(|scope| !scope.is_empty())), ("audience", self.audience)]
                .into_iter()
                .filter_map(|(name, value)| Some((name.to_owned(), value?))),
        );
        params.extend(
            self.resource.iter().flat_map(Words::iter).map(|one| ("resource".to_owned(), one.to_owned())),
        );
        for (name, value) in self.params {
            if params.iter().any(|(known, _)| *known == name) || client::is_own(&name) {
                return Err(Error::invalid(format!(
                    "params: {:?} has a key of its own; set that instead",
                    name.escape_default().to_string()
                )));
            }
            params.push((name, value));
        }
        Ok(Server { token_url, client, params })
    }
}

impl Issue for Server {
    async fn issue(&self, context: &Context) -> Result<Token> {
        let token = self.ask(context).await?;
        // Some servers say 0 of the rest of a token that is about to end, and mean "ask again".
        let token = if token.lives == Some(Duration::ZERO) { self.ask(context).await? } else { token };
        Ok(Token { lives: token.lives.filter(|lives| !lives.is_zero()), ..token })
    }
}

impl Server {
    /// Asks, as the client is known to show its secret; or in each way until one is taken.
    async fn ask(&self, context: &Context) -> Result<Token> {
        let mut refused = None;
        for &way in self.client.ways() {
            match self.exchange(context, way).await? {
                Answer::Token { token, lives } => {
                    self.client.took(way);
                    let credential = Credential::new(Form::Bearer(token));
                    return Ok(Token { credential, lives });
                }
                Answer::Refused(error) if error.code == "invalid_client" => refused = Some(error),
                Answer::Refused(error) => return Err(error.explain()),
            }
        }
        Err(refused.map_or_else(
            || Error::new(Kind::Internal, "a client has a way to show its secret"),
            answer::Refusal::explain,
        ))
    }

    /// The request to the token endpoint (RFC 6749 section 3.2).
    fn request(&self, way: Way) -> Result<HttpRequest> {
        let mut form = Serializer::new(String::new());
        form.extend_pairs(&self.params);
        let authorization = self.client.show(way, &mut form)?;
        let media = HeaderValue::from_static("application/x-www-form-urlencoded");
        let request = HttpRequest::post("")
            .header(header::CONTENT_TYPE, media)
            .header(header::ACCEPT, HeaderValue::from_static("application/json"))
            .body(form.finish());
        Ok(match authorization {
            Some(authorization) => request.header(header::AUTHORIZATION, authorization),
            None => request,
        })
    }

    async fn exchange(&self, context: &Context, way: Way) -> Result<Answer> {
        let request = self.request(way)?;
        let asked = async {
            let reply = context.web()?.send(&self.token_url, request).await?;
            let Reply { status, headers, body, .. } = reply;
            let body = body.collect(ANSWER).await?;
            answer::read(status, &headers, &body)
        };
        let answer = tokio::time::timeout(EXCHANGE, asked).await;
        answer
            .unwrap_or_else(|_| Err(Error::new(Kind::Timeout, format!("no answer within {EXCHANGE:?}"))))
            .map_err(|error| error.at("asking token_url for a token").outcome_is(Outcome::NotSent))
    }
}

#[cfg(test)]
mod tests;
