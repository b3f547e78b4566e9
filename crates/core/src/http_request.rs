//! `HttpRequest`: an HTTP request, as a caller wants it made.

use std::{fmt, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use serde::Serialize;

use crate::{Body, Error, Idempotency, Result};

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

    pub(crate) fn idempotency(&self) -> Idempotency {
        match self.method {
            Method::GET | Method::HEAD | Method::OPTIONS | Method::TRACE => Idempotency::Safe,
            Method::PUT | Method::DELETE => Idempotency::Idempotent,
            _ => Idempotency::Unsafe,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Operation;

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
