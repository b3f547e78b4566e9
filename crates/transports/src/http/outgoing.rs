//! `Outgoing`: a request's body on its way out, and `Progress`: how far the request has come. Whether a
//! failed request can have reached the service is read here, not guessed from error texts.

use std::{
    pin::Pin,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use futures_util::task::AtomicWaker;
use http_body::{Frame, SizeHint};
use tokio::time::Instant;
use trunkline_core::{Body, Error, Kind, Outcome, Result};

/// No connection has the request yet.
const QUEUED: u8 = 0;
/// The request was given up before any connection had it.
const NEVER_TAKEN: u8 = 1;
/// A connection has it: bytes may have left.
const TAKEN: u8 = 2;
/// As `TAKEN`, and the connection waits for the caller to go on with the body.
const STARVED: u8 = 3;

/// A body that reports how far it has come.
#[derive(Debug)]
pub(crate) struct Outgoing {
    body: Body,
    progress: Arc<Progress>,
}

/// How far a request has come.
#[derive(Debug)]
pub(crate) struct Progress {
    begun: Instant,
    stage: AtomicU8,
    /// Microseconds from `begun` until a connection last took something of the request.
    moved: AtomicU64,
    stopped: AtomicBool,
    sender: AtomicWaker,
    /// Why the caller's body failed. HTTP/2 tells only the log.
    failed: OnceLock<(Kind, String)>,
}

impl Outgoing {
    /// A body and where to see its progress.
    pub(crate) fn new(body: Body) -> (Self, Arc<Progress>) {
        let progress = Arc::new(Progress {
            begun: Instant::now(),
            stage: AtomicU8::new(QUEUED),
            moved: AtomicU64::new(0),
            stopped: AtomicBool::new(false),
            sender: AtomicWaker::new(),
            failed: OnceLock::new(),
        });
        (Self { body, progress: progress.clone() }, progress)
    }

    /// What is sent.
    pub(crate) fn body(&self) -> &Body {
        &self.body
    }

    /// All of it, unless it streams.
    pub(crate) fn in_memory(&self) -> Option<&[u8]> {
        match &self.body {
            Body::Empty => Some(&[]),
            Body::Bytes(bytes) => Some(bytes),
            Body::Stream(_) => None,
        }
    }
}

impl Progress {
    /// When the request began.
    pub(crate) fn begun(&self) -> Instant {
        self.begun
    }

    /// Whether the request was given up before any connection had it. Meaningful once the exchange has
    /// ended or was dropped.
    pub(crate) fn never_taken(&self) -> bool {
        self.stage.load(Ordering::Acquire) == NEVER_TAKEN
    }

    /// When an answer is overdue that may take `limit` from the moment the service has the whole request,
    /// but not from before `since`, when there was a connection; `None` when that is now. A caller who
    /// pauses is not the service's fault.
    pub(crate) fn due(&self, limit: Duration, since: Instant) -> Option<Instant> {
        let now = Instant::now();
        let due = match self.stage.load(Ordering::Acquire) {
            QUEUED => since + limit,
            STARVED => now + limit,
            _ => since.max(self.begun + Duration::from_micros(self.moved.load(Ordering::Relaxed))) + limit,
        };
        (due > now).then_some(due)
    }

    /// The error for a body that failed on the caller's side.
    pub(crate) fn failure(&self) -> Option<Error> {
        let (kind, message) = self.failed.get()?;
        Some(Error::new(*kind, format!("the request's body failed: {message}")).outcome_is(Outcome::Unknown))
    }

    fn at(&self, stage: u8) {
        // Microseconds since a request began fit 64 bits for half a million years.
        let moved = self.begun.elapsed().as_micros() as u64;
        self.moved.store(moved, Ordering::Relaxed);
        self.stage.store(stage, Ordering::Release);
    }

    fn stop(&self) {
        self.stopped.store(true, Ordering::Release);
        self.sender.wake();
    }
}

/// Ends an upload when it is dropped: nobody waits for what becomes of it.
#[derive(Debug)]
pub(crate) struct Upload(Option<Arc<Progress>>);

impl Upload {
    /// The upload with this progress.
    pub(crate) fn new(progress: Arc<Progress>) -> Self {
        Self(Some(progress))
    }

    /// Lets the upload go on by itself.
    pub(crate) fn release(&mut self) {
        self.0 = None;
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        if let Some(progress) = &self.0 {
            progress.stop();
        }
    }
}

impl Drop for Outgoing {
    fn drop(&mut self) {
        let stage = &self.progress.stage;
        let _ = stage.compare_exchange(QUEUED, NEVER_TAKEN, Ordering::AcqRel, Ordering::Acquire);
    }
}

impl http_body::Body for Outgoing {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>>>> {
        let Self { body, progress } = &mut *self;
        if !body.is_replayable() {
            progress.sender.register(cx.waker());
            if progress.stopped.load(Ordering::Acquire) {
                let gone = Error::new(Kind::Rejected, "the service has already answered");
                return Poll::Ready(Some(Err(gone)));
            }
        }
        let frame = Pin::new(body).poll_frame(cx);
        progress.at(if frame.is_pending() { STARVED } else { TAKEN });
        if let Poll::Ready(Some(Err(error))) = &frame {
            let _ = progress.failed.set((error.kind(), error.message().to_owned()));
        }
        frame
    }

    /// The first thing that a connection asks when it takes a request.
    fn is_end_stream(&self) -> bool {
        if self.progress.stage.load(Ordering::Relaxed) == QUEUED {
            self.progress.at(TAKEN);
        }
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use futures_util::{StreamExt, stream};
    use http_body::Body as _;
    use http_body_util::{BodyExt, StreamBody};

    use super::*;

    const LIMIT: Duration = Duration::from_secs(15);

    #[tokio::test]
    async fn only_a_request_that_no_connection_asked_for_was_never_taken() {
        let (outgoing, progress) = Outgoing::new(Body::Empty);
        drop(outgoing);
        assert!(progress.never_taken());
        let (outgoing, progress) = Outgoing::new(Body::Empty);
        assert!(outgoing.is_end_stream());
        drop(outgoing);
        assert!(!progress.never_taken());
    }

    #[tokio::test(start_paused = true)]
    async fn the_time_for_an_answer_begins_when_the_service_has_the_whole_request() {
        let first = stream::iter([Ok(Frame::data(Bytes::from_static(b"a")))]);
        let last = stream::once(async {
            tokio::time::sleep(Duration::from_secs(60)).await;
            Ok(Frame::data(Bytes::from_static(b"b")))
        });
        let (mut outgoing, progress) =
            Outgoing::new(Body::stream(StreamBody::new(first.chain(Box::pin(last)))));
        let since = Instant::now() + Duration::from_secs(10);
        assert_eq!(progress.due(LIMIT, since), Some(since + LIMIT));
        tokio::time::advance(Duration::from_secs(10)).await;
        outgoing.frame().await.unwrap().unwrap();
        assert_eq!(progress.due(LIMIT, since), Some(since + LIMIT));
        let asked = outgoing.frame();
        tokio::pin!(asked);
        assert!(futures_util::poll!(&mut asked).is_pending());
        tokio::time::advance(Duration::from_secs(30)).await;
        assert_eq!(progress.due(LIMIT, since), Some(Instant::now() + LIMIT), "the caller pauses");
        asked.await.unwrap().unwrap();
        assert!(outgoing.frame().await.is_none());
        tokio::time::advance(LIMIT).await;
        assert_eq!(progress.due(LIMIT, since), None);
    }

    #[tokio::test]
    async fn an_upload_that_nobody_waits_for_is_stopped() {
        let (mut outgoing, progress) = Outgoing::new(Body::stream(StreamBody::new(stream::pending())));
        let upload = Upload::new(progress);
        let (frame, ()) = tokio::join!(outgoing.frame(), async { drop(upload) });
        assert!(frame.unwrap().is_err());
    }
}
