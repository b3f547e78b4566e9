//! `Server`: an authorization server, what it is asked for, and what is written down before and after.

use std::{sync::Arc, time::Duration};

use http::{HeaderValue, header};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use trunkline_core::{
    Context, Credential, Error, Form, HttpRequest, Journal, Kind, Outcome, Reply, Result, Scrub, Secret,
    now_ms,
};
use url::{Url, form_urlencoded::Serializer};
use zeroize::Zeroizing;

use super::{
    answer::{self, Answer, Issued, Refusal},
    assertion::Assertion,
    client::{Client, Way},
    endpoints::{Endpoint, Endpoints},
    grant::{Asker, Grant, Next},
    keep::{Keep, Version},
};
use crate::{
    endpoint::safe_url,
    tokens::{Issue, Token},
};

/// How long the server may take to answer. It is not given up sooner: what it says may be the only copy of a grant.
const EXCHANGE: Duration = Duration::from_secs(60);
/// How much of its answer is read.
const ANSWER: usize = 64 << 10;
/// How often it is looked whether somebody else's exchange has ended.
const LOOK: Duration = Duration::from_millis(200);

/// An authorization server, and what it is asked for.
#[derive(Debug)]
pub(super) struct Server {
    pub(super) endpoints: Endpoints,
    pub(super) client: Client,
    pub(super) how: How,
    pub(super) scope: Option<String>,
    /// For whom tokens are wanted: part of every request, a person's too.
    pub(super) wanted: Vec<(String, String)>,
    pub(super) params: Vec<(String, String)>,
    pub(super) authorization_params: Vec<(String, String)>,
    /// A refresh token in the configuration.
    pub(super) pasted: Option<Secret>,
    pub(super) origin_from: Option<String>,
    /// Other names of bearer tokens.
    pub(super) token_types: Vec<String>,
    pub(super) keep: Keep,
    pub(super) journal: Option<Arc<dyn Journal>>,
}

/// By what right tokens are asked for.
#[derive(Debug)]
pub(super) enum How {
    /// The account is the client's own.
    Itself,
    /// Somebody agrees in a browser.
    Browser,
    /// Somebody agrees on another device.
    Device,
    /// Somebody has agreed elsewhere.
    Pasted,
    /// An assertion says so.
    Assertion(Box<Assertion>),
}

impl How {
    /// Whether only a person can give the right.
    pub(super) fn asks_a_person(&self) -> bool {
        matches!(self, Self::Browser | Self::Device | Self::Pasted)
    }
}

/// Why an exchange brought nothing.
pub(super) enum Failed {
    /// The server says no.
    Refused(Refusal),
    /// No answer, or none that makes sense. `unknown`: it may have acted all the same.
    Unanswered { error: Error, unknown: bool },
}

impl Failed {
    pub(super) fn error(self) -> Error {
        match self {
            Self::Refused(refusal) => refusal.explain(),
            Self::Unanswered { error, .. } => error,
        }
    }
}

/// The parameters of a request.
pub(super) type Params = Vec<(String, String)>;

pub(super) fn param(name: &str, value: impl Into<String>) -> (String, String) {
    (name.to_owned(), value.into())
}

impl Issue for Server {
    async fn issue(&self, context: &Context, spent: Option<Arc<Credential>>) -> Result<Token> {
        let spent = spent.as_deref().map(bearer).transpose()?;
        // Some servers say 0 of the rest of a token that is about to end, and mean "ask again".
        let mut ended = false;
        loop {
            let version = match self.version().await {
                Err(error) if self.can_do_without(&error) => return self.without_keeping(context).await,
                version => version?,
            };
            let asker = Asker {
                owner: Keep::owner(),
                shared: self.keep.is_shared(),
                now_ms: now_ms(),
                spent: spent.as_deref().map(String::as_str),
                alone: !self.asks_a_person(),
            };
            match version.grant.next(&asker) {
                Next::Use(token, lives) => {
                    return self.token(&token, lives, version.grant.origin.as_deref());
                }
                Next::Nobody(reason) => return Err(self.needs_reauth(&reason)),
                Next::Wait => tokio::time::sleep(LOOK).await,
                Next::Exchange => {
                    let leased = version.grant.leased(asker.owner, asker.now_ms);
                    let leased = match self.keep.write(version.generation, leased).await {
                        Err(error) if error.kind() == Kind::Conflict => continue,
                        Err(error) if self.can_do_without(&error) => {
                            return self.without_keeping(context).await;
                        }
                        leased => leased?,
                    };
                    if let Some(token) = self.exchange(context, leased, &mut ended).await? {
                        return Ok(token);
                    }
                }
            }
        }
    }
}

