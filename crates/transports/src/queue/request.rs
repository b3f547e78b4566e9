//! The JSON that a caller sends for `message_queue`: a message, a batch of them, what is to be received, or what has become
//! of messages.

use std::{borrow::Cow, collections::BTreeMap, time::Duration};

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use trunkline_core::{
    Ack, Error, Message, Operation, Publish, Receive, Result, Seconds, Settlement, Start, Verdict, parse,
};

/// What callers write: one of the four.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire<'a> {
    #[serde(alias = "topic", alias = "subject", alias = "stream", default)]
    queue: Option<String>,
    // A message.
    #[serde(borrow, default, deserialize_with = "present")]
    message: Option<&'a RawValue>,
    #[serde(borrow, default)]
    text: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    base64: Option<Cow<'a, str>>,
    #[serde(default)]
    headers: BTreeMap<String, Scalar>,
    #[serde(default)]
    content_type: Option<String>,
    #[serde(default)]
    message_id: Option<String>,
    #[serde(default)]
    key: Option<String>,
    #[serde(default)]
    partition: Option<i32>,
    #[serde(default)]
    expires: Option<Seconds>,
    #[serde(default)]
    priority: Option<u8>,
    #[serde(default)]
    persistent: Option<bool>,
    #[serde(default)]
    exchange: Option<String>,
    #[serde(default)]
    routing_key: Option<String>,
    #[serde(default)]
    correlation_id: Option<String>,
    #[serde(default)]
    reply_to: Option<String>,
    #[serde(default)]
    qos: Option<u8>,
    #[serde(default)]
    retain: bool,
    #[serde(default)]
    wait_response: bool,
    // A batch.
    #[serde(borrow, default)]
    messages: Option<Vec<&'a RawValue>>,
    // What is to be received.
    #[serde(borrow, default)]
    receive: Option<&'a RawValue>,
    // What has become of messages.
    #[serde(default)]
    ack: Vec<String>,
    #[serde(default, alias = "nack")]
    requeue: Vec<String>,
    #[serde(default)]
    reject: Vec<String>,
    #[serde(default)]
    dead_letter: Vec<String>,
    #[serde(default)]
    reason: Option<String>,
    #[serde(default)]
    timeout: Option<Seconds>,
}

/// What is to be received.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Pull {
    #[serde(default = "one")]
    max: u32,
    #[serde(default)]
    wait: Option<Seconds>,
    #[serde(default)]
    group: Option<String>,
    #[serde(default)]
    from: Option<From>,
    #[serde(default)]
    ack: Ack,
}

/// What is listened to.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Listen {
    #[serde(alias = "topic", alias = "subject", alias = "stream")]
    queue: String,
    #[serde(default)]
    group: Option<String>,
    #[serde(default)]
    from: Option<From>,
    #[serde(default)]
    ack: Ack,
    #[serde(default)]
    prefetch: Option<Number>,
    #[serde(default)]
    timeout: Option<Seconds>,
}

/// Where to begin: a word, a time, or an offset.
#[derive(Deserialize)]
#[serde(untagged)]
enum From {
    Offset(u64),
    Text(String),
}

/// A number, also as a query has it.
#[derive(Deserialize)]
#[serde(untagged)]
enum Number {
    Number(u32),
    Text(String),
}

/// The value of a header.
#[derive(Deserialize)]
#[serde(untagged)]
enum Scalar {
    Bool(bool),
    Number(serde_json::Number),
    Text(String),
}

/// `null` is a message too.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<&'de RawValue>, D::Error> {
    <&RawValue>::deserialize(deserializer).map(Some)
}

fn one() -> u32 {
    1
}

/// So many messages are received, or sent as a batch, at once.
pub(super) const MOST: usize = 10_000;
/// So long a pull waits at most, and unless its caller says how long.
const LONGEST: Duration = Duration::from_secs(60);

fn read<'a, T: Deserialize<'a>>(request: &'a RawValue) -> Result<T> {
    match serde_json::from_str(request.get()) {
        Ok(wire) => Ok(wire),
        // Once more, for an error with the path of what is wrong.
        Err(_) => parse::text(request.get().as_bytes()),
    }
}

