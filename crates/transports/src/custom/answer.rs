//! What a driver answers: a reply, or an error with a kind.

use std::{borrow::Cow, collections::BTreeMap, time::Duration};

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use trunkline_core::{Error, Kind, Outcome, Reply, Result};

/// The JSON of an answer.
#[derive(Deserialize)]
struct Wire<'a> {
    #[serde(default)]
    status: Option<u16>,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    #[serde(borrow, default, deserialize_with = "present")]
    json: Option<&'a RawValue>,
    #[serde(borrow, default)]
    text: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    base64: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    error: Option<Failure<'a>>,
}

/// `null` is an answer too.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<&'de RawValue>, D::Error> {
    <&RawValue>::deserialize(deserializer).map(Some)
}

/// What went wrong.
#[derive(Deserialize)]
struct Failure<'a> {
    kind: String,
    message: String,
    /// Whether the service can have acted. What the kind says unless set.
    #[serde(default)]
    outcome: Option<String>,
    /// Seconds.
    #[serde(default)]
    retry_after: Option<f64>,
    /// What the service said.
    #[serde(borrow, default)]
    json: Option<&'a RawValue>,
}

/// Reads an answer of at most so many bytes.
///
/// # Errors
///
/// What the driver says; `protocol` where it says nothing that can be understood.
pub(super) async fn read(reply: Reply, limit: usize) -> Result<Reply> {
    let bytes = reply.body.collect(limit).await.map_err(|error| error.at("the driver"))?;
    let wire: Wire<'_> = serde_json::from_slice(&bytes).map_err(|error| {
        let what = if error.is_data() { "JSON of another shape" } else { "something else than JSON" };
        broken(format!("{what}, at line {} column {}", error.line(), error.column()))
    })?;
    if let Some(failure) = wire.error {
        return Err(failed(failure));
    }
    let (body, media) = match (wire.json, wire.text, wire.base64) {
        (Some(json), None, None) => (Bytes::copy_from_slice(json.get().as_bytes()), "application/json"),
        (None, Some(text), None) => (text.into_owned().into(), "text/plain; charset=utf-8"),
        (None, None, Some(text)) => {
            let bytes = STANDARD.decode(&*text).map_err(|_| broken("base64 that is none"))?;
            (bytes.into(), "application/octet-stream")
        }
        (None, None, None) => return Err(broken("neither json, text, base64 nor error")),
        _ => return Err(broken("several of json, text and base64")),
    };
    let status = wire.status.map_or(Ok(StatusCode::OK), StatusCode::from_u16);
    let status = status.ok().filter(|status| (200..600).contains(&status.as_u16()));
    let mut reply = Reply::new(status.ok_or_else(|| broken("a status that is none"))?, body);
    reply.headers = headers(&wire.headers)?;
    reply.headers.entry(header::CONTENT_TYPE).or_insert(HeaderValue::from_static(media));
    crate::http::classify(reply)
}

fn headers(given: &BTreeMap<String, String>) -> Result<HeaderMap> {
    let header = |(name, value): (&String, &String)| {
        let name = HeaderName::try_from(name).ok()?;
        Some((name, HeaderValue::try_from(value).ok()?))
    };
    let headers = given.iter().map(header).collect::<Option<HeaderMap>>();
    let mut headers = headers.ok_or_else(|| broken("headers that are none"))?;
    // What frames a body is decided where it is sent, and what is said of GraphQL is no driver's to say.
    for name in [
        header::CONTENT_LENGTH,
        header::TRANSFER_ENCODING,
        header::CONNECTION,
        Reply::PARTIAL_ERRORS,
        Reply::PARTIAL_MESSAGE,
    ] {
        headers.remove(name);
    }
    Ok(headers)
}

fn failed(failure: Failure<'_>) -> Error {
    // What is said of us is not a driver's to say.
    let known =
        |kind: &Kind| kind.is_of_a_service() || matches!(kind, Kind::InvalidConfig | Kind::Unsupported);
    let Some(kind) = Kind::from_code(&failure.kind).filter(known) else {
        let kind = short(failure.kind, 40);
        return broken(format!("the kind {kind:?}, which is none of a service"));
    };
    let mut error = Error::new(kind, short(failure.message, 2_000));
    error = match failure.outcome.as_deref() {
        None => error,
        Some("not_sent") => error.outcome_is(Outcome::NotSent),
        Some("rejected") => error.outcome_is(Outcome::Rejected),
        Some("applied") => error.outcome_is(Outcome::Applied),
        Some("unknown") => error.outcome_is(Outcome::Unknown),
        Some(other) => {
            let other = short(other.to_owned(), 40);
            return broken(format!("the outcome {other:?}, which is none"));
        }
    };
    if let Some(wait) = failure.retry_after.and_then(|wait| Duration::try_from_secs_f64(wait).ok()) {
        error = error.retry_after(wait);
    }
    if let Some(json) = failure.json {
        let status = StatusCode::from_u16(kind.row().answers).unwrap_or(StatusCode::BAD_GATEWAY);
        let mut reply = Reply::new(status, Bytes::copy_from_slice(json.get().as_bytes()));
        reply.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        error = error.replied(reply);
    }
    error
}

