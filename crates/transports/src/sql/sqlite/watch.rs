//! `Watch`: what ends a statement before it is done: its time, or that nobody waits for it any more.

use std::{
    sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    time::Duration,
};

use tokio::time::Instant;

/// Asked by SQLite while it works.
#[derive(Debug)]
pub(super) struct Watch {
    begun: Instant,
    /// Milliseconds after `begun`, until which the statement may take.
    end: AtomicU64,
    stopped: AtomicBool,
}

impl Watch {
    pub(super) fn new() -> Self {
        Self { begun: Instant::now(), end: AtomicU64::new(u64::MAX), stopped: AtomicBool::new(false) }
    }

    /// A statement begins, which may take so long.
    pub(super) fn begin(&self, limit: Duration) {
        let end = (self.begun.elapsed() + limit).as_millis();
        self.end.store(u64::try_from(end).unwrap_or(u64::MAX), Relaxed);
    }

    /// What is done now is not bounded.
    pub(super) fn end(&self) {
        self.end.store(u64::MAX, Relaxed);
    }

    /// Nobody waits any more.
    pub(super) fn stop(&self) {
        self.stopped.store(true, Relaxed);
    }

    /// Whether nobody waits any more.
    pub(super) fn is_stopped(&self) -> bool {
        self.stopped.load(Relaxed)
    }

    /// Whether the statement has to end.
    pub(super) fn is_over(&self) -> bool {
        self.is_stopped() || self.begun.elapsed().as_millis() >= u128::from(self.end.load(Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_statement_ends_with_its_time_or_its_caller() {
        let watch = Watch::new();
        assert!(!watch.is_over());
        watch.begin(Duration::from_secs(2));
        tokio::time::advance(Duration::from_millis(1999)).await;
        assert!(!watch.is_over());
        tokio::time::advance(Duration::from_millis(1)).await;
        assert!(watch.is_over());
        watch.end();
        assert!(!watch.is_over());
        watch.stop();
        assert!(watch.is_over() && watch.is_stopped());
    }
}
