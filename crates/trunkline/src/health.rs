//! `Health`: what a probe found out about an integration.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::Serialize;
use tokio::{
    sync::Mutex,
    time::{Instant, timeout},
};
use trunkline_core::{Error, Kind};

use crate::Handle;

/// How long what a probe found out is given to all who ask. However many ask, a service is not probed more
/// often than that.
const INTERVAL: Duration = Duration::from_secs(5);

/// What the last probe of an integration found out, and when it ended. Whoever probes holds it: the others
/// wait and take the same, and one who goes away leaves the question to the next.
#[derive(Debug, Default)]
pub(crate) struct Last(Mutex<Option<(Instant, Health)>>);

/// How long probes may take.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// One of them.
    pub(crate) one: Duration,
    /// Those of all integrations together.
    pub(crate) all: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { one: Duration::from_secs(5), all: Duration::from_secs(30) }
    }
}

/// How an integration is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// The service answered the probe.
    Healthy,
    /// It answers, but not everything is proved or well; the reason says what.
    Degraded,
    /// It does not answer, or not to us.
    Unhealthy,
    /// The integration is switched off.
    Disabled,
    /// Nobody has asked, or the question did not end in time.
    Unknown,
}

/// What a probe found out.
#[derive(Debug, Clone, Serialize)]
pub struct Health {
    /// The state.
    pub state: State,
    /// Why: `answered`, `reachable_only`, `disabled`, `not_checked`, or the code of an error's kind.
    pub reason_code: &'static str,
    /// What went wrong, in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// How long the probe took, in milliseconds.
    pub latency_ms: f64,
    /// When it ended, in milliseconds since 1970.
    pub checked_at_ms: u64,
}

impl Health {
    /// Whether calls may be expected to succeed.
    pub fn is_up(&self) -> bool {
        matches!(self.state, State::Healthy | State::Degraded)
    }

    /// Nobody could ask in time.
    pub(crate) fn not_checked() -> Self {
        Self::new(State::Unknown, "not_checked", None, Duration::ZERO)
    }

    fn new(state: State, reason_code: &'static str, detail: Option<String>, latency: Duration) -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
        let latency_ms = (latency.as_secs_f64() * 1e6).round() / 1e3;
        Self { state, reason_code, detail, latency_ms, checked_at_ms: u64::try_from(now).unwrap_or_default() }
    }

    /// Probes an integration, for at most `limit`, unless that has just been done.
    pub(crate) async fn of(handle: &Handle, limit: Duration) -> Self {
        if let Some(trouble) = handle.trouble() {
            return Self::new(
                State::Unhealthy,
                trouble.kind().code(),
                Some(trouble.message().to_owned()),
                Duration::ZERO,
            );
        }
        if !handle.enabled() {
            return Self::new(State::Disabled, "disabled", None, Duration::ZERO);
        }
        let mut last = handle.last().0.lock().await;
        if let Some((at, health)) = &*last
            && at.elapsed() < INTERVAL
        {
            return health.clone();
        }
        let health = Self::probed(handle, limit).await;
        *last = Some((Instant::now(), health.clone()));
        health
    }

    async fn probed(handle: &Handle, limit: Duration) -> Self {
        let began = Instant::now();
        let result = timeout(limit, handle.probe()).await;
        let took = began.elapsed();
        match result {
            Ok(Ok(evidence @ "reachable_only")) => Self::new(
                State::Degraded,
                evidence,
                Some("the service takes connections; set probe to a safe request to prove more".to_owned()),
                took,
            ),
            Ok(Ok(evidence)) => Self::new(State::Healthy, evidence, None, took),
            Ok(Err(error)) => Self::failed(&error, took),
            Err(_) => Self::failed(&Error::new(Kind::Timeout, format!("no answer within {limit:?}")), took),
        }
    }

    fn failed(error: &Error, took: Duration) -> Self {
        // A service that asks to slow down is there.
        let state = if error.kind() == Kind::RateLimited { State::Degraded } else { State::Unhealthy };
        Self::new(state, error.kind().code(), Some(error.message().to_owned()), took)
    }
}