/// Words of a driver, of which nobody reads more, and none that a terminal would obey.
fn short(mut text: String, most: usize) -> String {
    text.truncate(text.floor_char_boundary(most));
    text.retain(|c| !c.is_control());
    text
}

fn broken(what: impl std::fmt::Display) -> Error {
    Error::new(Kind::Protocol, format!("the driver answered with {what}; see docs/custom.md"))
        .outcome_is(Outcome::Unknown)
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn answered(json: &str) -> Result<Reply> {
        read(Reply::new(StatusCode::OK, json.to_owned()), 1000).await
    }

    #[tokio::test]
    async fn an_answer_is_json_as_it_is_written_text_or_bytes() {
        for (json, media, body) in [
            (r#"{"json": {"n": 1.50}}"#, "application/json", &br#"{"n": 1.50}"#[..]),
            (r#"{"json": null}"#, "application/json", b"null"),
            (r#"{"text": "a\nb", "note": 1}"#, "text/plain; charset=utf-8", b"a\nb"),
            (r#"{"base64": "AAE="}"#, "application/octet-stream", b"\0\x01"),
            (r#"{"json": 1, "status": 201, "headers": {"Content-Type": "a/b"}}"#, "a/b", b"1"),
        ] {
            let reply = answered(json).await.unwrap();
            assert_eq!(reply.media(), Some(media));
            assert_eq!(reply.bytes().await.unwrap(), body, "{json}");
        }
        let forged =
            r#"{"json": 1, "headers": {"Content-Length": "9", "Trunkline-Partial-Errors": "1", "X-A": "b"}}"#;
        let headers = answered(forged).await.unwrap().headers;
        assert!(
            headers.len() == 2 && headers["x-a"] == "b" && headers.contains_key("content-type"),
            "{headers:?}"
        );
    }

    #[tokio::test]
    async fn an_error_has_its_kind_and_what_the_driver_knows() {
        for (json, kind, outcome) in [
            (r#"{"error": {"kind": "rejected", "message": "no"}}"#, Kind::Rejected, Outcome::Rejected),
            (r#"{"error": {"kind": "unavailable", "message": "no"}}"#, Kind::Unavailable, Outcome::Unknown),
            (
                r#"{"error": {"kind": "unavailable", "message": "no", "outcome": "not_sent"}}"#,
                Kind::Unavailable,
                Outcome::NotSent,
            ),
            (r#"{"status": 429, "text": "slow down"}"#, Kind::RateLimited, Outcome::Rejected),
            (r#"{"error": {"kind": "circuit_open", "message": "no"}}"#, Kind::Protocol, Outcome::Unknown),
            (r#"{"error": {"kind": "internal", "message": "no"}}"#, Kind::Protocol, Outcome::Unknown),
            (r#"{"error": {"kind": "x", "message": "no"}}"#, Kind::Protocol, Outcome::Unknown),
            (r#"{"error": {"kind": "failed"}}"#, Kind::Protocol, Outcome::Unknown),
            ("{}", Kind::Protocol, Outcome::Unknown),
            (r#"{"json": 1, "text": ""}"#, Kind::Protocol, Outcome::Unknown),
            (r#"{"json": 1, "status": 99}"#, Kind::Protocol, Outcome::Unknown),
            ("<html>", Kind::Protocol, Outcome::Unknown),
        ] {
            let error = answered(json).await.unwrap_err();
            assert_eq!((error.kind(), error.outcome()), (kind, outcome), "{json}: {error}");
        }
        let error = answered("{\"error\": {\"kind\": \"rejected\", \"message\": \"a\\r\\n\\u001b[31mb\"}}")
            .await
            .unwrap_err();
        assert_eq!(error.message(), "a[31mb");
        let slow =
            r#"{"error": {"kind": "rate_limited", "message": "slow", "retry_after": 1.5, "json": {"a": 1}}}"#;
        let error = answered(slow).await.unwrap_err();
        assert_eq!(error.wait(), Some(Duration::from_millis(1500)));
        assert_eq!(error.into_reply().unwrap().bytes().await.unwrap(), "{\"a\": 1}");
    }
}
