//! `Shelf`: the queues themselves.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{SystemTime, UNIX_EPOCH},
};

use tokio::sync::Notify;
use trunkline_core::{Error, Kind, Message, Outcome, Result};

use crate::queue::replies::Replies;

/// What answers are sent to has a name that begins so, before the id of the request.
pub(super) const ANSWERS: &str = "trunkline.answers.";
/// Bytes that all messages take at most.
const BYTES: usize = 256 << 20;

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
}

impl Default for Queue {
    fn default() -> Self {
        Self { groups: HashMap::from([(String::new(), BTreeMap::new())]) }
    }
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
    /// `rejected` where no more fits.
    pub(super) fn put(&self, message: Message) -> Result<u64> {
        // Answers are in no queue: one that nobody waits for any more would stay there.
        if let Some(id) = message.destination.strip_prefix(ANSWERS) {
            let id = Some(id.to_owned());
            self.replies.tell(Message { correlation_id: id, ..message });
            return Ok(0);
        }
        let mut inside = self.inside();
        inside.number += 1;
        let (number, size) = (inside.number, message.body.len() + 256);
        let at = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis() as i64;
        let name = message.destination.clone();
        let taken = Taken { number, message: Arc::new(message), at, deliveries: 0 };
        let groups = inside.queues.get(&name).map_or(1, |queue| queue.groups.len());
        if inside.bytes + size * groups > BYTES {
            let message = "the queues in memory are full; take messages out of them";
            return Err(Error::new(Kind::Rejected, message).outcome_is(Outcome::Rejected));
        }
        inside.bytes += size * groups;
        for waiting in inside.queues.entry(name).or_default().groups.values_mut() {
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
        inside.bytes -= found.iter().map(|taken| taken.message.body.len() + 256).sum::<usize>();
        found
    }

    /// A message comes again, in its old place.
    pub(super) fn back(&self, name: &str, group: &str, taken: Taken) {
        let mut inside = self.inside();
        inside.bytes += taken.message.body.len() + 256;
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
