//! A message as NATS has it, and back.

use std::str::FromStr;

use async_nats::{HeaderMap, HeaderName, HeaderValue};
use trunkline_core::{Error, Message, Result};

use crate::queue::place::{only, texts};

/// What NATS has no place for of its own stands in headers.
const ID: &str = "Nats-Msg-Id";
const MEDIA: &str = "Content-Type";
const CORRELATION: &str = "Trunkline-Correlation-Id";
const REPLY_TO: &str = "Trunkline-Reply-To";

/// Checks what NATS has no place for.
pub(super) fn check(message: &Message) -> Result<()> {
    only(message, &[], |_| "is not for NATS; subjects and streams have nothing of the kind")?;
    let subject = &message.destination;
    if subject.split('.').any(str::is_empty)
        || subject.contains(|c: char| c.is_whitespace() || c.is_control())
    {
        return Err(Error::invalid("queue: is no subject of NATS, such as orders.new"));
    }
    if subject.split('.').any(|token| token == "*" || token == ">") {
        return Err(Error::invalid("queue: has a wildcard; a message goes to one subject"));
    }
    for (name, value) in &message.headers {
        let good = HeaderName::from_str(name).is_ok() && HeaderValue::from_str(value).is_ok();
        if !good || value.contains(['\r', '\n']) {
            return Err(Error::invalid(format!(
                "headers: {} cannot be a header of NATS",
                name.escape_debug()
            )));
        }
    }
    // They go along as headers, and a line has an end.
    match texts(message).find(|(_, text)| text.contains(['\r', '\n'])) {
        Some((key, _)) => Err(Error::invalid(format!("{key}: has more than one line; NATS takes one"))),
        None => Ok(()),
    }
}

/// What goes along with a message.
pub(super) fn headers(message: &Message) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in &message.headers {
        headers.append(name.as_str(), value.as_str());
    }
    let own = [
        (ID, &message.id),
        (MEDIA, &message.content_type),
        (CORRELATION, &message.correlation_id),
        (REPLY_TO, &message.reply_to),
    ];
    for (name, value) in own {
        if let Some(value) = value {
            headers.insert(name, value.as_str());
        }
    }
    headers
}

/// A message as it came.
pub(super) fn message(came: &async_nats::Message) -> Message {
    let mut message =
        Message { destination: came.subject.to_string(), body: came.payload.clone(), ..Message::default() };
    for (name, values) in came.headers.iter().flat_map(HeaderMap::iter) {
        let name: &str = name.as_ref();
        for value in values {
            let value = value.as_str().to_owned();
            match name {
                ID => message.id = Some(value),
                MEDIA => message.content_type = Some(value),
                CORRELATION => message.correlation_id = Some(value),
                REPLY_TO => message.reply_to = Some(value),
                _ => message.headers.push((name.to_owned(), value)),
            }
        }
    }
    message
}
