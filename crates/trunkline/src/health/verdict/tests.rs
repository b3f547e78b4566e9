//! The table of verdicts: what is known on the left, what is said on the right.

use super::*;

/// What is known, in terms of how many seconds ago it was.
struct Known {
    trouble: bool,
    enabled: bool,
    consent: Option<ConsentState>,
    asking: bool,
    held_up: bool,
    circuit: &'static str,
    paused: bool,
    probe: Option<(u64, Result<&'static str, Kind>)>,
    succeeded: Option<u64>,
    failed: Option<(u64, Kind, u32)>,
}

/// An integration of which nothing is known.
const NOTHING: Known = Known {
    trouble: false,
    enabled: true,
    consent: None,
    asking: false,
    held_up: false,
    circuit: "closed",
    paused: false,
    probe: None,
    succeeded: None,
    failed: None,
};
const ANSWERED: Known = Known { probe: Some((0, Ok("answered"))), ..NOTHING };
const REACHABLE: Known = Known { probe: Some((0, Ok("reachable_only"))), ..NOTHING };
const DOWN: Known = Known { probe: Some((0, Err(Kind::Unavailable))), ..NOTHING };

fn judged(known: &Known) -> (State, &'static str, Option<Evidence>) {
    let start = Instant::now();
    let now = start + Duration::from_secs(3600);
    let ago = |seconds: u64| now - Duration::from_secs(seconds);
    let trouble = known.trouble.then(|| Error::new(Kind::InvalidConfig, "it does not open"));
    let breaker = BreakerState {
        state: known.circuit,
        reason: Some("5 failures in a row".into()),
        for_seconds: 1.0,
        probe_in_seconds: None,
        consecutive_failures: 5,
    };
    let probe = known.probe.map(|(ended, result)| Probe {
        ended: ago(ended),
        ended_ms: 0,
        took: Duration::from_millis(1),
        result: result
            .map(|reason| Proof { reason, ..Proof::ANSWERED })
            .map_err(|kind| Error::new(kind, "no")),
    });
    let standing = known.consent.map(|state| Standing { state, ..Standing::default() });
    let verdict = verdict(&Facts {
        now,
        trouble: trouble.as_ref(),
        enabled: known.enabled,
        missing: standing.as_ref(),
        asking: known.asking,
        breaker: Some(&breaker),
        paused_for: known.paused.then_some(30.0),
        probe: probe.as_ref(),
        traffic: TrafficState {
            succeeded: known.succeeded.map(ago),
            failed: known.failed.map(|(at, kind, _)| (ago(at), kind)),
            consecutive_failures: known.failed.map_or(0, |(_, _, in_a_row)| in_a_row),
        },
        held_up: known.held_up.then_some("messages are not forwarded"),
    });
    assert!(
        verdict.detail.is_some()
            || matches!(verdict.state, State::Healthy | State::Disabled | State::Unknown),
        "what is wrong is said in words: {verdict:?}"
    );
    (verdict.state, verdict.reason_code, verdict.evidence)
}

fn table(rows: &[(Known, State, &'static str, Option<Evidence>)]) {
    for (row, (known, state, reason, evidence)) in rows.iter().enumerate() {
        assert_eq!(judged(known), (*state, *reason, *evidence), "row {}", row + 1);
    }
}

use ConsentState::{NeedsReauth, NotConnected};
use Evidence::{Probe as P, Traffic as T};
use Kind::{Forbidden, RateLimited, Timeout, Unauthenticated, Unavailable};
use State::{Degraded, Disabled, Healthy, Unhealthy, Unknown};

#[test]
fn what_the_configuration_says_comes_before_all_that_is_seen() {
    table(&[
        (Known { trouble: true, enabled: false, ..ANSWERED }, Unhealthy, "invalid_config", None),
        (Known { enabled: false, circuit: "open", ..DOWN }, Disabled, "disabled", None),
        (Known { enabled: false, asking: true, ..DOWN }, Disabled, "disabled", None),
        (Known { asking: true, ..ANSWERED }, Unknown, "connection_needed", None),
        (Known { held_up: true, ..ANSWERED }, Degraded, "forward_paused", Some(T)),
        (Known { held_up: true, ..DOWN }, Unhealthy, "unavailable", Some(P)),
        (Known { circuit: "forced_open", succeeded: Some(1), ..ANSWERED }, Unhealthy, "circuit_open", None),
        (Known { enabled: false, consent: Some(NotConnected), ..NOTHING }, Disabled, "disabled", None),
        (Known { consent: Some(NotConnected), ..ANSWERED }, Unhealthy, "not_connected", None),
        (Known { consent: Some(NeedsReauth), circuit: "open", ..DOWN }, Unhealthy, "needs_reauth", None),
    ]);
}

#[test]
fn the_worst_that_is_known_is_said() {
    table(&[
        (Known { circuit: "open", paused: true, ..REACHABLE }, Unhealthy, "circuit_open", Some(T)),
        (Known { circuit: "open", ..DOWN }, Unhealthy, "circuit_open", Some(T)),
        (Known { circuit: "half_open", ..REACHABLE }, Degraded, "circuit_half_open", Some(T)),
        (Known { circuit: "half_open", ..DOWN }, Unhealthy, "unavailable", Some(P)),
        (Known { paused: true, ..ANSWERED }, Degraded, "rate_limited", Some(T)),
        (Known { paused: true, succeeded: Some(1), ..NOTHING }, Degraded, "rate_limited", Some(T)),
        (Known { paused: true, ..DOWN }, Unhealthy, "unavailable", Some(P)),
        (
            Known { failed: Some((1, Unauthenticated, 1)), circuit: "half_open", ..REACHABLE },
            Unhealthy,
            "auth_expired",
            Some(T),
        ),
    ]);
}

#[test]
fn a_refusal_holds_until_a_call_succeeds_or_it_is_old_and_a_probe_is_answered() {
    let refused = |ago, kind| Known { failed: Some((ago, kind, 1)), ..ANSWERED };
    table(&[
        (refused(1, Unauthenticated), Unhealthy, "auth_expired", Some(T)),
        (refused(1, Forbidden), Unhealthy, "forbidden", Some(T)),
        (refused(179, Unauthenticated), Unhealthy, "auth_expired", Some(T)),
        (refused(180, Unauthenticated), Healthy, "answered", Some(P)),
        (Known { probe: REACHABLE.probe, ..refused(3000, Forbidden) }, Unhealthy, "forbidden", Some(T)),
        (Known { succeeded: Some(2), ..refused(1, Unauthenticated) }, Unhealthy, "auth_expired", Some(T)),
        (Known { succeeded: Some(1), ..refused(2, Unauthenticated) }, Healthy, "answered", Some(P)),
    ]);
}

#[test]
fn a_probe_says_what_it_proves_and_only_while_it_is_fresh() {
    let probed = |ago, result| Known { probe: Some((ago, result)), ..NOTHING };
    table(&[
        (NOTHING, Unknown, "not_checked", None),
        (ANSWERED, Healthy, "answered", Some(P)),
        (REACHABLE, Degraded, "reachable_only", Some(P)),
        (DOWN, Unhealthy, "unavailable", Some(P)),
        (probed(0, Err(Unauthenticated)), Unhealthy, "auth_expired", Some(P)),
        (probed(0, Err(RateLimited)), Degraded, "rate_limited", Some(P)),
        (probed(179, Ok("answered")), Healthy, "answered", Some(P)),
        (probed(180, Ok("answered")), Unknown, "stale", None),
        (probed(180, Err(Unavailable)), Unknown, "stale", None),
    ]);
}

#[test]
fn calls_that_succeed_prove_more_than_a_connection_for_a_minute() {
    table(&[
        (Known { succeeded: Some(59), ..REACHABLE }, Healthy, "answered", Some(T)),
        (Known { succeeded: Some(60), ..REACHABLE }, Degraded, "reachable_only", Some(P)),
        (Known { succeeded: Some(1), ..ANSWERED }, Healthy, "answered", Some(P)),
        (Known { succeeded: Some(59), ..NOTHING }, Healthy, "answered", Some(T)),
        (Known { succeeded: Some(60), ..NOTHING }, Unknown, "not_checked", None),
    ]);
}

#[test]
fn of_a_failed_probe_and_a_call_that_succeeded_the_later_is_right() {
    let failed = |ago| Known { probe: Some((ago, Err(Unavailable))), ..NOTHING };
    table(&[
        (Known { succeeded: Some(2), ..failed(1) }, Unhealthy, "unavailable", Some(P)),
        (Known { succeeded: Some(1), ..failed(2) }, Healthy, "answered", Some(T)),
        (Known { succeeded: Some(70), ..failed(80) }, Unknown, "stale", None),
    ]);
}

#[test]
fn calls_that_fail_in_a_row_degrade_for_a_minute() {
    let failing = |ago, kind, in_a_row| Known { failed: Some((ago, kind, in_a_row)), ..ANSWERED };
    table(&[
        (failing(1, Timeout, 2), Healthy, "answered", Some(P)),
        (failing(1, Timeout, 3), Degraded, "timeout", Some(T)),
        (failing(59, Timeout, 9), Degraded, "timeout", Some(T)),
        (failing(60, Timeout, 9), Healthy, "answered", Some(P)),
        // A service that says how it is need not say it three times.
        (failing(1, RateLimited, 1), Degraded, "rate_limited", Some(T)),
        (Known { succeeded: Some(2), probe: None, ..failing(1, Timeout, 1) }, Healthy, "answered", Some(T)),
        (Known { succeeded: Some(2), probe: None, ..failing(1, Timeout, 3) }, Degraded, "timeout", Some(T)),
    ]);
}
