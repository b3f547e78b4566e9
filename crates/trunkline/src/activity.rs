//! `Activity`: what happened lately, in memory to be searched and in the store to outlive the process.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::{Instant, MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;
use trunkline_layers::{Record, Recorder};
use trunkline_store::Store;

use crate::DEFAULT_CONNECTION;

/// How often the queue is emptied: often enough for a person who watches.
const DRAIN: Duration = Duration::from_millis(100);
/// Records are written in segments of this many …
const SEGMENT: usize = 1024;
/// … or after this time, if there are fewer.
const FLUSH: Duration = Duration::from_secs(5);

/// The newest records of calls, at most a fixed number of them.
#[derive(Debug)]
pub struct Activity {
    recorder: Arc<Recorder>,
    store: Arc<dyn Store>,
    keep: usize,
    ring: Mutex<Ring>,
}

/// Records are numbered as they come; the oldest may be gone before they were written.
#[derive(Debug, Default)]
struct Ring {
    records: VecDeque<Record>,
    /// The number that the next record gets.
    next: u64,
    /// The number of the first that is not yet in the store.
    unwritten: u64,
}

impl Ring {
    /// Adds records, and says how many.
    fn extend(&mut self, fresh: impl Iterator<Item = Record>, keep: usize) -> usize {
        let before = self.records.len();
        self.records.extend(fresh);
        let more = self.records.len() - before;
        self.next += more as u64;
        self.records.drain(..self.records.len().saturating_sub(keep));
        more
    }

    /// How many of the newest are not yet in the store.
    fn pending(&self) -> usize {
        usize::try_from(self.next - self.unwritten).map_or(self.records.len(), |n| n.min(self.records.len()))
    }

    /// The next segment to be written, and the number of the record that follows it.
    fn segment(&self) -> Option<(Vec<u8>, u64)> {
        let pending = self.pending();
        let take = pending.min(SEGMENT);
        let from = self.records.len() - pending;
        let segment = write(self.records.range(from..from + take));
        (take > 0).then_some((segment, self.next - (pending - take) as u64))
    }
}

/// What a segment begins with. Its records are not self-describing: with another [`Record`] comes another number.
const FORMAT: u8 = 2;

/// The bytes of a segment.
fn write<'a>(records: impl Iterator<Item = &'a Record>) -> Vec<u8> {
    // A record is made of numbers and short strings: it always serialises.
    postcard::to_allocvec(&(FORMAT, records.collect::<Vec<_>>())).unwrap_or_default()
}

/// The records of a segment. One of another version, or that is damaged, is let go.
fn read(segment: &[u8]) -> Vec<Record> {
    let records = segment.strip_prefix(&[FORMAT]).map(postcard::from_bytes);
    records.and_then(Result::ok).unwrap_or_default()
}

/// Which records to give, newest first.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Of this integration.
    pub integration: Option<String>,
    /// Of the connections of this name; `default` is the one that every integration has.
    pub connection: Option<String>,
    /// Of this kind: `ok`, `cancelled`, or the code of an error's kind.
    pub kind: Option<String>,
    /// With this status.
    pub status: Option<u16>,
    /// Of this call.
    pub request_id: Option<String>,
    /// Not before, in milliseconds since 1970.
    pub since_ms: Option<u64>,
    /// Before, in milliseconds since 1970.
    pub until_ms: Option<u64>,
    /// At most this many; 100 unless set, never more than 1,000.
    pub limit: Option<usize>,
}

impl Filter {
    fn admits(&self, record: &Record) -> bool {
        self.integration.as_ref().is_none_or(|id| **id == *record.integration)
            && self
                .connection
                .as_deref()
                .is_none_or(|name| name == record.connection.as_deref().unwrap_or(DEFAULT_CONNECTION))
            && self.kind.as_ref().is_none_or(|kind| **kind == *record.kind)
            && self.status.is_none_or(|status| record.status == Some(status))
            && self.since_ms.is_none_or(|since| record.at_ms >= since)
            && self.until_ms.is_none_or(|until| record.at_ms < until)
            && self
                .request_id
                .as_ref()
                .is_none_or(|id| record.request_id.encode(&mut [0; 36]).eq_ignore_ascii_case(id))
    }
}

impl Activity {
    /// Reads what the store has kept.
    pub(crate) async fn load(recorder: Arc<Recorder>, store: Arc<dyn Store>, keep: usize) -> Self {
        let mut records = VecDeque::new();
        match store.load_activity().await {
            Ok(segments) => {
                records.extend(segments.iter().flat_map(|segment| read(segment)));
                records.drain(..records.len().saturating_sub(keep));
            }
            Err(error) => tracing::warn!(%error, "the activity of earlier runs cannot be read"),
        }
        Self { recorder, store, keep, ring: Mutex::new(Ring { records, ..Ring::default() }) }
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

    /// The newest records that `filter` admits, newest first.
    pub fn query(&self, filter: &Filter) -> Vec<Record> {
        self.drain();
        let limit = filter.limit.unwrap_or(100).min(1_000);
        self.ring().records.iter().rev().filter(|record| filter.admits(record)).take(limit).cloned().collect()
    }

    /// How many records were lost because calls came faster than they could be written down.
    pub fn dropped(&self) -> u64 {
        self.recorder.dropped()
    }

    fn drain(&self) {
        let mut ring = self.ring();
        while ring.extend(self.recorder.drain(1024), self.keep) > 0 {}
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
            self.ring().unwritten = end;
        }
    }

    fn ring(&self) -> MutexGuard<'_, Ring> {
        self.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_segment_of_another_version_is_let_go() {
        // A record as it was before connections were in it.
        let before = (1_u64, [0_u8; 16], "a", "GET", "ok", Some(200_u16), 1_u32, 1.5, 0_u64, 2_u64, "");
        let segment = postcard::to_allocvec(&(1_u8, vec![before])).unwrap();
        assert!(read(&segment).is_empty());
        let named =
            (1_u64, [0_u8; 16], "a", "GET", "ok", Some(200_u16), 1_u32, 1.5, 0_u64, 2_u64, ("", "acme"));
        let segment = postcard::to_allocvec(&(FORMAT, vec![named])).unwrap();
        assert_eq!(read(&segment)[0].connection.as_deref(), Some("acme"));
        assert!(read(&[]).is_empty());
    }
}
