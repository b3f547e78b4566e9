//! `RetryConfig`: what can be said about retries, and the working values that it becomes.

use std::time::Duration;

use http::{HeaderName, HeaderValue};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use trunkline_core::{Call, Error, Idempotency, Operation, Result, Seconds};

/// Retries of a call. Without it a call is attempted up to three times.
///
/// A call is repeated only where that can do no harm: the service cannot have acted on it, or it changes
/// nothing, or doing it twice is the same as once, or it carries an idempotency key.
#[derive(Debug, Clone, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RetryConfig {
    /// How many attempts are made in all, from 1 (no retry) to 5. 3 unless set.
    #[serde(default)]
    pub max_attempts: Option<u32>,
    /// The same for configurations of the framework that this one replaces, which counted the first attempt
    /// too: 3 means three attempts, 0 and 1 mean one, more than 5 means 5. Use `max_attempts` instead.
    #[serde(default)]
    pub max_retries: Option<u32>,
    /// The longest pause before the second attempt; the pause itself is random below it. 100 ms unless set,
    /// but 1 second where `backoff_factor` is set alone.
    #[serde(default)]
    pub backoff: Option<Seconds>,
    /// What the longest pause is multiplied with after each attempt. 2 unless set.
    #[serde(default)]
    pub backoff_factor: Option<f64>,
    /// No pause that we choose is longer than this. 20 seconds unless set.
    #[serde(default)]
    pub max_backoff: Option<Seconds>,
    /// The header in which the service takes an idempotency key, such as `Idempotency-Key`. Set it only if
    /// the service documents one: calls that change something then carry a key, the same on all attempts,
    /// and may be repeated. A key that the caller sends is kept.
    #[serde(default)]
    pub idempotency_header: Option<String>,
    /// For how long the service knows a key, as it documents it. What may have been done is not sent again under a key that
    /// is older. 24 hours unless set.
    #[serde(default)]
    pub idempotency_window: Option<Seconds>,
}

/// How often and how long, ready to be used.
#[derive(Debug, Clone, PartialEq)]
pub struct Policy {
    pub(super) attempts: u32,
    pub(super) backoff: Duration,
    pub(super) factor: f64,
    pub(super) max_backoff: Duration,
    pub(super) key: Option<HeaderName>,
    window: Duration,
}

/// Attempts unless the configuration says otherwise, and the most that it can ask for.
const ATTEMPTS: u32 = 3;
const MAX_ATTEMPTS: u32 = 5;
/// For how long services know a key unless the configuration says otherwise.
const WINDOW: Duration = Duration::from_hours(24);

impl RetryConfig {
    /// Turns it into working values.
    ///
    /// # Errors
    ///
    /// `invalid_config`, naming the key.
    pub fn open(&self) -> Result<Policy> {
        let attempts = match (self.max_attempts, self.max_retries) {
            (Some(_), Some(_)) => {
                return Err(Error::invalid("retry_config: give max_attempts or max_retries, not both"));
            }
            (Some(attempts), None) if !(1..=MAX_ATTEMPTS).contains(&attempts) => {
                return Err(Error::invalid("retry_config.max_attempts: must be from 1 to 5"));
            }
            (Some(attempts), None) => attempts,
            (None, Some(retries)) => retries.clamp(1, MAX_ATTEMPTS),
            (None, None) => ATTEMPTS,
        };
        let factor = self.backoff_factor.unwrap_or(2.0);
        if !(0.0..=100.0).contains(&factor) {
            return Err(Error::invalid("retry_config.backoff_factor: must be from 0 to 100"));
        }
        let first =
            if self.backoff_factor.is_some() { Seconds::new(1).get() } else { Policy::default().backoff };
        let key = self.idempotency_header.as_deref().map(|name| {
            let parsed = name.parse::<HeaderName>();
            parsed.map_err(|_| Error::invalid("retry_config.idempotency_header: is not the name of a header"))
        });
        Ok(Policy {
            attempts,
            backoff: self.backoff.map_or(first, Seconds::get),
            factor,
            max_backoff: self.max_backoff.map_or(Policy::default().max_backoff, Seconds::get),
            key: key.transpose()?,
            window: self.idempotency_window.map_or(WINDOW, Seconds::get),
        })
    }

