//! `Publish`: messages to send, to a queue or over a WebSocket, and what goes along with each.

use std::time::Duration;

use bytes::Bytes;
use serde::Serialize;

use crate::{Error, RequestId, Result};

/// Messages to send, with or without a reply to wait for.
#[derive(Debug)]
pub struct Publish {
    /// The messages. More than one are a batch: each has a result of its own.
    pub messages: Vec<Message>,
    /// Whether the reply lists a result for each message, however many there are.
    pub batch: bool,
    /// Whether a reply is waited for. Not for a batch.
    pub wants_reply: bool,
    /// How long the caller wants to wait for the call at most. The integration's own time limit holds as well.
    pub timeout: Option<Duration>,
    /// What the ids begin with that [`Publish::name`] has made.
    pub made: Option<String>,
}

/// A message. What a protocol has no place for is an error there, never left out in silence.
#[derive(Debug, Clone, Default)]
pub struct Message {
    /// A queue, topic, subject or stream; empty for a WebSocket.
    pub destination: String,
    /// What the message says.
    pub body: Bytes,
    /// Whether the body is text, where the protocol tells text from bytes.
    pub text: bool,
    /// Headers of the message, as they are spelled.
    pub headers: Vec<(String, String)>,
    /// The media type of the body.
    pub content_type: Option<String>,
    /// What tells the message from all others, also where it is sent a second time; a UUIDv7 where nobody names one.
    pub id: Option<String>,
    /// What messages are kept together and in order by.
    pub key: Option<String>,
    /// The partition of a topic.
    pub partition: Option<i32>,
    /// After so long nobody wants it any more.
    pub expires: Option<Duration>,
    /// Messages of a higher one come first, where a queue is made for it.
    pub priority: Option<u8>,
    /// Whether it may be lost when the broker restarts.
    pub transient: bool,
    /// An exchange to send it to, instead of the queue itself.
    pub exchange: Option<String>,
    /// By what an exchange routes it; the destination unless set.
    pub routing_key: Option<String>,
    /// What ties it to another message.
    pub correlation_id: Option<String>,
    /// Where an answer to it is expected, by whoever is not this call.
    pub reply_to: Option<String>,
    /// The quality of service of MQTT: 0, 1 or 2.
    pub qos: Option<u8>,
    /// Whether MQTT keeps it for those who subscribe later.
    pub retain: bool,
}

impl Message {
    /// A text for a queue, topic, subject or stream.
    pub fn text(destination: impl Into<String>, text: impl Into<String>) -> Self {
        let (destination, body) = (destination.into(), Bytes::from(text.into()));
        Self { destination, body, text: true, ..Self::default() }
    }

    /// Bytes for a queue, topic, subject or stream.
    pub fn bytes(destination: impl Into<String>, bytes: impl Into<Bytes>) -> Self {
        Self { destination: destination.into(), body: bytes.into(), ..Self::default() }
    }

    /// A value for a queue, topic, subject or stream, written as JSON.
    ///
    /// # Errors
    ///
    /// `invalid_config` when the value cannot be written as JSON.
    pub fn json(destination: impl Into<String>, value: &impl Serialize) -> Result<Self> {
        let json = serde_json::to_string(value)
            .map_err(|error| Error::invalid("the message cannot be written as JSON").source(error))?;
        Ok(Self { content_type: Some("application/json".to_owned()), ..Self::text(destination, json) })
    }

    /// The value of a header, whichever way its name is spelled.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| &**value)
    }

    /// Sets a header, in place of any of that name.
    pub fn set_header(&mut self, name: &str, value: impl Into<String>) {
        self.headers.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
        self.headers.push((name.to_owned(), value.into()));
    }
}

impl Publish {
    /// A message without a reply.
    pub fn new(message: Message) -> Self {
        Self { messages: vec![message], batch: false, wants_reply: false, timeout: None, made: None }
    }

    /// Messages that are sent together; the reply lists what became of each.
    pub fn batch(messages: Vec<Message>) -> Self {
        Self { messages, batch: true, wants_reply: false, timeout: None, made: None }
    }

    /// Gives an id to each message that has none, once for all attempts: whoever gets a message twice can tell. In a batch the
    /// place of the message stands behind what they all begin with.
    pub fn name(&mut self) {
        let nameless = self.messages.iter_mut().enumerate().filter(|(_, message)| message.id.is_none());
        for (n, message) in nameless {
            let made = self.made.get_or_insert_with(|| RequestId::new().to_string());
            message.id = Some(if self.batch { format!("{made}-{n}") } else { made.clone() });
        }
    }

    /// By which ids whoever sends the messages again names them: `message_id`, or of a batch `message_ids`. `None` where its
    /// caller has named all.
    pub fn names(&self) -> Option<(&'static str, String)> {
        let made = self.made.as_deref()?;
        Some(match (self.batch, self.messages.len()) {
            (true, count) => ("message_ids", format!("{made}-0 to {made}-{}", count.saturating_sub(1))),
            (false, _) => ("message_id", made.to_owned()),
        })
    }

    /// A text for a WebSocket, whose reply is waited for.
    pub fn text(text: impl Into<String>) -> Self {
        Self::new(Message::text("", text)).reply()
    }

    /// Bytes for a WebSocket, whose reply is waited for.
    pub fn bytes(bytes: impl Into<Bytes>) -> Self {
        Self::new(Message::bytes("", bytes)).reply()
    }

    /// A value for a WebSocket, written as JSON, whose reply is waited for.
    ///
    /// # Errors
    ///
    /// `invalid_config` when the value cannot be written as JSON.
    pub fn json(value: &impl Serialize) -> Result<Self> {
        Message::json("", value).map(|message| Self::new(message).reply())
    }

    /// Waits for a reply.
    #[must_use]
    pub fn reply(mut self) -> Self {
        self.wants_reply = true;
        self
    }

    /// Waits for no reply.
    #[must_use]
    pub fn no_reply(mut self) -> Self {
        self.wants_reply = false;
        self
    }
}
