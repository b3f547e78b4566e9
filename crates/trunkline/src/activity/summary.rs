//! `Summary`: the activity of a period in figures, by integration and by steps of time.

use std::collections::BTreeMap;

use serde::Serialize;
use trunkline_core::{Error, IntegrationId, Result};
use trunkline_layers::Record;

use super::{Activity, Filter};

/// A period has so many steps at most.
const STEPS: u64 = 500;

/// A period, and the steps that it is counted by; the last may be shorter. All in milliseconds, since 1970 where a point in
/// time is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Period {
    since: u64,
    until: u64,
    step: u64,
}

impl Period {
    /// The period from `since` to before `until`, in steps of `step`.
    ///
    /// # Errors
    ///
    /// `invalid_config` if it is empty, or has more than 500 steps.
    pub fn new(since: u64, until: u64, step: u64) -> Result<Self> {
        let Some(length) = until.checked_sub(since).filter(|length| *length > 0) else {
            return Err(Error::invalid("since_ms must be before until_ms"));
        };
        if step == 0 || length.div_ceil(step) > STEPS {
            let least = length.div_ceil(STEPS);
            return Err(Error::invalid(format!(
                "a period has at most {STEPS} steps: with these ends, step_ms must be at least {least}"
            )));
        }
        Ok(Self { since, until, step })
    }

    /// When each step begins.
    fn steps(self) -> impl Iterator<Item = u64> {
        (0..(self.until - self.since).div_ceil(self.step)).map(move |n| self.since + n * self.step)
    }
}

/// What happened in a period.
#[derive(Debug, Clone, Serialize)]
pub struct Summary {
    /// Where it begins, in milliseconds since 1970.
    pub since_ms: u64,
    /// Where it ends.
    pub until_ms: u64,
    /// The length of a step in milliseconds.
    pub step_ms: u64,
    /// Of each integration that was called.
    pub integrations: BTreeMap<IntegrationId, Counts>,
}

/// What happened to one integration.
#[derive(Debug, Clone, Serialize)]
pub struct Counts {
    /// Over the whole period.
    #[serde(flatten)]
    pub whole: Figures,
    /// In each of its steps, those without a call too.
    pub steps: Vec<Step>,
}

/// What happened in a step.
#[derive(Debug, Clone, Serialize)]
pub struct Step {
    /// When it begins, in milliseconds since 1970.
    pub at_ms: u64,
    /// What happened in it.
    #[serde(flatten)]
    pub figures: Figures,
}

/// Calls that began in some time.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Figures {
    /// How many there were.
    pub calls: u64,
    /// How many failed; those whose caller went away are not among them.
    pub errors: u64,
    /// How many the cache answered, with or without asking whether it still may.
    pub cache_hits: u64,
    /// How many attempts they took.
    pub attempts: u64,
    /// Half of them took at most so many milliseconds until their last byte; `None` without a call.
    pub p50_ms: Option<f64>,
    /// Of a hundred, 95 took at most so many milliseconds.
    pub p95_ms: Option<f64>,
    /// Of a hundred, 99 took at most so many milliseconds.
    pub p99_ms: Option<f64>,
}

impl Activity {
    /// Counts the records that are kept of a period and that `filter` admits. It looks at all that are kept: with hundreds of
    /// thousands that takes some ten milliseconds.
    pub fn summary(&self, filter: &Filter, period: Period) -> Summary {
        let Period { since, until, step } = period;
        let filter = Filter {
            since_ms: Some(since),
            until_ms: Some(until),
            before: None,
            after: None,
            ..filter.clone()
        };
        self.drain();
        let mut tallies: BTreeMap<IntegrationId, Vec<Tally>> = BTreeMap::new();
        {
            let ring = self.ring();
            for record in ring.from(0).filter(|record| record.is_call() && filter.admits(record)) {
                let tally = match tallies.get_mut(&record.integration) {
                    Some(tally) => tally,
                    None => tallies
                        .entry(record.integration.clone())
                        .or_insert_with(|| period.steps().map(|_| Tally::default()).collect()),
                };
                tally[usize::try_from((record.at_ms - since) / step).unwrap_or_default()].add(record);
            }
        }
        let integrations = tallies.into_iter().map(|(id, tallies)| (id, counts(tallies, period))).collect();
        Summary { since_ms: since, until_ms: until, step_ms: step, integrations }
    }
}

fn counts(tallies: Vec<Tally>, period: Period) -> Counts {
    let mut whole = Tally::default();
    let steps = tallies.into_iter().zip(period.steps()).map(|(tally, at_ms)| {
        whole.join(&tally);
        Step { at_ms, figures: tally.figures() }
    });
    let steps = steps.collect();
    Counts { whole: whole.figures(), steps }
}

/// What is counted, and how long each call took.
#[derive(Debug, Default)]
struct Tally {
    errors: u64,
    cache_hits: u64,
    attempts: u64,
    millis: Vec<f64>,
}

impl Tally {
    fn add(&mut self, record: &Record) {
        self.errors += u64::from(!matches!(&*record.kind, "ok" | "cancelled"));
        self.cache_hits += u64::from(matches!(&*record.cache, "hit" | "stale" | "revalidated" | "collapsed"));
        self.attempts += u64::from(record.attempts);
        self.millis.push(record.millis);
    }

    fn join(&mut self, other: &Self) {
        self.errors += other.errors;
        self.cache_hits += other.cache_hits;
        self.attempts += other.attempts;
        self.millis.extend(&other.millis);
    }

    fn figures(mut self) -> Figures {
        self.millis.sort_unstable_by(f64::total_cmp);
        let millis = self.millis;
        // The nearest rank: a time that a call really took.
        let rank = |percent: usize| {
            let rank = (millis.len() * percent).div_ceil(100);
            millis.get(rank.saturating_sub(1)).copied()
        };
        Figures {
            calls: millis.len() as u64,
            errors: self.errors,
            cache_hits: self.cache_hits,
            attempts: self.attempts,
            p50_ms: rank(50),
            p95_ms: rank(95),
            p99_ms: rank(99),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_times_that_calls_really_took() {
        let figures = |millis: Vec<f64>| {
            let Figures { p50_ms, p95_ms, p99_ms, .. } = Tally { millis, ..Tally::default() }.figures();
            (p50_ms, p95_ms, p99_ms)
        };
        assert_eq!(figures(vec![]), (None, None, None));
        assert_eq!(figures(vec![3.0]), (Some(3.0), Some(3.0), Some(3.0)));
        assert_eq!(figures(vec![2.0, 1.0]), (Some(1.0), Some(2.0), Some(2.0)));
        let hundred = (1..=100).rev().map(f64::from).collect();
        assert_eq!(figures(hundred), (Some(50.0), Some(95.0), Some(99.0)));
        let two_hundred = (1..=200).map(f64::from).collect();
        assert_eq!(figures(two_hundred), (Some(100.0), Some(190.0), Some(198.0)));
    }

    #[test]
    fn a_period_has_an_order_and_not_too_many_steps() {
        assert!(Period::new(5, 5, 1).is_err());
        assert!(Period::new(6, 5, 1).is_err());
        assert!(Period::new(0, 5, 0).is_err());
        assert!(Period::new(0, 500, 1).is_ok());
        let error = Period::new(0, 501, 1).unwrap_err().to_string();
        assert!(error.contains("at least 2"), "{error}");
        let steps = Period::new(10, 15, 2).unwrap().steps().collect::<Vec<_>>();
        assert_eq!(steps, [10, 12, 14]);
    }
}
