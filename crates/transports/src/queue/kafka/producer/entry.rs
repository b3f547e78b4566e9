//! `Entry`: a record on its way to be written; and `Ticket`: whoever waits for it. Which of the two was first, to send it
//! or to give it up, is decided in one place.

use std::sync::{
    Arc,
    atomic::{
        AtomicU8,
        Ordering::{AcqRel, Acquire},
    },
};

use tokio::{
    sync::{OwnedSemaphorePermit, oneshot},
    time::{Instant, timeout_at},
};
use trunkline_core::{Error, Kind, Outcome, Result};

use super::Placed;
use crate::queue::kafka::records::Record;

const WAITS: u8 = 0;
const LEFT: u8 = 1;
const WITHDRAWN: u8 = 2;

/// A record that is to be written.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) record: Record,
    pub(super) size: usize,
    pub(super) until: Instant,
    stage: Arc<AtomicU8>,
    answer: oneshot::Sender<Result<Placed>>,
    /// Its place among what waits, until it is settled.
    _room: OwnedSemaphorePermit,
}

/// The wait for a record.
#[derive(Debug)]
pub(in super::super) struct Ticket {
    stage: Arc<AtomicU8>,
    answer: oneshot::Receiver<Result<Placed>>,
}

impl Entry {
    pub(super) fn new(
        record: Record,
        size: usize,
        until: Instant,
        room: OwnedSemaphorePermit,
    ) -> (Self, Ticket) {
        let stage = Arc::new(AtomicU8::new(WAITS));
        let (answer, reply) = oneshot::channel();
        let ticket = Ticket { stage: stage.clone(), answer: reply };
        (Self { record, size, until, stage, answer, _room: room }, ticket)
    }

    /// Whether it may be sent: from now on it counts as sent. It may not where nobody waits for it any more.
    pub(super) fn leaves(&self) -> bool {
        self.stage.compare_exchange(WAITS, LEFT, AcqRel, Acquire).is_ok()
    }

    /// Whether somebody still waits.
    pub(super) fn is_wanted(&self) -> bool {
        !self.answer.is_closed()
    }

    pub(super) fn settle(self, result: Result<Placed>) {
        let _ = self.answer.send(result);
    }
}

impl Ticket {
    /// Where the record was written, if that is known by `until`.
    ///
    /// # Errors
    ///
    /// Outcome `not_sent` where the record never left, `rejected` where the brokers say that it was not written, `unknown`
    /// where it may have been.
    pub(in super::super) async fn placed(mut self, until: Instant) -> Result<Placed> {
        match timeout_at(until, &mut self.answer).await {
            Ok(Ok(placed)) => placed,
            Ok(Err(_)) => {
                let error = Error::new(Kind::Internal, "the task that writes records came to grief");
                Err(error.outcome_is(self.give_up()))
            }
            Err(_) => {
                let error = Error::new(
                    Kind::Timeout,
                    "the brokers did not say in time that they have the record; it may be there",
                );
                Err(error.outcome_is(self.give_up()))
            }
        }
    }

    /// Gives the record up, and says what that means.
    fn give_up(&self) -> Outcome {
        match self.stage.compare_exchange(WAITS, WITHDRAWN, AcqRel, Acquire) {
            Ok(_) | Err(WITHDRAWN) => Outcome::NotSent,
            Err(_) => Outcome::Unknown,
        }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.give_up();
    }
}
