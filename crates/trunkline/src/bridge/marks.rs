//! `Marks`: where the bridges of a manager write down which calls begin that must not be made twice, and what became of them.

use std::sync::{Arc, Weak};

use tokio::time::{Instant, timeout_at};
use trunkline_core::{Error, IntegrationId, Kind, Result};
use trunkline_store::{Marked, Store};

use super::{
    key::Print,
    mark::{Before, Mark, find, write},
    turns::Turns,
    writer::{Write, Writer, unsound},
};

/// All marks.
pub(crate) struct Marks {
    /// The manager's: whoever still has this does not keep it open.
    store: Weak<dyn Store>,
    turns: Arc<Turns>,
    writer: Writer,
}

/// A message whose call begins.
pub(super) struct New<'a> {
    /// The integration that it came to.
    pub(super) integration: &'a IntegrationId,
    /// What it is known by.
    pub(super) name: &'a str,
    pub(super) print: Print,
    /// Whether there may be others that are known by the same, of which it is none that came before.
    pub(super) is_another: bool,
    /// Until when its call may be made again.
    pub(super) until_ms: i64,
}

impl Marks {
    /// Those of a manager.
    pub(crate) fn new(store: &Arc<dyn Store>) -> Arc<Self> {
        Arc::new(Self { store: Arc::downgrade(store), turns: Arc::default(), writer: Writer::default() })
    }

    /// Writes down that the call of a message begins, unless that was written down before. Waits while a call for a message is
    /// under way that may be the same; `None` where that is so until `end`.
    ///
    /// # Errors
    ///
    /// `overloaded` where there are too many; `store_unavailable`.
    pub(super) async fn begin(self: &Arc<Self>, new: New<'_>, end: Instant) -> Result<Option<Mark>> {
        let New { integration, name, print, is_another, until_ms } = new;
        // What is written down is heard to its end: else a call would seem to have begun that nobody made.
        let Ok(turn) = timeout_at(end, self.turns.take(name, !is_another)).await else { return Ok(None) };
        let mut beside = is_another;
        let found = loop {
            let record = write(Before::Begun(until_ms), print);
            let begin =
                Write::Begin { integration: (&**integration).into(), name: name.into(), record, beside };
            match self.write(begin).await? {
                Marked::Now(id) => break (id, Before::Nothing),
                Marked::Before(stored) => match find(stored, print) {
                    Some(found) => break found,
                    // They are of other messages that are known by the same.
                    None => beside = true,
                },
                Marked::Ended => return Err(unsound()),
            }
        };
        Ok(Some(Mark::new(found, until_ms, print, self.clone(), turn)))
    }

    /// What became of the call is known: `record`, or nothing, is kept.
    pub(super) async fn end(&self, id: String, record: Option<Vec<u8>>) -> Result<()> {
        self.write(Write::End { id, record }).await.map(drop)
    }

    /// Forgets those of an integration that is not there any more.
    pub(crate) async fn forget(&self, integration: &IntegrationId) -> Result<()> {
        let store = self.store.upgrade().ok_or_else(gone)?;
        match store.marks() {
            Some(marks) => marks.forget(integration).await,
            None => Ok(()),
        }
    }

    async fn write(&self, write: Write) -> Result<Marked> {
        let store = self.store.upgrade().ok_or_else(gone)?;
        self.writer.write(&store, write).await
    }
}

/// The manager is gone, and so is the bridge in a moment.
fn gone() -> Error {
    Error::new(Kind::ShuttingDown, "the server is shutting down")
}

#[cfg(test)]
mod tests {
    use std::{pin::pin, time::Duration};

    use futures_util::poll;
    use trunkline_store::MemoryStore;

    use super::*;

    fn far() -> Instant {
        Instant::now() + Duration::from_hours(1)
    }

    struct Lab {
        integration: IntegrationId,
        store: Arc<dyn Store>,
        marks: Arc<Marks>,
    }

    impl Lab {
        fn new() -> Self {
            let store: Arc<dyn Store> = Arc::new(MemoryStore::new(1));
            let marks = Marks::new(&store);
            Self { integration: IntegrationId::new("shop").unwrap(), store, marks }
        }

