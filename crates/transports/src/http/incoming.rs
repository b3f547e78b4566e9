//! The body of a response: small ones are read at once, larger ones stream and must keep flowing.

use std::{
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http_body::{Body as _, Frame, SizeHint};
use hyper::body::Incoming;
use tokio::time::{Instant, Sleep, sleep};
use trunkline_core::{Body, Error, Kind, Outcome, Result};

use super::client::explain_hyper;

/// A body of known length up to this is read with the head: it is written on in one piece, and what
/// has been read cannot be cut short later.
const SMALL: u64 = 64 << 10;

/// The body of a response, which may not pause for longer than `idle`.
pub(crate) async fn body(incoming: Incoming, idle: Duration) -> Result<Body> {
    if incoming.is_end_stream() {
        return Ok(Body::Empty);
    }
    let small = incoming.size_hint().exact().is_some_and(|length| length <= SMALL);
    let flowing = Flowing { incoming, idle, sleep: None, received: 0 };
    if small {
        return Ok(Body::from_bytes(Body::stream(flowing).collect(usize::MAX).await?));
    }
    Ok(Body::stream(flowing))
}

/// A response's body under the idle timeout.
struct Flowing {
    incoming: Incoming,
    idle: Duration,
    /// Armed while nothing is there to read.
    sleep: Option<Pin<Box<Sleep>>>,
    received: u64,
}

impl http_body::Body for Flowing {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>>>> {
        let this = &mut *self;
        match Pin::new(&mut this.incoming).poll_frame(cx) {
            Poll::Ready(Some(Ok(frame))) => {
                this.received += frame.data_ref().map_or(0, |data| data.len() as u64);
                if let Some(sleep) = &mut this.sleep {
                    sleep.as_mut().reset(Instant::now() + this.idle);
                }
                Poll::Ready(Some(Ok(frame)))
            }
            Poll::Ready(Some(Err(error))) => {
                let received = this.received;
                Poll::Ready(Some(Err(explain_hyper(&error)
                    .at("the reply was cut short")
                    .with("bytes_received", received.to_string()))))
            }
            Poll::Ready(None) => Poll::Ready(None),
            Poll::Pending => {
                let idle = this.idle;
                std::task::ready!(this.sleep.get_or_insert_with(|| Box::pin(sleep(idle))).as_mut().poll(cx));
                Poll::Ready(Some(Err(Error::new(
                    Kind::Timeout,
                    format!("the reply stopped flowing for {idle:?}"),
                )
                .outcome_is(Outcome::Unknown)
                .with("bytes_received", this.received.to_string()))))
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
