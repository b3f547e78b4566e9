//! `Reply`: what comes back from a call, as bytes with a code and headers; nobody parses it on the way.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde::de::DeserializeOwned;

use crate::{Body, Error, Events, Kind, Outcome, Result};

/// How much of a reply is read into memory unless the caller says otherwise: 10 MiB.
const READ_LIMIT: usize = 10 << 20;

/// What a service answered.
#[derive(Debug)]
pub struct Reply {
    /// The HTTP status; 200 for a transport that has none.
    pub status: StatusCode,
    /// Headers of the reply, or of the message.
    pub headers: HeaderMap,
    /// The body.
    pub body: Body,
    /// Whether a redirect led to it: then it answers for another URI than the one that was asked for, and
    /// nobody may keep it under that one.
    pub redirected: bool,
}

impl Reply {
    /// A reply with a body and no headers.
    pub fn new(status: StatusCode, body: impl Into<Body>) -> Self {
        Self { status, headers: HeaderMap::new(), body: body.into(), redirected: false }
    }

    /// A reply that is a stream of events, in the form of [`Event::frame`](crate::Event::frame).
    pub fn of_events(body: Body) -> Self {
        let mut reply = Self::new(StatusCode::OK, body);
        reply.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(Events::MEDIA));
        reply
    }

    /// The media type, as the service named it.
    pub fn media(&self) -> Option<&str> {
        self.headers.get(header::CONTENT_TYPE)?.to_str().ok()
    }

    /// Reads the whole body, at most 10 MiB of it.
    ///
    /// # Errors
    ///
    /// `protocol` when it is longer or cut short; `timeout` when it stops flowing.
    pub async fn bytes(self) -> Result<Bytes> {
        self.body.collect(READ_LIMIT).await
    }

    /// Whether it is a stream of events.
    pub fn is_events(&self) -> bool {
        let media = self.media().and_then(|media| media.split(';').next());
        media.is_some_and(|media| media.trim().eq_ignore_ascii_case(Events::MEDIA))
    }

    /// The body as the events that a subscription brings.
    ///
    /// # Errors
    ///
    /// `protocol` when it is not of the media type `text/event-stream`.
    pub fn events(self) -> Result<Events> {
        match self.is_events() {
            true => Ok(Events::new(self.body)),
            false => Err(Error::new(Kind::Protocol, "the reply is no stream of events (text/event-stream)")),
        }
    }

    /// Reads the body as text.
    ///
    /// # Errors
    ///
    /// As [`Reply::bytes`], and `protocol` when the body is not UTF-8.
    pub async fn text(self) -> Result<String> {
        let bytes = self.bytes().await?;
        String::from_utf8(bytes.into()).map_err(|_| {
            Error::new(Kind::Protocol, "the reply is not UTF-8; read it as bytes")
                .outcome_is(Outcome::Applied)
        })
    }

    /// Reads the body as JSON.
    ///
    /// # Errors
    ///
    /// As [`Reply::bytes`], and `protocol` when the body is not the JSON that `T` wants. The call was
    /// answered all the same: its outcome is `applied`.
    pub async fn json<T: DeserializeOwned>(self) -> Result<T> {
        let (status, media) = (self.status, self.media().unwrap_or("no media type").to_owned());
        let bytes = self.bytes().await?;
        serde_json::from_slice(&bytes).map_err(|error| {
            let what = if error.is_data() { "is JSON of another shape" } else { "is no JSON" };
            Error::new(
                Kind::Protocol,
                format!("the reply {what} at line {} column {}", error.line(), error.column()),
            )
            .outcome_is(Outcome::Applied)
            .with("status", status.as_str())
            .with("media", media)
            .with("bytes", bytes.len().to_string())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_reply_that_is_no_json_says_so_and_does_not_echo_it() {
        let error = Reply::new(StatusCode::OK, "<html>secret").json::<serde_json::Value>().await.unwrap_err();
        assert_eq!((error.kind(), error.outcome()), (Kind::Protocol, Outcome::Applied));
        assert!(!error.to_string().contains("secret"), "{error}");
    }
}
