//! `Stored`: a response that is kept, and how it answers a request.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use tokio::time::Instant;
use trunkline_core::{Body, Error, Kind, Outcome, Reply, Result};

use super::{
    control::{Asked, Said},
    freshness::Lifetime,
    range::{Wanted, wanted},
    validators::client_has,
    vary::Selection,
};

/// A response that is kept.
#[derive(Debug, Clone)]
pub(super) struct Stored {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    /// What kind of error the transport took it for.
    pub(super) failure: Option<Failure>,
    pub(super) selection: Selection,
    pub(super) said: Said,
    pub(super) lifetime: Lifetime,
    /// How old it was when it came.
    pub(super) age: Duration,
    pub(super) came: Instant,
    /// How long after its lifetime it may be served while it is fetched anew.
    pub(super) while_revalidate: Duration,
    /// How long after its lifetime it may be served when the service fails.
    pub(super) if_error: Duration,
}

/// An error without its reply.
#[derive(Debug, Clone)]
pub(super) struct Failure {
    kind: Kind,
    outcome: Outcome,
    message: String,
    wait: Option<Duration>,
}

impl Failure {
    pub(super) fn of(error: &Error) -> Self {
        let message = error.message().to_owned();
        Self { kind: error.kind(), outcome: error.outcome(), message, wait: error.wait() }
    }

    fn again(&self, reply: Reply, age: Duration) -> Error {
        let error = Error::new(self.kind, self.message.clone()).outcome_is(self.outcome).replied(reply);
        match self.wait.map(|wait| wait.saturating_sub(age)) {
            Some(wait) => error.retry_after(wait),
            None => error,
        }
    }
}

/// How a response that is kept may be used for a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Use {
    /// As it is.
    Now,
    /// As it is, while it is fetched anew.
    Meanwhile,
    /// Not before the service was asked, since it is stale.
    Stale,
    /// Not before the service was asked, since the request wants that.
    Asked,
}

impl Stored {
    /// How old it is (RFC 9111 section 4.2.3, `current_age`).
    pub(super) fn age(&self, now: Instant) -> Duration {
        self.age + now.saturating_duration_since(self.came)
    }

    /// For how many seconds it is fresh; negative when it is stale.
    pub(super) fn ttl(&self, now: Instant) -> i64 {
        let left = |seconds: u64| i64::try_from(seconds).unwrap_or(i64::MAX);
        left(self.lifetime.seconds()) - left(self.age(now).as_secs())
    }

    /// For how long it has been stale; `None` while it is fresh.
    fn stale_for(&self, now: Instant) -> Option<Duration> {
        self.age(now).checked_sub(Duration::from_secs(self.lifetime.seconds()))
    }

    /// RFC 9111 sections 4.2.4 and 5.2.1.
    pub(super) fn usable(&self, asked: &Asked, now: Instant) -> Use {
        let age = self.age(now);
        let too_old = asked.max_age.is_some_and(|max| age > Duration::from_secs(max));
        let soon_stale =
            asked.min_fresh.is_some_and(|min| self.ttl(now) < i64::try_from(min).unwrap_or(i64::MAX));
        if asked.no_cache || too_old || soon_stale {
            return Use::Asked;
        }
        if self.said.no_cache {
            return Use::Stale;
        }
        let Some(stale) = self.stale_for(now) else { return Use::Now };
        // RFC 9111 section 5.2.2.10: `s-maxage` forbids a shared cache what is stale. Only the service itself can
        // say otherwise in the same breath, as it does with RFC 5861; a client cannot.
        let clients_word = !self.said.never_stale() && self.said.s_maxage.is_none();
        if clients_word && asked.max_stale.is_some_and(|max| stale <= Duration::from_secs(max)) {
            return Use::Now;
        }
        if asked.max_age.is_none() && asked.min_fresh.is_none() && stale < self.while_revalidate {
            return Use::Meanwhile;
        }
        Use::Stale
    }

    /// Whether it may be served instead of an error of the service (RFC 5861 section 4).
    pub(super) fn helps_on_error(&self, now: Instant) -> bool {
        !self.said.no_cache && self.stale_for(now).is_none_or(|stale| stale < self.if_error)
    }

    /// The answer to a request with these headers. `validated` says that the service was asked just now.
    pub(super) fn answer(
        &self,
        method: &Method,
        asked: &HeaderMap,
        now: Instant,
        validated: bool,
    ) -> Result<Reply> {
        let mut reply = Reply { headers: self.headers.clone(), ..Reply::new(self.status, Body::Empty) };
        let headers = &mut reply.headers;
        if !validated {
            // RFC 9111 sections 4 and 5.1.
            headers.insert(header::AGE, HeaderValue::from(self.age(now).as_secs()));
        }
        let length = self.body.len();
        // RFC 9110 section 13.2.1: conditions and ranges are about successful responses.
        if self.status == StatusCode::OK && client_has(asked, headers) {
            reply.status = StatusCode::NOT_MODIFIED;
            for name in OF_BODY {
                headers.remove(name);
            }
            return Ok(reply);
        }
        if method == Method::HEAD {
            if self.status != StatusCode::NO_CONTENT {
                headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
            }
        } else {
            let part =
                if self.status == StatusCode::OK { wanted(asked, headers, length) } else { Wanted::Whole };
            match part {
                Wanted::Whole => reply.body = Body::from(self.body.clone()),
                Wanted::Part(range) => {
                    reply.status = StatusCode::PARTIAL_CONTENT;
                    let place = format!("bytes {}-{}/{length}", range.start, range.end - 1);
                    headers.insert(header::CONTENT_RANGE, text(&place));
                    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(range.len()));
                    reply.body = Body::from(self.body.slice(range));
                }
                Wanted::Nothing => return Err(not_satisfiable(length)),
            }
        }
        match &self.failure {
            Some(failure) => Err(failure.again(reply, self.age(now))),
            None => Ok(reply),
        }
    }

    /// Bytes in memory, about.
    pub(super) fn size(&self) -> usize {
        let headers: usize =
            self.headers.iter().map(|(name, value)| 96 + name.as_str().len() + value.len()).sum();
        size_of::<Self>() + headers + self.body.len() + self.selection.size()
    }
}

/// What describes a body that is not in a 304 (RFC 9110 section 15.4.5).
const OF_BODY: [HeaderName; 4] =
    [header::CONTENT_LENGTH, header::CONTENT_TYPE, header::CONTENT_ENCODING, header::CONTENT_RANGE];

/// RFC 9110 section 15.5.17.
fn not_satisfiable(length: usize) -> Error {
    let mut reply = Reply::new(StatusCode::RANGE_NOT_SATISFIABLE, Body::Empty);
    reply.headers.insert(header::CONTENT_RANGE, text(&format!("bytes */{length}")));
    Error::new(Kind::Rejected, "the range asked for is not in the reply, which is in the cache")
        .replied(reply)
}

fn text(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).expect("digits and ASCII are a header value")
}