    /// Whether `max_retries` asks for more than there are.
    pub fn is_capped(&self) -> bool {
        self.max_retries.is_some_and(|retries| retries > MAX_ATTEMPTS)
    }
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            attempts: ATTEMPTS,
            backoff: Duration::from_millis(100),
            factor: 2.0,
            max_backoff: Duration::from_secs(20),
            key: None,
            window: WINDOW,
        }
    }
}

impl Policy {
    /// Whether a layer has anything to do with it.
    pub fn is_off(&self) -> bool {
        self.attempts == 1 && self.key.is_none()
    }

    /// Gives a call that changes something its idempotency key, once for all attempts, and says which it has.
    /// `None` for one that needs none, or where the service takes none.
    pub fn key<'a>(&'a self, call: &'a mut Call) -> Option<(&'a HeaderName, &'a HeaderValue)> {
        let name = self.key.as_ref()?;
        if call.idempotency() != Idempotency::Unsafe {
            return None;
        }
        let Operation::Http(request) = &mut call.operation else { return None };
        call.keyed = true;
        let key = request.headers.entry(name).or_insert_with(|| {
            let key = uuid::Uuid::new_v4();
            HeaderValue::from_str(key.hyphenated().encode_lower(&mut [0; 36]))
                .expect("a uuid is hex and dashes")
        });
        Some((name, key))
    }

    /// How long after the beginning of a call another one may begin under its key: a twenty-fourth less than the service knows
    /// the key, for clocks that differ, and because a request is a while on its way.
    pub fn key_lasts(&self) -> Duration {
        self.window - self.window / 24
    }

    /// The longest pause after attempt `n` (from 1), where the first is at least `least`.
    pub(super) fn longest_pause(&self, n: u32, least: Duration) -> Duration {
        let grows = i32::try_from(n.saturating_sub(1)).unwrap_or(i32::MAX);
        let grown = self.backoff.max(least).as_secs_f64() * self.factor.powi(grows);
        // Also for what is no number of seconds any more.
        Duration::try_from_secs_f64(grown).unwrap_or(self.max_backoff).min(self.max_backoff)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn open(json: Value) -> Result<Policy> {
        serde_json::from_value::<RetryConfig>(json).unwrap().open()
    }

    #[test]
    fn the_old_shape_counts_attempts_and_begins_at_a_second() {
        let old = open(json!({ "max_retries": 3, "backoff_factor": 2 })).unwrap();
        assert_eq!(old.attempts, 3);
        let pauses: Vec<_> = (1..4).map(|n| old.longest_pause(n, Duration::ZERO).as_secs()).collect();
        assert_eq!(pauses, [1, 2, 4]);
        for (retries, attempts) in [(0, 1), (1, 1), (5, 5), (50, 5)] {
            assert_eq!(open(json!({ "max_retries": retries })).unwrap().attempts, attempts);
        }
    }

    #[test]
    fn pauses_grow_up_to_the_longest_and_no_number_breaks_them() {
        let pause = |json: Value, n| open(json).unwrap().longest_pause(n, Duration::ZERO).as_millis();
        assert_eq!(pause(json!({}), 1), 100);
        assert_eq!(pause(json!({}), 3), 400);
        assert_eq!(pause(json!({ "backoff": "50ms", "backoff_factor": 3 }), 2), 150);
        assert_eq!(pause(json!({ "backoff_factor": 100 }), u32::MAX), 20_000);
        assert_eq!(pause(json!({ "max_backoff": 1 }), 60), 1000);
        assert_eq!(open(json!({})).unwrap().longest_pause(1, Duration::from_secs(1)).as_secs(), 1);
    }

    #[test]
    fn a_key_lasts_for_less_than_the_service_knows_it() {
        let lasts = |json: Value| open(json).unwrap().key_lasts();
        assert_eq!(lasts(json!({})), Duration::from_hours(23));
        assert_eq!(lasts(json!({ "idempotency_window": "2h" })), Duration::from_mins(115));
        assert_eq!(Policy::default().key_lasts(), Duration::from_hours(23));
    }

    #[test]
    fn what_makes_no_sense_names_its_key() {
        for (json, key) in [
            (json!({ "max_attempts": 0 }), "max_attempts"),
            (json!({ "max_attempts": 6 }), "max_attempts"),
            (json!({ "max_attempts": 2, "max_retries": 2 }), "max_retries"),
            (json!({ "backoff_factor": -1 }), "backoff_factor"),
            (json!({ "idempotency_header": "a b" }), "idempotency_header"),
        ] {
            assert!(open(json.clone()).unwrap_err().message().contains(key), "{json}");
        }
    }
}
