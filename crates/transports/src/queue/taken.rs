//! `Taken`: the body of a pull that acknowledges by itself, which does so when it has been taken: who vanishes before takes no
//! message along.

use std::{
    mem,
    pin::Pin,
    sync::Arc,
    task::{Context as Task, Poll, ready},
};

use bytes::Bytes;
use http_body::Frame;
use tokio::{runtime, task::JoinHandle, time::timeout};
use trunkline_core::{Error, Result, Verdict};

use super::{aside::LONGEST, broker::Broker, client::Inner, lease::Lease};

/// So many bytes are handed over at once: whoever writes them takes the next when there is room for them.
const PIECE: usize = 64 << 10;

/// What is told of messages on its way to whoever asked, and the messages. Dropped before it was taken to its end, it sends them
/// back, and that they came does not count.
pub(super) struct Taken<B: Broker> {
    inner: Arc<Inner<B>>,
    left: Bytes,
    leases: Vec<Lease<B>>,
    /// Whether what was taken could be written since.
    written: bool,
    /// Whoever says that they were dealt with.
    saying: Option<JoinHandle<()>>,
}

impl<B: Broker> Taken<B> {
    pub(super) fn new(inner: &Arc<Inner<B>>, told: Bytes, leases: Vec<Lease<B>>) -> Self {
        Self { inner: inner.clone(), left: told, leases, written: false, saying: None }
    }
}

/// Nothing in it is pinned.
impl<B: Broker> Unpin for Taken<B> {}

impl<B: Broker> http_body::Body for Taken<B> {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Task<'_>) -> Poll<Option<Result<Frame<Bytes>>>> {
        let this = &mut *self;
        if !this.left.is_empty() {
            let piece = this.left.split_to(this.left.len().min(PIECE));
            return Poll::Ready(Some(Ok(Frame::data(piece))));
        }
        if !mem::replace(&mut this.written, true) {
            // Whoever writes what it has taken does so while it waits, and finds out if the other side is gone.
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        if !this.leases.is_empty() {
            let (inner, leases) = (this.inner.clone(), mem::take(&mut this.leases));
            this.saying = Some(tokio::spawn(async move {
                let said = tokio::spawn(async move { inner.judge_all(leases, Verdict::Ack).await });
                // What the broker has not heard comes again; nobody waits longer for that.
                let _ = timeout(LONGEST, said).await;
            }));
        }
        if let Some(saying) = &mut this.saying {
            let _ = ready!(Pin::new(saying).poll(cx));
            this.saying = None;
        }
        Poll::Ready(None)
    }
}

impl<B: Broker> Drop for Taken<B> {
    fn drop(&mut self) {
        let leases = mem::take(&mut self.leases);
        if !leases.is_empty()
            && let Ok(runtime) = runtime::Handle::try_current()
        {
            let inner = self.inner.clone();
            runtime.spawn(async move { inner.judge_all(leases, Verdict::Release).await });
        }
    }
}
