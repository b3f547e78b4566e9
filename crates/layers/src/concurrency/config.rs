//! `ConcurrencyConfig`: how many calls may be under way at the same time, and the working values of that.

use std::{num::NonZeroU32, time::Duration};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use trunkline_core::{Error, Result, Seconds};

/// A bound on the attempts that are under way at the same time, until the last byte of their replies. It is on
/// unless it is switched off here.
#[derive(Debug, Clone, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ConcurrencyConfig {
    /// Whether there is one. true unless set.
    #[serde(default)]
    pub enabled: Option<bool>,
    /// How many may be under way, at most 100,000. 128 unless set.
    #[serde(default)]
    pub max: Option<NonZeroU32>,
    /// How many more may wait, at most 100,000; 0 refuses at once. 256 unless set.
    #[serde(default)]
    pub max_queue: Option<u32>,
    /// How long they may wait. 1 second unless set.
    #[serde(default)]
    pub max_wait: Option<Seconds>,
}

/// A bound, ready to be used.
#[derive(Debug, Clone, PartialEq)]
pub struct Capacity {
    /// How many may be under way.
    pub max: u32,
    /// How many may wait.
    pub max_queue: u32,
    /// How long they may.
    pub max_wait: Duration,
}

impl Default for Capacity {
    fn default() -> Self {
        Self { max: 128, max_queue: 256, max_wait: Duration::from_secs(1) }
    }
}

impl ConcurrencyConfig {
    /// Turns it into working values; `None` where it is switched off.
    ///
    /// # Errors
    ///
    /// `invalid_config`, naming the key.
    pub fn open(&self) -> Result<Option<Capacity>> {
        let usual = Capacity::default();
        let max = self.max.map_or(usual.max, NonZeroU32::get);
        if max > 100_000 {
            return Err(Error::invalid("concurrency.max: must be at most 100000"));
        }
        if self.max_queue.is_some_and(|queue| queue > 100_000) {
            return Err(Error::invalid("concurrency.max_queue: must be at most 100000"));
        }
        let capacity = Capacity {
            max,
            max_queue: self.max_queue.unwrap_or(usual.max_queue),
            max_wait: self.max_wait.map_or(usual.max_wait, Seconds::get),
        };
        Ok(self.enabled.unwrap_or(true).then_some(capacity))
    }
}
