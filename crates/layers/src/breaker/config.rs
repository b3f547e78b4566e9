//! `BreakerConfig`: when a circuit opens and for how long, and the working values that it becomes.

use std::{num::NonZeroU32, time::Duration};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use trunkline_core::{Error, Result, Seconds};

/// The circuit breaker, which is on unless it is switched off here.
#[derive(Debug, Clone, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BreakerConfig {
    /// Whether there is one. true unless set.
    #[serde(default)]
    pub enabled: Option<bool>,
    /// It opens after this many failures in a row. 5 unless set.
    #[serde(default)]
    pub consecutive_failures: Option<NonZeroU32>,
    /// It opens when this share of the attempts of the last 10 seconds failed. 0.5 unless set.
    #[serde(default)]
    pub failure_rate: Option<f64>,
    /// … if there were at least this many. 20 unless set.
    #[serde(default)]
    pub min_attempts: Option<NonZeroU32>,
    /// How long it stays open the first time; twice as long each time that the service is still down, up to
    /// 300 seconds. 30 seconds unless set.
    #[serde(default)]
    pub open_for: Option<Seconds>,
    /// It closes after this many probes in a row succeeded. 2 unless set.
    #[serde(default)]
    pub probes: Option<NonZeroU32>,
}

/// When a circuit opens and closes, ready to be used.
#[derive(Debug, Clone, PartialEq)]
pub struct Thresholds {
    pub(super) consecutive: u32,
    pub(super) rate: f64,
    pub(super) min_attempts: u32,
    pub(super) open_for: Duration,
    pub(super) probes: u32,
}

impl Default for Thresholds {
    fn default() -> Self {
        Self { consecutive: 5, rate: 0.5, min_attempts: 20, open_for: Duration::from_secs(30), probes: 2 }
    }
}

impl BreakerConfig {
    /// Turns it into working values; `None` where it is switched off.
    ///
    /// # Errors
    ///
    /// `invalid_config`, naming the key.
    pub fn open(&self) -> Result<Option<Thresholds>> {
        let usual = Thresholds::default();
        let rate = self.failure_rate.unwrap_or(usual.rate);
        if !(rate > 0.0 && rate <= 1.0) {
            return Err(Error::invalid("breaker.failure_rate: must be more than 0 and at most 1"));
        }
        let open_for = self.open_for.map_or(usual.open_for, Seconds::get);
        if open_for > super::circuit::LONGEST {
            return Err(Error::invalid("breaker.open_for: must be at most 300 seconds"));
        }
        let thresholds = Thresholds {
            consecutive: self.consecutive_failures.map_or(usual.consecutive, NonZeroU32::get),
            rate,
            min_attempts: self.min_attempts.map_or(usual.min_attempts, NonZeroU32::get),
            open_for,
            probes: self.probes.map_or(usual.probes, NonZeroU32::get),
        };
        Ok(self.enabled.unwrap_or(true).then_some(thresholds))
    }
}
