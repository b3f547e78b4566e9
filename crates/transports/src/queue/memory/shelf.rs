//! `Shelf`: the queues themselves.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use tokio::sync::Notify;
use trunkline_core::{Error, Kind, Message, Outcome, Result};

use crate::queue::replies::Replies;

/// What answers are sent to has a name that begins so, before the id of the request.
pub(super) const ANSWERS: &str = "trunkline.answers.";
/// Bytes that all messages take at most.
const BYTES: usize = 256 << 20;
/// So many are kept for those who name no group where only groups read: the oldest give way.
const UNREAD: usize = 1_000;
/// Whoever finds the queues full may try again after so long.
const AGAIN: Duration = Duration::from_secs(1);

/// Queues by name.
#[derive(Debug, Default)]
pub(super) struct Shelf {
    inside: Mutex<Inside>,
    /// Rung when a message comes.
    bell: Notify,
    /// Who waits for answers.
    pub(super) replies: Arc<Replies>,
}

#[derive(Debug, Default)]
struct Inside {
    queues: HashMap<String, Queue>,
    number: u64,
    bytes: usize,
}

/// A queue: what each group has before it, in order. Who names no group is of the one without a name.
#[derive(Debug)]
struct Queue {
    groups: HashMap<String, BTreeMap<u64, Taken>>,
    /// Whether somebody has read without naming a group.
    is_read: bool,
}

impl Default for Queue {
    fn default() -> Self {
        Self { groups: HashMap::from([(String::new(), BTreeMap::new())]), is_read: false }
    }
}

impl Queue {
    /// The oldest of what is kept for nobody: groups read, and those who name none never did.
    fn for_nobody(&mut self) -> Option<&mut BTreeMap<u64, Taken>> {
        let by_groups = !self.is_read && self.groups.len() > 1;
        self.groups.get_mut("").filter(|kept| by_groups && !kept.is_empty())
    }
}

/// Bytes that a message takes for each group that has it before it.
fn size(message: &Message) -> usize {
    message.body.len() + 256
}

/// A message, and how often it was taken.
#[derive(Debug, Clone)]
pub(super) struct Taken {
    pub(super) number: u64,
    pub(super) message: Arc<Message>,
    pub(super) at: i64,
    pub(super) deliveries: u32,
}

impl Shelf {
    /// Puts a message into a queue, for each of its groups, and gives its number.
    ///
    /// # Errors
    ///
    /// `throttled` where no more fits.
    pub(super) fn put(&self, message: Message) -> Result<u64> {
        // Answers are in no queue: one that nobody waits for any more would stay there.
        if let Some(id) = message.destination.strip_prefix(ANSWERS) {
            let id = Some(id.to_owned());
            self.replies.tell(Message { correlation_id: id, ..message });
            return Ok(0);
        }
        let mut inside = self.inside();
        inside.number += 1;
        let (number, size) = (inside.number, size(&message));
        let at = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis() as i64;
        let name = message.destination.clone();
        let taken = Taken { number, message: Arc::new(message), at, deliveries: 0 };
        let Inside { queues, bytes, .. } = &mut *inside;
        let groups = queues.get(&name).map_or(1, |queue| queue.groups.len());
        let fits = |bytes: usize| bytes + size * groups <= BYTES;
        if let Some(kept) = queues.get_mut(&name).and_then(Queue::for_nobody) {
            while (kept.len() >= UNREAD || !fits(*bytes))
                && let Some((_, oldest)) = kept.pop_first()
            {
                *bytes -= self::size(&oldest.message);
            }
        }
        if !fits(*bytes) {
            let message = "the queues in memory are full; take messages out of them";
            let error = Error::new(Kind::Throttled, message).retry_after(AGAIN);
            return Err(error.outcome_is(Outcome::NotSent));
        }
        *bytes += size * groups;
        for waiting in queues.entry(name).or_default().groups.values_mut() {
            waiting.insert(number, taken.clone());
        }
        drop(inside);
        self.bell.notify_waiters();
        Ok(number)
    }

