//! `Message`: one that was pulled, as the queue integration tells it, or came as a webhook, with every part as it was written.

use std::{borrow::Cow, collections::BTreeMap};

use base64::{Engine, engine::general_purpose::STANDARD};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{
    Map, Value,
    value::{RawValue, to_raw_value},
};
use trunkline_core::{Error, Kind, Outcome, Result};
use url::form_urlencoded;

/// What a pull is answered with.
#[derive(Deserialize)]
struct Pulled {
    messages: Vec<Message>,
}

/// A message that came. Whatever else is told of it is nobody's business here.
#[derive(Default, Deserialize)]
pub(crate) struct Message {
    pub(super) token: Option<String>,
    pub(super) queue: String,
    pub(crate) message_id: Option<String>,
    pub(crate) key: Option<String>,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    pub(super) deliveries: Option<u32>,
    #[serde(default)]
    redelivered: bool,
    partition: Option<i64>,
    offset: Option<i64>,
    stream: Option<String>,
    sequence: Option<u64>,
    entry: Option<String>,
    #[serde(default, deserialize_with = "present")]
    message: Option<Box<RawValue>>,
    text: Option<String>,
    base64: Option<String>,
}

/// What tells a message from every other one of its queue. No two kinds are written alike.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum Identity<'a> {
    /// Its own.
    Id(&'a str),
    /// Where it stands in a partition, as of Kafka, or in a stream of RabbitMQ.
    Offset(i64, i64),
    /// Where it stands in a stream of NATS.
    Sequence(&'a str, u64),
    /// Its entry in a stream of Redis.
    Entry([&'a str; 1]),
}

/// `null` is a message too.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Box<RawValue>>, D::Error> {
    <Box<RawValue>>::deserialize(deserializer).map(Some)
}

/// The messages of a pull.
pub(super) fn messages(reply: &[u8]) -> Result<Vec<Message>> {
    let pulled = serde_json::from_slice::<Pulled>(reply).map_err(|error| {
        Error::new(Kind::Protocol, "what the queue handed out is not a list of messages")
            .outcome_is(Outcome::Applied)
            .source(error)
    });
    pulled.map(|pulled| pulled.messages)
}

impl Message {
    /// One that came as an HTTP request: JSON as it was written, a form as an object, any other text as it is, and bytes in
    /// base64.
    pub(crate) fn of_request(
        queue: &str,
        message_id: Option<String>,
        headers: BTreeMap<String, String>,
        body: &[u8],
    ) -> Self {
        let form = headers.iter().any(|(name, value)| {
            let media = value.split(';').next().unwrap_or_default().trim();
            name.eq_ignore_ascii_case("content-type")
                && media.eq_ignore_ascii_case("application/x-www-form-urlencoded")
        });
        let message = if form { to_raw_value(&fields(body)).ok() } else { serde_json::from_slice(body).ok() };
        let text = std::str::from_utf8(body).ok().filter(|_| message.is_none()).map(str::to_owned);
        let base64 = (message.is_none() && text.is_none()).then(|| STANDARD.encode(body));
        Self { queue: queue.to_owned(), message_id, headers, message, text, base64, ..Self::default() }
    }

    /// What tells it from every other message of its queue: its id, or where it stands. `None` where the broker tells neither.
    pub(super) fn identity(&self) -> Option<Identity<'_>> {
        let Self { message_id, partition, offset, stream, sequence, entry, .. } = self;
        if let Some(id) = message_id {
            return Some(Identity::Id(id));
        }
        match (offset, stream, sequence, entry) {
            (Some(offset), ..) => Some(Identity::Offset(partition.unwrap_or_default(), *offset)),
            // Queues in memory have a sequence too, which begins anew with the process.
            (_, Some(stream), Some(sequence), _) => Some(Identity::Sequence(stream, *sequence)),
            (.., Some(entry)) => Some(Identity::Entry([entry])),
            _ => None,
        }
    }

    /// Where it stands, as far as the broker tells: there it is whenever it comes, and no other message is.
    pub(super) fn place(&self) -> impl Serialize {
        let Self { partition, offset, stream, sequence, entry, .. } = self;
        (partition, offset, stream.as_ref().zip(*sequence), entry)
    }

    /// Its headers of which that holds, in the order of their names.
    pub(super) fn headers(&self, which: impl Fn(&str) -> bool) -> impl Iterator<Item = (&str, &str)> {
        let all = self.headers.iter().map(|(name, value)| (&**name, &**value));
        all.filter(move |(name, _)| which(name))
    }

    /// Whether it may have come before, as far as the broker knows.
    pub(super) fn may_have_come_before(&self) -> bool {
        self.redelivered || self.deliveries.is_some_and(|count| count > 1)
    }

    /// The message itself as JSON: as it was written, or a string of its text, or of its bytes in base64.
    pub(super) fn body(&self) -> Cow<'_, str> {
        match (&self.message, &self.text, &self.base64) {
            (Some(json), ..) => json.get().into(),
            (None, Some(text), _) | (None, None, Some(text)) => quoted(text).into(),
            (None, None, None) => "null".into(),
        }
    }

    /// The part of the message that the steps of a JSON pointer lead to (RFC 6901), as it was written.
    pub(crate) fn part(&self, steps: &[String]) -> Option<Cow<'_, str>> {
        let body = self.message.as_deref();
        let Some(body) = body.filter(|_| !steps.is_empty()) else {
            return steps.is_empty().then(|| self.body());
        };
        let mut at = body;
        for step in steps {
            at = match at.get().as_bytes().first() {
                Some(b'{') => {
                    let mut members: BTreeMap<Cow<'_, str>, &RawValue> =
                        serde_json::from_str(at.get()).ok()?;
                    members.remove(step.as_str())?
                }
                Some(b'[') => {
                    let number = step == "0" || !step.starts_with(['0', '+']);
                    let n: usize = step.parse().ok().filter(|_| number)?;
                    let items: Vec<&RawValue> = serde_json::from_str(at.get()).ok()?;
                    items.into_iter().nth(n)?
                }
                _ => return None,
            };
        }
        Some(at.get().into())
    }

    /// A header, whichever way its name is spelled.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| &**value)
    }
}

