//! `Talk`: what the type `websocket` says over a connection: requests and their replies, and messages for those who
//! listen.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{HeaderValue, StatusCode, header};
use serde_json::value::RawValue;
use tokio::time::Instant;
use trunkline_core::{Credential, Error, Event, Kind, Outcome, Reply, Result};
use yawc::Frame;

use super::{
    correlation::{Correlation, Slot},
    fanout::{Buffer, Fanout, Reader},
    link::{Dialogue, Opened},
    pending::{Answer, Pending},
    socket::Message,
    stir::Stir,
    waiter::Waiter,
};
use crate::json::{Found, Marks, Pointer};

/// What is agreed on with the service.
pub(super) struct Rules {
    pub(super) correlation: Correlation,
    /// What tells a reply from other messages.
    pub(super) replies_have: Marks,
    /// Where a reply says that it is an error.
    pub(super) failed_when: Option<Pointer>,
    /// What is said on every connection first, with `{{credential}}` in it.
    pub(super) on_open: Vec<String>,
    pub(super) buffer: Buffer,
    /// What can be listened to; the stream without a name has all that is no reply.
    pub(super) streams: BTreeMap<String, StreamRules>,
}

/// Something that can be listened to.
pub(super) struct StreamRules {
    pub(super) subscribe: Vec<String>,
    pub(super) unsubscribe: Vec<String>,
    pub(super) marks: Marks,
}

impl std::fmt::Debug for Rules {
    /// Without the messages, which may hold passwords.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Rules")
            .field("correlation", &self.correlation)
            .field("streams", &self.streams.keys())
            .finish_non_exhaustive()
    }
}

/// What a connection can be told.
pub(super) enum Command {
    /// To send a message and give its reply.
    Ask(Message, Option<Slot>, Waiter<Reply>),
    /// To send a message.
    Say(Message, Waiter<Reply>),
    /// To listen to a stream.
    Listen(String, Waiter<Reader>),
}

pub(super) struct Talk {
    rules: Arc<Rules>,
    /// Whether nothing but replies may come: nobody listens here, and any message would be taken for one.
    strict: bool,
    stir: Arc<Stir>,
    pending: Pending,
    /// Those who want to know when their message is on its way.
    said: Vec<Waiter<Reply>>,
    /// Streams that somebody listens to, or did a moment ago.
    streams: BTreeMap<String, Arc<Fanout>>,
}

const JSON: &str = "application/json";

/// What stands for the credential in a message.
pub(crate) const CREDENTIAL: &str = "{{credential}}";

impl Talk {
    /// For requests alone, or for all else too.
    pub(super) fn new(rules: Arc<Rules>, requests_alone: bool, stir: Arc<Stir>) -> Self {
        let pending = Pending::new(&rules.correlation);
        let strict = requests_alone && rules.replies_have.is_empty();
        Self { rules, strict, stir, pending, said: Vec::new(), streams: BTreeMap::new() }
    }

    /// Listens to a stream, which is subscribed to if nobody listened before.
    fn listen(&mut self, name: String, waiter: Waiter<Reader>, out: &mut VecDeque<Frame>) {
        let fanout = match self.streams.get(&name) {
            Some(fanout) => fanout.clone(),
            None => {
                let fanout = Fanout::new(&self.rules.buffer, self.stir.clone());
                out.extend(texts(&self.rules.streams[&name].subscribe));
                self.streams.insert(name, fanout.clone());
                fanout
            }
        };
        waiter.tell(Ok(fanout.reader()));
    }

    /// Gives a message that is no reply to those who listen.
    fn publish(&self, message: &Message) {
        let mut event = None;
        for (name, fanout) in &self.streams {
            let wanted = match message {
                Message::Text(text) => {
                    text_of(text).is_some_and(|text| self.rules.streams[name].marks.are_in(text))
                }
                Message::Binary(_) => self.rules.streams[name].marks.is_empty(),
            };
            if wanted {
                fanout.publish(event.get_or_insert_with(|| event_of(message).frame()).clone());
            }
        }
    }

