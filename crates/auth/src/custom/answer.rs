//! `Answer`: what is read out of the answer to a request for a token.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http::{HeaderMap, HeaderName, StatusCode, header};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;
use trunkline_core::{Error, Kind, Result, parse, retry_after};

use super::{
    quote::{is_page, keys, quote},
    template::Sent,
};

/// Where a token is.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Where {
    /// In a JSON body, at this pointer (RFC 6901), such as `/session/token`.
    Pointer(String),
    /// In the header of this name.
    Header(String),
    /// In the cookie of this name, which the answer sets.
    Cookie(String),
    /// It is the whole body.
    Text,
}

/// For how long it is good.
#[derive(Debug)]
pub(super) enum Life {
    /// Nobody says so.
    Unknown,
    /// As many seconds as are at this pointer.
    In(String),
    /// Until the time at this pointer.
    At(String),
    /// Always as long.
    Fixed(Duration),
}

/// What is to be found in an answer.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) token: Where,
    pub(super) life: Life,
}

/// What is read, or with what the service answered instead, as the end of a sentence.
type Read<T> = Result<T, String>;

/// A number of this size is in milliseconds: as seconds, it would be in the year 5138.
const MILLISECONDS: f64 = 1e11;

impl Where {
    pub(super) fn check(&self) -> Result<()> {
        match self {
            Self::Pointer(pointer) => parse::pointer(pointer).map_err(|error| error.at("pointer")),
            Self::Header(name) if name.parse::<HeaderName>().is_err() => {
                Err(Error::invalid("header: is not the name of a header"))
            }
            Self::Cookie(name) if name.is_empty() => Err(Error::invalid("cookie: must not be empty")),
            _ => Ok(()),
        }
    }

    /// Whether the body has nothing to do with it.
    fn is_beside_body(&self) -> bool {
        matches!(self, Self::Header(_) | Self::Cookie(_))
    }

    /// The token, or with what the service answered instead.
    fn read(&self, headers: &HeaderMap, body: &[u8], sent: &[String]) -> Read<String> {
        let token = match self {
            Self::Pointer(pointer) => {
                let json = json(headers, body)?;
                let found = find(&json, pointer).map_err(|there| {
                    format!("and token.pointer {pointer:?} finds nothing; {}", there.show(sent))
                })?;
                text(found).ok_or_else(|| {
                    format!("and token.pointer {pointer:?} finds {}; a token is a text", sort(found))
                })?
            }
            Self::Header(name) => {
                let value = headers.get(name.as_str()).and_then(|value| value.to_str().ok());
                value.ok_or_else(|| format!("without the header {name:?}"))?.trim().to_owned()
            }
            Self::Cookie(name) => {
                cookie(headers, name).ok_or_else(|| format!("without the cookie {name:?}"))?
            }
            Self::Text => String::from_utf8_lossy(body).trim().to_owned(),
        };
        if matches!(self, Self::Text) && (token.starts_with('<') || token.contains(['\r', '\n'])) {
            return Err("with a page, or a text of several lines; a token has one line".to_owned());
        }
        if token.is_empty() { Err("with an empty token".to_owned()) } else { Ok(token) }
    }
}

impl Answer {
    /// Whether the answer has to be JSON.
    pub(super) fn is_json(&self) -> bool {
        matches!(self.token, Where::Pointer(_)) || self.life.pointer().is_some()
    }

    /// The token, and for how long it is good.
    ///
    /// # Errors
    ///
    /// `unauthenticated` where the service refuses to give one; `rate_limited` and `unavailable` where it is busy or
    /// down; `protocol` where the answer is not what the configuration says.
    pub(super) fn read(
        &self,
        status: StatusCode,
        headers: &HeaderMap,
        body: &[u8],
        sent: Sent,
    ) -> Result<(String, Option<Duration>)> {
        let sent = sent.longest_first();
        // Forms of websites answer with a redirect that sets a cookie; nobody follows it.
        if !(status.is_success() || status.is_redirection() && self.token.is_beside_body()) {
            return Err(refusal(status, headers, body, &sent));
        }
        let token = self.token.read(headers, body, &sent);
        token
            .and_then(|token| Ok((token, self.life.read(headers, body, &sent)?)))
            .map_err(|what| Error::new(Kind::Protocol, format!("the service answered {status} {what}")))
    }
}

impl Life {
    /// What is configured to say it, and where that is.
    fn pointer(&self) -> Option<(&'static str, &str)> {
        match self {
            Self::In(pointer) => Some(("expires_in", pointer)),
            Self::At(pointer) => Some(("expires_at", pointer)),
            Self::Unknown | Self::Fixed(_) => None,
        }
    }

