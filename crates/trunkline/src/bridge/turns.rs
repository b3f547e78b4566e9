//! `Turns`: what is known by the same is dealt with one after another, so that whatever is written down of it is nobody's who is
//! under way.

use std::{
    any::Any,
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::RwLock;

/// The names whose turn somebody has, or waits for.
#[derive(Default)]
pub(super) struct Turns(Mutex<HashMap<String, Arc<RwLock<()>>>>);

/// Somebody's turn, until it is dropped.
pub(super) struct Turn {
    /// There until it is dropped.
    guard: Option<Box<dyn Any + Send + Sync>>,
    name: String,
    turns: Arc<Turns>,
}

impl Turns {
    /// The turn of a name, which others may have beside it who do not ask for it `alone`.
    pub(super) async fn take(self: &Arc<Self>, name: &str, alone: bool) -> Turn {
        let lock = self.held().entry(name.to_owned()).or_default().clone();
        // Also where nobody waits any more who was to have it.
        let mut turn = Turn { guard: None, name: name.to_owned(), turns: self.clone() };
        turn.guard = Some(match alone {
            true => Box::new(lock.write_owned().await),
            false => Box::new(lock.read_owned().await),
        });
        turn
    }

    fn held(&self) -> MutexGuard<'_, HashMap<String, Arc<RwLock<()>>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.guard = None;
        let mut held = self.turns.held();
        // Whoever has or wants it has a share in it.
        if held.get(&self.name).is_some_and(|lock| Arc::strong_count(lock) == 1) {
            held.remove(&self.name);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use futures_util::poll;

    use super::*;

    #[tokio::test]
    async fn who_wants_a_name_alone_waits_for_all_others_and_nobody_is_remembered() {
        let turns = Arc::new(Turns::default());
        let (one, other) = (turns.take("a", false).await, turns.take("a", false).await);
        let mut alone = pin!(turns.take("a", true));
        assert!(poll!(&mut alone).is_pending());
        drop(one);
        assert!(poll!(&mut alone).is_pending());
        drop(turns.take("b", true).await);
        assert_eq!(turns.held().len(), 1);
        drop(other);
        let alone = alone.await;
        let mut next = Box::pin(turns.take("a", false));
        assert!(poll!(&mut next).is_pending());
        // One that is given up is nobody's, and neither is what nobody has.
        drop(next);
        drop(alone);
        assert!(turns.held().is_empty());
    }
}