    /// A message as a reply, or as an error where it says so.
    fn reply(&self, message: Message) -> Result<Reply> {
        match message {
            Message::Binary(bytes) => self.reply_of(bytes, "application/octet-stream"),
            Message::Text(text) if serde_json::from_slice::<&RawValue>(&text).is_ok() => {
                self.reply_of(text, JSON)
            }
            Message::Text(text) => self.reply_of(text, "text/plain; charset=utf-8"),
        }
    }

    fn reply_of(&self, body: Bytes, media: &'static str) -> Result<Reply> {
        let is_error = self.rules.failed_when.as_ref().is_some_and(|pointer| {
            let found = text_of(&body).map(|text| pointer.find(text));
            matches!(found, Some(Found::Value(value)) if !matches!(value.trim(), "null" | "false"))
        });
        let mut reply = Reply::new(StatusCode::OK, body);
        reply.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media));
        match is_error {
            true => Err(Error::new(Kind::Rejected, "the service answered with an error").replied(reply)),
            false => Ok(reply),
        }
    }
}

impl Dialogue for Talk {
    type Command = Command;

    fn opened(&mut self, again: bool, about: &Opened<'_>, out: &mut VecDeque<Frame>) -> Result<()> {
        self.pending = Pending::new(&self.rules.correlation);
        for text in &self.rules.on_open {
            out.push_back(Frame::text(filled(text, about.credential).map_err(|error| error.at("on_open"))?));
        }
        self.streams.retain(|_, fanout| fanout.readers() > 0);
        for (name, fanout) in &self.streams {
            out.extend(texts(&self.rules.streams[name].subscribe));
            if again {
                fanout.publish(Event::named("reconnected", "{}").frame());
            }
        }
        Ok(())
    }

    fn takes(&self) -> bool {
        self.pending.takes()
    }

    fn commanded(&mut self, command: Command, out: &mut VecDeque<Frame>) {
        match command {
            Command::Ask(_, _, waiter) | Command::Say(_, waiter) if waiter.is_gone() => {}
            Command::Ask(message, slot, mut waiter) => {
                waiter.sent();
                out.push_back(frame(self.pending.ask(message, slot, waiter)));
            }
            Command::Say(message, mut waiter) => {
                if let Err(error) = self.pending.say(&message, &self.rules.correlation) {
                    return waiter.tell(Err(error));
                }
                waiter.sent();
                self.said.push(waiter);
                out.push_back(frame(message));
            }
            Command::Listen(name, waiter) => self.listen(name, waiter, out),
        }
    }

    fn flushed(&mut self) {
        for waiter in self.said.drain(..) {
            waiter.tell(Ok(Reply::new(StatusCode::ACCEPTED, "")));
        }
    }

    fn received(&mut self, message: Message, _: &mut VecDeque<Frame>) -> Result<()> {
        let is_reply = self.rules.replies_have.is_empty()
            || matches!(&message, Message::Text(text) if text_of(text).is_some_and(|text| self.rules.replies_have.are_in(text)));
        let answer = if is_reply {
            self.pending.answer(message, &self.rules.correlation)
        } else {
            Answer::None(message)
        };
        match answer {
            Answer::To(waiter, message) => waiter.tell(self.reply(message)),
            Answer::Json(waiter, text) => waiter.tell(self.reply_of(text, JSON)),
            Answer::Late => self.rules.buffer.tally.late(),
            Answer::Unwanted => {}
            Answer::None(_) if self.strict => {
                let message = "the service said something that nobody had asked for, and its replies could not be told from that any more; \
                    set replies_have, or correlation";
                return Err(Error::new(Kind::Protocol, message).outcome_is(Outcome::Unknown));
            }
            Answer::None(message) => self.publish(&message),
        }
        Ok(())
    }

