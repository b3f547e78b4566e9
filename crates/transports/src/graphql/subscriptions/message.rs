//! Messages of the protocol `graphql-transport-ws` (github.com/enisdenjo/graphql-ws, PROTOCOL.md), as they are read and
//! written.

use std::borrow::Cow;

use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;
use trunkline_core::{Error, Kind, Outcome, Result};
use yawc::Frame;

/// What a service says.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Heard {
    /// It lets us in.
    Ack,
    /// It wants to know whether we are there; with what it wants to have back.
    Ping(Option<Bytes>),
    Pong,
    /// A response of a subscription.
    Next(u64, Bytes),
    /// A subscription is refused, with a list of errors.
    Error(u64, Bytes),
    /// A subscription has come to its end.
    Complete(u64),
}

#[derive(Deserialize)]
struct Wire<'a> {
    #[serde(borrow)]
    r#type: Cow<'a, str>,
    #[serde(borrow, default)]
    id: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    payload: Option<&'a RawValue>,
}

impl Heard {
    /// Reads a message.
    ///
    /// # Errors
    ///
    /// `protocol` for what is none.
    pub(super) fn read(text: &Bytes) -> Result<Self> {
        let wire: Wire<'_> = serde_json::from_slice(text).map_err(|_| broken("a message that is none"))?;
        let id = || {
            let id = wire.id.as_deref().and_then(|id| id.parse().ok());
            id.ok_or_else(|| broken("a message for a subscription that there is not"))
        };
        // A part of the message, which is not copied.
        let payload = wire.payload.map(|payload| text.slice_ref(payload.get().as_bytes()));
        let needed = |payload: Option<Bytes>| payload.ok_or_else(|| broken("a message without payload"));
        Ok(match &*wire.r#type {
            "connection_ack" => Self::Ack,
            "ping" => Self::Ping(payload),
            "pong" => Self::Pong,
            "next" => Self::Next(id()?, needed(payload)?),
            "error" => Self::Error(id()?, needed(payload)?),
            "complete" => Self::Complete(id()?),
            _ => return Err(broken("a message of a type that there is not")),
        })
    }
}

/// The service broke the protocol.
pub(super) fn broken(what: &str) -> Error {
    let message = format!("the service broke graphql-transport-ws: it sent {what}");
    Error::new(Kind::Protocol, message).outcome_is(Outcome::Unknown)
}

/// The first message; `payload` is JSON.
pub(super) fn init(payload: Option<&str>) -> Frame {
    Frame::text(match payload {
        None => "{\"type\":\"connection_init\"}".to_owned(),
        Some(payload) => format!("{{\"type\":\"connection_init\",\"payload\":{payload}}}"),
    })
}

/// Subscribes; `request` is JSON.
pub(super) fn subscribe(id: u64, request: &str) -> Frame {
    Frame::text(format!("{{\"id\":\"{id}\",\"type\":\"subscribe\",\"payload\":{request}}}"))
}

/// Ends a subscription.
pub(super) fn complete(id: u64) -> Frame {
    Frame::text(format!("{{\"id\":\"{id}\",\"type\":\"complete\"}}"))
}

/// Answers a ping with what came with it.
pub(super) fn pong(payload: Option<&Bytes>) -> Frame {
    let mut text = b"{\"type\":\"pong\"".to_vec();
    if let Some(payload) = payload {
        text.extend_from_slice(b",\"payload\":");
        text.extend_from_slice(payload);
    }
    text.push(b'}');
    Frame::text(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_message_is_read_and_its_payload_is_left_as_it_was_written() {
        for (text, heard) in [
            (r#"{"type": "connection_ack", "payload": {"a": 1}}"#, Heard::Ack),
            (r#"{"type":"ping"}"#, Heard::Ping(None)),
            (r#"{"type":"ping","payload":{"at": 7}}"#, Heard::Ping(Some("{\"at\": 7}".into()))),
            (r#"{"type":"pong"}"#, Heard::Pong),
            (
                r#"{"id":"3","type":"next","payload":{"data": {"a":1.0}}}"#,
                Heard::Next(3, "{\"data\": {\"a\":1.0}}".into()),
            ),
            (r#"{"payload":[{}],"id":"3","type":"error"}"#, Heard::Error(3, "[{}]".into())),
            (r#"{"id":"3","type":"complete"}"#, Heard::Complete(3)),
        ] {
            assert_eq!(Heard::read(&Bytes::from(text)).unwrap(), heard, "{text}");
        }
    }

    #[test]
    fn what_is_no_message_breaks_the_protocol() {
        for text in [
            "",
            "[]",
            "{}",
            r#"{"type":1}"#,
            r#"{"type":"ka"}"#,
            r#"{"type":"next","payload":{}}"#,
            r#"{"type":"next","id":"x","payload":{}}"#,
            r#"{"type":"next","id":"1"}"#,
            r#"{"type":"error","id":"1"}"#,
            r#"{"type":"complete"}"#,
        ] {
            assert_eq!(Heard::read(&Bytes::from(text)).unwrap_err().kind(), Kind::Protocol, "{text}");
        }
    }

    #[test]
    fn what_is_said_is_json() {
        let said = |frame: Frame| frame.as_str().to_owned();
        assert_eq!(said(init(Some("{\"a\":1}"))), r#"{"type":"connection_init","payload":{"a":1}}"#);
        assert_eq!(said(subscribe(1, "{}")), r#"{"id":"1","type":"subscribe","payload":{}}"#);
        assert_eq!(said(complete(1)), r#"{"id":"1","type":"complete"}"#);
        assert_eq!(said(pong(Some(&"{}".into()))), r#"{"type":"pong","payload":{}}"#);
        assert_eq!(said(pong(None)), r#"{"type":"pong"}"#);
    }
}
