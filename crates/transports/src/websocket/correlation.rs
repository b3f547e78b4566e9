//! `Correlation`: which message of a service answers which of ours.

use std::{
    fmt::{self, Write as _},
    ops::Range,
};

use bytes::Bytes;
use schemars::JsonSchema;
use serde::{
    Deserialize, Deserializer,
    de::{self, IntoDeserializer, MapAccess, Visitor, value::MapAccessDeserializer},
};
use serde_json::Value;
use trunkline_core::{Error, Result};

use crate::json::{Found, Pointer, range};

/// How replies are told apart.
#[derive(Debug, Clone, JsonSchema)]
#[schemars(untagged)]
pub(super) enum CorrelationConfig {
    /// `pipelined`: replies come in the order of requests, of which several may be under way on a connection.
    Order(Order),
    /// By an id that a reply repeats.
    Id(IdConfig),
}

/// The order of replies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Order {
    /// One request at a time is under way on a connection.
    One,
    /// Several are, and are answered in their order.
    Pipelined,
}

/// Where the id stands.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct IdConfig {
    /// Where a request has its id, as a JSON pointer such as `/id`. An id of Trunkline's takes the place of the caller's
    /// there, which is put back into the reply.
    request: String,
    /// Where a reply repeats it. As `request` unless set.
    #[serde(default)]
    reply: Option<String>,
    /// Whether ids are numbers, counted from another one on each connection, or texts.
    #[serde(default)]
    ids: Ids,
}

/// What ids look like.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Ids {
    /// 51423, 51424, 51425 …
    #[default]
    Number,
    /// `"k3x9…-1"`, of which the first part is another on each connection.
    Text,
}

impl<'de> Deserialize<'de> for CorrelationConfig {
    /// By hand, for errors that name what is wrong.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = CorrelationConfig;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("\"pipelined\", or an object such as {\"request\": \"/id\"}")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
                Order::deserialize(text.into_deserializer()).map(CorrelationConfig::Order)
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
                IdConfig::deserialize(MapAccessDeserializer::new(map)).map(CorrelationConfig::Id)
            }
        }
        deserializer.deserialize_any(Either)
    }
}

/// How replies are told apart, checked.
#[derive(Debug)]
pub(super) enum Correlation {
    Order(Order),
    Id { request: Pointer, reply: Pointer, ids: Ids },
}

/// Where in a request its id goes.
#[derive(Debug)]
pub(super) struct Slot {
    at: Range<usize>,
    /// What stands before the id where its name is not there yet.
    name: Option<String>,
    /// What follows it then.
    comma: bool,
    /// The caller's own id.
    pub(super) own: Option<Box<str>>,
}

impl CorrelationConfig {
    /// Checks it.
    pub(super) fn open(config: Option<&Self>) -> Result<Correlation> {
        let id = match config {
            None => return Ok(Correlation::Order(Order::One)),
            Some(Self::Order(order)) => return Ok(Correlation::Order(*order)),
            Some(Self::Id(id)) => id,
        };
        let pointer = |key: &str, text: &str| {
            let pointer = Pointer::parse(text).and_then(|pointer| match pointer.name() {
                Some(_) => Ok(pointer),
                None => Err(Error::invalid("must point into the message, such as /id")),
            });
            pointer.map_err(|error| error.at(&format!("correlation.{key}")))
        };
        let reply = id.reply.as_deref().unwrap_or(&id.request);
        Ok(Correlation::Id {
            request: pointer("request", &id.request)?,
            reply: pointer("reply", reply)?,
            ids: id.ids,
        })
    }
}

impl Correlation {
    /// Whether a request is alone on its connection.
    pub(super) fn is_one(&self) -> bool {
        matches!(self, Self::Order(Order::One))
    }

