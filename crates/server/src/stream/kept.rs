//! `Kept`: a stream of events on its way to a client: kept alive while nothing happens, ended when the server stops, and cut off
//! where the client does not read.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame};
use tokio::{
    sync::watch,
    task::AbortHandle,
    time::{Instant, sleep},
};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};
use trunkline::{Body, Error, Event, Idle, Kind};

use super::seat::Seat;

/// After so long without an event a comment is sent: so the way stays open, and a client that is gone is noticed.
const BEAT: Duration = Duration::from_secs(15);

/// Whoever reads is asked for more at each beat. One that has not read for so long is taken for gone: it holds a place among the
/// connections, and a subscription.
const STUCK: Duration = Duration::from_secs(75);

/// How long a client has to read the last event when the server stops.
const FAREWELL: Duration = Duration::from_secs(2);

/// A body of events.
pub(super) struct Kept {
    events: Body,
    idle: Idle,
    stop: CancellationToken,
    stopped: Pin<Box<WaitForCancellationFutureOwned>>,
    done: bool,
    /// When more was asked for last.
    asked: watch::Sender<Instant>,
    cut: Option<AbortHandle>,
}

impl Kept {
    pub(super) fn new(events: Body, stop: CancellationToken) -> Self {
        let stopped = Box::pin(stop.clone().cancelled_owned());
        let asked = watch::Sender::new(Instant::now());
        Self { events, idle: Idle::new(BEAT), stop, stopped, done: false, asked, cut: None }
    }

    /// The same over a connection that carries nothing else, which is cut where its client does not read, and where it does not
    /// read to the end when the server stops: nobody asks for the last event then.
    pub(super) fn over(mut self, seat: Arc<Seat>) -> Self {
        let (stop, asked) = (self.stop.clone(), self.asked.subscribe());
        let cut = tokio::spawn(async move {
            tokio::select! {
                () = stop.cancelled() => sleep(FAREWELL).await,
                () = stuck(asked) => {}
            }
            seat.cut();
        });
        self.cut = Some(cut.abort_handle());
        self
    }

    /// The event that a stream ends with that did not end by itself.
    fn last(&mut self, error: &Error) -> Bytes {
        self.done = true;
        Event::error(error).frame()
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        // What is written last may not be on its way yet.
        if let Some(cut) = self.cut.as_ref().filter(|_| !self.stop.is_cancelled()) {
            cut.abort();
        }
    }
}

/// Ends where nothing more was asked for, for too long.
async fn stuck(asked: watch::Receiver<Instant>) {
    loop {
        let left = STUCK.saturating_sub(asked.borrow().elapsed());
        if left.is_zero() {
            return;
        }
        sleep(left).await;
    }
}

/// Why streams end when the server does.
pub(super) fn stopping() -> Error {
    Error::new(Kind::ShuttingDown, "the server is stopping; subscribe again")
}

impl HttpBody for Kept {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let this = &mut *self;
        // Nobody waits to hear of it.
        this.asked.send_if_modified(|asked| {
            *asked = Instant::now();
            false
        });
        if this.done {
            return Poll::Ready(None);
        }
        // Whoever is always behind would never come to the end of what is there.
        if this.stop.is_cancelled() {
            let last = this.last(&stopping());
            return Poll::Ready(Some(Ok(Frame::data(last))));
        }
        let bytes = match Pin::new(&mut this.events).poll_frame(cx) {
            Poll::Ready(Some(Ok(frame))) => {
                this.idle.moved();
                return Poll::Ready(Some(Ok(frame)));
            }
            // The client learns why: a body that breaks off says nothing.
            Poll::Ready(Some(Err(error))) => this.last(&error),
            Poll::Ready(None) => return Poll::Ready(None),
            Poll::Pending if this.stopped.as_mut().poll(cx).is_ready() => this.last(&stopping()),
            Poll::Pending => {
                std::task::ready!(this.idle.poll_overdue(cx));
                this.idle.moved();
                Bytes::from_static(b":\n\n")
            }
        };
        Poll::Ready(Some(Ok(Frame::data(bytes))))
    }
}

#[cfg(test)]
mod tests {
    use futures_util::{StreamExt, stream};
    use http_body_util::{BodyExt, StreamBody};

    use super::*;
    use crate::places::Places;

    fn kept(items: Vec<Result<&'static str, Error>>, stop: &CancellationToken) -> Kept {
        let items = items.into_iter().map(|item| item.map(|text| Frame::data(Bytes::from(text))));
        Kept::new(Body::stream(StreamBody::new(stream::iter(items).chain(stream::pending()))), stop.clone())
    }

    async fn next(body: &mut Kept) -> Option<String> {
        let frame = body.frame().await?.unwrap();
        Some(String::from_utf8(frame.into_data().unwrap().into()).unwrap())
    }

    #[tokio::test(start_paused = true)]
    async fn silence_is_broken_by_a_comment_every_fifteen_seconds() {
        let mut body = kept(vec![Ok("data: a\n\n")], &CancellationToken::new());
        let began = Instant::now();
        assert_eq!(next(&mut body).await.unwrap(), "data: a\n\n");
        for beats in 1..4 {
            assert_eq!(next(&mut body).await.unwrap(), ":\n\n");
            assert_eq!(began.elapsed().as_secs(), beats * 15);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_whose_client_does_not_read_is_cut() {
        let places = Places::new(1);
        let seat = Arc::new(Seat::new(places.take(places.leave().await), [127, 0, 0, 1].into()));
        let served = tokio::spawn(std::future::pending::<()>());
        seat.served_by(served.abort_handle());
        let mut body = kept(vec![Ok("data: a\n\n")], &CancellationToken::new()).over(seat);
        for _ in 0..20 {
            next(&mut body).await.unwrap();
        }
        assert!(!served.is_finished(), "whoever reads stays");
        let began = Instant::now();
        assert!(served.await.unwrap_err().is_cancelled());
        assert_eq!(began.elapsed(), STUCK);
    }

    #[tokio::test]
    async fn what_breaks_a_stream_is_its_last_event() {
        let error = Error::new(Kind::Unavailable, "cut");
        let mut body = kept(vec![Ok("data: a\n\n"), Err(error)], &CancellationToken::new());
        next(&mut body).await;
        let last = next(&mut body).await.unwrap();
        assert!(last.starts_with("event: error\n") && last.contains("\"unavailable\""), "{last}");
        assert_eq!(next(&mut body).await, None);
    }

    #[tokio::test]
    async fn a_stream_ends_with_the_server_and_says_so() {
        let stop = CancellationToken::new();
        let mut body = kept(vec![Ok("data: a\n\n"), Ok("data: b\n\n")], &stop);
        assert_eq!(next(&mut body).await.unwrap(), "data: a\n\n");
        stop.cancel();
        assert!(next(&mut body).await.unwrap().contains("shutting_down"));
        assert_eq!(next(&mut body).await, None);
    }
}