    /// A group has its own copy of all that comes from now on.
    pub(super) fn join(&self, name: &str, group: &str) {
        let mut inside = self.inside();
        let queue = inside.queues.entry(name.to_owned()).or_default();
        queue.is_read |= group.is_empty();
        queue.groups.entry(group.to_owned()).or_default();
    }

    /// Takes messages, once there is one.
    pub(super) async fn take(&self, name: &str, group: &str, max: u32) -> Vec<Taken> {
        loop {
            let rung = self.bell.notified();
            let found = self.at_hand(name, group, max);
            if !found.is_empty() {
                return found;
            }
            rung.await;
        }
    }

    fn at_hand(&self, name: &str, group: &str, max: u32) -> Vec<Taken> {
        let mut inside = self.inside();
        let waiting = inside.queues.get_mut(name).and_then(|queue| queue.groups.get_mut(group));
        let Some(waiting) = waiting else { return Vec::new() };
        let mut found = Vec::new();
        while found.len() < max as usize
            && let Some((_, mut taken)) = waiting.pop_first()
        {
            taken.deliveries += 1;
            found.push(taken);
        }
        inside.bytes -= found.iter().map(|taken| size(&taken.message)).sum::<usize>();
        found
    }

    /// A message comes again, in its old place.
    pub(super) fn back(&self, name: &str, group: &str, taken: Taken) {
        let mut inside = self.inside();
        inside.bytes += size(&taken.message);
        let queue = inside.queues.entry(name.to_owned()).or_default();
        queue.groups.entry(group.to_owned()).or_default().insert(taken.number, taken);
        drop(inside);
        self.bell.notify_waiters();
    }

    /// The queues, and how many messages the fullest of their groups has.
    pub(super) fn list(&self) -> Vec<(String, usize)> {
        let inside = self.inside();
        let count = |queue: &Queue| queue.groups.values().map(BTreeMap::len).max().unwrap_or_default();
        let mut all: Vec<_> =
            inside.queues.iter().map(|(name, queue)| (name.clone(), count(queue))).collect();
        all.sort();
        all
    }

    fn inside(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn put(shelf: &Shelf, bytes: usize) -> Result<u64> {
        shelf.put(Message::bytes("q", Bytes::from(vec![0; bytes])))
    }

    fn count(shelf: &Shelf, group: &str) -> usize {
        shelf.inside().queues["q"].groups[group].len()
    }

    #[test]
    fn a_queue_that_is_full_is_to_be_tried_again_and_goes_on_once_something_was_taken() {
        let shelf = Shelf::default();
        while put(&shelf, 32 << 20).is_ok() {}
        let error = put(&shelf, 32 << 20).unwrap_err();
        assert_eq!((error.kind(), error.outcome()), (Kind::Throttled, Outcome::NotSent));
        assert!(error.wait().is_some(), "whoever passes messages on waits");
        assert_eq!(count(&shelf, ""), 7, "nothing of it gave way");
        assert_eq!(shelf.at_hand("q", "", 1).len(), 1);
        put(&shelf, 32 << 20).unwrap();
    }

    #[test]
    fn what_only_groups_read_is_not_kept_for_nobody() {
        let shelf = Shelf::default();
        shelf.join("q", "g");
        for _ in 0..UNREAD + 10 {
            put(&shelf, 1).unwrap();
        }
        assert_eq!((count(&shelf, ""), count(&shelf, "g")), (UNREAD, UNREAD + 10));
        // They give way too where they take the room of others.
        while shelf.at_hand("q", "g", 1000).len() == 1000 {}
        for _ in 0..20 {
            put(&shelf, 64 << 20).unwrap();
            assert_eq!(shelf.at_hand("q", "g", 1).len(), 1);
        }
        assert!(shelf.inside().bytes <= BYTES);
        // From then on that somebody reads they are theirs.
        let before = count(&shelf, "");
        shelf.join("q", "");
        while put(&shelf, 1 << 20).is_ok() {
            shelf.at_hand("q", "g", 1);
        }
        assert!(count(&shelf, "") > before);
    }
}
