//! `Budget`: how many retries an integration may make of late, so that a service that is down does not get
//! several times its usual load.

use std::{
    sync::{Mutex, PoisonError},
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

/// What was called and repeated in the last ten seconds.
#[derive(Debug)]
pub struct Budget(Mutex<Window<Tally, SECONDS>>);

#[derive(Debug, Clone, Copy, Default)]
struct Tally {
    calls: u32,
    retries: u32,
}

impl Budget {
    /// A budget of which nothing is spent.
    pub fn new() -> Self {
        Self(Mutex::new(Window::new(Duration::from_secs(1), Instant::now())))
    }

    /// A call began.
    pub(super) fn called(&self, now: Instant) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).at(now).calls += 1;
    }

    /// Takes a retry out of the budget, if there is one left.
    pub(super) fn take(&self, now: Instant) -> bool {
        let mut window = self.0.lock().unwrap_or_else(PoisonError::into_inner);
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
}

impl Default for Budget {
    fn default() -> Self {
        Self::new()
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
