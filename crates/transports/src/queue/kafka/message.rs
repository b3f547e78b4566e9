//! Messages as records, and back. What Kafka has no field for is a header; their names are those that other clients use.

use bytes::Bytes;
use trunkline_core::{Error, Message, Result};

use super::records::Record;
use crate::queue::place::only;

const CONTENT_TYPE: &str = "content-type";
const MESSAGE_ID: &str = "message-id";
const CORRELATION_ID: &str = "correlation-id";
const REPLY_TO: &str = "reply-to";

/// How long the name of a topic may be (`Topic.validate` of Apache Kafka).
const LONGEST_NAME: usize = 249;

/// Checks a message before anything is sent.
///
/// # Errors
///
/// `invalid_config`, naming what Kafka has no place for.
pub(super) fn check(message: &Message) -> Result<()> {
    only(message, &["key", "partition"], |_| "Kafka has nothing of the kind")?;
    if message.partition.is_some_and(|partition| partition < 0) {
        return Err(Error::invalid("partition: must be 0 or more; the first is 0"));
    }
    topic(&message.destination).map_err(|error| error.at("queue"))
}

/// Checks the name of a topic.
///
/// # Errors
///
/// `invalid_config`.
pub(super) fn topic(name: &str) -> Result<()> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    match name {
        "" | "." | ".." => Err(Error::invalid("is not the name of a topic; name one")),
        name if name.len() > LONGEST_NAME || !name.chars().all(plain) => Err(Error::invalid(
            "is not the name of a topic, which has at most 249 letters, digits, dots, underscores and hyphens",
        )),
        _ => Ok(()),
    }
}

/// A message as a record, made `now`, in milliseconds since 1970.
pub(super) fn record(message: &Message, now: i64) -> Record {
    let own = [
        (MESSAGE_ID, &message.id),
        (CONTENT_TYPE, &message.content_type),
        (CORRELATION_ID, &message.correlation_id),
        (REPLY_TO, &message.reply_to),
    ];
    let bytes = |text: &String| Bytes::from(text.clone());
    let own =
        own.into_iter().filter_map(|(name, value)| Some((name.to_owned(), Some(bytes(value.as_ref()?)))));
    let headers = message.headers.iter().map(|(name, value)| (name.clone(), Some(bytes(value))));
    Record {
        key: message.key.as_ref().map(bytes),
        value: Some(message.body.clone()),
        headers: own.chain(headers).collect(),
        timestamp: now,
    }
}

/// A record as a message. Keys and headers that are not text are shown as far as they are.
pub(super) fn message(topic: &str, record: Record) -> Message {
    let text = |bytes: &Bytes| String::from_utf8_lossy(bytes).into_owned();
    let body = record.value.unwrap_or_default();
    let mut message = Message {
        destination: topic.to_owned(),
        text: std::str::from_utf8(&body).is_ok(),
        body,
        key: record.key.as_ref().map(text),
        ..Message::default()
    };
    for (name, value) in record.headers {
        let value = value.as_ref().map(text).unwrap_or_default();
        let field = match &*name {
            CONTENT_TYPE => &mut message.content_type,
            MESSAGE_ID => &mut message.id,
            CORRELATION_ID => &mut message.correlation_id,
            REPLY_TO => &mut message.reply_to,
            _ => {
                message.headers.push((name, value));
                continue;
            }
        };
        *field = Some(value);
    }
    message
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_comes_back_as_it_was() {
        let sent = Message {
            id: Some("1".to_owned()),
            key: Some("k".to_owned()),
            content_type: Some("application/json".to_owned()),
            correlation_id: Some("c".to_owned()),
            reply_to: Some("r".to_owned()),
            headers: vec![("a".to_owned(), "1".to_owned()), ("a".to_owned(), "2".to_owned())],
            ..Message::text("t", "{}")
        };
        let record = record(&sent, 5);
        assert_eq!((record.timestamp, &record.headers[0].0[..]), (5, "message-id"));
        assert_eq!(format!("{:?}", message("t", record)), format!("{sent:?}"));
    }

    #[test]
    fn what_kafka_has_no_place_for_is_named() {
        let plain = || Message::text("t", "x");
        for (key, message) in [
            ("priority: ", Message { priority: Some(1), ..plain() }),
            ("retain: ", Message { retain: true, ..plain() }),
            ("partition: ", Message { partition: Some(-1), ..plain() }),
            ("queue: ", Message::text("a b", "x")),
            ("queue: ", Message::text("..", "x")),
            ("queue: ", Message::text("a".repeat(250), "x")),
        ] {
            let error = check(&message).unwrap_err();
            assert!(error.message().starts_with(key), "{error}");
        }
        check(&Message { partition: Some(0), ..Message::text("a.b_c-1", "x") }).unwrap();
    }
}
