//! What RabbitMQ says, as kinds: reply codes of AMQP 0-9-1 (section 1.2 of the reference, "Constants").

use lapin::{ErrorKind, protocol::AMQPErrorKind};
use trunkline_core::{Error, Kind, Outcome};

/// There is no such queue or exchange.
pub(super) const NOT_FOUND: u16 = 404;
/// What is there is not what was said of it.
pub(super) const PRECONDITION_FAILED: u16 = 406;

/// Reply codes, what they are, and what to do about them.
const CODES: &[(u16, Kind, &str)] = &[
    (
        311,
        Kind::Rejected,
        "the message is too large for the broker; send a smaller one, or raise max_message_size there",
    ),
    (
        312,
        Kind::Unroutable,
        "no queue gets the message; correct the queue, or the exchange and routing_key, or declare it",
    ),
    (313, Kind::Unroutable, "nobody reads the queue at the moment; see that who reads it is there"),
    (320, Kind::Unavailable, "an operator closed the connection; the next call makes another one"),
    (402, Kind::Rejected, "there is no virtual host of this name; make it, or correct the path of base_url"),
    (403, Kind::Forbidden, "the login may not do this; see its permissions in the virtual host"),
    (
        NOT_FOUND,
        Kind::Rejected,
        "there is no queue or exchange of this name; declare it, or correct the name",
    ),
    (
        405,
        Kind::Contended,
        "somebody else has the queue for themselves; use another one, or wait until they are gone",
    ),
    (
        PRECONDITION_FAILED,
        Kind::Rejected,
        "it is there already with other properties; make them the same, or delete it",
    ),
    (501, Kind::Protocol, "the broker could not read a frame; its log says more"),
    (502, Kind::Protocol, "the broker could not read a frame; its log says more"),
    (503, Kind::Protocol, "the broker does not take this here; its log says more"),
    (504, Kind::Protocol, "the channel is in no state for this; its log says more"),
    (505, Kind::Protocol, "the broker did not expect the frame; its log says more"),
    (506, Kind::Unavailable, "the broker has no resources left; see its memory, its disk and its limits"),
    (530, Kind::Rejected, "the broker does not allow this; correct what it names"),
    (540, Kind::Unsupported, "the broker cannot do this; it may need another version, or a plugin"),
    (541, Kind::Failed, "the broker failed; its log says more"),
];

/// What to make of a reply code.
pub(super) fn code(code: u16, text: &str) -> Error {
    let row = CODES.iter().find(|(known, ..)| *known == code);
    let (kind, message) = row.map_or(
        (Kind::Failed, "the broker gave a code that is not known; its log says more"),
        |(_, kind, message)| (*kind, *message),
    );
    // What a code is about is in its text, such as the name of the queue that is not there.
    let message = match text.split_once(" - ") {
        Some((_, detail)) => format!("{message} ({})", detail.trim()),
        None => message.to_owned(),
    };
    Error::new(kind, message).with("reply_code", code.to_string())
}

/// Whether this is what the broker said.
pub(super) fn is(error: &Error, code: u16) -> bool {
    error.context().iter().any(|(key, value)| *key == "reply_code" && *value == code.to_string())
}

/// Whether what a channel was closed for is about messages to this exchange with this routing key, by the text that RabbitMQ
/// gives: it refuses a topic, or an exchange. An exchange that was there can have gone meanwhile: then only `is_first` ones,
/// before which it took none, are known to have found none.
pub(super) fn is_about(text: &str, (exchange, key): (&str, &str), is_first: bool) -> bool {
    let exchange = if exchange.is_empty() { "amq.default" } else { exchange };
    match text.contains("topic '") {
        true => text.contains(&format!("topic '{key}' in exchange '{exchange}' in ")),
        false => is_first && text.contains(&format!("exchange '{exchange}' in ")),
    }
}

/// An error of the library while it was busy with `what`.
pub(super) fn explain(error: &lapin::Error, what: &str) -> Error {
    let lost = |message: String| Error::new(Kind::Unavailable, message).outcome_is(Outcome::Unknown);
    match error.kind() {
        ErrorKind::ProtocolError(said) => {
            let id = match said.kind() {
                AMQPErrorKind::Soft(soft) => soft.get_id(),
                AMQPErrorKind::Hard(hard) => hard.get_id(),
            };
            code(id, said.get_message().as_str())
        }
        ErrorKind::ChannelsLimitReached => Error::new(
            Kind::Throttled,
            "the connection has as many channels as the broker allows; do less at a time, or raise channel_max there",
        ),
        ErrorKind::InvalidProtocolVersion(_) => {
            Error::new(Kind::Protocol, "what answers speaks no AMQP 0-9-1; correct base_url")
        }
        ErrorKind::ParsingError(_) => Error::new(
            Kind::Protocol,
            format!(
                "what the broker said when {what} cannot be read; see whether it is RabbitMQ that answers"
            ),
        ),
        ErrorKind::MissingHeartbeatError => lost(format!("the broker was silent for too long when {what}")),
        _ => lost(format!("the connection to the broker was lost when {what}")).source(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_channel_was_closed_for_is_about_one_exchange_or_one_topic() {
        let none = "NOT_FOUND - no exchange 'nope' in vhost '/'";
        assert!(is_about(none, ("nope", "a"), true));
        assert!(!is_about(none, ("nope", "a"), false), "it can have been there before");
        assert!(!is_about(none, ("nop", "a"), true));
        assert!(!is_about(none, ("", "nope"), true));
        let refused =
            "ACCESS_REFUSED - write access to exchange 'amq.default' in vhost '/' refused for user 'u'";
        assert!(is_about(refused, ("", "orders"), true));
        let topic =
            "ACCESS_REFUSED - write access to topic 'a.b' in exchange 'amq.topic' in vhost '/' refused";
        assert!(is_about(topic, ("amq.topic", "a.b"), false), "a topic stays refused");
        assert!(!is_about(topic, ("amq.topic", "a.c"), true));
        assert!(!is_about("INTERNAL_ERROR", ("nope", "a"), true));
    }
}
