//! The JSON that a caller sends for `message_queue`: a message, a batch of them, what is to be received, or what has become
//! of messages.

mod receive;
#[cfg(test)]
mod tests;
mod wire;

use serde::Deserialize;
use serde_json::value::RawValue;
use trunkline_core::{Error, Operation, Publish, Receive, Result, Seconds, parse};

pub(super) use self::receive::parse_stream;
use self::{receive::Pull, wire::Wire};

/// So many messages are received, or sent as a batch, at once.
pub(super) const MOST: usize = 10_000;

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
    let settles = wire.settles();
    let settle = wire.settlements()?;
    match (wire.messages.take(), wire.receive.take()) {
        (None, None) if settles => {
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
            if wire.has_body() || wire.wait_response || settles {
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

fn missing() -> Error {
    Error::invalid("queue: is missing; name the queue, topic, subject or stream")
}
