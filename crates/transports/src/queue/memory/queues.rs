//! Queues as they are kept: those that there are, how many there may be, and what each group has before it.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
    time::Duration,
};

use trunkline_core::{Error, Kind, Message, Outcome, Result};

/// So many groups there are at most in all queues, those without a name included.
pub(super) const GROUPS: usize = 10_000;
/// Whoever finds the queues full may try again after so long.
const AGAIN: Duration = Duration::from_secs(1);

/// All queues, by name.
#[derive(Debug, Default)]
pub(super) struct Queues {
    pub(super) queues: HashMap<String, Queue>,
    pub(super) number: u64,
    pub(super) bytes: usize,
    /// Groups of all queues.
    pub(super) groups: usize,
}

/// A queue: what each group has before it, in order. Who names no group is of the one without a name.
#[derive(Debug)]
pub(super) struct Queue {
    pub(super) groups: HashMap<String, Group>,
    /// Whether somebody has read without naming a group.
    pub(super) is_read: bool,
    /// Whether it stays though it is empty and nobody reads it.
    pub(super) is_declared: bool,
}

/// What a group has before it.
#[derive(Debug, Default)]
pub(super) struct Group {
    pub(super) waiting: BTreeMap<u64, Taken>,
    /// How many read as this group.
    pub(super) readers: usize,
}

impl Group {
    fn is_idle(&self) -> bool {
        self.waiting.is_empty() && self.readers == 0
    }
}

impl Default for Queue {
    fn default() -> Self {
        let groups = HashMap::from([(String::new(), Group::default())]);
        Self { groups, is_read: false, is_declared: false }
    }
}

impl Queue {
    /// The oldest of what is kept for nobody: groups read, and those who name none never did.
    pub(super) fn for_nobody(&mut self) -> Option<&mut BTreeMap<u64, Taken>> {
        let by_groups = !self.is_read && self.groups.len() > 1;
        let kept = self.groups.get_mut("").map(|group| &mut group.waiting);
        kept.filter(|kept| by_groups && !kept.is_empty())
    }

    /// Whether it is of no more use: it is empty, nobody reads it, and no group is to have what comes.
    fn is_idle(&self) -> bool {
        !self.is_declared && self.groups.len() == 1 && self.groups.values().all(Group::is_idle)
    }
}

impl Queues {
    /// The queue of this name, with this group, which are made where they are not there.
    ///
    /// # Errors
    ///
    /// `throttled` where there are too many.
    pub(super) fn queue(&mut self, name: &str, group: &str) -> Result<&mut Queue> {
        let known = self.queues.get(name).map(|queue| queue.groups.contains_key(group));
        let more = match known {
            Some(true) => 0,
            Some(false) => 1,
            None => 1 + usize::from(!group.is_empty()),
        };
        if more > 0 && self.groups + more > GROUPS {
            self.forget_idle_groups();
            if self.groups + more > GROUPS {
                return Err(full(
                    "there are too many queues and groups in memory; empty some, or name fewer",
                ));
            }
        }
        self.groups += more;
        let queue = self.queues.entry(name.to_owned()).or_default();
        queue.groups.entry(group.to_owned()).or_default();
        Ok(queue)
    }

    /// Removes a queue that is of no more use.
    pub(super) fn tidy(&mut self, name: &str) {
        if self.queues.get(name).is_some_and(Queue::is_idle) {
            self.queues.remove(name);
            self.groups -= 1;
        }
    }

    /// Makes room: groups that have nothing before them, and that nobody reads as, have nothing kept for them any more.
    fn forget_idle_groups(&mut self) {
        for queue in self.queues.values_mut() {
            queue.groups.retain(|name, group| name.is_empty() || !group.is_idle());
        }
        self.queues.retain(|_, queue| !queue.is_idle());
        self.groups = self.queues.values().map(|queue| queue.groups.len()).sum();
    }
}

/// No more fits.
pub(super) fn full(message: &'static str) -> Error {
    Error::new(Kind::Throttled, message).retry_after(AGAIN).outcome_is(Outcome::NotSent)
}

/// Bytes that a message takes for each group that has it before it.
pub(super) fn size(message: &Message) -> usize {
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
