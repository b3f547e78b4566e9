//! `Replies`: who waits for the answer to a request, by its correlation id.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use tokio::sync::oneshot;
use trunkline_core::{Error, Kind, Message, Outcome, Result};
use uuid::Uuid;

use crate::again::copy;

/// So many may wait at a time.
const MOST: usize = 10_000;

/// Those who wait.
#[derive(Debug)]
pub(super) struct Replies {
    waiting: Mutex<HashMap<String, oneshot::Sender<Result<Message>>>>,
    /// Of all connections of a broker together.
    late: Arc<AtomicU64>,
    /// What ids begin with, of all connections of a broker together, and of no other.
    mark: Arc<str>,
}

impl Default for Replies {
    fn default() -> Self {
        let mark = Uuid::new_v4().simple().to_string()[..12].into();
        Self { waiting: Mutex::default(), late: Arc::default(), mark }
    }
}

/// One who waits. Dropped, it waits no more.
#[derive(Debug)]
pub(super) struct Waiting {
    replies: Arc<Replies>,
    /// What the answer has to say: 122 random bits, so nobody guesses it.
    pub(super) id: String,
    told: oneshot::Receiver<Result<Message>>,
}

impl Replies {
    /// Those who wait over another connection, with the same count.
    pub(super) fn beside(&self) -> Arc<Self> {
        Arc::new(Self { waiting: Mutex::default(), late: self.late.clone(), mark: self.mark.clone() })
    }

    /// Waits for an answer from now on.
    ///
    /// # Errors
    ///
    /// `throttled` where too many wait.
    pub(super) fn expect(self: &Arc<Self>) -> Result<Waiting> {
        let (tell, told) = oneshot::channel();
        let id = format!("{}-{}", self.mark, Uuid::new_v4());
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.len() >= MOST {
            return Err(Error::new(
                Kind::Throttled,
                "too many requests wait for their answers; ask fewer at a time",
            ));
        }
        waiting.insert(id.clone(), tell);
        drop(waiting);
        Ok(Waiting { replies: self.clone(), id, told })
    }

    /// An answer came. One that nobody waits for is counted and dropped.
    pub(super) fn tell(&self, message: Message) {
        let waiting = message
            .correlation_id
            .as_deref()
            .and_then(|id| self.waiting.lock().unwrap_or_else(PoisonError::into_inner).remove(id));
        if waiting.is_none_or(|tell| tell.send(Ok(message)).is_err()) {
            self.late.fetch_add(1, Relaxed);
        }
    }

    /// The same where others have their answers come by the same way: theirs are no matter of ours.
    pub(super) fn tell_of_many(&self, message: Message) {
        if message.correlation_id.as_deref().is_some_and(|id| id.starts_with(&*self.mark)) {
            self.tell(message);
        }
    }

    /// No answer will come to a request.
    pub(super) fn fail(&self, id: &str, error: Error) {
        let waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner).remove(id);
        if let Some(tell) = waiting {
            let _ = tell.send(Err(error));
        }
    }

    /// No answer will come to any of them.
    pub(super) fn fail_all(&self, error: &Error) {
        let all = std::mem::take(&mut *self.waiting.lock().unwrap_or_else(PoisonError::into_inner));
        for tell in all.into_values() {
            let _ = tell.send(Err(copy(error)));
        }
    }

    /// No answer will come: the way that they would have come on is lost.
    pub(super) fn lost(&self) {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// How many answers came that nobody waited for.
    pub(super) fn late(&self) -> u64 {
        self.late.load(Relaxed)
    }
}

impl Waiting {
    /// The answer.
    ///
    /// # Errors
    ///
    /// `unavailable` where the way that it would have come on is lost; why none will come.
    pub(super) async fn answer(mut self) -> Result<Message> {
        (&mut self.told).await.unwrap_or_else(|_| {
            let message =
                "the connection was lost before the answer came; the request may have been dealt with";
            Err(Error::new(Kind::Unavailable, message).outcome_is(Outcome::Unknown))
        })
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.replies.waiting.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(id: &str, text: &str) -> Message {
        Message { correlation_id: Some(id.to_owned()), ..Message::text("", text) }
    }

    #[tokio::test]
    async fn everybody_gets_their_own_answer_and_a_late_one_nobody() {
        let replies = Arc::new(Replies::default());
        let all: Vec<_> = (0..100).map(|_| replies.expect().unwrap()).collect();
        let ids: Vec<_> = all.iter().map(|one| one.id.clone()).collect();
        for id in ids.iter().rev() {
            replies.tell(answer(id, id));
        }
        for (id, one) in ids.iter().zip(all) {
            assert_eq!(one.answer().await.unwrap().body, id.as_bytes());
        }
        assert_eq!(replies.late(), 0);
        let gone = replies.expect().unwrap();
        let id = gone.id.clone();
        drop(gone);
        replies.tell(answer(&id, "late"));
        replies.tell(answer("guessed", "stray"));
        replies.tell(Message::text("", "without an id"));
        assert_eq!(replies.late(), 3);
    }

    #[tokio::test]
    async fn answers_to_others_that_come_by_the_same_way_are_no_late_ones() {
        let (ours, others) = (Arc::new(Replies::default()), Arc::new(Replies::default()));
        let (mine, theirs) =
            (ours.beside().expect().unwrap().id.clone(), others.expect().unwrap().id.clone());
        ours.tell_of_many(answer(&theirs, "not ours"));
        ours.tell_of_many(Message::text("", "without an id"));
        assert_eq!(ours.late(), 0);
        ours.tell_of_many(answer(&mine, "late"));
        assert_eq!(ours.late(), 1);
    }

    #[tokio::test]
    async fn whoever_waits_hears_that_the_way_is_lost() {
        let replies = Arc::new(Replies::default());
        let one = replies.expect().unwrap();
        replies.lost();
        let error = one.answer().await.unwrap_err();
        assert_eq!((error.kind(), error.outcome()), (Kind::Unavailable, Outcome::Unknown));
    }
}
