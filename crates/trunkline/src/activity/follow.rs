//! Following the activity: each record as it comes, from any number on that is still kept.

use std::{collections::VecDeque, sync::Arc};

use futures_util::{Stream, stream};
use tokio::sync::watch;
use trunkline_layers::Record;

use super::{Activity, Filter};

/// So many records are copied at a time.
const BATCH: usize = 256;

/// What somebody who follows the activity is told.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Followed {
    /// A call has ended.
    Record(Box<Record>),
    /// So many records, of whatever kind, were gone before they could be told.
    Missed(u64),
}

impl Activity {
    /// The records that `filter` admits, the oldest first, as they come: those after the one of this number, or without one
    /// those that are still to come. It does not end by itself, and nothing piles up for whoever is slow: they read what is
    /// still kept, and are told how much is not. The filter's `before`, `after`, `until_ms` and `limit` do not count.
    pub fn follow(
        self: &Arc<Self>,
        filter: Filter,
        after: Option<u64>,
    ) -> impl Stream<Item = Followed> + Send + 'static {
        let filter = Filter { before: None, after: None, until_ms: None, limit: None, ..filter };
        let grown = self.grown.subscribe();
        self.drain();
        // A number beyond the newest was given by another store: there is nothing to go on with.
        let next = after.map_or(u64::MAX, |after| after.saturating_add(1)).min(self.ring().next());
        let follower = Follower { activity: self.clone(), filter, grown, next, told: VecDeque::new() };
        stream::unfold(follower, |mut follower| async move { Some((follower.next().await?, follower)) })
    }
}

/// Somebody who follows.
struct Follower {
    activity: Arc<Activity>,
    filter: Filter,
    grown: watch::Receiver<()>,
    /// The number of the first record that was not looked at.
    next: u64,
    told: VecDeque<Followed>,
}

impl Follower {
    async fn next(&mut self) -> Option<Followed> {
        loop {
            if let Some(told) = self.told.pop_front() {
                return Some(told);
            }
            // Marked as seen before it is looked at: what comes in between is looked at once more.
            self.grown.mark_unchanged();
            self.read();
            if self.told.is_empty() {
                self.grown.changed().await.ok()?;
            }
        }
    }

    /// Looks at the records that came since, until there is enough to tell.
    fn read(&mut self) {
        let ring = self.activity.ring();
        let missed = ring.first().saturating_sub(self.next);
        if missed > 0 {
            self.told.push_back(Followed::Missed(missed));
            self.next = ring.first();
        }
        for record in ring.from(self.next) {
            if self.told.len() == BATCH {
                return;
            }
            self.next = record.number + 1;
            if self.filter.admits(record) {
                self.told.push_back(Followed::Record(Box::new(record.clone())));
            }
        }
    }
}
