//! `Idle`: notices a stream that keeps its reader waiting. Time in which nobody reads does not count: a
//! slow reader is not the sender's fault.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use tokio::time::{Instant, Sleep, sleep};

/// How long the reader of a stream has waited in vain.
#[derive(Debug)]
pub struct Idle {
    limit: Duration,
    /// Made when there is first something to wait for.
    sleep: Option<Pin<Box<Sleep>>>,
    waiting: bool,
}

impl Idle {
    /// Nobody waits yet; once somebody does, for at most `limit`.
    pub fn new(limit: Duration) -> Self {
        Self { limit, sleep: None, waiting: false }
    }

    /// The most that a reader waits.
    pub fn limit(&self) -> Duration {
        self.limit
    }

    /// Something came: the reader waits no more.
    pub fn moved(&mut self) {
        self.waiting = false;
    }

    /// Nothing is there to read: ready when the reader has waited for the limit.
    pub fn poll_overdue(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let limit = self.limit;
        let sleep = self.sleep.get_or_insert_with(|| Box::pin(sleep(limit)));
        if !std::mem::replace(&mut self.waiting, true) {
            sleep.as_mut().reset(Instant::now() + limit);
        }
        sleep.as_mut().poll(cx)
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use futures_util::FutureExt;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn only_time_in_which_somebody_waits_counts() {
        let mut idle = Idle::new(Duration::from_secs(10));
        assert!(poll_fn(|cx| idle.poll_overdue(cx)).now_or_never().is_none());
        idle.moved();
        tokio::time::advance(Duration::from_secs(60)).await;
        assert!(poll_fn(|cx| idle.poll_overdue(cx)).now_or_never().is_none(), "the reader was away");
        let began = Instant::now();
        poll_fn(|cx| idle.poll_overdue(cx)).await;
        assert_eq!(began.elapsed().as_secs(), 10);
    }
}