/// Turns the JSON into an operation.
pub(super) fn parse(request: &RawValue) -> Result<Operation> {
    // serde takes an array for the fields of a structure in their order.
    if !request.get().starts_with('{') {
        return Err(Error::invalid(
            "expected an object such as {\"queue\": \"orders\", \"message\": {\"id\": 1}}",
        ));
    }
    let mut wire: Wire<'_> = read(request)?;
    let timeout = wire.timeout.map(Seconds::get);
    let settle = wire.settlements()?;
    match (wire.messages.take(), wire.receive.take()) {
        (None, None) if !settle.is_empty() => {
            if wire.has_body() || wire.queue.is_some() {
                return Err(Error::invalid(
                    "message: acknowledge in a call of its own, which has neither queue nor message; or with receive",
                ));
            }
            Ok(Receive { timeout, ..Receive::settle(settle) }.into())
        }
        (Some(_), Some(_)) => {
            Err(Error::invalid("receive: is one thing and messages another; send two calls"))
        }
        (None, Some(pull)) => {
            if wire.has_body() {
                return Err(Error::invalid("receive: is one thing and message another; send two calls"));
            }
            let pull: Pull = read(pull).map_err(|error| error.at("receive"))?;
            let source = wire.queue.ok_or_else(missing)?;
            Ok(Receive { settle, timeout, ..pull.open(source).map_err(|error| error.at("receive"))? }.into())
        }
        (Some(messages), None) => {
            if wire.has_body() || wire.wait_response || !settle.is_empty() {
                return Err(Error::invalid(
                    "messages: stand alone, without message, wait_response or ack beside them",
                ));
            }
            if messages.is_empty() || messages.len() > MOST {
                return Err(Error::invalid(format!("messages: there must be from 1 to {MOST}")));
            }
            let each = messages.iter().enumerate().map(|(n, message)| {
                let one = read::<Wire<'_>>(message).and_then(|one| one.one(wire.queue.as_deref()));
                one.map_err(|error| error.at(&format!("messages[{n}]")))
            });
            let messages = each.collect::<Result<_>>()?;
            Ok(Publish { timeout, ..Publish::batch(messages) }.into())
        }
        (None, None) => {
            let wants_reply = wire.wait_response;
            let message = wire.message(None)?;
            Ok(Publish { wants_reply, timeout, ..Publish::new(message) }.into())
        }
    }
}

/// Turns the JSON into what is listened to.
pub(super) fn parse_stream(request: &RawValue) -> Result<Operation> {
    if !request.get().starts_with('{') {
        return Err(Error::invalid("expected an object such as {\"queue\": \"orders\"}"));
    }
    let wire: Listen = read(request)?;
    let prefetch = match wire.prefetch {
        None => None,
        Some(Number::Number(number)) => Some(number),
        Some(Number::Text(text)) => {
            Some(text.parse().map_err(|_| Error::invalid("prefetch: must be a number"))?)
        }
    };
    if prefetch.is_some_and(|prefetch| prefetch == 0 || prefetch as usize > MOST) {
        return Err(Error::invalid(format!("prefetch: must be from 1 to {MOST}")));
    }
    Ok(Receive {
        group: wire.group,
        start: start(wire.from)?,
        ack: wire.ack,
        prefetch,
        timeout: wire.timeout.map(Seconds::get),
        ..Receive::stream(wire.queue)
    }
    .into())
}

fn missing() -> Error {
    Error::invalid("queue: is missing; name the queue, topic, subject or stream")
}

fn start(from: Option<From>) -> Result<Option<Start>> {
    let text = match from {
        None => return Ok(None),
        Some(From::Offset(offset)) => return Ok(Some(Start::Offset(offset))),
        Some(From::Text(text)) => text,
    };
    let time = || text.parse::<jiff::Timestamp>().ok().map(|time| Start::Time(time.as_millisecond()));
    let start = match &*text {
        "earliest" => Some(Start::Earliest),
        "latest" => Some(Start::Latest),
        text => text.parse().ok().map(Start::Offset).or_else(time),
    };
    let unknown = "from: must be earliest, latest, an offset, or a time such as 2026-01-31T12:00:00Z";
    start.map(Some).ok_or_else(|| Error::invalid(unknown))
}

