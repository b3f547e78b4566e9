//! The body of a response: small ones are read at once, larger ones stream and must keep flowing.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http::Response;
use http_body::{Body as _, Frame, SizeHint};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use trunkline_core::{Body, Error, Idle, Kind, Outcome, Reply, Result};

use super::{
    explain::explain_hyper,
    outgoing::{Progress, Upload},
};

/// A body of known length up to this is read with the head: it is written on in one piece, and what
/// has been read cannot be cut short later.
const SMALL: u64 = 64 << 10;

/// The reply of a response, whose body may not pause for longer than `idle`. `upload` is that of the
/// request, if it may still be on its way: it ends when the reply is dropped, and when a refusal has
/// been read.
pub(crate) async fn reply(
    response: Response<Incoming>,
    idle: Duration,
    upload: Option<Arc<Progress>>,
) -> Result<Reply> {
    let (head, incoming) = response.into_parts();
    let refused = head.status.is_client_error() || head.status.is_server_error();
    let upload = upload.map(|progress| Refusable { upload: Upload::new(progress), refused });
    let body = body(incoming, idle, upload).await?;
    Ok(Reply { status: head.status, headers: head.headers, body, redirected: false })
}

async fn body(incoming: Incoming, idle: Duration, mut upload: Option<Refusable>) -> Result<Body> {
    if incoming.is_end_stream() {
        upload.iter_mut().for_each(Refusable::answered);
        return Ok(Body::Empty);
    }
    let small = incoming.size_hint().exact().is_some_and(|length| length <= SMALL);
    let mut flowing = Flowing { incoming, idle: Idle::new(idle), received: 0, upload };
    if !small {
        return Ok(Body::stream(flowing));
    }
    // One piece is the usual case and is not copied.
    let mut whole = Bytes::new();
    while let Some(frame) = flowing.frame().await {
        let Ok(data) = frame?.into_data() else { continue };
        whole = if whole.is_empty() { data } else { [whole, data].concat().into() };
    }
    Ok(Body::from_bytes(whole))
}

/// An upload and whether the answer refuses it.
#[derive(Debug)]
struct Refusable {
    upload: Upload,
    refused: bool,
}

impl Refusable {
    /// The answer is whole. One that accepts leaves the upload to end by itself.
    fn answered(&mut self) {
        if !self.refused {
            self.upload.release();
        }
    }
}

/// A response's body under the idle timeout.
struct Flowing {
    incoming: Incoming,
    idle: Idle,
    received: u64,
    upload: Option<Refusable>,
}

impl http_body::Body for Flowing {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>>>> {
        let this = &mut *self;
        match Pin::new(&mut this.incoming).poll_frame(cx) {
            Poll::Ready(Some(Ok(frame))) => {
                this.received += frame.data_ref().map_or(0, |data| data.len() as u64);
                this.idle.moved();
                Poll::Ready(Some(Ok(frame)))
            }
            Poll::Ready(Some(Err(error))) => {
                let received = this.received;
                Poll::Ready(Some(Err(explain_hyper(&error)
                    .at("the reply was cut short")
                    .with("bytes_received", received.to_string()))))
            }
            Poll::Ready(None) => {
                this.upload.iter_mut().for_each(Refusable::answered);
                Poll::Ready(None)
            }
            Poll::Pending => {
                std::task::ready!(this.idle.poll_overdue(cx));
                Poll::Ready(Some(Err(Error::new(
                    Kind::Timeout,
                    format!("the reply stopped flowing for {:?}", this.idle.limit()),
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
