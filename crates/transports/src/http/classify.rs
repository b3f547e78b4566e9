//! HTTP statuses as kinds: one table.

use std::ops::RangeInclusive;

use http::{StatusCode, header};
use trunkline_core::{Error, Kind, Outcome, Reply, Result, retry_after};

/// First match wins. The outcome says whether the service can have acted: a refusal did not, a failure
/// may have.
const STATUSES: &[(RangeInclusive<u16>, Kind, Outcome)] = &[
    // Nobody asked to switch protocols.
    (100..=199, Kind::Protocol, Outcome::Unknown),
    (401..=401, Kind::Unauthenticated, Outcome::Rejected),
    (403..=403, Kind::Forbidden, Outcome::Rejected),
    // The proxy's, whose credential is configured: another token for the service would not help.
    (407..=407, Kind::Forbidden, Outcome::Rejected),
    // RFC 9110 section 15.5.9: the server gave up waiting for the request.
    (408..=408, Kind::RequestTimeout, Outcome::Unknown),
    // RFC 8470: the server was not willing to risk a replay.
    (425..=425, Kind::RateLimited, Outcome::Rejected),
    (429..=429, Kind::RateLimited, Outcome::Rejected),
    (400..=499, Kind::Rejected, Outcome::Rejected),
    (501..=501, Kind::Rejected, Outcome::Rejected),
    (502..=503, Kind::Unavailable, Outcome::Unknown),
    (504..=504, Kind::Timeout, Outcome::Unknown),
    (505..=505, Kind::Rejected, Outcome::Rejected),
    // Of no standard: a content delivery network that cannot reach the service behind it.
    (520..=530, Kind::Unavailable, Outcome::Unknown),
    // RFC 9110 section 15: an unknown status is treated as the first of its class.
    (500..=599, Kind::Failed, Outcome::Unknown),
];

/// A reply whose status is an error becomes an [`Error`] that holds it.
pub(crate) fn classify(reply: Reply) -> Result<Reply> {
    let code = reply.status.as_u16();
    let Some((_, kind, outcome)) = STATUSES.iter().find(|(range, ..)| range.contains(&code)) else {
        return Ok(reply);
    };
    let message = format!("the service answered {}", name(reply.status));
    let mut error = Error::new(*kind, message).outcome_is(*outcome);
    if let Some(wait) = retry_after::read(&reply.headers, &header::RETRY_AFTER) {
        error = error.retry_after(wait);
    }
    Err(error.replied(reply))
}

fn name(status: StatusCode) -> String {
    match status.canonical_reason() {
        Some(reason) => format!("{} {reason}", status.as_u16()),
        None => status.as_u16().to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_has_the_kind_of_its_row() {
        for (status, kind) in [
            (200, None),
            (204, None),
            (304, None),
            (400, Some(Kind::Rejected)),
            (401, Some(Kind::Unauthenticated)),
            (403, Some(Kind::Forbidden)),
            (407, Some(Kind::Forbidden)),
            (101, Some(Kind::Protocol)),
            (404, Some(Kind::Rejected)),
            (408, Some(Kind::RequestTimeout)),
            (409, Some(Kind::Rejected)),
            (422, Some(Kind::Rejected)),
            (429, Some(Kind::RateLimited)),
            (500, Some(Kind::Failed)),
            (501, Some(Kind::Rejected)),
            (503, Some(Kind::Unavailable)),
            (504, Some(Kind::Timeout)),
            (502, Some(Kind::Unavailable)),
            (522, Some(Kind::Unavailable)),
            (599, Some(Kind::Failed)),
            (999, None),
        ] {
            let result = classify(Reply::new(StatusCode::from_u16(status).unwrap(), ""));
            assert_eq!(result.err().map(|error| error.kind()), kind, "{status}");
        }
    }

    #[test]
    fn an_error_says_how_long_the_service_asks_to_wait() {
        let mut reply = Reply::new(StatusCode::TOO_MANY_REQUESTS, "");
        reply.headers.insert(header::RETRY_AFTER, "2".parse().unwrap());
        assert_eq!(classify(reply).unwrap_err().wait().map(|wait| wait.as_secs()), Some(2));
    }
}