        async fn begin(&self, print: Print, is_another: bool, until_ms: i64) -> Mark {
            let new = New { integration: &self.integration, name: "a", print, is_another, until_ms };
            self.marks.begin(new, far()).await.unwrap().unwrap()
        }

        /// What is known before the call of a message that came before, or whose id tells it from others.
        async fn before(&self, print: Print) -> Before {
            self.begin(print, false, 7).await.before
        }
    }

    #[tokio::test]
    async fn a_call_that_was_cut_off_is_known_until_it_is_forgotten() {
        let lab = Lab::new();
        for until_ms in [i64::MIN, -1, 0, 1_800_000_000_000, i64::MAX] {
            assert_eq!(lab.begin(1, false, until_ms).await.before, Before::Nothing);
            let again = lab.begin(1, false, 7).await;
            assert_eq!(again.before, Before::Begun(until_ms));
            again.done().await;
            let done = lab.begin(1, false, 7).await;
            assert_eq!(done.before, Before::Done);
            done.forget().await;
        }
        let mut first = lab.begin(1, false, 7).await;
        first.tried();
        assert_eq!(first.before, Before::Begun(7), "its next attempt is the second");
    }

    #[tokio::test]
    async fn another_message_under_the_same_id_is_not_taken_for_the_one_that_had_it_before() {
        let lab = Lab::new();
        drop(lab.begin(1, false, 7).await);
        let other = lab.begin(2, false, 8).await;
        assert_eq!(other.before, Before::Nothing);
        other.done().await;
        // Each has its own.
        assert_eq!((lab.before(1).await, lab.before(2).await), (Before::Begun(7), Before::Done));
        assert_eq!(lab.before(3).await, Before::Nothing);
    }

    #[tokio::test]
    async fn of_messages_that_are_the_same_each_has_a_mark() {
        let lab = Lab::new();
        let new = async || lab.begin(1, true, i64::MIN).await;
        // Their calls are under way at the same time.
        let (one, other) = (new().await, new().await);
        assert_eq!((one.before, other.before), (Before::Nothing, Before::Nothing));
        // One that came before may be one of these, as after a lost connection: it waits until it is known what became of them.
        let mut again = pin!(lab.before(1));
        assert!(poll!(&mut again).is_pending());
        one.forget().await;
        assert!(poll!(&mut again).is_pending());
        drop(other);
        assert_eq!(again.await, Before::Begun(i64::MIN));
        // Both were cut off: both are known, and what is new is neither of them.
        lab.begin(1, false, 7).await.forget().await;
        drop((new().await, new().await));
        let third = new().await;
        assert_eq!(third.before, Before::Nothing);
        third.done().await;
        for before in [Before::Begun(i64::MIN), Before::Begun(i64::MIN), Before::Done, Before::Nothing] {
            let again = lab.begin(1, false, 7).await;
            assert_eq!(again.before, before);
            again.forget().await;
        }
    }

    #[tokio::test(start_paused = true)]
    async fn who_waits_for_a_message_that_may_be_the_same_gives_up_in_time() {
        let lab = Lab::new();
        let first = lab.begin(1, false, 7).await;
        let new =
            || New { integration: &lab.integration, name: "a", print: 1, is_another: false, until_ms: 7 };
        let end = Instant::now() + Duration::from_secs(1);
        assert!(lab.marks.begin(new(), end).await.unwrap().is_none());
        first.forget().await;
        assert_eq!(lab.before(1).await, Before::Nothing, "it has written nothing down");
    }

    #[tokio::test]
    async fn what_is_known_of_an_integration_that_is_gone_is_forgotten() {
        let lab = Lab::new();
        drop(lab.begin(1, false, 7).await);
        lab.marks.forget(&lab.integration).await.unwrap();
        assert_eq!(lab.before(1).await, Before::Nothing);
        // Whoever still has the marks keeps no store open.
        let Lab { store, marks, integration } = lab;
        drop(store);
        let new = New { integration: &integration, name: "a", print: 1, is_another: false, until_ms: 7 };
        assert_eq!(marks.begin(new, far()).await.err().unwrap().kind(), Kind::ShuttingDown);
    }
}
