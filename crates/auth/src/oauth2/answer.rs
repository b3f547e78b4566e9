//! What a token endpoint answers: a token (RFC 6749 section 5.1), a refusal (section 5.2), or something else.

use std::time::Duration;

use http::{HeaderMap, StatusCode, header};
use serde_json::{Map, Value};
use trunkline_core::{Error, Kind, Outcome, Result, Scrub, Secret, retry_after};

/// An answer that means something.
#[derive(Debug)]
pub(super) enum Answer {
    /// A token.
    Token {
        token: Secret,
        /// For how long it is good, if that was said in a way that makes sense.
        lives: Option<Duration>,
    },
    /// No token, and why.
    Refused(Refusal),
}

/// Why there is no token, in the server's own words.
#[derive(Debug)]
pub(super) struct Refusal {
    /// The code of RFC 6749 section 5.2.
    pub(super) code: String,
    description: String,
}

/// Characters of a server's own words that are shown.
const SHOWN: usize = 300;

/// Reads an answer. What it says is shown to people, so what it repeats of our secrets is hidden.
///
/// # Errors
///
/// `rate_limited` and `unavailable` where the server is busy or down, `protocol` for what is no answer of a token
/// endpoint.
pub(super) fn read(status: StatusCode, headers: &HeaderMap, body: &[u8], secrets: &Scrub) -> Result<Answer> {
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
    let Some(token) = fields.get("access_token").and_then(Value::as_str).filter(|token| !token.is_empty())
    else {
        return odd(match fields.is_empty() {
            true => "neither JSON nor a form; is this the token endpoint?",
            false => "no access_token; is this the token endpoint?",
        });
    };
    // RFC 6749 section 7.1: a token of a type that is not understood must not be used. Servers that name none mean
    // the usual one.
    if let Some(kind) = text("token_type").filter(|kind| !kind.eq_ignore_ascii_case("bearer")) {
        return odd(&format!("a token of type {kind:?}; only bearer tokens can be sent"));
    }
    let lives = fields.get("expires_in").and_then(seconds);
    Ok(Answer::Token { token: Secret::literal(token), lives })
}

/// The fields of an answer: JSON as it should be, or a form as some servers have it.
fn fields(headers: &HeaderMap, body: &[u8]) -> Map<String, Value> {
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
fn seconds(value: &Value) -> Option<Duration> {
    let number = match value {
        Value::Number(number) => number.as_f64()?,
        Value::String(text) => text.trim().parse().ok()?,
        _ => return None,
    };
    (number >= 0.0).then(|| Duration::try_from_secs_f64(number).unwrap_or(Duration::MAX))
}

/// A server's words, as far as they can stand in a line of a log.
fn plain(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(SHOWN).collect()
}

impl Refusal {
    /// What follows from a refusal, and what to do.
    pub(super) fn explain(self) -> Error {
        let Self { code, description } = self;
        let (kind, advice) = match &*code {
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
        let said = if description.is_empty() { code } else { format!("{code} ({description})") };
        Error::new(kind, format!("token_url answered {said}; {advice}")).outcome_is(Outcome::NotSent)
    }
}
