//! What a lane does about batches that were not written, or perhaps were: one after the other, in order, each is sent again
//! until it is settled or nobody waits any more. One that may have been written is only ever sent again under the same
//! number, so that the broker drops it if it was. A number that went out is never given to other records, which the broker
//! would drop: where a batch is given up, what comes next goes out under a new identity.

use std::{collections::VecDeque, time::Duration};

use tokio::time::{Instant, sleep_until};
use trunkline_core::{Error, Kind, Retry};

use super::{
    batch::{Batch, Fate},
    lane::Lane,
};
use crate::{again::copy, queue::kafka::codes::Help};

/// The pause before the second attempt, which doubles up to the longest: elections take their time.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// How often a batch goes out under a new identity, which no broker can find out of step.
const IDENTITIES: u32 = 2;

/// What a lane knows while it recovers.
struct Recovery {
    identities: u32,
    pause: Duration,
}

impl Lane {
    /// Settles a batch and all that was on its way behind it.
    pub(super) async fn recover(&mut self, batch: Batch, fate: Fate) {
        let mut recovery = Recovery { identities: 0, pause: Duration::ZERO };
        let mut unsettled = VecDeque::from([(batch, fate)]);
        for (batch, fate) in self.land().await {
            let fate = match fate {
                // The broker refuses what is behind a batch that it has not written; that says nothing more.
                Fate::OutOfStep(error) => Fate::Again(error, Help::None),
                // It does not know a repetition for one any more, so whatever may have been written stays open.
                Fate::Forgotten(error) => {
                    self.identity = None;
                    Fate::Again(error, Help::None)
                }
                fate => fate,
            };
            unsettled.push_back((batch, fate));
        }
        // Whether one was written is found out by its number, as long as the one before it is not given up: so whoever waits
        // for one waits for all before it.
        let mut until = Instant::now();
        for (batch, _) in unsettled.iter_mut().rev() {
            until = until.max(batch.until);
            batch.until = until;
        }
        while let Some((batch, fate)) = unsettled.pop_front() {
            let halves = self.settle_one(batch, fate, &unsettled, &mut recovery).await;
            halves.into_iter().flatten().rev().for_each(|half| unsettled.push_front(half));
        }
    }

    /// Settles one batch, with those behind it, or gives it back in halves.
    async fn settle_one(
        &mut self,
        mut batch: Batch,
        mut fate: Fate,
        behind: &VecDeque<(Batch, Fate)>,
        recovery: &mut Recovery,
    ) -> Option<[(Batch, Fate); 2]> {
        loop {
            let error = match fate {
                Fate::Written(produced) => {
                    self.written(batch, &produced);
                    return None;
                }
                Fate::TooLarge(error) if !batch.uncertain => {
                    self.identity = None;
                    self.settings.max_batch = self.settings.max_batch.min(batch.size() / 2);
                    let halves = batch.halves(self.settings.compression).ok()?;
                    return Some(halves.map(|half| (half, Fate::Again(copy(&error), Help::None))));
                }
                Fate::TooLarge(error) | Fate::Refused(error) => {
                    self.abandon(batch, &error);
                    return None;
                }
                Fate::OutOfStep(error) | Fate::Forgotten(error) => {
                    if batch.uncertain || recovery.identities >= IDENTITIES {
                        self.abandon(batch, &error);
                        return None;
                    }
                    // The broker says that it was not written, so it may go out under any number.
                    recovery.identities += 1;
                    self.identity = None;
                    error
                }
                Fate::Again(error, help) => {
                    if help == Help::Look {
                        self.look_again();
                    }
                    error
                }
            };
            let end = batch.until.min(Instant::now() + recovery.pause);
            recovery.pause = (recovery.pause * 2).clamp(FIRST_PAUSE, LONGEST_PAUSE);
            sleep_until(end).await;
            let is_wanted = batch.is_wanted() || behind.iter().any(|(batch, _)| batch.is_wanted());
            if !is_wanted || Instant::now() >= batch.until {
                self.abandon(batch, &error);
                return None;
            }
            fate = self.attempt(&mut batch).await;
        }
    }

    /// Sends a batch once more and waits for what comes of it.
    async fn attempt(&mut self, batch: &mut Batch) -> Fate {
        if let Err(error) = self.ready(batch.until).await {
            // Who knows that nothing was written hears so at once; for the others there is still something to find out.
            let passes = error.kind().row().retry == Retry::Transient;
            return if batch.uncertain && passes {
                Fate::Again(error, Help::Look)
            } else {
                Fate::Refused(error)
            };
        }
        let stamp = match batch.stamp {
            Some(stamp) if self.has_numbered(batch) => stamp,
            Some(_) if batch.uncertain => {
                let message = "nobody knows whether the record was written: it cannot be sent again under its number; whoever \
                     sends it again names its message_id";
                return Fate::Refused(Error::new(Kind::Unavailable, message));
            }
            _ => self.number(batch.count()),
        };
        let what = self.what();
        match self.begin(batch, stamp).await {
            Ok(reply) => {
                let result = reply.await;
                batch.judge(result, &what)
            }
            Err(error) => batch.judge(Err(error), &what),
        }
    }

    /// Gives a batch up. The broker may have its numbers, or waits for them: so what comes next goes out under another identity.
    fn abandon(&mut self, batch: Batch, error: &Error) {
        if self.has_numbered(&batch) {
            self.identity = None;
        }
        batch.failed(error);
    }
}
