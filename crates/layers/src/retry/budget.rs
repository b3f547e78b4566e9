//! `Budget`: how many retries an integration may make of late, so that a service that is down does not get
//! several times its usual load.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

use crate::window::Window;

/// Retries a call, of the last seconds.
const SHARE: f64 = 0.2;
/// Retries a second that are there without any call: who calls rarely may retry too.
const FLOOR: f64 = 3.0;
/// Seconds that count.
const SECONDS: usize = 10;

/// What was called and repeated in the last ten seconds. There is nothing to remember before the first call.
#[derive(Debug, Default)]
pub struct Budget(Mutex<Option<Box<Lately>>>);

type Lately = Window<Tally, SECONDS>;

#[derive(Debug, Clone, Copy, Default)]
struct Tally {
    calls: u32,
    retries: u32,
}

impl Budget {
    /// A budget of which nothing is spent.
    pub fn new() -> Self {
        Self::default()
    }

    /// A call began.
    pub(super) fn called(&self, now: Instant) {
        Self::lately(&mut self.lock(), now).at(now).calls += 1;
    }

    /// Takes a retry out of the budget, if there is one left.
    pub(super) fn take(&self, now: Instant) -> bool {
        let mut lately = self.lock();
        let window = Self::lately(&mut lately, now);
        window.at(now);
        let (calls, retries) = window
            .slots()
            .fold((0, 0), |(calls, retries), (_, slot)| (calls + slot.calls, retries + slot.retries));
        let left = f64::from(calls) * SHARE + FLOOR * SECONDS as f64 - f64::from(retries);
        if left < 1.0 {
            return false;
        }
        window.at(now).retries += 1;
        true
    }

    fn lock(&self) -> MutexGuard<'_, Option<Box<Lately>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lately(lately: &mut Option<Box<Lately>>, now: Instant) -> &mut Lately {
        lately.get_or_insert_with(|| Box::new(Window::new(Duration::from_secs(1), now)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn in_any_ten_seconds_there_is_one_retry_for_five_calls_and_three_a_second() {
        let (budget, began) = (Budget::new(), Instant::now());
        let taken = |now| (0..10_000).filter(|_| budget.take(now)).count();
        assert_eq!(taken(began), 30);
        for _ in 0..1000 {
            budget.called(began);
        }
        assert_eq!(taken(began + Duration::from_secs(1)), 200);
        assert_eq!(taken(began + Duration::from_secs(9)), 0);
        assert_eq!(taken(began + Duration::from_secs(30)), 30, "calls of long ago earn nothing");
    }
}
