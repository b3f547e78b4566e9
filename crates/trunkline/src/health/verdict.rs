//! `verdict`: from what is known of an integration to its state and the reason. It reads from the top, the worst first,
//! and nothing else decides it.

use std::time::Duration;

use tokio::time::Instant;
use trunkline_core::{ConsentState, Error, Kind, Proof, Standing};
use trunkline_layers::{BreakerState, TrafficState};

use super::{Evidence, Probe, State};

/// How long calls say how the service is.
const RECENT: Duration = Duration::from_secs(60);
/// What a probe found out says nothing any more after three intervals of a minute.
const STALE: Duration = Duration::from_secs(180);
/// One or two calls that fail are an accident.
const FAILING: u32 = 3;

/// What is known.
#[derive(Debug)]
pub(super) struct Facts<'a> {
    pub(super) now: Instant,
    /// Why the integration does not open.
    pub(super) trouble: Option<&'a Error>,
    pub(super) enabled: bool,
    /// How the consent stands that calls need, where there is none to be used.
    pub(super) missing: Option<&'a Standing>,
    /// Whether only its connections can be called.
    pub(super) asking: bool,
    pub(super) breaker: Option<&'a BreakerState>,
    /// Seconds for which the service wants nothing sent.
    pub(super) paused_for: Option<f64>,
    pub(super) probe: Option<&'a Probe>,
    pub(super) traffic: TrafficState,
    /// What keeps its messages from being passed on.
    pub(super) held_up: Option<&'a str>,
}

/// What follows from it.
#[derive(Debug)]
pub(super) struct Verdict {
    pub(super) state: State,
    pub(super) reason_code: &'static str,
    pub(super) evidence: Option<Evidence>,
    pub(super) detail: Option<String>,
}

/// What follows from the facts.
pub(super) fn verdict(facts: &Facts<'_>) -> Verdict {
    use Evidence::{Probe, Traffic};
    use State::{Degraded, Disabled, Healthy, Unhealthy, Unknown};

    let found = facts.found();
    let failure = facts.last_failure();
    let circuit = facts.breaker.map_or("closed", |breaker| breaker.state);

    if let Some(trouble) = facts.trouble {
        return Verdict::new(Unhealthy, trouble.kind().code(), None).because(trouble.message());
    }
    if !facts.enabled {
        return Verdict::new(Disabled, "disabled", None);
    }
    if facts.asking {
        return Verdict::new(Unknown, "connection_needed", None)
            .because("each of its connections is a service of its own; ask for the health of one");
    }
    if let Some(Standing { state, reason, .. }) = facts.missing {
        let (reason_code, usual) = match state {
            ConsentState::NeedsReauth => (Kind::NeedsReauth.code(), "the account has to be connected again"),
            _ => ("not_connected", "nobody has connected an account yet"),
        };
        return Verdict::new(Unhealthy, reason_code, None).because(reason.as_deref().unwrap_or(usual));
    }
    if circuit == "forced_open" {
        return Verdict::new(Unhealthy, "circuit_open", None)
            .because("the circuit was opened by hand; reset the breaker to close it");
    }
    if circuit == "open" {
        let reason = facts.breaker.and_then(|breaker| breaker.reason.as_deref()).unwrap_or_default();
        return Verdict::new(Unhealthy, "circuit_open", Some(Traffic))
            .because(format!("the circuit is open after {reason}"));
    }
    // Many probes ask what anybody may: an answer does not outweigh a fresh refusal, only an old one.
    if let Some((at, kind @ (Kind::Unauthenticated | Kind::Forbidden))) = failure
        && (facts.within(at, STALE) || !proves(found))
    {
        return Verdict::new(Unhealthy, reason(kind), Some(Traffic))
            .because("the last call was refused; look at the credential and at what it is allowed to do");
    }
    if let Some(Err(error)) = found
        && error.kind() != Kind::RateLimited
    {
        return Verdict::new(Unhealthy, reason(error.kind()), Some(Probe)).because(error.message());
    }
    if circuit == "half_open" {
        return Verdict::new(Degraded, "circuit_half_open", Some(Traffic))
            .because("the circuit was open; single calls find out whether the service is back");
    }
    if let Some(seconds) = facts.paused_for {
        return Verdict::new(Degraded, Kind::RateLimited.code(), Some(Traffic))
            .because(format!("the service has asked for a pause, for {seconds:.0} more seconds"));
    }
    // A service that asks to slow down is there.
    if let Some(Err(error)) = found {
        return Verdict::new(Degraded, reason(error.kind()), Some(Probe)).because(error.message());
    }
    let in_a_row = facts.traffic.consecutive_failures;
    if let Some((at, kind)) = failure
        && facts.within(at, RECENT)
        && (in_a_row >= FAILING || kind == Kind::RateLimited)
    {
        return Verdict::new(Degraded, reason(kind), Some(Traffic))
            .because(format!("calls that failed since the last success: {in_a_row}"));
    }
    if let Some(detail) = facts.held_up {
        return Verdict::new(Degraded, "forward_paused", Some(Traffic)).because(detail);
    }
    if let Some(Ok(proof)) = found
        && proves(found)
    {
        return Verdict { detail: proof.warning.clone(), ..Verdict::new(Healthy, proof.reason, Some(Probe)) };
    }
    if facts.traffic.succeeded.is_some_and(|at| facts.within(at, RECENT)) {
        return Verdict::new(Healthy, "answered", Some(Traffic));
    }
    match (found, facts.probe) {
        (Some(Ok(proof)), _) => Verdict::new(Degraded, proof.reason, Some(Probe))
            .because("the service takes connections; set probe to a safe request to prove more"),
        (_, Some(_)) => Verdict::new(Unknown, "stale", None),
        (_, None) => Verdict::new(Unknown, "not_checked", None),
    }
}

/// Whether a probe proves more than that somebody listens.
fn proves(found: Option<Result<&Proof, &Error>>) -> bool {
    found.is_some_and(|found| found.is_ok_and(|proof| proof.reason != Proof::REACHABLE_ONLY.reason))
}

/// What a health check calls an error.
fn reason(kind: Kind) -> &'static str {
    if kind == Kind::Unauthenticated { "auth_expired" } else { kind.code() }
}

impl Facts<'_> {
    fn within(&self, at: Instant, time: Duration) -> bool {
        self.now.saturating_duration_since(at) < time
    }

    /// What the last probe found out, if that still says something: a call that succeeded after a probe that did not
    /// knows better.
    fn found(&self) -> Option<Result<&Proof, &Error>> {
        let probe = self.probe.filter(|probe| self.within(probe.ended, STALE))?;
        let outdone = probe.result.is_err() && self.traffic.succeeded.is_some_and(|at| at > probe.ended);
        (!outdone).then_some(probe.result.as_ref())
    }

    /// The last call that failed, if none has succeeded since.
    fn last_failure(&self) -> Option<(Instant, Kind)> {
        self.traffic.failed.filter(|(at, _)| self.traffic.succeeded.is_none_or(|succeeded| *at > succeeded))
    }
}

impl Verdict {
    fn new(state: State, reason_code: &'static str, evidence: Option<Evidence>) -> Self {
        Self { state, reason_code, evidence, detail: None }
    }

    fn because(self, detail: impl Into<String>) -> Self {
        Self { detail: Some(detail.into()), ..self }
    }
}

#[cfg(test)]
mod tests;
