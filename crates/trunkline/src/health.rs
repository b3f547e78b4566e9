//! `Health`: how an integration is, by what a probe found out and what its calls have shown.

mod verdict;

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;
use tokio::{
    sync::Semaphore,
    time::{Instant, timeout},
};
use trunkline_core::{ConsentState, Error, Kind, Proof, Standing};
use trunkline_layers::TrafficState;

use self::verdict::{Facts, Verdict, verdict};
use crate::{Handle, flow::schema};

/// How long what a probe found out is given to all who ask. However many ask, a service is not probed more
/// often than that.
const INTERVAL: Duration = Duration::from_secs(5);

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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// The service answered the probe, or calls.
    Healthy,
    /// It answers, but not everything is proved or well; the reason says what.
    Degraded,
    /// It does not answer, or not to us.
    Unhealthy,
    /// The integration is switched off.
    Disabled,
    /// Nobody has asked lately, or the question did not end in time.
    Unknown,
}

/// What a statement about an integration rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Evidence {
    /// What the last probe found out.
    Probe,
    /// How calls have ended.
    Traffic,
}

/// How an integration is, and how one knows.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Health {
    /// The state.
    pub state: State,
    /// Why: `answered`, `reachable_only`, `auth_expired`, `not_connected`, `needs_reauth`, `circuit_open`,
    /// `circuit_half_open`, `forward_paused`, `disabled`, `connection_needed`, `not_checked`, `stale`, or the code of an error's kind, such
    /// as `rate_limited`.
    pub reason_code: &'static str,
    /// What is wrong, in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// What the state rests on; not there where it follows from the configuration, or nothing is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub evidence: Option<Evidence>,
    /// What the service said of itself when it was probed, such as its `version`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub service: BTreeMap<&'static str, String>,
    /// When somebody who asked first heard this state with this reason, in milliseconds since 1970. A change of the
    /// configuration starts anew.
    pub since_ms: u64,
    /// How long the last probe took, in milliseconds; 0 if there was none.
    pub latency_ms: f64,
    /// When it ended, in milliseconds since 1970; the present if there was none.
    pub checked_at_ms: u64,
    /// What calls have shown since the configuration last changed; not there before they show something.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub traffic: Option<Seen>,
}

/// What the calls of an integration have shown of its service.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Seen {
    /// When the last call that succeeded began, in milliseconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_success_ms: Option<u64>,
    /// When one last failed, in milliseconds since 1970. Mistakes of callers do not count.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_failure_ms: Option<u64>,
    /// The kind of that failure.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_failure_kind: Option<&'static str>,
    /// Failures since the service last answered.
    pub consecutive_failures: u32,
}

/// What the health check of an integration knows.
#[derive(Debug)]
pub(crate) struct Known {
    /// Held by the one who probes. The others wait and take the same; one who goes away leaves the question to the
    /// next.
    turn: Semaphore,
    told: Mutex<Told>,
}

