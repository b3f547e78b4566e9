//! The body of a response: small ones are read at once, larger ones stream and must keep flowing.

use std::{
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http_body::{Body as _, Frame, SizeHint};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use trunkline_core::{Body, Error, Idle, Kind, Outcome, Reply, Result};

use super::{client::Exchange, explain::explain_hyper, outgoing::Upload, pool::Lease};

/// A body of known length up to this is read with the head: it is written on in one piece, and what
/// has been read cannot be cut short later.
const SMALL: u64 = 64 << 10;

/// The reply of an exchange, without its body, and that: it may not pause for longer than `idle`. With
/// `upload`, the request's body may still be on its way: it ends when the reply is dropped, and when a
/// refusal has been read.
pub(crate) fn reply(exchange: Exchange, idle: Duration, upload: bool) -> (Reply, Flowing) {
    let Exchange { response, progress, lease } = exchange;
    let (head, incoming) = response.into_parts();
    let refused = head.status.is_client_error() || head.status.is_server_error();
    let upload = upload.then(|| Refusable { upload: Upload::new(progress), refused });
    let flowing = Flowing { incoming, idle: Idle::new(idle), received: 0, upload, lease };
    (Reply { status: head.status, headers: head.headers, body: Body::Empty, redirected: false }, flowing)
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
pub(crate) struct Flowing {
    incoming: Incoming,
    idle: Idle,
    received: u64,
    upload: Option<Refusable>,
    lease: Option<Lease>,
}

impl Flowing {
    /// The body as part of a reply: what is small is read at once.
    pub(crate) async fn into_body(mut self) -> Result<Body> {
        if self.incoming.is_end_stream() {
            self.ended();
            return Ok(Body::Empty);
        }
        if self.incoming.size_hint().exact().is_none_or(|length| length > SMALL) {
            return Ok(Body::stream(self));
        }
        // One piece is the usual case and is not copied.
        let mut whole = Bytes::new();
        while let Some(frame) = self.frame().await {
            let Ok(data) = frame?.into_data() else { continue };
            whole = if whole.is_empty() { data } else { [whole, data].concat().into() };
        }
        Ok(Body::from_bytes(whole))
    }

    /// The response is whole: its connection is free.
    fn ended(&mut self) {
        self.upload.iter_mut().for_each(Refusable::answered);
        if let Some(lease) = self.lease.take() {
            lease.end();
        }
    }
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
                // Whoever knows the length does not ask for the end.
                if this.incoming.is_end_stream() {
                    this.ended();
                }
                Poll::Ready(Some(Ok(frame)))
            }
            Poll::Ready(Some(Err(error))) => {
                let received = this.received;
                Poll::Ready(Some(Err(explain_hyper(&error)
                    .at("the reply was cut short")
                    .with("bytes_received", received.to_string()))))
            }
            Poll::Ready(None) => {
                this.ended();
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
