//! Whoever looks after messages that are out, and after those who read: a task that ends when there are none.

use std::{
    sync::{Arc, Weak, atomic::Ordering},
    time::Duration,
};

use tokio::time::{Instant, sleep_until};
use trunkline_core::Verdict;

use super::{broker::Broker, client::Inner};

impl<B: Broker> Inner<B> {
    /// Sees that messages that are not acknowledged in time go back, and that readers nobody needs are forgotten: by a task
    /// that ends when there are none.
    pub(super) fn tend(self: &Arc<Self>) {
        if !self.tended.swap(true, Ordering::AcqRel) {
            tokio::spawn(tend(Arc::downgrade(self)));
        }
    }
}

async fn tend<B: Broker>(inner: Weak<Inner<B>>) {
    while let Some(this) = inner.upgrade() {
        let (overdue, next) = this.leases.overdue();
        if !overdue.is_empty() {
            // One that the broker does not answer to keeps no other.
            let this = this.clone();
            tokio::spawn(async move { this.judge_all(overdue, Verdict::Requeue).await });
        }
        let kept = this.readers.tend(|link| this.broker.is_alive(link));
        let next = [next, kept].into_iter().flatten().min();
        let Some(next) = next else {
            this.tended.store(false, Ordering::Release);
            // Whoever came in between found the task there.
            let came = this.leases.len() > 0 || !this.readers.is_empty();
            if came && !this.tended.swap(true, Ordering::AcqRel) {
                continue;
            }
            return;
        };
        // Whoever comes meanwhile may have less time than the next one that is known.
        let soon = Instant::now() + this.rules.ack_timeout.min(Duration::from_secs(1));
        drop(this);
        sleep_until(next.min(soon)).await;
    }
}
