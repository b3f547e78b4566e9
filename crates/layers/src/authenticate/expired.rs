//! `Expired`: the rules by which an answer says that the credential has expired.

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use serde_json::Value;
use trunkline_core::{Error, Kind, Reply, Result, Retry};

use super::peek::peek;

/// The rules of an integration, checked; any of them suffices.
#[derive(Debug)]
pub struct Expired(pub(super) Box<[Rule]>);

/// What an answer has to be; all of it must hold.
#[derive(Debug)]
pub(super) struct Rule {
    /// Empty for any.
    pub(super) statuses: Box<[StatusCode]>,
    pub(super) headers: Box<[(HeaderName, Said)]>,
    pub(super) body: Option<Found>,
}

/// What a header says, in letters of either case.
#[derive(Debug)]
pub(super) enum Said {
    Anything,
    This(String),
    /// This among other things; in lower case.
    Among(String),
}

/// What a body has at this place.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) pointer: String,
    /// Empty for anything but null.
    pub(super) values: Box<[Value]>,
}

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
        let suits = |rule: &&Rule| rule.suits(reply.status, &reply.headers);
        let suiting: Vec<_> = self.0.iter().filter(suits).map(|rule| rule.body.as_ref()).collect();
        match suiting.iter().copied().collect::<Option<Vec<_>>>() {
            // One that asks nothing of the body.
            None => true,
            Some(found) if found.is_empty() => false,
            Some(found) => match peek(reply).await {
                Some(body) => found.iter().any(|found| found.is_in(&body)),
                None => false,
            },
        }
    }

    /// Whether bodies are looked at.
    pub(super) fn reads_bodies(&self) -> bool {
        self.0.iter().any(|rule| rule.body.is_some())
    }
}

impl Rule {
    fn suits(&self, status: StatusCode, headers: &HeaderMap) -> bool {
        (self.statuses.is_empty() || self.statuses.contains(&status))
            && self
                .headers
                .iter()
                .all(|(name, said)| headers.get_all(name).iter().any(|value| said.is(value)))
    }
}

impl Said {
    fn is(&self, value: &HeaderValue) -> bool {
        let text = String::from_utf8_lossy(value.as_bytes());
        match self {
            Self::Anything => true,
            Self::This(this) => text.trim().eq_ignore_ascii_case(this),
            Self::Among(part) => text.to_ascii_lowercase().contains(part),
        }
    }
}

impl Found {
    fn is_in(&self, body: &Value) -> bool {
        let found = body.pointer(&self.pointer).filter(|found| !found.is_null());
        found.is_some_and(|found| self.values.is_empty() || self.values.contains(found))
    }
}

/// An answer that says so and is no error in itself: its service did not act, whatever its status.
pub(super) fn refusal(reply: Reply) -> Error {
    let status = reply.status.as_u16();
    let message = format!("the service answered {status} and that the credential has expired");
    Error::new(Kind::Unauthenticated, message).replied(reply)
}
