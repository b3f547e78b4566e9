//! What callers get: receipts, messages that came, and the answer to a request, as JSON.

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{HeaderValue, StatusCode, header};
use serde::{Serialize, Serializer, ser::SerializeMap};
use serde_json::{
    Value, json,
    value::{RawValue, to_raw_value},
};
use trunkline_core::{Error, Message, Reply, Result, Settled};

use super::broker::{Delivery, Receipt};
use crate::again::copy;

/// A reply that is a JSON document.
pub(super) fn document(value: &impl Serialize) -> Reply {
    let text = serde_json::to_vec(value).expect("names are texts, and no value refuses");
    let mut reply = Reply::new(StatusCode::OK, text);
    reply.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    reply
}

/// What the broker said of a message.
pub(super) struct Told<'a>(pub(super) &'a Message, pub(super) &'a Receipt);

impl Serialize for Told<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(message, receipt) = self;
        let mut told = serializer.serialize_map(None)?;
        for (name, value) in &receipt.facts {
            told.serialize_entry(name, value)?;
        }
        told.serialize_entry("guarantee", receipt.guarantee.name())?;
        told.serialize_entry("message_id", &message.id)?;
        told.end()
    }
}

/// What became of a message of a batch.
struct Became<'a>(&'a Message, &'a Result<Receipt>);

impl Serialize for Became<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.1 {
            Ok(receipt) => Told(self.0, receipt).serialize(serializer),
            Err(error) => json!({"message_id": self.0.id, "error": told(error)}).serialize(serializer),
        }
    }
}

/// What became of each message of a batch that has failed.
pub(super) fn each(messages: &[Message], results: &[Result<Receipt>]) -> Box<RawValue> {
    let each: Vec<_> =
        messages.iter().zip(results).map(|(message, result)| Became(message, result)).collect();
    to_raw_value(&each).expect("names are texts, and no value refuses")
}

/// What became of each message of a batch.
pub(super) fn results(messages: &[Message], results: &[Result<Receipt>]) -> Reply {
    #[derive(Serialize)]
    struct Results<'a> {
        published: usize,
        failed: usize,
        results: Vec<Became<'a>>,
    }
    let failed = results.iter().filter(|result| result.is_err()).count();
    let published = results.len() - failed;
    let each = messages.iter().zip(results).map(|(message, result)| Became(message, result)).collect();
    let mut reply = document(&Results { published, failed, results: each });
    if failed > 0 {
        reply.headers.insert(Reply::PARTIAL_ERRORS, failed.into());
    }
    reply
}

/// An error as a part of a document.
pub(super) fn told(error: &Error) -> Value {
    json!({"kind": error.kind().code(), "detail": error.message(), "outcome": error.outcome()})
}

/// A message that came, with the token that it is acknowledged by.
pub(super) fn delivery<M>(
    delivery: &Delivery<M>,
    deliveries: Option<u32>,
    token: Option<&str>,
) -> Box<RawValue> {
    let message = &delivery.message;
    let mut out = String::with_capacity(message.body.len() + 256);
    out.push('{');
    let mut put = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            if out.len() > 1 {
                out.push(',');
            }
            out.push_str(&format!("\"{name}\":{value}"));
        }
    };
    put("queue", Some(message.destination.as_str().into()));
    put("token", token.map(Value::from));
    put("message_id", message.id.as_deref().map(Value::from));
    put("content_type", message.content_type.as_deref().map(Value::from));
    let headers = || message.headers.iter().map(|(name, value)| (name.clone(), value.as_str().into()));
    put("headers", (!message.headers.is_empty()).then(|| Value::Object(headers().collect())));
    put("key", message.key.as_deref().map(Value::from));
    put("correlation_id", message.correlation_id.as_deref().map(Value::from));
    put("reply_to", message.reply_to.as_deref().map(Value::from));
    put("priority", message.priority.map(Value::from));
    put("timestamp", delivery.timestamp.and_then(timestamp));
    put("deliveries", deliveries.map(Value::from));
    put("redelivered", delivery.redelivered.then_some(Value::Bool(true)));
    for (name, value) in &delivery.facts {
        put(name, Some(value.clone()));
    }
    out.push(',');
    out.push_str(&body(&message.body));
    out.push('}');
    RawValue::from_string(out).expect("it was put together as JSON")
}

/// The body as a field: `message` if it is JSON, as it is written; `text`, or `base64`.
fn body(body: &Bytes) -> String {
    match std::str::from_utf8(body) {
        Ok(text) if serde_json::from_str::<&RawValue>(text).is_ok() => {
            format!("\"message\":{}", one_line(text))
        }
        Ok(text) => format!("\"text\":{}", Value::from(text)),
        Err(_) => format!("\"base64\":\"{}\"", STANDARD.encode(body)),
    }
}

/// JSON in one line: what ends lines stands between its tokens alone.
fn one_line(json: &str) -> String {
    json.trim().replace(['\n', '\r'], " ")
}

