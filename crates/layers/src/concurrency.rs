//! `Concurrency`: bounds what is under way at the same time, so that one service that hangs does not take
//! everything with it.

mod bound;
mod config;

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use http_body::{Frame, SizeHint};
use trunkline_core::{Body, BodyStream, BoxFuture, Call, Error, Layer, Next, Reply, Result};

use self::bound::Place;
pub use self::{
    bound::{Bound, ConcurrencyState},
    config::{Capacity, ConcurrencyConfig},
};

/// Takes a place for what goes on below, until the last byte of the reply.
#[derive(Debug)]
pub struct Concurrency {
    name: &'static str,
    bound: Arc<Bound>,
}

impl Concurrency {
    /// Bounds the attempts of one integration.
    pub fn new(bound: Arc<Bound>) -> Self {
        Self { name: "concurrency", bound }
    }

    /// Bounds the calls of a whole server.
    pub fn admission(bound: Arc<Bound>) -> Self {
        Self { name: "admission", bound }
    }
}

impl Layer for Concurrency {
    fn name(&self) -> &'static str {
        self.name
    }

    fn call<'a>(&'a self, call: &'a mut Call, next: Next<'a>) -> BoxFuture<'a, Result<Reply>> {
        Box::pin(async move {
            let place = self.bound.enter(call).await.inspect_err(|_| call.attempt -= 1)?;
            let endless = call.operation.is_endless();
            let mut result = next.run(call).await;
            // What goes on is no work of the service's that others wait for: somebody listens.
            if endless {
                return result;
            }
            let reply = match &mut result {
                Ok(reply) => Some(reply),
                Err(error) => error.reply_mut(),
            };
            if let Some(Reply { body: body @ Body::Stream(_), .. }) = reply {
                let Body::Stream(stream) = std::mem::take(body) else { unreachable!("matched above") };
                *body = Body::stream(Placed { stream, place: Some(place.kept()) });
            }
            result
        })
    }
}

/// A reply's stream that has a place until it ends.
struct Placed {
    stream: BodyStream,
    place: Option<Place<Arc<Bound>>>,
}

impl http_body::Body for Placed {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>>>> {
        let frame = std::task::ready!(Pin::new(&mut self.stream).poll_frame(cx));
        // Whoever knows the length does not ask for the end.
        if self.stream.is_end_stream() || !matches!(frame, Some(Ok(_))) {
            self.place = None;
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.stream.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.stream.size_hint()
    }
}

#[cfg(test)]
mod tests;