impl Server {
    /// Whether only a person can give the right to tokens.
    pub(super) fn asks_a_person(&self) -> bool {
        self.how.asks_a_person()
    }

    /// Waits until what was issued is written.
    pub(super) async fn settle(&self) {
        self.keep.settle().await;
    }

    /// Notes what happened, for people to read.
    pub(super) fn note(&self, event: &'static str, kind: Option<Kind>) {
        if let Some(journal) = &self.journal {
            journal.note(event, kind);
        }
    }

    /// The grant as it is now; a refresh token that is new in the configuration begins it anew.
    pub(super) async fn version(&self) -> Result<Version> {
        let version = self.keep.read().await?;
        let Some(digest) = self.pasted_digest()? else { return Ok(version) };
        if version.grant.pasted.as_ref() == Some(&digest) {
            return Ok(version);
        }
        let mut grant = version.grant.anew();
        grant.refresh_token = self.pasted.as_ref().map(exposed).transpose()?;
        grant.pasted = Some(digest);
        Ok(Version { grant, ..version })
    }

    /// By what a refresh token of the configuration is known again.
    pub(super) fn pasted_digest(&self) -> Result<Option<String>> {
        let digest = |token: &Secret| Ok(format!("{:x}", Sha256::digest(token.expose()?.as_bytes())));
        self.pasted.as_ref().map(digest).transpose().map_err(|error: Error| error.at("refresh_token"))
    }

    /// Whether calls go on although nothing can be kept: there is nothing to lose.
    fn can_do_without(&self, error: &Error) -> bool {
        !self.asks_a_person() && error.kind() == Kind::Store
    }

    async fn without_keeping(&self, context: &Context) -> Result<Token> {
        let issued = self.ask(context, self.request(context, None).await?).await.map_err(Failed::error)?;
        let lives = issued.lives.filter(|lives| !lives.is_zero());
        self.token(&issued.access_token, lives, issued.origin.as_deref())
    }

    fn token(
        &self,
        token: &Zeroizing<String>,
        lives: Option<Duration>,
        origin: Option<&str>,
    ) -> Result<Token> {
        let credential = Credential::new(Form::Bearer(Secret::literal(token.as_str())));
        let credential = match (origin, &self.origin_from) {
            (Some(origin), _) => credential.for_origin(origin),
            (None, None) => credential,
            (None, Some(pointer)) => {
                let message = format!("origin_from: what token_url answered has no origin at {pointer}");
                return Err(Error::new(Kind::Protocol, message).outcome_is(Outcome::NotSent));
            }
        };
        Ok(Token { credential, lives })
    }

    /// That somebody has to connect the account, and how.
    fn needs_reauth(&self, reason: &str) -> Error {
        let advice = match self.how {
            How::Pasted => "put another one where `refresh_token` points, or import tokens",
            How::Device => "connect the account: `trunkline connect` gives a code for another device",
            _ => "connect the account: `trunkline connect` gives a link for a browser",
        };
        Error::new(Kind::NeedsReauth, format!("{reason}; {advice}")).outcome_is(Outcome::NotSent)
    }

