//! `Expired`: the rules by which an answer says that the credential has expired.

use http::{HeaderValue, StatusCode, header};
use trunkline_core::{Error, Kind, Reply, Result, Retry};

use crate::answer::{Rule, suiting};

/// The rules of an integration, checked; any of them suffices.
#[derive(Debug)]
pub struct Expired(pub(super) Box<[Rule]>);

/// The rule of integrations that have none of their own: the service does not accept the credential (a 401, in HTTP),
/// or answers 403 and says that the token is not good any more (RFC 6750 section 3.1).
pub(super) fn is_said_by_default(error: &Error) -> bool {
    error.kind().row().retry == Retry::Refresh
        || error.reply().is_some_and(|reply| {
            let challenges = reply.headers.get_all(header::WWW_AUTHENTICATE);
            reply.status == StatusCode::FORBIDDEN && challenges.iter().any(is_invalid_token)
        })
}

/// Whether a challenge is `Bearer …, error="invalid_token"`, which some servers write without quotes.
fn is_invalid_token(challenge: &HeaderValue) -> bool {
    let Ok(text) = challenge.to_str() else { return false };
    let text = text.to_ascii_lowercase();
    // Several challenges may share a line (RFC 9110 section 11.6.1).
    let bearer = text.split(',').any(|part| part.trim_start().starts_with("bearer "));
    let said = text.split([',', ' ']).filter_map(|part| part.trim().strip_prefix("error="));
    bearer && said.map(|said| said.trim_matches('"')).any(|said| said == "invalid_token")
}

impl Expired {
    /// Whether an answer says so. Of its body as much is read as has to be, and put back.
    pub(super) async fn is_said_by(&self, result: &mut Result<Reply>) -> bool {
        let reply = match result {
            Ok(reply) => reply,
            Err(error) if error.reply().is_none() => return error.kind().row().retry == Retry::Refresh,
            Err(error) => error.reply_mut().expect("it was there just now"),
        };
        suiting(self.0.iter(), reply).await.is_some()
    }

    /// Whether bodies are looked at.
    pub(super) fn reads_bodies(&self) -> bool {
        self.0.iter().any(|rule| rule.reads_body())
    }
}

/// An answer that says so and is no error in itself: its service did not act, whatever its status.
pub(super) fn refusal(reply: Reply) -> Error {
    let status = reply.status.as_u16();
    let message = format!("the service answered {status} and that the credential has expired");
    Error::new(Kind::Unauthenticated, message).replied(reply)
}