    /// Where the id of a request goes that is answered; nowhere where order decides.
    ///
    /// # Errors
    ///
    /// `invalid_config` where the message has no place for one.
    pub(super) fn slot(&self, text: Option<&str>) -> Result<Option<Slot>> {
        let Self::Id { request, .. } = self else { return Ok(None) };
        let none = |what: &str| Err(Error::invalid(format!("message: {what}")));
        let Some(text) = text else {
            return none(
                "replies are matched by an id, so a message that wants one must be JSON; set wait_response to false",
            );
        };
        match request.find(text) {
            Found::Value(own) => {
                Ok(Some(Slot { at: range(text, own), name: None, comma: false, own: Some(own.into()) }))
            }
            Found::Missing(object) => {
                let start = range(text, object).start;
                let inside = start + object.find('{').map_or(0, |brace| brace + 1);
                let name = Value::from(request.name().unwrap_or_default()).to_string();
                let comma = !text[inside..].trim_start().starts_with('}');
                Ok(Some(Slot { at: inside..inside, name: Some(name), comma, own: None }))
            }
            Found::Twice => none("has its id twice; leave one out"),
            Found::Nothing => {
                none("has no object that an id could be in; see correlation.request of the integration")
            }
        }
    }
}

impl Slot {
    /// The text with this id in its place.
    pub(super) fn fill(&self, text: &str, id: impl fmt::Display) -> String {
        let mut out = String::with_capacity(text.len() + 48);
        out.push_str(&text[..self.at.start]);
        if let Some(name) = &self.name {
            let _ = write!(out, "{name}:");
        }
        let _ = write!(out, "{id}");
        out.push_str(if self.comma { "," } else { "" });
        out.push_str(&text[self.at.end..]);
        out
    }
}

/// A reply with the caller's own id back in it, in the place of ours.
pub(super) fn restored(text: Bytes, ours: Range<usize>, own: Option<&str>) -> Bytes {
    let Some(own) = own else { return text };
    [&text[..ours.start], own.as_bytes(), &text[ours.end..]].concat().into()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn by_id(config: Value) -> Correlation {
        CorrelationConfig::open(Some(&serde_json::from_value(config).unwrap())).unwrap()
    }

    #[test]
    fn an_id_takes_the_place_of_the_callers_or_is_added() {
        let top = by_id(json!({"request": "/id"}));
        let deep = by_id(json!({"request": "/meta/i\"d"}));
        for (correlation, text, filled, own) in [
            (&top, r#"{"id": "abc", "op": 1}"#, r#"{"id": 7, "op": 1}"#, Some("\"abc\"")),
            (&top, r#"{"op": {"id": 1}}"#, r#"{"id":7,"op": {"id": 1}}"#, None),
            (&top, "{ }", r#"{"id":7 }"#, None),
            (&top, r#"{"id":null}"#, r#"{"id":7}"#, Some("null")),
            (&deep, r#"{"meta": {}}"#, r#"{"meta": {"i\"d":7}}"#, None),
        ] {
            let slot = correlation.slot(Some(text)).unwrap().unwrap();
            assert_eq!((&*slot.fill(text, "7"), slot.own.as_deref()), (filled, own), "{text}");
        }
        for (correlation, text, word) in [
            (&deep, Some(r#"{"op": 1}"#), "no object"),
            (&top, Some("[1]"), "no object"),
            (&top, Some("hello"), "no object"),
            (&top, Some(r#"{"id": 1, "id": 2}"#), "twice"),
            (&top, None, "must be JSON"),
        ] {
            let error = correlation.slot(text).unwrap_err();
            assert!(error.message().contains(word), "{text:?}: {error}");
        }
    }

    #[test]
    fn the_callers_id_is_put_back_and_all_else_stays_as_it_is() {
        let text = Bytes::from_static(br#"{"re": 7,  "n": 1.00}"#);
        assert_eq!(restored(text.clone(), 7..8, Some("\"abc\"")), r#"{"re": "abc",  "n": 1.00}"#);
        assert_eq!(restored(text.clone(), 7..8, None), text);
    }
}
