//! `Body`: nothing, bytes, or a stream; the same type for requests and replies.

use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use http_body::{Frame, SizeHint};
use http_body_util::{BodyExt, combinators::BoxBody};

use crate::{Error, Kind, Outcome, Result};

/// A body that arrives in pieces and is never buffered unseen.
pub type BodyStream = BoxBody<Bytes, Error>;

/// The body of a request or a reply.
#[derive(Default)]
pub enum Body {
    /// No body at all.
    #[default]
    Empty,
    /// All of it, in memory; cheap to clone and to send again.
    Bytes(Bytes),
    /// Pieces that can be read once.
    Stream(BodyStream),
}

impl Body {
    /// A body of one piece; an empty piece is [`Body::Empty`].
    pub fn from_bytes(bytes: impl Into<Bytes>) -> Self {
        let bytes = bytes.into();
        if bytes.is_empty() { Self::Empty } else { Self::Bytes(bytes) }
    }

    /// A body that is read from `stream`.
    pub fn stream<B>(stream: B) -> Self
    where
        B: http_body::Body<Data = Bytes, Error = Error> + Send + Sync + 'static,
    {
        Self::Stream(stream.boxed())
    }

    /// Whether the body can be sent a second time.
    pub fn is_replayable(&self) -> bool {
        !matches!(self, Self::Stream(_))
    }

    /// The same body again, unless it is a stream.
    pub fn replay(&self) -> Option<Self> {
        match self {
            Self::Empty => Some(Self::Empty),
            Self::Bytes(bytes) => Some(Self::Bytes(bytes.clone())),
            Self::Stream(_) => None,
        }
    }

    /// Takes the body to send it: a copy of what can be sent again, or the stream itself, which
    /// leaves nothing behind.
    pub fn take_for_send(&mut self) -> Self {
        self.replay().unwrap_or_else(|| std::mem::take(self))
    }

    /// Reads all of it, at most `limit` bytes.
    ///
    /// # Errors
    ///
    /// `protocol` when the body is longer than `limit` or is cut short.
    pub async fn collect(self, limit: usize) -> Result<Bytes> {
        let stream = match self {
            Self::Empty => return Ok(Bytes::new()),
            Self::Bytes(bytes) if bytes.len() <= limit => return Ok(bytes),
            Self::Bytes(_) => return Err(too_long(limit)),
            Self::Stream(stream) => stream,
        };
        let mut stream = std::pin::pin!(stream);
        let mut first = Bytes::new();
        let mut rest = Vec::new();
        while let Some(frame) = stream.frame().await {
            let Ok(data) = frame?.into_data() else { continue };
            if first.len() + rest.len() + data.len() > limit {
                return Err(too_long(limit));
            }
            // One piece is the usual case and is not copied.
            if rest.is_empty() && first.is_empty() {
                first = data;
            } else {
                if rest.is_empty() {
                    rest.extend_from_slice(&std::mem::take(&mut first));
                }
                rest.extend_from_slice(&data);
            }
        }
        Ok(if rest.is_empty() { first } else { rest.into() })
    }
}

fn too_long(limit: usize) -> Error {
    Error::new(
        Kind::Protocol,
        format!("the reply is longer than {limit} bytes; read it as a stream, or through /proxy"),
    )
    .outcome_is(Outcome::Unknown)
}

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>>>> {
        match &mut *self {
            Self::Empty => Poll::Ready(None),
            Self::Bytes(bytes) => {
                let bytes = std::mem::take(bytes);
                *self = Self::Empty;
                Poll::Ready(Some(Ok(Frame::data(bytes))))
            }
            Self::Stream(stream) => Pin::new(stream).poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Empty => true,
            Self::Bytes(_) => false,
            Self::Stream(stream) => stream.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Empty => SizeHint::with_exact(0),
            Self::Bytes(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Self::Stream(stream) => stream.size_hint(),
        }
    }
}

impl<T: Into<Bytes>> From<T> for Body {
    fn from(bytes: T) -> Self {
        Self::from_bytes(bytes)
    }
}

impl fmt::Debug for Body {
    /// The size only: bodies hold what callers and services confide to each other.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("Empty"),
            Self::Bytes(bytes) => write!(f, "Bytes({})", bytes.len()),
            Self::Stream(_) => f.write_str("Stream"),
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::stream;
    use http_body_util::StreamBody;

    use super::*;

    fn pieces(pieces: &'static [&'static str]) -> Body {
        let frames = pieces.iter().map(|piece| Ok(Frame::data(Bytes::from_static(piece.as_bytes()))));
        Body::stream(StreamBody::new(stream::iter(frames)))
    }

    #[tokio::test]
    async fn a_stream_is_read_up_to_the_limit_and_not_beyond() {
        assert_eq!(pieces(&["ab", "", "cd", "e"]).collect(5).await.unwrap(), "abcde");
        assert_eq!(pieces(&["ab", "cd", "e"]).collect(4).await.unwrap_err().kind(), Kind::Protocol);
        assert_eq!(Body::from("abc").collect(2).await.unwrap_err().kind(), Kind::Protocol);
    }

    #[test]
    fn only_a_stream_is_gone_once_it_was_sent() {
        let mut bytes = Body::from("abc");
        assert!(matches!(bytes.take_for_send(), Body::Bytes(_)));
        assert!(bytes.is_replayable());
        let mut stream = pieces(&["abc"]);
        assert!(matches!(stream.take_for_send(), Body::Stream(_)));
        assert!(matches!(stream, Body::Empty));
    }
}
