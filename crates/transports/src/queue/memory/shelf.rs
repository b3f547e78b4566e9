//! `Shelf`: the queues themselves.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{SystemTime, UNIX_EPOCH},
};

use tokio::sync::Notify;
use trunkline_core::{Message, Result};

use super::queues::{Queue, Queues, Taken, full, size};
use crate::queue::replies::Replies;

/// What answers are sent to has a name that begins so, before the id of the request.
pub(super) const ANSWERS: &str = "trunkline.answers.";
/// Bytes that all messages take at most.
const BYTES: usize = 256 << 20;
/// So many are kept for those who name no group where only groups read: the oldest give way.
const UNREAD: usize = 1_000;

/// Queues by name.
#[derive(Debug, Default)]
pub(super) struct Shelf {
    inside: Mutex<Queues>,
    /// Rung when a message comes.
    bell: Notify,
    /// Who waits for answers.
    pub(super) replies: Arc<Replies>,
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
        let (number, bytes_each) = (inside.number, size(&message));
        let at = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis() as i64;
        let name = message.destination.clone();
        let taken = Taken { number, message: Arc::new(message), at, deliveries: 0 };
        inside.queue(&name, "")?;
        let Queues { queues, bytes, .. } = &mut *inside;
        let groups = queues.get(&name).map_or(1, |queue| queue.groups.len());
        let fits = |bytes: usize| bytes + bytes_each * groups <= BYTES;
        if let Some(kept) = queues.get_mut(&name).and_then(Queue::for_nobody) {
            while (kept.len() >= UNREAD || !fits(*bytes))
                && let Some((_, oldest)) = kept.pop_first()
            {
                *bytes -= size(&oldest.message);
            }
        }
        if !fits(*bytes) {
            inside.tidy(&name);
            return Err(full("the queues in memory are full; take messages out of them"));
        }
        *bytes += bytes_each * groups;
        for group in queues.entry(name).or_default().groups.values_mut() {
            group.waiting.insert(number, taken.clone());
        }
        drop(inside);
        self.bell.notify_waiters();
        Ok(number)
    }

    /// A queue is there from now on.
    ///
    /// # Errors
    ///
    /// `throttled` where there are too many.
    pub(super) fn declare(&self, name: &str) -> Result<()> {
        self.inside().queue(name, "")?.is_declared = true;
        Ok(())
    }

    /// Somebody reads as a group, which has its own copy of all that comes from now on.
    ///
    /// # Errors
    ///
    /// `throttled` where there are too many queues and groups.
    pub(super) fn join(&self, name: &str, group: &str) -> Result<()> {
        let mut inside = self.inside();
        let queue = inside.queue(name, group)?;
        queue.is_read |= group.is_empty();
        queue.groups.entry(group.to_owned()).or_default().readers += 1;
        Ok(())
    }

    /// Who has joined reads no more. What they have taken is [back](Self::back).
    pub(super) fn leave(&self, name: &str, group: &str) {
        let mut inside = self.inside();
        if let Some(group) = inside.queues.get_mut(name).and_then(|queue| queue.groups.get_mut(group)) {
            group.readers -= 1;
        }
        inside.tidy(name);
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
        let group = inside.queues.get_mut(name).and_then(|queue| queue.groups.get_mut(group));
        let Some(group) = group else { return Vec::new() };
        let mut found = Vec::new();
        while found.len() < max as usize
            && let Some((_, mut taken)) = group.waiting.pop_first()
        {
            taken.deliveries += 1;
            found.push(taken);
        }
        inside.bytes -= found.iter().map(|taken| size(&taken.message)).sum::<usize>();
        found
    }

    /// A message comes again, in its old place. Whoever had it still reads, so the queue is there.
    pub(super) fn back(&self, name: &str, group: &str, taken: Taken) {
        let mut inside = self.inside();
        let Queues { queues, bytes, .. } = &mut *inside;
        if let Some(group) = queues.get_mut(name).and_then(|queue| queue.groups.get_mut(group)) {
            *bytes += size(&taken.message);
            group.waiting.insert(taken.number, taken);
        }
        drop(inside);
        self.bell.notify_waiters();
    }

    /// The queues, and how many messages the fullest of their groups has.
    pub(super) fn list(&self) -> Vec<(String, usize)> {
        let inside = self.inside();
        let count =
            |queue: &Queue| queue.groups.values().map(|group| group.waiting.len()).max().unwrap_or_default();
        let mut all: Vec<_> =
            inside.queues.iter().map(|(name, queue)| (name.clone(), count(queue))).collect();
        all.sort();
        all
    }

    fn inside(&self) -> MutexGuard<'_, Queues> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use trunkline_core::{Kind, Outcome};

    use super::*;
    use crate::queue::memory::queues::GROUPS;

    fn put(shelf: &Shelf, bytes: usize) -> Result<u64> {
        shelf.put(Message::bytes("q", Bytes::from(vec![0; bytes])))
    }

    fn count(shelf: &Shelf, group: &str) -> usize {
        shelf.inside().queues["q"].groups[group].waiting.len()
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
        shelf.join("q", "g").unwrap();
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
        shelf.join("q", "").unwrap();
        while put(&shelf, 1 << 20).is_ok() {
            shelf.at_hand("q", "g", 1);
        }
        assert!(count(&shelf, "") > before);
    }

    #[test]
    fn a_queue_that_is_empty_and_that_nobody_reads_is_gone_unless_it_is_declared() {
        let shelf = Shelf::default();
        let names = || shelf.list().into_iter().map(|(name, _)| name).collect::<Vec<_>>();
        shelf.declare("kept").unwrap();
        put(&shelf, 1).unwrap();
        assert_eq!(names(), ["kept", "q"], "it is not empty");
        shelf.join("q", "").unwrap();
        let taken = shelf.at_hand("q", "", 1).remove(0);
        assert_eq!(names(), ["kept", "q"], "somebody reads it");
        shelf.back("q", "", taken);
        shelf.leave("q", "");
        assert_eq!(names(), ["kept", "q"], "it is not empty");
        shelf.join("q", "").unwrap();
        shelf.at_hand("q", "", 1);
        shelf.leave("q", "");
        shelf.join("kept", "").unwrap();
        shelf.leave("kept", "");
        assert_eq!((names(), shelf.inside().groups), (vec!["kept".to_owned()], 1));
        // A group has its own copy of what comes while it is away.
        shelf.join("q", "g").unwrap();
        shelf.leave("q", "g");
        put(&shelf, 1).unwrap();
        assert_eq!(count(&shelf, "g"), 1);
    }

    #[test]
    fn so_many_queues_and_groups_there_are_and_those_give_way_that_nobody_needs() {
        let shelf = Shelf::default();
        let text = |name: &str| shelf.put(Message::text(name, "a"));
        for n in 0..GROUPS / 2 {
            text(&format!("q{n}")).unwrap();
            shelf.join("q0", &format!("g{n}")).unwrap();
            shelf.leave("q0", &format!("g{n}"));
        }
        // All have something before them, or are groups that have nothing and that nobody reads as.
        for n in GROUPS / 2..GROUPS {
            text(&format!("q{n}")).unwrap();
        }
        assert_eq!(shelf.inside().groups, GROUPS);
        let error = text("one more").unwrap_err();
        assert_eq!((error.kind(), error.outcome()), (Kind::Throttled, Outcome::NotSent), "{error}");
        assert!(error.message().contains("too many queues"), "{error}");
        assert_eq!(shelf.join("q0", "one more").unwrap_err().kind(), Kind::Throttled);
        shelf.join("q1", "").unwrap();
        shelf.at_hand("q1", "", 1);
        shelf.leave("q1", "");
        text("one more").unwrap();
    }
}
