//! `Lasting`: a stream of events that lasts no longer than the API token with which it was asked for.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame};
use serde_json::json;
use trunkline::{Body, Error, Event};

use crate::tokens::issued::Token;

/// The kind of the problem that a request is answered whose token does not hold.
pub(super) const UNAUTHORIZED: &str = "unauthorized";

/// `events` for as long as `token` holds; what was let in without one ends by itself.
pub(super) fn lasting(events: Body, token: Option<Arc<Token>>) -> Body {
    match token {
        None => events,
        Some(token) => Body::stream(Lasting { events, over: Box::pin(token.over()), done: false }),
    }
}

/// The last event of a stream whose token holds no more, as any other request is answered that shows it.
pub(super) fn refused() -> Event {
    let data = json!({ "kind": UNAUTHORIZED, "message": "the API token was revoked or has expired" });
    Event::named(Event::ERROR, data.to_string())
}

struct Lasting {
    events: Body,
    over: Pin<Box<dyn Future<Output = ()> + Send + Sync>>,
    done: bool,
}

impl HttpBody for Lasting {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        if self.done {
            return Poll::Ready(None);
        }
        // First, so that nothing more is told however much there is.
        if self.over.as_mut().poll(cx).is_ready() {
            self.done = true;
            return Poll::Ready(Some(Ok(Frame::data(refused().frame()))));
        }
        Pin::new(&mut self.events).poll_frame(cx)
    }
}
