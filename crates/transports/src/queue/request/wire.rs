//! `Wire`: what callers write for `message_queue`, key by key, and the message that is in it.

use std::{borrow::Cow, collections::BTreeMap};

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use serde::{Deserialize, Deserializer, de::IgnoredAny};
use serde_json::value::RawValue;
use trunkline_core::{Error, Message, Result, Seconds, Settlement, Verdict};

use super::missing;

/// What callers write: one of the four.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wire<'a> {
    #[serde(alias = "topic", alias = "subject", alias = "stream", default)]
    pub(super) queue: Option<String>,
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
    pub(super) wait_response: bool,
    // A batch.
    #[serde(borrow, default)]
    pub(super) messages: Option<Vec<&'a RawValue>>,
    // What is to be received.
    #[serde(borrow, default)]
    pub(super) receive: Option<&'a RawValue>,
    // What has become of messages.
    #[serde(default)]
    ack: Option<Vec<String>>,
    #[serde(default, alias = "nack")]
    requeue: Option<Vec<String>>,
    #[serde(default)]
    release: Option<Vec<String>>,
    #[serde(default)]
    reject: Option<Vec<String>>,
    #[serde(default)]
    dead_letter: Option<Vec<String>>,
    #[serde(default)]
    reason: Option<String>,
    #[serde(default)]
    pub(super) timeout: Option<Seconds>,
}

/// The value of a header.
#[derive(Deserialize)]
#[serde(untagged)]
enum Scalar {
    Bool(bool),
    Number(serde_json::Number),
    Text(String),
    Other(IgnoredAny),
}

/// `null` is a message too.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<&'de RawValue>, D::Error> {
    <&RawValue>::deserialize(deserializer).map(Some)
}

impl Wire<'_> {
    /// Whether it is a message by itself.
    pub(super) fn has_body(&self) -> bool {
        self.message.is_some() || self.text.is_some() || self.base64.is_some()
    }

    /// Whether it says what has become of messages, be it of none.
    pub(super) fn settles(&self) -> bool {
        let all = [&self.ack, &self.requeue, &self.release, &self.reject, &self.dead_letter];
        all.iter().any(|tokens| tokens.is_some())
    }

    /// What it says has become of messages.
    pub(super) fn settlements(&mut self) -> Result<Vec<Settlement>> {
        if self.reason.is_some() && self.dead_letter.is_none() {
            return Err(Error::invalid("reason: goes with dead_letter; leave it out, or give that"));
        }
        let reason = self.reason.take().unwrap_or_default();
        let verdicts = [
            (std::mem::take(&mut self.ack), Verdict::Ack),
            (std::mem::take(&mut self.requeue), Verdict::Requeue),
            (std::mem::take(&mut self.release), Verdict::Release),
            (std::mem::take(&mut self.reject), Verdict::Reject),
            (std::mem::take(&mut self.dead_letter), Verdict::DeadLetter(reason)),
        ];
        let all = verdicts.into_iter().flat_map(|(tokens, verdict)| {
            tokens.into_iter().flatten().map(move |token| Settlement { token, verdict: verdict.clone() })
        });
        Ok(all.collect())
    }

    /// One of a batch, which has nothing but a message in it.
    pub(super) fn one(self, queue: Option<&str>) -> Result<Message> {
        if self.settles()
            || self.reason.is_some()
            || self.messages.is_some()
            || self.receive.is_some()
            || self.wait_response
        {
            return Err(Error::invalid("is one message, with nothing else beside it; leave the rest out"));
        }
        if self.timeout.is_some() {
            return Err(Error::invalid("timeout: is for the whole batch; give it beside messages"));
        }
        self.message(queue)
    }

    pub(super) fn message(self, queue: Option<&str>) -> Result<Message> {
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
                let bytes = STANDARD
                    .decode(&*base64)
                    .map_err(|_| Error::invalid("base64: is not base64; give bytes so, or a text as text"))?;
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
                Scalar::Other(_) => {
                    return Err(Error::invalid(format!(
                        "headers.{name}: must be text, a number, true or false"
                    )));
                }
            };
            Ok((name, value))
        });
        Ok(Message {
            destination,
            body,
            text,
            headers: headers.collect::<Result<_>>()?,
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
