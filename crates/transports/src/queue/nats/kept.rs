//! `Kept`: messages of a group that were released, kept for whoever reads here next. A stream counts each time that it delivers
//! a message, so it is not given back to it: the stream hears that somebody is at work on it.

use std::{
    collections::VecDeque,
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::Duration,
};

use async_nats::jetstream::AckKind;
use futures_util::future::join_all;
use tokio::{runtime, time::sleep};
use trunkline_core::Result;

use super::{link::NatsLink, mark::Mark};

/// Messages that one reader of a group keeps.
pub(super) struct Kept {
    link: Arc<NatsLink>,
    /// The stream waits longer than this before it delivers a message again.
    hold: Duration,
    /// And does so no more often than this, where the group says so.
    most: Option<u32>,
    inside: Mutex<Inside>,
}

#[derive(Default)]
struct Inside {
    marks: VecDeque<Mark>,
    /// Whether a task tells the stream of them.
    tended: bool,
}

/// So many are kept. What more there is goes back, and counts.
const MOST: usize = 1_000;

impl Kept {
    pub(super) fn new(link: &Arc<NatsLink>, hold: Duration, most: Option<u32>) -> Arc<Self> {
        Arc::new(Self { link: link.clone(), hold, most, inside: Mutex::default() })
    }

    /// Whether a message is kept when it is released. The first time it goes back, so that whoever reads elsewhere has it at
    /// once: only what is released again and again would come to count for too much. What came for the last time does not go back.
    pub(super) fn wants(&self, mark: &Mark) -> bool {
        mark.count().is_some_and(|count| count > 1) || self.is_last(mark)
    }

    /// Whether the stream would not deliver a message once more.
    fn is_last(&self, mark: &Mark) -> bool {
        mark.count().zip(self.most).is_some_and(|(count, most)| count >= most)
    }

    /// Keeps a message, or sends it back where there is no room; `false` where that would lose it.
    ///
    /// # Errors
    ///
    /// Those of [`Mark::tell`].
    pub(super) async fn keep(self: &Arc<Self>, mark: &Mark) -> Result<bool> {
        if !self.is_full() {
            mark.tell(&self.link, AckKind::Progress).await?;
            if self.put(mark) {
                return Ok(true);
            }
        }
        if self.is_last(mark) {
            return Ok(false);
        }
        mark.tell(&self.link, AckKind::Nak(None)).await.map(|()| true)
    }

    fn is_full(&self) -> bool {
        self.inside().marks.len() >= MOST
    }

    /// Puts a message with the others, unless they have become too many.
    fn put(self: &Arc<Self>, mark: &Mark) -> bool {
        let mut inside = self.inside();
        if inside.marks.len() >= MOST {
            return false;
        }
        inside.marks.push_back(mark.clone());
        if !mem::replace(&mut inside.tended, true) {
            tokio::spawn(tend(Arc::downgrade(self), self.hold / 2));
        }
        true
    }

    /// Those that the stream would not deliver once more, which are not kept any longer.
    pub(super) fn last(&self) -> Vec<Mark> {
        let mut inside = self.inside();
        let (last, others): (VecDeque<_>, _) =
            mem::take(&mut inside.marks).into_iter().partition(|mark| self.is_last(mark));
        inside.marks = others;
        last.into()
    }

    /// At most so many, the oldest first, each with all its time before it. Those that the stream does not hear of it delivers
    /// again by itself, if it still does.
    pub(super) async fn take(&self, max: u32) -> Vec<Mark> {
        let some: Vec<_> = {
            let marks = &mut self.inside().marks;
            let count = marks.len().min(max as usize);
            marks.drain(..count).collect()
        };
        let heard = join_all(some.iter().map(|mark| mark.tell(&self.link, AckKind::Progress))).await;
        let there = some.into_iter().zip(heard).filter(|(mark, heard)| heard.is_ok() || self.is_last(mark));
        there.map(|(mark, _)| mark).collect()
    }

    fn inside(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Tells the stream now and then that somebody is at work on what is kept, until nothing is.
async fn tend(kept: Weak<Kept>, period: Duration) {
    loop {
        sleep(period).await;
        let Some(this) = kept.upgrade() else { return };
        let marks: Vec<_> = {
            let mut inside = this.inside();
            inside.tended = !inside.marks.is_empty();
            inside.marks.iter().cloned().collect()
        };
        if marks.is_empty() {
            return;
        }
        join_all(marks.iter().map(async |mark| {
            if mark.tell(&this.link, AckKind::Progress).await.is_err() && !this.is_last(mark) {
                this.inside().marks.retain(|kept| !kept.is(mark));
            }
        }))
        .await;
    }
}

impl Drop for Kept {
    /// Nobody reads here any more: others have them.
    fn drop(&mut self) {
        let marks = mem::take(&mut self.inside().marks);
        if !marks.is_empty()
            && let Ok(runtime) = runtime::Handle::try_current()
        {
            let link = self.link.clone();
            runtime.spawn(async move {
                // Where the stream does not hear it, it delivers them again by itself.
                join_all(marks.iter().map(|mark| mark.tell(&link, AckKind::Nak(None)))).await;
            });
        }
    }
}