    /// Exchanges what was leased; `None` if it is to be looked at again.
    async fn exchange(&self, context: &Context, leased: Version, ended: &mut bool) -> Result<Option<Token>> {
        let Version { generation, grant } = leased;
        let asked = self.ask_with(context, &grant).await;
        let failed = match asked {
            Ok(mut issued) => {
                if *ended && issued.lives.is_some_and(|lives| lives.is_zero()) {
                    issued.lives = None;
                }
                *ended = issued.lives.is_some_and(|lives| lives.is_zero());
                let (token, lives, origin) =
                    (issued.access_token.clone(), issued.lives, issued.origin.clone());
                let next = grant.granted(issued, now_ms());
                let origin = origin.or_else(|| next.origin.clone());
                return match self.keep.write_for_sure(generation, next).await {
                    // Somebody has connected the account meanwhile.
                    Err(error) if error.kind() == Kind::Conflict => Ok(None),
                    Err(error) => Err(error),
                    Ok(()) if *ended => Ok(None),
                    Ok(()) => self.token(&token, lives, origin.as_deref()).map(Some),
                };
            }
            Err(failed) => failed,
        };
        let (after, error) = self.judge(&grant, failed);
        let gone = after.reauth.is_some();
        match self.keep.write(generation, after).await {
            Err(conflict) if conflict.kind() == Kind::Conflict => return Ok(None),
            Err(trouble) => {
                tracing::warn!(error = %trouble, "what became of an exchange could not be stored");
            }
            Ok(_) => {}
        }
        if gone {
            self.note("reauth", Some(Kind::NeedsReauth));
        }
        Err(error)
    }

    /// What an exchange that failed leaves of a grant, and what callers hear.
    fn judge(&self, grant: &Grant, failed: Failed) -> (Grant, Error) {
        match failed {
            Failed::Refused(refusal) if refusal.code == "invalid_grant" && self.asks_a_person() => {
                let said = refusal.said();
                let reason = match grant.was_cut_off() {
                    true => format!(
                        "an exchange of the refresh token was interrupted, and now the server refuses it: {said}"
                    ),
                    false => format!("the server refuses the refresh token: {said}"),
                };
                let error = self.needs_reauth(&reason);
                (grant.ended(reason), error)
            }
            Failed::Refused(refusal)
                if refusal.code == "invalid_grant" && matches!(self.how, How::Assertion(_)) =>
            {
                let advice =
                    "check assertion: its issuer, subject and audience, and whether the server knows its key";
                let message = format!("token_url answered {}; {advice}", refusal.said());
                let error = Error::new(Kind::Unauthenticated, message).outcome_is(Outcome::NotSent);
                (grant.released(grant.was_cut_off()), error)
            }
            Failed::Refused(refusal) => (grant.released(grant.was_cut_off()), refusal.explain()),
            Failed::Unanswered { error, unknown } => (grant.released(unknown || grant.was_cut_off()), error),
        }
    }

    async fn ask_with(&self, context: &Context, grant: &Grant) -> Result<Issued, Failed> {
        let refresh_token = grant.refresh_token.as_ref().filter(|_| self.asks_a_person());
        let unasked = |error| Failed::Unanswered { error, unknown: false };
        let request = self.request(context, refresh_token).await.map_err(unasked)?;
        self.ask(context, request).await
    }

    /// The parameters of the usual request for a token.
    async fn request(&self, context: &Context, refresh_token: Option<&Zeroizing<String>>) -> Result<Params> {
        let mut params = match (&self.how, refresh_token) {
            // RFC 6749 section 6: without a scope it is the one that was granted.
            (_, Some(token)) => {
                vec![param("grant_type", "refresh_token"), param("refresh_token", token.as_str())]
            }
            (How::Assertion(assertion), None) => {
                let server = self.endpoints.need(context, Endpoint::Token).await?;
                let assertion = assertion.mint(&server).map_err(|error| error.at("assertion"))?;
                vec![
                    param("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"),
                    param("assertion", assertion),
                ]
            }
            (_, None) => vec![param("grant_type", "client_credentials")],
        };
        if refresh_token.is_none() {
            params.extend(self.scope.clone().map(|scope| param("scope", scope)));
        }
        Ok(params)
    }

