//! `Patience`: how often messages are sent again that a stream was to keep and nobody took, as while it has no leader.

use std::time::Duration;

use tokio::time::{Instant, sleep};

/// What is left of it for one batch.
#[derive(Debug)]
pub(super) struct Patience {
    rests: u32,
    rested: Option<Instant>,
}

/// As often as nats.go does, and so long before each time.
const RESTS: u32 = 2;
const REST: Duration = Duration::from_millis(250);

impl Default for Patience {
    fn default() -> Self {
        Self { rests: RESTS, rested: None }
    }
}

impl Patience {
    /// Whether a message that was sent at that time is sent again: at once where others have rested since, else after a rest.
    pub(super) async fn again(&mut self, sent: Instant) -> bool {
        if self.rested.is_some_and(|rested| sent < rested) {
            return true;
        }
        let Some(left) = self.rests.checked_sub(1) else { return false };
        self.rests = left;
        sleep(REST).await;
        self.rested = Some(Instant::now());
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_batch_rests_twice_whatever_it_has_and_then_each_of_it_is_sent_once_more() {
        let (mut patience, began) = (Patience::default(), Instant::now());
        // All are sent at once. The first is sent again twice, and the others once.
        assert!(patience.again(began).await && patience.again(Instant::now()).await);
        assert!(!patience.again(Instant::now()).await);
        for _ in 0..1000 {
            assert!(patience.again(began).await);
            assert!(!patience.again(Instant::now()).await);
        }
        assert_eq!(began.elapsed(), REST * RESTS);
    }
}
