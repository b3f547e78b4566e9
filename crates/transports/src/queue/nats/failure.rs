//! What NATS says, as kinds.

use std::fmt::Display;

use async_nats::{
    ConnectError, ConnectErrorKind,
    jetstream::{
        ErrorCode,
        context::{CreateStreamError, CreateStreamErrorKind, PublishError, PublishErrorKind},
    },
};
use trunkline_core::{Error, Kind, Outcome};

use crate::queue::tls::{self, Asked};

/// The connection was lost, or so it seems.
pub(super) fn lost(what: &str, error: &impl Display) -> Error {
    Error::new(Kind::Unavailable, format!("the connection to NATS was lost when {what}"))
        .outcome_is(Outcome::Unknown)
        .source(error.to_string())
}

/// Why there is no connection with `host`, and what TLS has to do with it.
pub(super) fn connecting(error: &ConnectError, host: &str, asked: Option<&Asked>) -> Error {
    // The library calls it an error of the system.
    if let (Some(asked), Some(error)) = (asked, tls::of(error)) {
        return asked.handshake(host, error);
    }
    match (asked, tls::of(error)) {
        (Some(asked), _) => asked.login(plainly(error)),
        // It said so, and the library began with it.
        (None, Some(_)) => {
            let message = "NATS wants TLS; begin base_url with tls, and see tls.ca for who is to be trusted";
            Error::new(Kind::Protocol, message).outcome_is(Outcome::NotSent).source(error.to_string())
        }
        (None, None) => plainly(error),
    }
}

fn plainly(error: &ConnectError) -> Error {
    let (kind, message) = match error.kind() {
        ConnectErrorKind::AuthorizationViolation | ConnectErrorKind::Authentication => {
            (Kind::Unauthenticated, "NATS refused the login; correct base_url or auth_config")
        }
        ConnectErrorKind::Tls => (Kind::Protocol, "no TLS connection with NATS"),
        ConnectErrorKind::TimedOut => (Kind::Timeout, "NATS did not answer in time"),
        ConnectErrorKind::ServerParse => (Kind::InvalidConfig, "base_url: is no address of NATS"),
        _ => (Kind::Unavailable, "cannot connect to NATS"),
    };
    Error::new(kind, message).outcome_is(Outcome::NotSent).source(error.to_string())
}

/// Why a message was not kept.
pub(super) fn publishing(error: &PublishError) -> Error {
    let of = |kind, message: &'static str, outcome| {
        Error::new(kind, message).outcome_is(outcome).source(error.to_string())
    };
    match error.kind() {
        PublishErrorKind::StreamNotFound => {
            of(Kind::Unroutable, "no stream keeps the subject, and nobody listens to it", Outcome::Rejected)
        }
        PublishErrorKind::WrongLastMessageId | PublishErrorKind::WrongLastSequence => {
            of(Kind::Contended, "the stream has another last message than was expected", Outcome::Rejected)
        }
        PublishErrorKind::MaxPayloadExceeded => {
            of(Kind::Rejected, "the message is larger than the server takes (max_payload)", Outcome::NotSent)
        }
        PublishErrorKind::MaxAckPending => {
            of(Kind::Throttled, "too many messages wait to be acknowledged by the stream", Outcome::NotSent)
        }
        PublishErrorKind::TimedOut => {
            of(Kind::Timeout, "the stream did not acknowledge the message in time", Outcome::Unknown)
        }
        PublishErrorKind::BrokenPipe => lost("sending a message", error),
        PublishErrorKind::Other => {
            of(Kind::Rejected, "the stream did not take the message", Outcome::Rejected)
        }
    }
}

/// Why a stream is not there.
pub(super) fn declaring(error: &CreateStreamError) -> Error {
    match error.kind() {
        CreateStreamErrorKind::JetStream(said) => asking(&said),
        CreateStreamErrorKind::TimedOut => Error::new(Kind::Timeout, "JetStream did not answer in time"),
        _ => Error::new(Kind::Rejected, "the stream cannot be made").source(error.to_string()),
    }
}

/// What JetStream answers to a question.
pub(super) fn asking(said: &async_nats::jetstream::Error) -> Error {
    let (kind, message) = match said.error_code() {
        ErrorCode::JETSTREAM_NOT_ENABLED | ErrorCode::JETSTREAM_NOT_ENABLED_FOR_ACCOUNT => {
            (Kind::Unsupported, "JetStream is off at the server, or for this login")
        }
        ErrorCode::STREAM_NOT_FOUND => (Kind::Rejected, "there is no stream of this name; declare it"),
        ErrorCode::CONSUMER_NOT_FOUND => (Kind::Rejected, "there is no group of this name"),
        _ => (Kind::Rejected, "JetStream says no"),
    };
    let error = Error::new(kind, format!("{message} ({said})")).outcome_is(Outcome::Rejected);
    error.with("error_code", said.error_code().0.to_string())
}
