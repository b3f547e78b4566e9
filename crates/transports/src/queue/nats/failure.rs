//! What NATS says, as kinds.

use std::{error::Error as _, fmt::Display};

use async_nats::{
    ConnectError, ConnectErrorKind,
    jetstream::{
        self, ErrorCode,
        context::{
            CreateStreamError, CreateStreamErrorKind, PublishError, PublishErrorKind, RequestError,
            RequestErrorKind,
        },
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

/// Codes of JetStream, what they are, and what to do about them. What it has no room for is contended: that passes, and is no
/// fault of a message.
const CODES: &[(ErrorCode, Kind, &str)] = &[
    (ErrorCode::JETSTREAM_NOT_ENABLED, Kind::Unsupported, "JetStream is off at the server"),
    (ErrorCode::JETSTREAM_NOT_ENABLED_FOR_ACCOUNT, Kind::Unsupported, "JetStream is off for this login"),
    (ErrorCode::STREAM_NOT_FOUND, Kind::Rejected, "there is no stream of this name; declare it"),
    (ErrorCode::CONSUMER_NOT_FOUND, Kind::Rejected, "there is no group of this name"),
    (
        ErrorCode::STREAM_SUBJECT_OVERLAP,
        Kind::Rejected,
        "another stream keeps some of the subjects; give the stream other subjects",
    ),
    (
        ErrorCode::STREAM_STORE_FAILED,
        Kind::Contended,
        "the stream is full or cannot be written; raise its limits, or take messages out of it",
    ),
    (
        ErrorCode::STREAM_MESSAGE_EXCEEDS_MAXIMUM,
        Kind::Rejected,
        "the message is longer than the stream takes (max_msg_size)",
    ),
    (ErrorCode::STREAM_SEALED, Kind::Rejected, "the stream is sealed, and takes no messages"),
    (ErrorCode::MAXIMUM_STREAMS_LIMIT, Kind::Failed, "the account has as many streams as it may have"),
    (ErrorCode::MAXIMUM_CONSUMERS_LIMIT, Kind::Failed, "the stream has as many groups as it may have"),
    (ErrorCode::ACCOUNT_RESOURCES_EXCEEDED, Kind::Contended, "the account has used up what it may use"),
    (ErrorCode::MEMORY_RESOURCES_EXCEEDED, Kind::Contended, "JetStream has no memory left"),
    (ErrorCode::STORAGE_RESOURCES_EXCEEDED, Kind::Contended, "JetStream has no room left on its disk"),
    (ErrorCode::INSUFFICIENT_RESOURCES, Kind::Contended, "JetStream has not enough resources for this"),
    (ErrorCode::CLUSTER_NOT_AVAILABLE, Kind::Contended, "the cluster has no leader at the moment"),
    (ErrorCode::CLUSTER_NOT_ASSIGNED, Kind::Contended, "the cluster has not found a place for this yet"),
    (
        ErrorCode::STREAM_OFFLINE,
        Kind::Contended,
        "the servers that keep the stream are not there at the moment",
    ),
    (
        ErrorCode::CONSUMER_OFFLINE,
        Kind::Contended,
        "the servers that keep the group are not there at the moment",
    ),
    (ErrorCode::CLUSTER_NOT_LEADER, Kind::Contended, "the cluster has another leader at the moment"),
    (
        ErrorCode::CLUSTER_NOT_ACTIVE,
        Kind::Unsupported,
        "JetStream is no cluster, so a stream has one replica",
    ),
    (ErrorCode::CLUSTER_NO_PEERS, Kind::Rejected, "the cluster has too few servers for so many replicas"),
];

/// Why a message was not kept by the stream that keeps its subject.
pub(super) fn publishing(error: &PublishError) -> Error {
    let of = |kind, message: &'static str, outcome| {
        Error::new(kind, message).outcome_is(outcome).source(error.to_string())
    };
    match error.kind() {
        PublishErrorKind::StreamNotFound => of(
            Kind::Unavailable,
            "the stream that keeps the subject does not answer: it has no leader at the moment, or was removed",
            Outcome::Rejected,
        ),
        PublishErrorKind::WrongLastMessageId | PublishErrorKind::WrongLastSequence => {
            of(Kind::Contended, "the stream has another last message than was expected", Outcome::Rejected)
        }
        PublishErrorKind::MaxPayloadExceeded => too_long(),
        PublishErrorKind::MaxAckPending => {
            of(Kind::Throttled, "too many messages wait to be acknowledged by the stream", Outcome::NotSent)
        }
        PublishErrorKind::TimedOut => {
            of(Kind::Timeout, "the stream did not acknowledge the message in time", Outcome::Unknown)
        }
        PublishErrorKind::BrokenPipe => lost("sending a message", error),
        PublishErrorKind::Other => match error.source().and_then(|said| said.downcast_ref()) {
            Some(said) => asking(said),
            None => lost("sending a message", error),
        },
    }
}

/// Whether nobody answers where JetStream would, or it says that it is off: at the server, or for this login.
pub(super) fn is_off(error: &(dyn std::error::Error + 'static)) -> bool {
    let mut all = std::iter::successors(Some(error), |&error| error.source());
    all.any(|error| {
        let nobody = error.downcast_ref::<RequestError>();
        let off = error.downcast_ref::<jetstream::Error>().map(jetstream::Error::error_code);
        nobody.is_some_and(|error| error.kind() == RequestErrorKind::NoResponders)
            || off == Some(ErrorCode::JETSTREAM_NOT_ENABLED)
            || off == Some(ErrorCode::JETSTREAM_NOT_ENABLED_FOR_ACCOUNT)
    })
}

/// The server does not take messages that are so long.
pub(super) fn too_long() -> Error {
    let message = "the message is larger than the server takes (max_payload)";
    Error::new(Kind::Rejected, message).outcome_is(Outcome::NotSent)
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
    let code = said.error_code();
    let known = CODES.iter().find(|(known, ..)| *known == code);
    let (kind, message) =
        known.map_or((Kind::Rejected, "JetStream says no"), |(_, kind, message)| (*kind, *message));
    let error = Error::new(kind, format!("{message} ({said})")).outcome_is(Outcome::Rejected);
    error.with("error_code", code.0.to_string())
}