    fn tend(&mut self, stirred: bool, out: &mut VecDeque<Frame>) -> Result<Option<Instant>> {
        if stirred {
            let rules = &self.rules.streams;
            self.streams.retain(|name, fanout| {
                let listened = fanout.readers() > 0;
                if !listened {
                    out.extend(texts(&rules[name].unsubscribe));
                }
                listened
            });
            self.pending.tend()?;
        }
        Ok(None)
    }

    fn lost(&mut self, error: &Error) {
        for waiter in self.pending.drain().chain(self.said.drain(..)) {
            waiter.tell(Err(crate::again::copy(error).outcome_is(Outcome::Unknown)));
        }
    }

    fn given_up(&mut self, error: &Error) {
        for fanout in std::mem::take(&mut self.streams).into_values() {
            fanout.end(&Event::error(error));
        }
    }

    fn refused(command: Command, error: Error) {
        match command {
            Command::Ask(_, _, waiter) | Command::Say(_, waiter) => waiter.tell(Err(error)),
            Command::Listen(_, waiter) => waiter.tell(Err(error)),
        }
    }

    fn is_wanted(&self) -> bool {
        self.streams.values().any(|fanout| fanout.readers() > 0)
    }

    fn is_quiet(&self) -> bool {
        self.pending.is_empty() && self.said.is_empty()
    }
}

fn texts(messages: &[String]) -> impl Iterator<Item = Frame> {
    messages.iter().map(|text| Frame::text(text.clone()))
}

fn frame(message: Message) -> Frame {
    match message {
        Message::Text(text) => Frame::text(text),
        Message::Binary(bytes) => Frame::binary(bytes),
    }
}

/// A text message, which has been checked to be one.
fn text_of(text: &Bytes) -> Option<&str> {
    std::str::from_utf8(text).ok()
}

/// A message with the secret of the credential in it: as a part of a JSON string where the message is JSON, else as it is.
pub(crate) fn filled(text: &str, credential: Option<&Credential>) -> Result<String> {
    if !text.contains(CREDENTIAL) {
        return Ok(text.to_owned());
    }
    let none = "{{credential}} stands for a token, a key or a password, and auth_type has none";
    let secret = match credential {
        Some(credential) => credential.secret()?,
        None => None,
    };
    let secret = secret.ok_or_else(|| Error::invalid(none))?;
    if serde_json::from_str::<&RawValue>(text).is_err() {
        return Ok(text.replace(CREDENTIAL, &secret));
    }
    let quoted = serde_json::Value::from(&*secret).to_string();
    Ok(text.replace(CREDENTIAL, &quoted[1..quoted.len() - 1]))
}

/// A message as those who listen get it.
fn event_of(message: &Message) -> Event {
    match message {
        // What ends a line there would be lost.
        Message::Text(text) if text.contains(&b'\r') => {
            let text = String::from_utf8_lossy(text);
            Event::named("text", serde_json::Value::from(text.into_owned()).to_string())
        }
        Message::Text(text) => Event::message(text.clone()),
        Message::Binary(bytes) => Event::named("binary", STANDARD.encode(bytes)),
    }
}

#[cfg(test)]
mod tests {
    use trunkline_core::{Form, Secret};

    use super::*;

    #[test]
    fn a_credential_is_a_part_of_a_json_string_or_stands_in_a_text_as_it_is() {
        let credential = Credential::new(Form::Bearer(Secret::new(r#"a"b\c"#)));
        for (text, expected) in [
            (r#"{"key":"{{credential}}"}"#, r#"{"key":"a\"b\\c"}"#),
            (r#""{{credential}}""#, r#""a\"b\\c""#),
            ("AUTH {{credential}} {{credential}}", r#"AUTH a"b\c a"b\c"#),
            ("{{credential}}", r#"a"b\c"#),
            ("{}", "{}"),
        ] {
            assert_eq!(filled(text, Some(&credential)).unwrap(), expected);
        }
        assert!(filled("{{credential}}", None).unwrap_err().message().contains("auth_type"));
    }
}
