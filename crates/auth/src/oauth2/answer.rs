//! What a token endpoint answers: a token (RFC 6749 section 5.1), a refusal (section 5.2), or something else.

use std::{fmt, time::Duration};

use http::{HeaderMap, StatusCode, header};
use serde_json::{Map, Value};
use trunkline_core::{Error, Kind, Outcome, Result, Scrub, retry_after};
use zeroize::Zeroizing;

/// An answer that means something.
#[derive(Debug)]
pub(super) enum Answer {
    /// A token.
    Issued(Box<Issued>),
    /// No token, and why.
    Refused(Refusal),
}

/// What was issued.
pub(super) struct Issued {
    pub(super) access_token: Zeroizing<String>,
    /// For how long it is good, if that was said in a way that makes sense.
    pub(super) lives: Option<Duration>,
    pub(super) refresh_token: Option<Zeroizing<String>>,
    pub(super) scope: Option<String>,
    /// The origin of the service, where the answer says it.
    pub(super) origin: Option<String>,
    /// Everything that was answered.
    pub(super) fields: Map<String, Value>,
}

impl fmt::Debug for Issued {
    /// Without the tokens.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Issued")
            .field("lives", &self.lives)
            .field("scope", &self.scope)
            .finish_non_exhaustive()
    }
}

/// Why there is no token, in the server's own words.
#[derive(Debug)]
pub(super) struct Refusal {
    /// The code of RFC 6749 section 5.2.
    pub(super) code: String,
    pub(super) description: String,
}

/// Characters of a server's own words that are shown.
const SHOWN: usize = 300;

/// Reads an answer. What it says is shown to people, so what it repeats of our secrets is hidden.
///
/// # Errors
///
/// `rate_limited` and `unavailable` where the server is busy or down, `protocol` for what is no answer of a token
/// endpoint.
pub(super) fn read(
    status: StatusCode,
    headers: &HeaderMap,
    body: &[u8],
    secrets: &Scrub,
    token_types: &[String],
) -> Result<Answer> {
    let fields = fields(headers, body);
    // Before it is cut: of a secret that was cut in two, nobody would find the half.
    let text = |name: &str| fields.get(name)?.as_str().map(|text| plain(&secrets.hide(text.to_owned())));
    if let Some(code) = text("error") {
        let description = text("error_description").unwrap_or_default();
        return Ok(Answer::Refused(Refusal { code, description }));
    }
    let busy = status == StatusCode::TOO_MANY_REQUESTS;
    if busy || status.is_server_error() || status == StatusCode::REQUEST_TIMEOUT {
        let kind = if busy { Kind::RateLimited } else { Kind::Unavailable };
        let error = Error::new(kind, format!("the server answered {status}"));
        let wait = retry_after::read(headers, &header::RETRY_AFTER);
        return Err(wait.into_iter().fold(error, Error::retry_after));
    }
    let odd =
        |what: &str| Err(Error::new(Kind::Protocol, format!("the server answered {status} and {what}")));
    if !status.is_success() {
        return odd("no reason that RFC 6749 knows; is this the token endpoint?");
    }
    match issued(fields, token_types) {
        Ok(issued) => Ok(Answer::Issued(Box::new(issued))),
        Err(what) => odd(&what),
    }
}

/// What the fields of an answer, or of tokens that are imported, say was issued. Otherwise what is odd about them.
/// Bearer tokens may also be called as `token_types` says.
pub(super) fn issued(fields: Map<String, Value>, token_types: &[String]) -> Result<Issued, String> {
    let text = |name: &str| fields.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    let Some(token) = text("access_token") else {
        return Err(match fields.is_empty() {
            true => "neither JSON nor a form; is this the token endpoint?".to_owned(),
            false => "no access_token; is this the token endpoint?".to_owned(),
        });
    };
    // RFC 6749 section 7.1: a token of a type that is not understood must not be used. Servers that name none mean
    // the usual one.
    let is_bearer = |kind: &&str| {
        kind.eq_ignore_ascii_case("bearer")
            || token_types.iter().any(|known| known.eq_ignore_ascii_case(kind))
    };
    if let Some(kind) = text("token_type").filter(|kind| !is_bearer(kind)) {
        return Err(format!(
            "a token of type {:?}; only bearer tokens can be sent: if it is one, name the type in token_types",
            plain(kind)
        ));
    }
    Ok(Issued {
        access_token: Zeroizing::new(token.to_owned()),
        lives: fields.get("expires_in").and_then(seconds),
        refresh_token: text("refresh_token").map(|token| Zeroizing::new(token.to_owned())),
        scope: text("scope").map(plain),
        origin: None,
        fields,
    })
}

/// The fields of an answer: JSON as it should be, or a form as some servers have it.
pub(super) fn fields(headers: &HeaderMap, body: &[u8]) -> Map<String, Value> {
    if let Ok(fields) = serde_json::from_slice(body) {
        return fields;
    }
    let media = headers.get(header::CONTENT_TYPE).and_then(|media| media.to_str().ok()).unwrap_or_default();
    if !media.contains("form-urlencoded") && !media.starts_with("text/plain") {
        return Map::new();
    }
    let pairs = url::form_urlencoded::parse(body);
    pairs.map(|(name, value)| (name.into_owned(), value.into_owned().into())).collect()
}

/// A number of seconds, which some servers write as text. What makes no sense says nothing.
pub(super) fn seconds(value: &Value) -> Option<Duration> {
    let number = match value {
        Value::Number(number) => number.as_f64()?,
        Value::String(text) => text.trim().parse().ok()?,
        _ => return None,
    };
    (number >= 0.0).then(|| Duration::try_from_secs_f64(number).unwrap_or(Duration::MAX))
}

/// A server's words, as far as they can stand in a line of a log.
pub(super) fn plain(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(SHOWN).collect()
}

impl Refusal {
    /// The server's own words.
    pub(super) fn said(&self) -> String {
        match &*self.description {
            "" => self.code.clone(),
            description => format!("{} ({description})", self.code),
        }
    }

    /// What follows from a refusal, and what to do.
    pub(super) fn explain(&self) -> Error {
        let (kind, advice) = match &*self.code {
            // The client's own account: whoever mends it does so at the server, and nothing here changes.
            "invalid_grant" => (Kind::Unauthenticated, "see to the client's account at the server"),
            "invalid_client" => (Kind::Unauthenticated, "check client_id, client_secret and client_auth"),
            "unauthorized_client" => {
                (Kind::Unauthenticated, "allow the client this grant_type at the server")
            }
            "invalid_scope" => (Kind::Forbidden, "check scope"),
            "invalid_target" => (Kind::Forbidden, "check resource and audience"),
            "access_denied" => (Kind::Forbidden, "ask the server's owner to allow it"),
            "temporarily_unavailable" | "server_error" | "slow_down" => {
                (Kind::Unavailable, "it is asked again by and by")
            }
            _ => (Kind::Unauthenticated, "check auth_config"),
        };
        let said = self.said();
        Error::new(kind, format!("token_url answered {said}; {advice}")).outcome_is(Outcome::NotSent)
    }
}