    /// Asks the token endpoint, as the client is known to show its secret; or in each way until one is taken.
    pub(super) async fn ask(&self, context: &Context, mut params: Params) -> Result<Issued, Failed> {
        params.extend_from_slice(&self.wanted);
        params.extend_from_slice(&self.params);
        let unasked = |error| Failed::Unanswered { error, unknown: false };
        let url = self.endpoints.need(context, Endpoint::Token).await.map_err(unasked)?;
        let mut refused = None;
        for &way in self.client.ways() {
            match self.send(context, &url, &params, way).await? {
                Answer::Issued(mut issued) => {
                    self.client.took(way);
                    issued.origin = self.origin(&issued.fields);
                    return Ok(*issued);
                }
                Answer::Refused(refusal) if refusal.code == "invalid_client" => refused = Some(refusal),
                Answer::Refused(refusal) => return Err(Failed::Refused(refusal)),
            }
        }
        Err(match refused {
            Some(refusal) => Failed::Refused(refusal),
            None => unasked(Error::new(Kind::Internal, "a client has a way to show its secret")),
        })
    }

    /// Where the answer says that the service is. One that does not say is none the worse: what was issued counts.
    pub(super) fn origin(&self, fields: &Map<String, Value>) -> Option<String> {
        let pointer = self.origin_from.as_ref()?;
        // A map is looked into as a value is.
        let mut steps = pointer[1..].splitn(2, '/');
        let first = steps.next().unwrap_or_default().replace("~1", "/").replace("~0", "~");
        let found = fields.get(&first).and_then(|value| match steps.next() {
            Some(rest) => value.pointer(&format!("/{rest}")),
            None => Some(value),
        });
        let text = safe_url("it", found?.as_str()?).ok()?;
        Some(Url::parse(&text).ok()?.origin().ascii_serialization())
    }

    /// One request, to any of the endpoints that a client shows itself to (RFC 6749 section 3.2).
    pub(super) async fn post(
        &self,
        context: &Context,
        url: &str,
        params: &Params,
        way: Way,
    ) -> Result<(http::StatusCode, http::HeaderMap, bytes::Bytes)> {
        let request = self.form(url, params, way)?;
        let asked = async {
            let Reply { status, headers, body, .. } = context.web()?.send(url, request).await?;
            let body = body.collect(ANSWER).await?;
            Ok((status, headers, body))
        };
        tokio::time::timeout(EXCHANGE, asked).await.unwrap_or_else(|_| {
            let error = Error::new(Kind::Timeout, format!("no answer within {EXCHANGE:?}"));
            Err(error.outcome_is(Outcome::Unknown))
        })
    }

    /// A request with a form, and what shows who asks.
    fn form(&self, url: &str, params: &Params, way: Way) -> Result<HttpRequest> {
        let mut form = Serializer::new(String::new());
        form.extend_pairs(params);
        let authorization = self.client.show(way, url, &mut form)?;
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

    /// What a server may echo of a request.
    pub(super) fn secrets(&self, params: &Params) -> Scrub {
        const SECRET: [&str; 6] =
            ["refresh_token", "code", "code_verifier", "device_code", "assertion", "token"];
        let mut secrets = self.client.secrets();
        let sent = params.iter().filter(|(name, _)| SECRET.contains(&&**name));
        sent.for_each(|(_, value)| secrets.text(value));
        secrets
    }

    async fn send(&self, context: &Context, url: &str, params: &Params, way: Way) -> Result<Answer, Failed> {
        // The call itself was not sent, whatever became of the question for its token.
        let told = |error: Error| error.at("asking token_url for a token").outcome_is(Outcome::NotSent);
        let (status, headers, body) = self.post(context, url, params, way).await.map_err(|error| {
            let unknown = error.outcome() != Outcome::NotSent;
            Failed::Unanswered { unknown, error: told(error) }
        })?;
        answer::read(status, &headers, &body, &self.secrets(params), &self.token_types)
            .map_err(|error| Failed::Unanswered { unknown: true, error: told(error) })
    }
}

/// What a bearer credential says.
fn bearer(credential: &Credential) -> Result<Zeroizing<String>> {
    match credential.form() {
        Form::Bearer(token) => Ok(Zeroizing::new(token.expose()?.into_owned())),
        _ => Ok(Zeroizing::default()),
    }
}

fn exposed(secret: &Secret) -> Result<Zeroizing<String>> {
    let text = secret.expose().map_err(|error| error.at("refresh_token"))?;
    match text.trim().is_empty() {
        true => Err(Error::invalid("refresh_token: is empty")),
        false => Ok(Zeroizing::new(text.into_owned())),
    }
}
