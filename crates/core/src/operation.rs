//! `Operation`: what a caller wants done, in four shapes that every transport and layer knows.

use std::{fmt, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use serde::Serialize;
use serde_json::value::RawValue;

use crate::{Body, Error, Publish, Receive, Result};

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

/// An HTTP request relative to an integration's base URL.
#[derive(Debug)]
pub struct HttpRequest {
    /// The method; any token is allowed.
    pub method: Method,
    /// The path below the base URL, and perhaps `?query`. Escapes are kept as they are; what may not
    /// stand in a URL is percent-encoded.
    pub endpoint: String,
    /// Query parameters to append, encoded; a name may be repeated.
    pub params: Vec<(String, String)>,
    /// Headers, which win over the integration's of the same name.
    pub headers: HeaderMap,
    /// The body.
    pub body: Body,
    /// Pass everything through untouched: no redirect is followed, no encoding is asked for or
    /// removed, and the total time does not bound a body that keeps flowing.
    pub relay: bool,
    /// How long the caller wants to wait for the call at most, with all its attempts and pauses. The
    /// integration's own time limit holds as well.
    pub timeout: Option<Duration>,
}

impl HttpRequest {
    /// A request without a body.
    pub fn new(method: Method, endpoint: impl Into<String>) -> Self {
        Self {
            method,
            endpoint: endpoint.into(),
            params: Vec::new(),
            headers: HeaderMap::new(),
            body: Body::Empty,
            relay: false,
            timeout: None,
        }
    }

    /// `GET endpoint`.
    pub fn get(endpoint: impl Into<String>) -> Self {
        Self::new(Method::GET, endpoint)
    }

    /// `POST endpoint`.
    pub fn post(endpoint: impl Into<String>) -> Self {
        Self::new(Method::POST, endpoint)
    }

    /// Appends a query parameter.
    #[must_use]
    pub fn param(mut self, name: impl Into<String>, value: impl fmt::Display) -> Self {
        self.params.push((name.into(), value.to_string()));
        self
    }

    /// Sets a header.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }

    /// Sets how long the call may take at most.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Sets the body.
    #[must_use]
    pub fn body(mut self, body: impl Into<Body>) -> Self {
        self.body = body.into();
        self
    }

    /// Sets a JSON body and its content type.
    ///
    /// # Errors
    ///
    /// `invalid_config` when the value cannot be written as JSON.
    pub fn json(mut self, value: &impl Serialize) -> Result<Self> {
        let json = serde_json::to_vec(value)
            .map_err(|error| Error::invalid("the body cannot be written as JSON").source(error))?;
        self.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        self.body = Body::from(Bytes::from(json));
        Ok(self)
    }

    fn idempotency(&self) -> Idempotency {
        match self.method {
            Method::GET | Method::HEAD | Method::OPTIONS | Method::TRACE => Idempotency::Safe,
            Method::PUT | Method::DELETE => Idempotency::Idempotent,
            _ => Idempotency::Unsafe,
        }
    }
}

/// A GraphQL document, or SQL statements, with their parameters.
#[derive(Debug, Clone)]
pub struct Query {
    /// The document, or the statement; several of them are one transaction in SQL, all of it or nothing, and one batch
    /// in GraphQL.
    pub statements: Vec<Statement>,
    /// Files that variables of a GraphQL document stand for.
    pub files: Vec<File>,
    /// Whether it certainly only reads: the transport sees to that, or could tell when it parsed it.
    pub read_only: bool,
    /// How long the caller wants to wait for the call at most. The integration's own time limit holds as well.
    pub timeout: Option<Duration>,
    /// How long the reply may be kept for others, if the caller said so; what the integration is configured with holds
    /// where it did not.
    pub ttl: Option<Duration>,
    /// How much of the result is wanted, and in which shape.
    pub wanted: Wanted,
}

/// A statement and its parameters.
#[derive(Debug, Clone)]
pub struct Statement {
    /// The document or statement.
    pub text: Arc<str>,
    /// Its variables or parameters, as the caller wrote them.
    pub params: Option<Box<RawValue>>,
    /// Which operation of a GraphQL document to run.
    pub operation_name: Option<Box<str>>,
    /// What goes along with a GraphQL document, as the caller wrote it.
    pub extensions: Option<Box<RawValue>>,
}

impl Statement {
    /// A document or statement without parameters.
    pub fn new(text: impl Into<Arc<str>>) -> Self {
        Self { text: text.into(), params: None, operation_name: None, extensions: None }
    }
}

/// A file that goes along with a GraphQL document.
#[derive(Debug, Clone)]
pub struct File {
    /// Which variable it is, as a path such as `variables.file` or `variables.files.0`.
    pub path: String,
    /// The name it has for the service.
    pub name: String,
    /// Its media type.
    pub media: String,
    /// What is in it.
    pub content: Bytes,
}

/// How much of a result is wanted, and in which shape.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Wanted {
    /// At most so many rows.
    pub max_rows: Option<u64>,
    /// At most so many bytes.
    pub max_bytes: Option<u64>,
    /// Rows as arrays in the order of the columns, not as objects.
    pub arrays: bool,
    /// Rows one by one as they come (NDJSON), not as one document.
    pub stream: bool,
    /// Events as they happen ([`Events`](crate::Events)), for as long as somebody reads: a GraphQL subscription.
    pub events: bool,
    /// The service itself is to refuse anything that writes.
    pub read_only: bool,
}

impl Query {
    /// A document or statement without parameters.
    pub fn new(text: impl Into<Arc<str>>) -> Self {
        Self {
            statements: vec![Statement::new(text)],
            files: Vec::new(),
            read_only: false,
            timeout: None,
            ttl: None,
            wanted: Wanted::default(),
        }
    }

    /// Sets the variables or parameters of the last statement.
    ///
    /// # Errors
    ///
    /// `invalid_config` when the value cannot be written as JSON.
    pub fn params(mut self, params: &impl Serialize) -> Result<Self> {
        let params = serde_json::value::to_raw_value(params)
            .map_err(|error| Error::invalid("params: cannot be written as JSON").source(error))?;
        if let Some(statement) = self.statements.last_mut() {
            statement.params = Some(params);
        }
        Ok(self)
    }

    /// Says that it only reads. A database is then asked to refuse anything else.
    #[must_use]
    pub fn read_only(mut self) -> Self {
        self.read_only = true;
        self.wanted.read_only = true;
        self
    }

    /// The text of the document, or of the first statement.
    pub fn text(&self) -> &str {
        self.statements.first().map_or("", |statement| &statement.text)
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

    #[test]
    fn only_methods_that_rfc_9110_calls_safe_or_idempotent_may_be_repeated() {
        for (method, idempotency) in [
            (Method::GET, Idempotency::Safe),
            (Method::TRACE, Idempotency::Safe),
            (Method::PUT, Idempotency::Idempotent),
            (Method::DELETE, Idempotency::Idempotent),
            (Method::POST, Idempotency::Unsafe),
            (Method::PATCH, Idempotency::Unsafe),
            (Method::from_bytes(b"PURGE").unwrap(), Idempotency::Unsafe),
        ] {
            assert_eq!(
                Operation::from(HttpRequest::new(method.clone(), "/")).idempotency(),
                idempotency,
                "{method}"
            );
        }
    }
}
