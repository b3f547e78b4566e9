//! `Rule`: what an answer has to be, checked.

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use serde_json::Value;
use trunkline_core::Reply;

use super::peek;

/// What an answer has to be; all of it must hold.
#[derive(Debug)]
pub(crate) struct Rule {
    /// Empty for any.
    pub(crate) statuses: Box<[StatusCode]>,
    pub(crate) headers: Box<[(HeaderName, Said)]>,
    pub(crate) body: Option<Found>,
}

/// What a header says, in letters of either case.
#[derive(Debug)]
pub(crate) enum Said {
    Anything,
    This(String),
    /// This among other things; in lower case.
    Among(String),
}

/// What a body has at this place.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) pointer: String,
    pub(crate) is: Is,
}

/// What is at a place in a body.
#[derive(Debug)]
pub(crate) enum Is {
    /// Anything but null.
    Anything,
    OneOf(Box<[Value]>),
    /// A text with this in it; in lower case.
    Among(String),
}

impl Rule {
    /// Whether it asks for nothing but a status, and that may be one of success.
    pub(crate) fn is_of_success(&self) -> bool {
        let alone = self.headers.is_empty() && self.body.is_none();
        alone && self.statuses.iter().any(|status| status.is_success())
    }

    /// Whether it is for answers of success and no others.
    pub(crate) fn is_of_success_alone(&self) -> bool {
        !self.statuses.is_empty() && self.statuses.iter().all(StatusCode::is_success)
    }

    /// Whether the body has to be looked into.
    pub(crate) fn reads_body(&self) -> bool {
        self.body.is_some()
    }

    /// Whether status and headers are so; the body is another question.
    pub(crate) fn suits(&self, status: StatusCode, headers: &HeaderMap) -> bool {
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
    /// Whether a body has it.
    pub(crate) fn is_in(&self, body: &Value) -> bool {
        let found = body.pointer(&self.pointer).filter(|found| !found.is_null());
        found.is_some_and(|found| match &self.is {
            Is::Anything => true,
            Is::OneOf(values) => values.contains(found),
            Is::Among(part) => found.as_str().is_some_and(|text| text.to_ascii_lowercase().contains(part)),
        })
    }
}

/// The first of these rules that an answer suits, with its body where one had to be looked into. Of that as much is read as
/// has to be, and put back.
pub(crate) async fn suiting<'a>(rules: impl Iterator<Item = &'a Rule>, reply: &mut Reply) -> Option<usize> {
    let mut body = None;
    for (at, rule) in rules.enumerate().collect::<Vec<_>>() {
        if !rule.suits(reply.status, &reply.headers) {
            continue;
        }
        let Some(found) = &rule.body else { return Some(at) };
        if body.is_none() {
            body = Some(peek(reply).await);
        }
        if body.as_ref().and_then(Option::as_ref).is_some_and(|body| found.is_in(body)) {
            return Some(at);
        }
    }
    None
}
