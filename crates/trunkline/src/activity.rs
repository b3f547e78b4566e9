//! `Activity`: what happened lately, in memory to be searched and in the store to outlive the process.

mod filter;
mod follow;
mod ring;
mod summary;

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    sync::watch,
    time::{Instant, MissedTickBehavior, interval},
};
use tokio_util::sync::CancellationToken;
use trunkline_layers::{Record, Recorder};
use trunkline_store::Store;

use self::ring::{Ring, SEGMENT};
pub use self::{
    filter::Filter,
    follow::Followed,
    summary::{Counts, Figures, Period, Step, Summary},
};

/// How often the queue is emptied: often enough for a person who watches.
const DRAIN: Duration = Duration::from_millis(100);
/// Records are written after this time, if there are fewer than a segment has.
const FLUSH: Duration = Duration::from_secs(5);

/// The newest records of calls, at most a fixed number of them.
#[derive(Debug)]
pub struct Activity {
    recorder: Arc<Recorder>,
    store: Arc<dyn Store>,
    ring: Mutex<Ring>,
    /// Tells those who follow that there are more.
    grown: watch::Sender<()>,
}

impl Activity {
    /// Reads what the store has kept.
    pub(crate) async fn load(recorder: Arc<Recorder>, store: Arc<dyn Store>, keep: usize) -> Self {
        let segments = store.load_activity().await.unwrap_or_else(|error| {
            tracing::warn!(%error, "the activity of earlier runs cannot be read");
            Vec::new()
        });
        let ring = Ring::new(segments.iter().flat_map(|segment| ring::read(segment)), keep);
        Self { recorder, store, ring: Mutex::new(ring), grown: watch::Sender::new(()) }
    }

    /// Empties the queue into memory and the store until cancelled, and then writes down what is left.
    /// It alone writes, so that no segment is there twice or out of order.
    pub(crate) async fn run(self: Arc<Self>, stop: CancellationToken) {
        let mut tick = interval(DRAIN);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (mut tried, mut well) = (Instant::now(), true);
        loop {
            tokio::select! {
                () = stop.cancelled() => break,
                _ = tick.tick() => {}
            }
            self.drain();
            // A store that has just failed is not asked ten times a second.
            if tried.elapsed() >= FLUSH || (well && self.ring().pending() >= SEGMENT) {
                well = self.write().await;
                tried = Instant::now();
            }
        }
        self.drain();
        self.write().await;
    }

    /// The newest records that `filter` admits, newest first; with `after`, the oldest of those behind it, in the same order.
    pub fn query(&self, filter: &Filter) -> Vec<Record> {
        self.drain();
        let limit = filter.limit.unwrap_or(100).min(1_000);
        let ring = self.ring();
        let before = filter.before.unwrap_or(u64::MAX);
        let Some(after) = filter.after else {
            return ring.before(before).filter(|record| filter.admits(record)).take(limit).cloned().collect();
        };
        let records = ring.from(after.saturating_add(1)).take_while(|record| record.number < before);
        let mut next: Vec<_> = records.filter(|record| filter.admits(record)).take(limit).cloned().collect();
        next.reverse();
        next
    }

    /// How many records were lost because calls came faster than they could be written down.
    pub fn dropped(&self) -> u64 {
        self.recorder.dropped()
    }

    fn drain(&self) {
        let mut ring = self.ring();
        let before = ring.next();
        while ring.extend(self.recorder.drain(1024)) > 0 {}
        if ring.next() > before {
            self.grown.send_replace(());
        }
    }

    /// Writes what is not yet written, and says whether the store took it. What it does not take is
    /// offered again, as long as it is among the newest.
    async fn write(&self) -> bool {
        loop {
            let Some((segment, end)) = self.ring().segment() else { return true };
            if let Err(error) = self.store.append_activity(&segment).await {
                tracing::warn!(%error, "activity cannot be written; it is kept in memory");
                return false;
            }
            self.ring().written(end);
        }
    }

    fn ring(&self) -> MutexGuard<'_, Ring> {
        self.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