#[derive(Debug, Default)]
struct Told {
    probe: Option<Probe>,
    /// What was last said, and since when that has been so.
    last: Option<(State, &'static str, u64)>,
}

/// What a probe found out.
#[derive(Debug)]
struct Probe {
    ended: Instant,
    /// The same by the wall clock, as all are told.
    ended_ms: u64,
    took: Duration,
    result: Result<Proof, Error>,
}

impl Default for Known {
    fn default() -> Self {
        Self { turn: Semaphore::new(1), told: Mutex::default() }
    }
}

impl Known {
    fn told<T>(&self, with: impl FnOnce(&mut Told) -> T) -> T {
        with(&mut self.told.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn is_fresh(&self) -> bool {
        self.told(|told| told.probe.as_ref().is_some_and(|probe| probe.ended.elapsed() < INTERVAL))
    }
}

impl Health {
    /// Whether calls may be expected to succeed.
    pub fn is_up(&self) -> bool {
        matches!(self.state, State::Healthy | State::Degraded)
    }

    /// Its JSON Schema.
    pub fn schema() -> Value {
        schema::<Self>()
    }

    /// Probes an integration, for at most `limit`, unless that has just been done, it takes no calls, or they need
    /// somebody's consent and there is none.
    pub(crate) async fn of(handle: &Handle, limit: Duration) -> Self {
        let known = handle.known();
        if handle.trouble().is_none() && handle.enabled() && !handle.needs_connection() {
            if let Some(missing) = missing(handle).await {
                return Self::told(handle, Some(&missing));
            }
            let _turn = known.turn.acquire().await;
            if !known.is_fresh() {
                let probe = Probe::of(handle, limit).await;
                known.told(|told| told.probe = Some(probe));
            }
        }
        Self::known(handle)
    }

    /// What is known without asking the service.
    pub(crate) async fn known_of(handle: &Handle) -> Self {
        let asks = handle.trouble().is_none() && handle.enabled() && !handle.needs_connection();
        let missing = if asks { missing(handle).await } else { None };
        Self::told(handle, missing.as_ref())
    }

    /// The same without a look at the store, where a consent may be missing.
    pub(crate) fn known(handle: &Handle) -> Self {
        Self::told(handle, None)
    }

    fn told(handle: &Handle, missing: Option<&Standing>) -> Self {
        let (trouble, flow, traffic) = (handle.trouble(), handle.state(), handle.traffic());
        let (flow, held_up) = (flow.as_ref(), handle.held_up());
        handle.known().told(|Told { probe, last }| {
            let (now, probe) = (Instant::now(), probe.as_ref());
            let Verdict { state, reason_code, evidence, detail } = verdict(&Facts {
                now,
                trouble: trouble.as_ref(),
                enabled: handle.enabled(),
                missing,
                asking: handle.needs_connection(),
                breaker: flow.and_then(|flow| flow.breaker.as_ref()),
                paused_for: flow.and_then(|flow| flow.rate_limit.as_ref()?.paused_for_seconds),
                probe,
                traffic,
                held_up: held_up.as_deref(),
            });
            let since_ms = match last {
                Some((said, why, since)) if (*said, *why) == (state, reason_code) => *since,
                _ => ms_of(now),
            };
            *last = Some((state, reason_code, since_ms));
            Self {
                state,
                reason_code,
                detail,
                evidence,
                service: probe.map(Probe::said).unwrap_or_default(),
                since_ms,
                // Microseconds are as fine as anybody reads.
                latency_ms: probe.map_or(0.0, |probe| (probe.took.as_secs_f64() * 1e6).round() / 1e3),
                checked_at_ms: probe.map_or_else(|| ms_of(now), |probe| probe.ended_ms),
                traffic: Seen::of(traffic),
            }
        })
    }
}

/// How the consent stands that calls need, if there is none to be used.
async fn missing(handle: &Handle) -> Option<Standing> {
    let standing = handle.consent().ok()?.standing().await.ok()?;
    matches!(standing.state, ConsentState::NotConnected | ConsentState::NeedsReauth).then_some(standing)
}

impl Probe {
    /// What the service said of itself.
    fn said(&self) -> BTreeMap<&'static str, String> {
        let proof = self.result.as_ref().ok();
        proof.map(|proof| proof.facts.iter().cloned().collect()).unwrap_or_default()
    }

    async fn of(handle: &Handle, limit: Duration) -> Self {
        let began = Instant::now();
        let result = timeout(limit, handle.probe())
            .await
            .unwrap_or_else(|_| Err(Error::new(Kind::Timeout, format!("no answer within {limit:?}"))))
            .map_err(|error| error.scrubbed(&handle.scrub(None)));
        let ended = Instant::now();
        Self { ended, ended_ms: ms_of(ended), took: ended - began, result }
    }
}

impl Seen {
    fn of(traffic: TrafficState) -> Option<Self> {
        (traffic != TrafficState::default()).then(|| Self {
            last_success_ms: traffic.succeeded.map(ms_of),
            last_failure_ms: traffic.failed.map(|(at, _)| ms_of(at)),
            last_failure_kind: traffic.failed.map(|(_, kind)| kind.code()),
            consecutive_failures: traffic.consecutive_failures,
        })
    }
}

/// What the wall clock showed at a moment that has been, if it has not been set since.
fn ms_of(moment: Instant) -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.saturating_sub(moment.elapsed()).as_millis()).unwrap_or_default()
}
