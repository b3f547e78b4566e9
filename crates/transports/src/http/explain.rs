//! What the HTTP library says, in our words.

use std::{error::Error as StdError, io};

use trunkline_core::{Error, Kind, Outcome};

use super::outgoing::Progress;

/// Why an exchange failed. Whether the service can have acted is the point: a request that no connection
/// had is `not_sent`.
pub(super) fn explain(error: &hyper::Error, progress: &Progress) -> Error {
    if let Some(failure) = progress.failure() {
        return failure;
    }
    let ours = explain_hyper(error);
    if progress.never_taken() { ours.outcome_is(Outcome::NotSent) } else { ours }
}

/// Why a connection that was made cannot be used.
pub(super) fn explain_handshake(error: &hyper::Error) -> Error {
    explain_hyper(error).outcome_is(Outcome::NotSent)
}

/// As [`explain`], for what happens once a request may have left.
pub(super) fn explain_hyper(error: &hyper::Error) -> Error {
    let text = text(error);
    let unavailable = |message| Error::new(Kind::Unavailable, message);
    let cause = causes(error).find_map(|cause| cause.downcast_ref::<io::Error>());
    let of_tls = cause.and_then(io::Error::get_ref).is_some_and(|inner| inner.is::<rustls::Error>());
    // HTTP/2 keeps only the words of it.
    if of_tls || text.contains("received fatal alert") {
        // With TLS 1.3 a service judges our certificate after the handshake.
        return Error::new(
            Kind::Protocol,
            "the service ended the TLS connection; does it want tls.client_cert, or another one?",
        )
        .source(text);
    }
    if let Some(h2) = causes(error).find_map(|cause| cause.downcast_ref::<h2::Error>()) {
        return explain_h2(h2).source(text);
    }
    let malformed =
        |cause: &io::Error| matches!(cause.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData);
    if error.is_parse() || cause.is_some_and(malformed) {
        return Error::new(Kind::Protocol, "the service's answer is not HTTP").source(text);
    }
    if error.is_timeout() {
        return Error::new(Kind::Timeout, "the service did not answer in time").source(text);
    }
    let cut = |cause: &io::Error| cause.kind() == io::ErrorKind::UnexpectedEof;
    if error.is_incomplete_message() || cause.is_some_and(cut) {
        return unavailable("the service closed the connection before it had answered whole").source(text);
    }
    unavailable("the connection broke while the service was answering").source(text)
}

/// RFC 9113 section 8.7: a refused stream, and one beyond the last that a leaving server takes, were not
/// processed.
fn explain_h2(error: &h2::Error) -> Error {
    let unavailable = |message| Error::new(Kind::Unavailable, message);
    match error.reason() {
        Some(h2::Reason::REFUSED_STREAM) => {
            unavailable("the service refused the stream").outcome_is(Outcome::NotSent)
        }
        Some(h2::Reason::NO_ERROR) if error.is_go_away() && error.is_remote() => {
            unavailable("the service closes the connection").outcome_is(Outcome::NotSent)
        }
        Some(reason) if error.is_library() || reason == h2::Reason::PROTOCOL_ERROR => {
            Error::new(Kind::Protocol, "the service's answer is not HTTP/2")
        }
        _ => unavailable("the connection broke while the service was answering"),
    }
}

/// An error and what caused it.
fn causes<'a>(error: &'a (dyn StdError + 'static)) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |error: &&'a (dyn StdError + 'static)| (*error).source())
}

/// The words of hyper and the system, which hold neither URLs nor headers.
fn text(error: &hyper::Error) -> String {
    causes(error).map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