impl Pull {
    fn open(self, source: String) -> Result<Receive> {
        if self.max == 0 || self.max as usize > MOST {
            return Err(Error::invalid(format!("max: must be from 1 to {MOST}")));
        }
        let wait = self.wait.map_or(Duration::ZERO, Seconds::get);
        if wait > LONGEST {
            return Err(Error::invalid(
                "wait: must be at most 60 seconds; for more, pull again, or subscribe",
            ));
        }
        Ok(Receive {
            group: self.group,
            start: start(self.from)?,
            ack: self.ack,
            ..Receive::pull(source, self.max, wait)
        })
    }
}

impl Wire<'_> {
    /// Whether it is a message by itself.
    fn has_body(&self) -> bool {
        self.message.is_some() || self.text.is_some() || self.base64.is_some()
    }

    /// What it says has become of messages.
    fn settlements(&mut self) -> Result<Vec<Settlement>> {
        if self.reason.is_some() && self.dead_letter.is_empty() {
            return Err(Error::invalid("reason: goes with dead_letter"));
        }
        let reason = self.reason.take().unwrap_or_default();
        let verdicts = [
            (std::mem::take(&mut self.ack), Verdict::Ack),
            (std::mem::take(&mut self.requeue), Verdict::Requeue),
            (std::mem::take(&mut self.reject), Verdict::Reject),
            (std::mem::take(&mut self.dead_letter), Verdict::DeadLetter(reason)),
        ];
        let all = verdicts.into_iter().flat_map(|(tokens, verdict)| {
            tokens.into_iter().map(move |token| Settlement { token, verdict: verdict.clone() })
        });
        Ok(all.collect())
    }

    /// One of a batch, which has nothing but a message in it.
    fn one(mut self, queue: Option<&str>) -> Result<Message> {
        let settles = !self.settlements()?.is_empty();
        if settles || self.messages.is_some() || self.receive.is_some() || self.wait_response {
            return Err(Error::invalid("is one message, with nothing else beside it"));
        }
        if self.timeout.is_some() {
            return Err(Error::invalid("timeout: is for the whole batch"));
        }
        self.message(queue)
    }

    fn message(self, queue: Option<&str>) -> Result<Message> {
        let destination = match (self.queue, queue, &self.exchange, &self.routing_key) {
            (Some(queue), ..) => queue,
            (None, Some(queue), ..) => queue.to_owned(),
            // An exchange may need no more.
            (None, None, Some(_), key) => key.clone().unwrap_or_default(),
            (None, None, None, _) => return Err(missing()),
        };
        let (body, text, media) = match (self.message, self.text, self.base64) {
            (Some(json), None, None) => {
                (Bytes::copy_from_slice(json.get().as_bytes()), true, Some("application/json"))
            }
            (None, Some(text), None) => (text.into_owned().into(), true, Some("text/plain; charset=utf-8")),
            (None, None, Some(base64)) => {
                let bytes = STANDARD.decode(&*base64).map_err(|_| Error::invalid("base64: is not base64"))?;
                (bytes.into(), false, None)
            }
            (None, None, None) => {
                return Err(Error::invalid(
                    "message: is missing; give message (JSON), text, or base64 (bytes)",
                ));
            }
            _ => {
                return Err(Error::invalid(
                    "message: is one thing; give message, text or base64, not several",
                ));
            }
        };
        let headers = self.headers.into_iter().map(|(name, value)| {
            let value = match value {
                Scalar::Bool(value) => value.to_string(),
                Scalar::Number(value) => value.to_string(),
                Scalar::Text(value) => value,
            };
            (name, value)
        });
        Ok(Message {
            destination,
            body,
            text,
            headers: headers.collect(),
            content_type: self.content_type.or_else(|| media.map(str::to_owned)),
            id: self.message_id,
            key: self.key,
            partition: self.partition,
            expires: self.expires.map(Seconds::get),
            priority: self.priority,
            transient: self.persistent == Some(false),
            exchange: self.exchange,
            routing_key: self.routing_key,
            correlation_id: self.correlation_id,
            reply_to: self.reply_to,
            qos: self.qos,
            retain: self.retain,
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn request(json: &Value) -> Result<Operation> {
        parse(&serde_json::value::to_raw_value(json).unwrap())
    }

    #[test]
    fn a_message_is_json_as_it_is_written_text_or_bytes() {
        for (json, body, media) in [
            (json!({"queue": "q", "message": {"n": 1}}), "{\"n\":1}", Some("application/json")),
            (json!({"queue": "q", "message": null}), "null", Some("application/json")),
            (json!({"topic": "q", "text": "hi"}), "hi", Some("text/plain; charset=utf-8")),
            (json!({"subject": "q", "base64": "aGk="}), "hi", None),
            (json!({"queue": "q", "base64": "aGk=", "content_type": "image/png"}), "hi", Some("image/png")),
        ] {
            let Operation::Publish(publish) = request(&json).unwrap() else { panic!("{json}") };
            let message = &publish.messages[0];
            assert_eq!((&*message.destination, &*message.body), ("q", body.as_bytes()), "{json}");
            assert_eq!(message.content_type.as_deref(), media, "{json}");
            assert!(!publish.wants_reply && !publish.batch, "{json}");
        }
    }

    #[test]
    fn a_batch_has_a_queue_for_all_who_name_none() {
        let json = json!({"queue": "q", "messages": [{"text": "a"}, {"queue": "r", "text": "b"}]});
        let Operation::Publish(publish) = request(&json).unwrap() else { panic!() };
        let all: Vec<_> = publish.messages.iter().map(|message| &*message.destination).collect();
        assert_eq!(all, ["q", "r"]);
        assert!(publish.batch);
    }

    #[test]
    fn a_pull_says_how_much_and_may_acknowledge_what_came_before() {
        let json = json!({
            "queue": "q", "receive": {"max": 10, "wait": "5s", "group": "g", "from": "earliest", "ack": "auto"},
            "ack": ["a"], "nack": ["b"], "dead_letter": ["c"], "reason": "bad",
        });
        let Operation::Receive(receive) = request(&json).unwrap() else { panic!() };
        assert_eq!((receive.max, receive.wait, receive.ack), (10, Duration::from_secs(5), Ack::Auto));
        assert_eq!((receive.group.as_deref(), receive.start), (Some("g"), Some(Start::Earliest)));
        let verdicts: Vec<_> = receive.settle.iter().map(|one| (&*one.token, one.verdict.clone())).collect();
        assert_eq!(
            verdicts,
            [("a", Verdict::Ack), ("b", Verdict::Requeue), ("c", Verdict::DeadLetter("bad".to_owned()))]
        );
    }

    #[test]
    fn a_start_is_a_word_an_offset_or_a_time() {
        for (text, expected) in [
            (json!("earliest"), Start::Earliest),
            (json!("latest"), Start::Latest),
            (json!(17), Start::Offset(17)),
            (json!("17"), Start::Offset(17)),
            (json!("2026-01-31T12:00:00Z"), Start::Time(1_769_860_800_000)),
        ] {
            let from = serde_json::from_value(text.clone()).unwrap();
            assert_eq!(start(Some(from)).unwrap(), Some(expected), "{text}");
        }
    }

    #[test]
    fn bad_requests_name_the_key() {
        for (json, word) in [
            (json!({}), "queue"),
            (json!({"queue": "q"}), "message"),
            (json!({"message": 1}), "queue"),
            (json!({"queue": "q", "message": 1, "text": "x"}), "not several"),
            (json!({"queue": "q", "base64": "%"}), "base64"),
            (json!({"queue": "q", "mesage": 1}), "did you mean `message`"),
            (json!({"queue": "q", "messages": []}), "messages"),
            (json!({"queue": "q", "messages": [{"text": "a"}, {}]}), "messages[1]"),
            (json!({"queue": "q", "messages": [{"text": "a", "ack": ["t"]}]}), "messages[0]"),
            (json!({"queue": "q", "receive": {"max": 0}}), "receive"),
            (json!({"queue": "q", "receive": {"wait": "5m"}}), "wait"),
            (json!({"queue": "q", "receive": {"from": "newest"}}), "from"),
            (json!({"receive": {}}), "queue"),
            (json!({"queue": "q", "message": 1, "ack": ["t"]}), "own"),
            (json!({"ack": ["t"], "reason": "x"}), "reason"),
            (json!([]), "expected"),
        ] {
            let error = request(&json).unwrap_err();
            assert!(error.message().contains(word), "{json}: {error}");
        }
    }
}
