//! What is the same for all connections that are made again: pauses between attempts, and an error for all who waited.

use std::time::Duration;

use trunkline_core::{Error, Kind};

/// Pauses between attempts: a random time below the first, doubled up to the second.
const FIRST: Duration = Duration::from_millis(250);
const LONGEST: Duration = Duration::from_secs(30);

/// How long to rest before the next attempt, `tries` of which were in vain: full jitter, somewhere between nothing and what
/// doubles each time, from 250 ms to 30 s.
pub fn pause(tries: u32) -> Duration {
    let most = FIRST.saturating_mul(1 << tries.min(7)).min(LONGEST);
    most.mul_f64(fastrand::f64())
}

/// The same for another who waited, without what the service answered.
pub(crate) fn copy(error: &Error) -> Error {
    let same = Error::new(error.kind(), error.message().to_owned()).outcome_is(error.outcome());
    let same = error.context().iter().fold(same, |same, (key, value)| same.with(key, value.clone()));
    match error.wait() {
        Some(wait) => same.retry_after(wait),
        None => same,
    }
}

/// What those hear who listen when there will be no other connection.
pub(crate) fn retired() -> Error {
    let message = "the integration was changed, switched off or removed; subscribe again";
    Error::new(Kind::ShuttingDown, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_half_a_minute_and_are_spread_over_all_of_it() {
        for (tries, most) in [(0, 250), (1, 500), (4, 4_000), (7, 30_000), (u32::MAX, 30_000)] {
            let pauses: Vec<_> = (0..1000).map(|_| pause(tries).as_millis()).collect();
            let within =
                |from: u128, to: u128| pauses.iter().filter(|pause| (from..to).contains(pause)).count();
            assert_eq!(within(0, most + 1), 1000, "after {tries} tries");
            assert!(within(0, most / 4) > 150 && within(most * 3 / 4, most + 1) > 150, "after {tries} tries");
        }
    }
}
