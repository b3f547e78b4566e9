//! `Ttl`: for how long a caller lets a reply be kept.

use std::time::Duration;

use serde::Deserialize;
use trunkline_core::Seconds;

/// Seconds, of which there may be none.
#[derive(Deserialize)]
#[serde(untagged, expecting = "a time such as 60 (seconds) or \"5m\", or 0")]
pub(crate) enum Ttl {
    Time(Seconds),
    #[allow(dead_code, reason = "only that it is a number that is no time says something")]
    None(u8),
}

impl Ttl {
    pub(crate) fn get(self) -> Duration {
        match self {
            Self::Time(time) => time.get(),
            Self::None(_) => Duration::ZERO,
        }
    }
}
