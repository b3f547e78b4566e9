//! A message as an entry of a stream, and back.

use std::collections::HashMap;

use bytes::Bytes;
use redis::{Cmd, Value as Said};
use serde_json::{Map, Value};
use trunkline_core::Message;

/// The fields of an entry. Headers stand behind them, each with a prefix.
const BODY: &str = "body";
const ID: &str = "message_id";
const MEDIA: &str = "content_type";
const KEY: &str = "key";
const CORRELATION: &str = "correlation_id";
const REPLY_TO: &str = "reply_to";
const HEADER: &str = "header:";

/// Writes a message as the fields of an entry.
pub(super) fn write(message: &Message, add: &mut Cmd) {
    let fields = [
        (ID, &message.id),
        (MEDIA, &message.content_type),
        (KEY, &message.key),
        (CORRELATION, &message.correlation_id),
        (REPLY_TO, &message.reply_to),
    ];
    for (name, value) in fields {
        if let Some(value) = value {
            add.arg(name).arg(value);
        }
    }
    for (name, value) in &message.headers {
        add.arg(format!("{HEADER}{name}")).arg(value);
    }
    add.arg(BODY).arg(&message.body[..]);
}

/// An entry that was read: its id and a message.
pub(super) struct Entry {
    pub(super) id: String,
    pub(super) message: Message,
}

impl Entry {
    /// When it was added, in milliseconds since 1970: the first part of its id.
    pub(super) fn timestamp(&self) -> Option<i64> {
        self.id.split('-').next()?.parse().ok()
    }
}

/// The entries in an answer: each an id and its fields. One that was deleted has no fields, and is none.
pub(super) fn entries(stream: &str, said: &Said) -> Vec<Entry> {
    let Said::Array(all) = said else { return Vec::new() };
    let one = |said: &Said| {
        let Said::Array(pair) = said else { return None };
        let [id, Said::Array(fields)] = &**pair else { return None };
        let fields = fields.chunks_exact(2).filter_map(|pair| Some((text(&pair[0])?, bytes(&pair[1])?)));
        Some(Entry { id: text(id)?, message: read(stream, fields.collect()) })
    };
    all.iter().filter_map(one).collect()
}

/// A message out of the fields of an entry. Where somebody else wrote it, it is an object of its fields.
fn read(stream: &str, fields: Vec<(String, Bytes)>) -> Message {
    let mut message = Message { destination: stream.to_owned(), ..Message::default() };
    if !fields.iter().any(|(name, _)| name == BODY) {
        let object: Map<_, _> = fields
            .into_iter()
            .map(|(name, value)| (name, Value::from(String::from_utf8_lossy(&value).into_owned())))
            .collect();
        message.body = Value::Object(object).to_string().into();
        return message;
    }
    for (name, value) in fields {
        let text = || Some(String::from_utf8_lossy(&value).into_owned());
        match &*name {
            BODY => message.body = value,
            ID => message.id = text(),
            MEDIA => message.content_type = text(),
            KEY => message.key = text(),
            CORRELATION => message.correlation_id = text(),
            REPLY_TO => message.reply_to = text(),
            _ => {
                let name = name.strip_prefix(HEADER).unwrap_or(&name).to_owned();
                message.headers.push((name, text().unwrap_or_default()));
            }
        }
    }
    message
}

fn bytes(said: &Said) -> Option<Bytes> {
    match said {
        Said::BulkString(bytes) => Some(Bytes::from(bytes.clone())),
        Said::SimpleString(text) => Some(text.clone().into()),
        Said::Int(number) => Some(number.to_string().into()),
        _ => None,
    }
}

pub(super) fn text(said: &Said) -> Option<String> {
    bytes(said).map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
}

/// A number that is not negative.
pub(super) fn number(said: &Said) -> Option<u64> {
    match said {
        Said::Int(number) => u64::try_from(*number).ok(),
        _ => None,
    }
}

/// A list of maps, each written as names and values in turn.
pub(super) fn maps(said: &Said) -> Vec<HashMap<String, Said>> {
    let Said::Array(all) = said else { return Vec::new() };
    let one = |said: &Said| match said {
        Said::Array(pairs) => {
            pairs.chunks_exact(2).filter_map(|pair| Some((text(&pair[0])?, pair[1].clone()))).collect()
        }
        _ => HashMap::new(),
    };
    all.iter().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bulk(text: &str) -> Said {
        Said::BulkString(text.as_bytes().to_vec())
    }

    #[test]
    fn what_somebody_else_wrote_is_an_object_of_its_fields() {
        let fields = Said::Array(vec![bulk("sensor"), bulk("7"), bulk("value"), bulk("1.5")]);
        let deleted = Said::Array(vec![bulk("2-0"), Said::Nil]);
        let said = Said::Array(vec![Said::Array(vec![bulk("1769860800000-0"), fields]), deleted]);
        let found = entries("s", &said);
        assert_eq!(found.len(), 1, "one was deleted");
        assert_eq!(found[0].message.body, r#"{"sensor":"7","value":"1.5"}"#);
        assert_eq!(found[0].timestamp(), Some(1_769_860_800_000));
    }
}