/// The fields of a form: each a text, or a list where one is there several times.
fn fields(body: &[u8]) -> Map<String, Value> {
    let mut fields = Map::new();
    for (name, value) in form_urlencoded::parse(body) {
        let value = Value::from(value.into_owned());
        match fields.get_mut(&*name) {
            None => drop(fields.insert(name.into_owned(), value)),
            Some(Value::Array(values)) => values.push(value),
            Some(first) => *first = Value::Array(vec![first.take(), value]),
        }
    }
    fields
}

/// A text as JSON.
pub(super) fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_message_is_known_by_its_id_or_by_where_it_stands() {
        let known = |facts: Value| {
            let mut message = json!({"queue": "orders", "message": 1});
            message.as_object_mut().unwrap().extend(facts.as_object().unwrap().clone());
            let message: Message = serde_json::from_value(message).unwrap();
            serde_json::to_value(message.identity()).unwrap()
        };
        assert_eq!(known(json!({"message_id": "m-1", "partition": 3, "offset": 7})), "m-1");
        assert_eq!(known(json!({"partition": 3, "offset": 7})), json!([3, 7]));
        assert_eq!(known(json!({"offset": 7, "delivery_tag": 1})), json!([0, 7]));
        assert_eq!(known(json!({"stream": "orders", "sequence": 7})), json!(["orders", 7]));
        assert_eq!(known(json!({"entry": "1-0"})), json!(["1-0"]));
        // Where a queue in memory begins anew, and what RabbitMQ counts for each channel, tell nothing.
        assert_eq!(known(json!({"sequence": 7})), Value::Null);
        assert_eq!(known(json!({"delivery_tag": 1, "exchange": "e"})), Value::Null);
    }
}
