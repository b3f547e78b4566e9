//! Bodies that clients send: read whole up to a limit, or streamed on; a client that stalls is let go.

use std::{
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderMap, StatusCode, header};
use http_body::{Body as HttpBody, Frame, SizeHint};
use hyper::body::Incoming;
use tokio::time::timeout;
use trunkline::{Body, Error, Idle, Kind, Outcome, Result};

use crate::problem::Problem;

/// How long a client may pause in the middle of a body.
const IDLE: Duration = Duration::from_secs(10);
/// Bodies of known length up to this are read before they are sent on: then they can be sent again.
const SMALL: u64 = 64 << 10;

/// Reads a JSON body of at most `limit` bytes.
pub(crate) async fn json<B>(headers: &HeaderMap, body: B, limit: usize) -> Result<Bytes, Problem>
where
    B: HttpBody<Data = Bytes> + Unpin,
{
    let media =
        headers.get(header::CONTENT_TYPE).map(|value| value.to_str().unwrap_or_default()).unwrap_or_default();
    let media = media.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    // A form that a page of another site posts arrives as text or as a form, never as JSON.
    if media != "application/json" && !media.ends_with("+json") {
        return Err(Problem::plain(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "unsupported_media_type",
            "send JSON with the header `content-type: application/json`",
        ));
    }
    read(body, limit).await
}

/// Reads a body of at most `limit` bytes.
pub(crate) async fn read<B>(mut body: B, limit: usize) -> Result<Bytes, Problem>
where
    B: HttpBody<Data = Bytes> + Unpin,
{
    use http_body_util::BodyExt;
    let too_large = || {
        Problem::plain(
            StatusCode::PAYLOAD_TOO_LARGE,
            "payload_too_large",
            format!("the body is longer than {limit} bytes"),
        )
    };
    if body.size_hint().lower() > limit as u64 {
        return Err(too_large());
    }
    let mut all = Vec::new();
    let mut first = Bytes::new();
    loop {
        let frame = match timeout(IDLE, body.frame()).await {
            Ok(Some(Ok(frame))) => frame,
            Ok(None) => return Ok(if all.is_empty() { first } else { all.into() }),
            Ok(Some(Err(_))) => {
                return Err(Problem::plain(
                    StatusCode::BAD_REQUEST,
                    "incomplete_body",
                    "the body ended too early",
                ));
            }
            Err(_) => {
                return Err(Problem::plain(
                    StatusCode::REQUEST_TIMEOUT,
                    "slow_body",
                    format!("the body paused for {IDLE:?}"),
                ));
            }
        };
        let Ok(data) = frame.into_data() else { continue };
        if first.len() + all.len() + data.len() > limit {
            return Err(too_large());
        }
        if first.is_empty() && all.is_empty() {
            first = data;
        } else {
            if all.is_empty() {
                all.extend_from_slice(&std::mem::take(&mut first));
            }
            all.extend_from_slice(&data);
        }
    }
}

/// A body to be sent on: nothing, a small one in memory, or a stream.
pub(crate) async fn relay(incoming: Incoming) -> Result<Body, Problem> {
    if incoming.is_end_stream() {
        return Ok(Body::Empty);
    }
    if incoming.size_hint().exact().is_some_and(|length| length <= SMALL) {
        let limit = usize::try_from(SMALL).unwrap_or(usize::MAX);
        return read(incoming, limit).await.map(Body::from_bytes);
    }
    Ok(Body::stream(Flowing { incoming, idle: Idle::new(IDLE) }))
}

/// A client's body under the idle timeout.
struct Flowing {
    incoming: Incoming,
    idle: Idle,
}

impl HttpBody for Flowing {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>>>> {
        let this = &mut *self;
        match Pin::new(&mut this.incoming).poll_frame(cx) {
            Poll::Ready(Some(Ok(frame))) => {
                this.idle.moved();
                Poll::Ready(Some(Ok(frame)))
            }
            Poll::Ready(Some(Err(error))) => {
                Poll::Ready(Some(Err(Error::invalid("the client's body ended too early")
                    .outcome_is(Outcome::Unknown)
                    .source(error))))
            }
            Poll::Ready(None) => Poll::Ready(None),
            Poll::Pending => {
                std::task::ready!(this.idle.poll_overdue(cx));
                Poll::Ready(Some(Err(Error::new(
                    Kind::InvalidConfig,
                    format!("the client's body paused for {IDLE:?}"),
                )
                .outcome_is(Outcome::Unknown))))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}
