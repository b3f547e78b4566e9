//! `Operation`: what a caller wants done, in four shapes that every transport and layer knows.

use std::time::Duration;

use http::Method;

use crate::{HttpRequest, Publish, Query, Receive};

/// What to do.
#[derive(Debug)]
#[non_exhaustive]
pub enum Operation {
    /// An HTTP request.
    Http(HttpRequest),
    /// A GraphQL document or an SQL statement.
    Query(Query),
    /// A WebSocket message or a message to a queue.
    Publish(Publish),
    /// A bounded pull of messages, or a stream of them.
    Receive(Receive),
}

/// Whether an operation may be repeated when nobody knows if it was applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Idempotency {
    /// It only reads (RFC 9110 section 9.2.1).
    Safe,
    /// Doing it twice leaves the same as doing it once (RFC 9110 section 9.2.2).
    Idempotent,
    /// The service recognises a repetition by a key in the request.
    Keyed,
    /// Repeating may do it twice.
    Unsafe,
}

impl Operation {
    /// Whether the operation may be repeated (RFC 9110 section 9.2 for HTTP). [`Call::idempotency`] knows of
    /// keys too.
    ///
    /// [`Call::idempotency`]: crate::Call::idempotency
    pub fn idempotency(&self) -> Idempotency {
        match self {
            Self::Http(request) => request.idempotency(),
            Self::Query(query) if query.read_only => Idempotency::Safe,
            Self::Receive(receive) if receive.stream => Idempotency::Safe,
            // What was said of a message once cannot be said again, so saying it twice is saying it once.
            Self::Receive(receive) if receive.max == 0 => Idempotency::Idempotent,
            Self::Receive(_) | Self::Query(_) | Self::Publish(_) => Idempotency::Unsafe,
        }
    }

    /// All that [`Operation::label`] can be.
    pub const LABELS: [&'static str; 11] =
        ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "HTTP", "query", "publish", "receive"];

    /// A name for metrics and activity: few values, never a caller's text.
    pub fn label(&self) -> &'static str {
        match self {
            Self::Http(request) => match request.method {
                Method::GET => "GET",
                Method::HEAD => "HEAD",
                Method::POST => "POST",
                Method::PUT => "PUT",
                Method::PATCH => "PATCH",
                Method::DELETE => "DELETE",
                Method::OPTIONS => "OPTIONS",
                _ => "HTTP",
            },
            Self::Query(_) => "query",
            Self::Publish(_) => "publish",
            Self::Receive(_) => "receive",
        }
    }

    /// How long its caller wants to wait for it at most, if they said so.
    pub fn timeout(&self) -> Option<Duration> {
        match self {
            Self::Http(request) => request.timeout,
            Self::Query(query) => query.timeout,
            Self::Publish(publish) => publish.timeout,
            Self::Receive(receive) => receive.timeout,
        }
    }

    /// Whether its reply has no end by itself: events that are sent as they happen, for as long as somebody reads. Its
    /// time limits bound how long it takes to begin, and it takes no place among what is under way once it has.
    pub fn is_endless(&self) -> bool {
        match self {
            Self::Query(query) => query.wanted.events,
            Self::Receive(receive) => receive.stream,
            Self::Http(_) | Self::Publish(_) => false,
        }
    }

    /// Whether all of the operation can be sent a second time.
    pub fn is_replayable(&self) -> bool {
        match self {
            Self::Http(request) => request.body.is_replayable(),
            Self::Publish(_) | Self::Query(_) | Self::Receive(_) => true,
        }
    }
}

impl From<HttpRequest> for Operation {
    fn from(request: HttpRequest) -> Self {
        Self::Http(request)
    }
}

impl From<Query> for Operation {
    fn from(query: Query) -> Self {
        Self::Query(query)
    }
}

impl From<Publish> for Operation {
    fn from(publish: Publish) -> Self {
        Self::Publish(publish)
    }
}

impl From<Receive> for Operation {
    fn from(receive: Receive) -> Self {
        Self::Receive(receive)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_label_is_one_of_the_list() {
        for method in ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PURGE"] {
            let request = HttpRequest::new(method.parse().unwrap(), "/");
            assert!(Operation::LABELS.contains(&Operation::Http(request).label()), "{method}");
        }
        for operation in [Operation::from(Query::new("")), Receive::stream("q").into()] {
            assert!(Operation::LABELS.contains(&operation.label()), "{operation:?}");
        }
    }
}
