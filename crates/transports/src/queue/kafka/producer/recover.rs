//! What a lane does about batches that were not written, or perhaps were: one after the other, in order, each is sent again
//! until it is settled or nobody waits any more. One that may have been written is only ever sent again under the same
//! number, so that the broker drops it if it was.

use std::{collections::VecDeque, time::Duration};

use tokio::time::{Instant, sleep_until};
use trunkline_core::{Error, Kind};

use super::{
    batch::{Batch, Fate},
    lane::{Lane, advance},
};
use crate::{again::copy, queue::kafka::codes::Help};

/// The pause before the second attempt, which doubles up to the longest: elections take their time.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// How often a batch goes out under a new identity, which no broker can find out of step.
const IDENTITIES: u32 = 2;

/// What a lane knows while it recovers.
struct Recovery {
    /// The number for the next batch, where it is not the one that it was sent with: one before it was not written.
    next: Option<i32>,
    identities: u32,
    pause: Duration,
}

impl Lane {
    /// Settles a batch and all that was on its way behind it.
    pub(super) async fn recover(&mut self, batch: Batch, fate: Fate) {
        let mut recovery = Recovery { next: None, identities: 0, pause: Duration::ZERO };
        let mut unsettled = VecDeque::from([(batch, fate)]);
        for (batch, fate) in self.land().await {
            let fate = match fate {
                // The broker refuses what is behind a batch that it has not written; that says nothing more.
                Fate::OutOfStep(error) => Fate::Again(error, Help::None),
                // It does not know a repetition for one any more, so whatever may have been written stays open.
                Fate::Forgotten(error) => {
                    self.identity = None;
                    recovery.next = Some(0);
                    Fate::Again(error, Help::None)
                }
                fate => fate,
            };
            unsettled.push_back((batch, fate));
        }
        while let Some((batch, fate)) = unsettled.pop_front() {
            let halves = self.settle_one(batch, fate, &mut recovery).await;
            halves.into_iter().flatten().rev().for_each(|half| unsettled.push_front(half));
        }
        if let Some(next) = recovery.next {
            self.sequence = next;
        }
    }

    /// Settles one batch, or gives it back in halves.
    async fn settle_one(
        &mut self,
        mut batch: Batch,
        mut fate: Fate,
        recovery: &mut Recovery,
    ) -> Option<[(Batch, Fate); 2]> {
        loop {
            let error = match fate {
                Fate::Written(produced) => {
                    if let (Some(next), Some(stamp)) = (&mut recovery.next, batch.stamp) {
                        *next = advance(stamp.sequence, batch.count());
                    }
                    batch.written(self.partition, &produced);
                    return None;
                }
                Fate::TooLarge(error) if !batch.uncertain => {
                    recovery.next.get_or_insert(batch.stamp.map_or(self.sequence, |stamp| stamp.sequence));
                    let halves = batch.halves(self.settings.compression).ok()?;
                    return Some(halves.map(|half| (half, Fate::Again(copy(&error), Help::None))));
                }
                Fate::TooLarge(error) | Fate::Refused(error) => {
                    self.abandon(batch, &error, recovery);
                    return None;
                }
                Fate::OutOfStep(error) | Fate::Forgotten(error) => {
                    if batch.uncertain || recovery.identities >= IDENTITIES {
                        self.abandon(batch, &error, recovery);
                        return None;
                    }
                    // The broker says that it was not written, so it may go out under any number.
                    recovery.identities += 1;
                    self.identity = None;
                    recovery.next = Some(0);
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
            if !batch.is_wanted() || Instant::now() >= batch.until {
                self.abandon(batch, &error, recovery);
                return None;
            }
            fate = self.attempt(&mut batch, recovery).await;
        }
    }

    /// Sends a batch once more and waits for what comes of it.
    async fn attempt(&mut self, batch: &mut Batch, recovery: &Recovery) -> Fate {
        if let Err(error) = self.ready(batch.until).await {
            // Who knows that nothing was written hears so at once; for the others there is still something to find out.
            return if batch.uncertain { Fate::Again(error, Help::Look) } else { Fate::Refused(error) };
        }
        let stamp = match (batch.stamp, recovery.next) {
            (Some(stamp), None) => stamp,
            (Some(_), Some(_)) if batch.uncertain => {
                // Its number stands behind a gap that nothing will fill, or the broker has forgotten it.
                let message =
                    "nobody knows whether the record was written: it cannot be sent again under its number";
                return Fate::Refused(Error::new(Kind::Unavailable, message));
            }
            (_, next) => self.stamp(next.unwrap_or(self.sequence)),
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

    /// Gives a batch up.
    fn abandon(&mut self, batch: Batch, error: &Error, recovery: &mut Recovery) {
        if batch.uncertain {
            // Nobody knows which number the broker expects: begin anew.
            self.identity = None;
            recovery.next = Some(0);
        } else {
            recovery.next.get_or_insert(batch.stamp.map_or(self.sequence, |stamp| stamp.sequence));
        }
        batch.failed(error);
    }
}
