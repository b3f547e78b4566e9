//! What a broker of MQTT says, as kinds (MQTT 5, section 2.4 "Reason Code").

use std::fmt::Display;

use rumqttc::{ConnectReturnCode, ConnectionError, PubAckReason, PublishNoticeError, StateError};
use trunkline_core::{Error, Kind, Outcome};

/// The connection was lost, or so it seems.
pub(super) fn lost(what: &str, error: &impl Display) -> Error {
    Error::new(Kind::Unavailable, format!("the connection to the broker was lost when {what}"))
        .outcome_is(Outcome::Unknown)
        .source(error.to_string())
}

/// Why there is no connection.
pub(super) fn connecting(error: &ConnectionError) -> Error {
    let code = match error {
        ConnectionError::ConnectionRefused(code) => *code,
        ConnectionError::MqttState(StateError::ConnFail { reason }) => *reason,
        ConnectionError::Timeout(_) => {
            return Error::new(
                Kind::Timeout,
                "the broker did not answer in time; see that it is up, and base_url",
            )
            .outcome_is(Outcome::NotSent);
        }
        other => return lost("logging in", other).outcome_is(Outcome::NotSent),
    };
    use ConnectReturnCode as Code;
    let (kind, message) = match code {
        Code::BadUserNamePassword | Code::BadAuthenticationMethod => (
            Kind::Unauthenticated,
            "the broker refused the user or the password; correct base_url or auth_config",
        ),
        Code::NotAuthorized | Code::Banned => {
            (Kind::Unauthenticated, "the broker does not let in this login; correct base_url or auth_config")
        }
        Code::RefusedProtocolVersion | Code::UnsupportedProtocolVersion => {
            (Kind::Unsupported, "the broker does not speak MQTT 5; bring it up to date")
        }
        Code::BadClientId | Code::ClientIdentifierNotValid => (
            Kind::Rejected,
            "the broker does not take the client_id; correct it in base_url, or leave it out",
        ),
        Code::ServiceUnavailable | Code::ServerUnavailable | Code::ServerBusy => {
            (Kind::Unavailable, "the broker is busy or going down; try again later")
        }
        Code::ConnectionRateExceeded | Code::QuotaExceeded => (
            Kind::RateLimited,
            "the broker takes no more connections at the moment; try again later, or raise its limit",
        ),
        Code::UseAnotherServer | Code::ServerMoved => {
            (Kind::Rejected, "the broker has moved; correct base_url")
        }
        _ => (Kind::Rejected, "the broker refused the connection; its log says why"),
    };
    Error::new(kind, message).outcome_is(Outcome::NotSent).with("reason", format!("{code:?}"))
}

/// What an acknowledgement says of a message; nothing where it is well.
pub(super) fn acknowledged(reason: PubAckReason) -> Option<Error> {
    let (kind, message) = match reason {
        PubAckReason::Success | PubAckReason::NoMatchingSubscribers => return None,
        PubAckReason::NotAuthorized => {
            (Kind::Forbidden, "the login may not publish to this topic; see its permissions there")
        }
        PubAckReason::QuotaExceeded => {
            (Kind::RateLimited, "a quota of the broker is used up; try again later, or raise it")
        }
        PubAckReason::TopicNameInvalid => {
            (Kind::Rejected, "the broker does not take the topic; correct queue")
        }
        PubAckReason::PayloadFormatInvalid => {
            (Kind::Rejected, "the message is not what its content_type says; correct either")
        }
        _ => (Kind::Rejected, "the broker did not take the message; its log says why"),
    };
    Some(refused(kind, message, reason))
}

/// A refusal.
pub(super) fn refused(kind: Kind, message: &'static str, reason: impl std::fmt::Debug) -> Error {
    Error::new(kind, message).outcome_is(Outcome::Rejected).with("reason", format!("{reason:?}"))
}

/// Why nothing was said of a message.
pub(super) fn publishing(error: &PublishNoticeError) -> Error {
    match error {
        PublishNoticeError::V5PubAck(reason) => {
            acknowledged(*reason).unwrap_or_else(|| lost("sending a message", error))
        }
        PublishNoticeError::V5PubRec(reason) => {
            refused(Kind::Rejected, "the broker did not take the message; its log says why", reason)
        }
        PublishNoticeError::RetainNotSupported => Error::new(
            Kind::Unsupported,
            "retain: the broker keeps no messages for those who come later; leave it out",
        ),
        PublishNoticeError::Qos0NotFlushed => lost("sending a message", error).outcome_is(Outcome::NotSent),
        _ => lost("sending a message", error),
    }
}