    /// For how long the token is good. An answer that does not say it is none the worse: a token of which nothing is
    /// known is used until it is refused.
    fn read(&self, headers: &HeaderMap, body: &[u8], sent: &[String]) -> Read<Option<Duration>> {
        if let Self::Fixed(lifetime) = self {
            return Ok(Some(*lifetime));
        }
        let Some((key, pointer)) = self.pointer() else { return Ok(None) };
        let json = json(headers, body).unwrap_or_default();
        let found = find(&json, pointer).inspect_err(|there| {
            let there = there.show(sent);
            tracing::warn!(key, pointer, there, "finds nothing; the token is used until it is refused");
        });
        let Ok(found) = found else { return Ok(None) };
        if let Self::In(_) = self {
            return Ok(seconds(found));
        }
        match moment(found).map(|end| end.saturating_sub(now(headers))) {
            Some(Duration::ZERO) => {
                Err("with a token that has ended already; check expires_at, and both clocks".to_owned())
            }
            left => Ok(left),
        }
    }
}

/// Why there is no token.
fn refusal(status: StatusCode, headers: &HeaderMap, body: &[u8], sent: &[String]) -> Error {
    let (kind, advice) = match status.as_u16() {
        400 | 401 | 403 | 422 => (Kind::Unauthenticated, "check auth_config"),
        429 => (Kind::RateLimited, "it is asked again by and by"),
        408 | 500.. => (Kind::Unavailable, "it is asked again by and by"),
        300..400 => (Kind::Protocol, "no redirect is followed; set request.url to where it leads"),
        404 | 405 | 410 => (Kind::Protocol, "check request.url and request.method"),
        _ => (Kind::Protocol, "check request"),
    };
    let said = quote(headers, body, sent).map(|said| format!(" with {said}")).unwrap_or_default();
    let error = Error::new(kind, format!("the service answered {status}{said}; {advice}"));
    let wait = retry_after::read(headers, &header::RETRY_AFTER);
    wait.into_iter().fold(error, Error::retry_after)
}

/// A body of JSON. Another is not quoted: it may be a token.
fn json(headers: &HeaderMap, body: &[u8]) -> Read<Value> {
    serde_json::from_slice(body).map_err(|_| {
        let what = match body.trim_ascii() {
            b"" => "nothing",
            body if is_page(headers, body) => "an HTML page",
            _ => "something else",
        };
        format!("with {what} where JSON was expected; is this the right URL?")
    })
}

/// Where a pointer came to its end.
struct There<'a> {
    path: String,
    value: &'a Value,
}

impl There<'_> {
    /// What there is instead: names, never values.
    fn show(&self, sent: &[String]) -> String {
        let place = if self.path.is_empty() { "the answer" } else { &self.path };
        match self.value {
            Value::Object(fields) => format!("{place} has {}", keys(fields.keys(), sent)),
            Value::Array(values) => format!("{place} is a list of {}", values.len()),
            value => format!("{place} is {}", sort(value)),
        }
    }
}

/// What is at a pointer, unless it is null.
fn find<'a>(json: &'a Value, pointer: &str) -> Result<&'a Value, There<'a>> {
    let (mut value, mut path) = (json, String::new());
    for step in pointer.split('/').skip(1) {
        let below = format!("{path}/{step}");
        match json.pointer(&below).filter(|found| !found.is_null()) {
            Some(found) => (value, path) = (found, below),
            None => return Err(There { path, value }),
        }
    }
    Ok(value)
}

fn sort(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

/// A token, which some services write as a number.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.trim().to_owned()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// The value of a cookie that is set; of several of one name the last counts (RFC 6265 section 5.3).
fn cookie(headers: &HeaderMap, name: &str) -> Option<String> {
    let pairs = headers
        .get_all(header::SET_COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok()?.split(';').next()?.split_once('='));
    let mut named = pairs.filter(|(found, _)| found.trim() == name);
    named.next_back().map(|(_, value)| value.trim().to_owned())
}

fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
    .filter(|number: &f64| *number > 0.0)
}

/// A number of seconds; what makes no sense says nothing.
fn seconds(value: &Value) -> Option<Duration> {
    number(value).map(|seconds| Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX))
}

/// A moment, as the time since 1970.
fn moment(value: &Value) -> Option<Duration> {
    if let Some(number) = number(value) {
        let seconds = if number >= MILLISECONDS { number / 1e3 } else { number };
        return Some(Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX));
    }
    let time: jiff::Timestamp = value.as_str()?.trim().parse().ok()?;
    time.duration_since(jiff::Timestamp::UNIX_EPOCH).try_into().ok()
}

/// The present by the clock of the service, if it shows it (RFC 9110 section 6.6.1), and else by ours.
fn now(headers: &HeaderMap) -> Duration {
    let date = headers.get(header::DATE).and_then(|date| date.to_str().ok());
    let date = date.and_then(|date| httpdate::parse_http_date(date).ok());
    date.unwrap_or_else(SystemTime::now).duration_since(UNIX_EPOCH).unwrap_or_default()
}