fn timestamp(millis: i64) -> Option<Value> {
    jiff::Timestamp::from_millisecond(millis).ok().map(|time| time.to_string().into())
}

/// What has become of what was said of messages.
///
/// # Errors
///
/// The first, where none was heard.
pub(super) fn settled(settled: &Settled) -> Result<Reply> {
    if let (0, Some((_, error))) = (settled.count, settled.failed.first()) {
        return Err(copy(error));
    }
    let failed: Vec<_> = settled.failed.iter().map(unsettled).collect();
    let mut said = json!({"settled": settled.count, "failed": failed});
    if !settled.aside.is_empty() {
        said["put_aside"] = json!(settled.aside);
    }
    let mut reply = document(&said);
    if !failed.is_empty() {
        reply.headers.insert(Reply::PARTIAL_ERRORS, failed.len().into());
    }
    Ok(reply)
}

/// Why no messages came, with what has become of what was said of earlier ones.
pub(super) fn with_settled(error: Error, settled: &Settled) -> Error {
    let unheard: Vec<_> =
        settled.failed.iter().map(|(token, error)| format!("{token} ({})", error.kind())).collect();
    match (settled.count, &*unheard) {
        (0, []) => error,
        (count, []) => error.with("settled", count.to_string()),
        (count, unheard) => error.with("settled", count.to_string()).with("unsettled", unheard.join(", ")),
    }
}

/// What was said of a message and not heard.
fn unsettled((token, error): &(String, Error)) -> Value {
    json!({"token": token, "error": told(error)})
}

/// Messages that came, and of earlier ones what was said and not heard, and which were put aside.
pub(super) fn messages(all: &[Box<RawValue>], Settled { failed, aside, .. }: &Settled) -> Reply {
    let each: Vec<_> = all.iter().map(|one| one.get()).collect();
    let mut more = String::new();
    for (name, list) in [("failed", failed.iter().map(unsettled).collect()), ("put_aside", json!(aside))] {
        let list: Value = list;
        if list.as_array().is_some_and(|list| !list.is_empty()) {
            more.push_str(&format!(",\"{name}\":{list}"));
        }
    }
    let mut reply = Reply::new(StatusCode::OK, format!("{{\"messages\":[{}]{more}}}", each.join(",")));
    reply.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if !failed.is_empty() {
        reply.headers.insert(Reply::PARTIAL_ERRORS, failed.len().into());
    }
    reply
}

/// The answer to a request, as it came.
pub(super) fn answer(message: Message) -> Reply {
    let media = message.content_type.as_deref().and_then(|media| HeaderValue::from_str(media).ok());
    let media = media.unwrap_or_else(|| {
        HeaderValue::from_static(match std::str::from_utf8(&message.body) {
            Ok(text) if serde_json::from_str::<&RawValue>(text).is_ok() => "application/json",
            Ok(_) => "text/plain; charset=utf-8",
            Err(_) => "application/octet-stream",
        })
    });
    let mut reply = Reply::new(StatusCode::OK, message.body);
    reply.headers.insert(header::CONTENT_TYPE, media);
    reply
}

#[cfg(test)]
mod tests {
    use super::*;

    fn came(body: &'static [u8]) -> Value {
        let message = Message {
            id: Some("1".to_owned()),
            headers: vec![("X-Name".to_owned(), "\"a\"".to_owned())],
            ..Message::bytes("orders", body)
        };
        let one = Delivery {
            message,
            deliveries: None,
            redelivered: true,
            timestamp: Some(1_769_860_800_000),
            facts: vec![("offset", 7.into())],
            mark: Some(()),
        };
        serde_json::from_str(delivery(&one, Some(2), Some("t")).get()).unwrap()
    }

    #[test]
    fn a_pull_whose_acknowledgements_were_not_heard_says_so_in_its_head_too() {
        let lost = || ("t".to_owned(), Error::new(trunkline_core::Kind::Unavailable, "gone"));
        assert!(!messages(&[], &Settled::default()).headers.contains_key(Reply::PARTIAL_ERRORS));
        let mut reply = messages(&[], &Settled { failed: vec![lost(), lost()], ..Settled::default() });
        assert_eq!(reply.headers.remove(Reply::PARTIAL_ERRORS).unwrap(), "2");
    }

    #[test]
    fn a_message_is_told_with_all_that_is_known_of_it() {
        assert_eq!(
            came(b"{\"a\":\r\n 1.00}"),
            json!({
                "queue": "orders", "token": "t", "message_id": "1", "headers": {"X-Name": "\"a\""}, "deliveries": 2,
                "redelivered": true, "timestamp": "2026-01-31T12:00:00Z", "offset": 7, "message": {"a": 1.00},
            })
        );
        assert_eq!(came(b"no json")["text"], "no json");
        assert_eq!(came(b"\xff\0")["base64"], "/wA=");
        assert_eq!(came(b"")["text"], "");
    }
}
