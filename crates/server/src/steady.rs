//! `Steady`: a client's body that has to flow. One that stalls, or trickles so that it never quite stalls,
//! would hold a connection, and perhaps one to the service, for as long as the client likes.

use std::{
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http::StatusCode;
use http_body::{Body as HttpBody, Frame, SizeHint};
use tokio::time::Instant;
use trunkline::{Error, Idle, Kind, Outcome};

use crate::problem::Problem;

/// How long a client may pause in the middle of a body.
const IDLE: Duration = Duration::from_secs(10);
/// How long a client has been waited for, in all, before its rate counts.
const GRACE: Duration = Duration::from_secs(10);
/// Bytes a second that a client brings at least, over all the time that it is waited for.
const RATE: u64 = 1 << 10;

/// A client's body under both limits. Time in which nobody reads is not the client's.
pub(crate) struct Steady<B> {
    body: B,
    idle: Idle,
    received: u64,
    /// Time that was spent waiting for what was received.
    waited: Duration,
    since: Option<Instant>,
}

/// Why a body did not come to its end.
#[derive(Debug)]
pub(crate) enum Cut {
    /// The client paused for too long.
    Paused,
    /// It brought too little in its time.
    Trickled,
    /// It went away, or broke the protocol.
    Broken(Box<dyn std::error::Error + Send + Sync>),
}

impl<B> Steady<B> {
    pub(crate) fn new(body: B) -> Self {
        Self { body, idle: Idle::new(IDLE), received: 0, waited: Duration::ZERO, since: None }
    }

    /// Something came, or the end.
    fn moved(&mut self, bytes: usize) {
        self.idle.moved();
        self.received += bytes as u64;
        if let Some(since) = self.since.take() {
            self.waited += since.elapsed();
        }
    }

    fn trickles(&self) -> bool {
        self.waited > GRACE && self.received < self.waited.as_secs() * RATE
    }
}

impl<B> HttpBody for Steady<B>
where
    B: HttpBody<Data = Bytes> + Unpin,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    type Data = Bytes;
    type Error = Cut;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Cut>>> {
        let this = &mut *self;
        match Pin::new(&mut this.body).poll_frame(cx) {
            Poll::Ready(Some(Ok(frame))) => {
                this.moved(frame.data_ref().map_or(0, Bytes::len));
                Poll::Ready(Some(Ok(frame)))
            }
            Poll::Ready(Some(Err(error))) => Poll::Ready(Some(Err(Cut::Broken(error.into())))),
            Poll::Ready(None) => Poll::Ready(None),
            // Judged when more is to come: what is complete was not too slow.
            Poll::Pending if this.trickles() => Poll::Ready(Some(Err(Cut::Trickled))),
            Poll::Pending => {
                this.since.get_or_insert_with(Instant::now);
                std::task::ready!(this.idle.poll_overdue(cx));
                Poll::Ready(Some(Err(Cut::Paused)))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Cut {
    fn detail(&self) -> String {
        match self {
            Self::Paused => format!("the client's body paused for {IDLE:?}"),
            Self::Trickled => format!("the client's body came at less than {RATE} bytes a second"),
            Self::Broken(_) => "the client's body ended too early".to_owned(),
        }
    }
}

/// While the body was read for ourselves.
impl From<Cut> for Problem {
    fn from(cut: Cut) -> Self {
        let (status, kind) = match cut {
            Cut::Paused | Cut::Trickled => (StatusCode::REQUEST_TIMEOUT, "slow_body"),
            Cut::Broken(_) => (StatusCode::BAD_REQUEST, "incomplete_body"),
        };
        Self::plain(status, kind, cut.detail())
    }
}

/// While it was passed on: the service may have seen a part.
impl From<Cut> for Error {
    fn from(cut: Cut) -> Self {
        let error = Self::new(Kind::InvalidConfig, cut.detail()).outcome_is(Outcome::Unknown);
        match cut {
            Cut::Broken(cause) => error.source(cause),
            _ => error,
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::stream;
    use http_body_util::{BodyExt, StreamBody};
    use tokio::time::{advance, sleep};

    use super::*;

    /// A client that brings so many bytes every so many seconds, for two minutes.
    fn client(
        bytes: usize,
        every: u64,
    ) -> Steady<impl HttpBody<Data = Bytes, Error = std::io::Error> + Unpin> {
        let end = Instant::now() + Duration::from_secs(120);
        let frames = stream::unfold((), move |()| async move {
            sleep(Duration::from_secs(every)).await;
            (Instant::now() < end).then(|| (Ok(Frame::data(Bytes::from(vec![0; bytes]))), ()))
        });
        Steady::new(StreamBody::new(Box::pin(frames)))
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_pauses_or_trickles_is_cut_off_and_one_that_is_merely_slow_is_not() {
        for (bytes, every, cut, after) in [
            (1, 1, "Err(Trickled)", 11),
            (1, 9, "Err(Trickled)", 18),
            (5_000, 5, "Err(Trickled)", 15),
            (1 << 20, 11, "Err(Paused)", 10),
            (5_120, 5, "Ok", 120),
            (1_024, 1, "Ok", 120),
        ] {
            let began = Instant::now();
            let read = format!("{:?}", client(bytes, every).collect().await);
            assert!(read.starts_with(cut), "{bytes} bytes every {every} s: {read:.60}");
            assert_eq!(began.elapsed().as_secs(), after, "{bytes} bytes every {every} s");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_reader_that_is_away_is_not_held_against_the_client() {
        let mut body = client(1_024, 1);
        for _ in 0..20 {
            body.frame().await.unwrap().unwrap();
            advance(Duration::from_secs(5)).await;
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_small_body_that_takes_its_time_is_taken() {
        let frames = stream::unfold(0, |n| async move {
            sleep(Duration::from_secs(9)).await;
            // The end comes with the last byte, as in a body of known length.
            (n < 2).then(|| (Ok::<_, std::io::Error>(Frame::data(Bytes::from_static(b"x"))), n + 1))
        });
        let mut body = Steady::new(StreamBody::new(Box::pin(frames)));
        assert!(body.frame().await.unwrap().is_ok() && body.frame().await.unwrap().is_ok());
    }
}
