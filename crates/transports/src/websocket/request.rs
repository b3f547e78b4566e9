//! The JSON that a caller sends for `websocket`: `{message | text | base64, wait_response}`.

use std::borrow::Cow;

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use trunkline_core::{Error, Message, Publish, Receive, Result, Seconds, parse};

/// A message as callers write it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire<'a> {
    #[serde(borrow, default, deserialize_with = "present")]
    message: Option<&'a RawValue>,
    #[serde(borrow, default)]
    text: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    base64: Option<Cow<'a, str>>,
    #[serde(default = "yes")]
    wait_response: bool,
    #[serde(default)]
    timeout: Option<Seconds>,
}

/// `null` is a message too.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<&'de RawValue>, D::Error> {
    <&RawValue>::deserialize(deserializer).map(Some)
}

fn yes() -> bool {
    true
}

/// What a caller wants to listen to.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Listen {
    #[serde(default)]
    stream: Option<String>,
    #[serde(default)]
    timeout: Option<Seconds>,
}

/// Turns the JSON into a message.
pub(super) fn parse(request: &RawValue) -> Result<Publish> {
    // serde takes an array for the fields of a structure in their order.
    if !request.get().starts_with('{') {
        return Err(Error::invalid("expected an object such as {\"message\": {\"op\": \"ping\"}}"));
    }
    let wire: Wire<'_> = match serde_json::from_str(request.get()) {
        Ok(wire) => wire,
        // Once more, for an error with the path of what is wrong.
        Err(_) => parse::text(request.get().as_bytes())?,
    };
    let (body, text) = match (wire.message, wire.text, wire.base64) {
        (Some(json), None, None) => (Bytes::copy_from_slice(json.get().as_bytes()), true),
        (None, Some(text), None) => (text.into_owned().into(), true),
        (None, None, Some(base64)) => {
            let bytes = STANDARD.decode(&*base64).map_err(|_| Error::invalid("base64: is not base64"))?;
            (bytes.into(), false)
        }
        (None, None, None) => {
            return Err(Error::invalid("message: is missing; give message (JSON), text, or base64 (bytes)"));
        }
        _ => return Err(Error::invalid("message: is one thing; give message, text or base64, not several")),
    };
    let message = Message { body, text, ..Message::default() };
    let timeout = wire.timeout.map(Seconds::get);
    Ok(Publish { wants_reply: wire.wait_response, timeout, ..Publish::new(message) })
}

/// Turns the JSON into what is listened to; nothing stands for all messages that are no replies.
pub(super) fn parse_stream(request: &RawValue) -> Result<Receive> {
    if !request.get().starts_with('{') {
        return Err(Error::invalid("expected an object such as {\"stream\": \"trades\"}, or {}"));
    }
    let wire: Listen = parse::text(request.get().as_bytes())?;
    let timeout = wire.timeout.map(Seconds::get);
    Ok(Receive { timeout, ..Receive::stream(wire.stream.unwrap_or_default()) })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn request(json: &Value) -> Result<Publish> {
        parse(&serde_json::value::to_raw_value(json).unwrap())
    }

    #[test]
    fn a_message_is_json_as_it_is_written_text_or_bytes() {
        let raw: Box<RawValue> = serde_json::from_str("{\"message\": {\"n\": 1.00,  \"a\": []}}").unwrap();
        let parsed = parse(&raw).unwrap();
        assert!(parsed.messages[0].text && parsed.wants_reply);
        assert_eq!(parsed.messages[0].body, "{\"n\": 1.00,  \"a\": []}");
        for (json, body, text, wants_reply) in [
            (json!({"message": "hi", "wait_response": false}), "\"hi\"", true, false),
            (json!({"message": null}), "null", true, true),
            (json!({"text": "hi"}), "hi", true, true),
            (json!({"base64": "aGk="}), "hi", false, true),
        ] {
            let parsed = request(&json).unwrap();
            let message = &parsed.messages[0];
            assert_eq!(
                (&*message.body, message.text, parsed.wants_reply),
                (body.as_bytes(), text, wants_reply),
                "{json}"
            );
        }
    }

    #[test]
    fn bad_requests_name_the_key() {
        for (json, word) in [
            (json!({}), "message"),
            (json!({"message": 1, "text": "x"}), "not several"),
            (json!({"base64": "%"}), "base64"),
            (json!({"mesage": 1}), "did you mean `message`"),
            (json!({"message": 1, "wait_response": "yes"}), "wait_response"),
            (json!({"message": 1, "timeout": 0}), "timeout"),
            (json!([]), "expected"),
        ] {
            let error = request(&json).unwrap_err();
            assert!(error.message().contains(word), "{json}: {error}");
        }
    }
}
