//! When a circuit opens and closes, in paused time.

use std::time::Duration;

use futures_util::FutureExt;
use http::StatusCode;
use tokio::{task::JoinSet, time::advance};
use trunkline_core::{Error, HttpRequest, Kind};
use trunkline_testkit::Step;

use super::*;
use crate::{
    Deadline,
    testing::{Bench, answers, call, cut, metrics},
};

fn circuit() -> Arc<Circuit> {
    Arc::new(Circuit::new(Thresholds::default(), metrics()))
}

fn bench(circuit: &Arc<Circuit>, steps: impl IntoIterator<Item = Step>) -> Bench {
    Bench::new([Arc::new(Breaker::new(circuit.clone())) as Arc<dyn Layer>], steps)
}

fn cuts(n: usize) -> impl Iterator<Item = Step> {
    (0..n).map(|_| cut())
}

/// A circuit that has just opened.
async fn opened() -> Arc<Circuit> {
    let circuit = circuit();
    let bench = bench(&circuit, cuts(5));
    for _ in 0..5 {
        bench.get().await.unwrap_err();
    }
    assert_eq!(circuit.snapshot().state, "open");
    circuit
}

fn kind(result: Result<Reply>) -> Option<Kind> {
    result.err().map(|error| error.kind())
}

#[tokio::test(start_paused = true)]
async fn five_failures_in_a_row_open_it_and_then_nothing_is_sent() {
    let circuit = circuit();
    let bench = bench(&circuit, cuts(9));
    for _ in 0..5 {
        assert_eq!(kind(bench.get().await), Some(Kind::Unavailable));
    }
    let mut sixth = call(HttpRequest::get("/"));
    let error = bench.run(&mut sixth).await.unwrap_err();
    assert_eq!((error.kind(), sixth.attempt, bench.script.attempts()), (Kind::CircuitOpen, 0, 5));
    assert!((27.0..=33.0).contains(&error.wait().unwrap().as_secs_f64()), "{error}");
    let shown = circuit.snapshot();
    assert_eq!((shown.state, shown.reason.as_deref()), ("open", Some("5 failures in a row")));
    assert!(shown.probe_in_seconds.unwrap() > 26.0);
}

#[tokio::test(start_paused = true)]
async fn half_of_twenty_attempts_within_ten_seconds_open_it_and_more_slowly_they_do_not() {
    let steps = || (0..40).map(|n| if n % 2 == 0 { cut() } else { Step::Ok("ok".into()) });
    let quick = circuit();
    let calls = bench(&quick, steps());
    let mut made = 0;
    while kind(calls.get().await) != Some(Kind::CircuitOpen) {
        made += 1;
        advance(Duration::from_millis(100)).await;
    }
    // At the twentieth ten of twenty had failed, and that one had not: the next failure opens it.
    assert_eq!(made, 21);
    let slow = circuit();
    let calls = bench(&slow, steps());
    for _ in 0..40 {
        let _ = calls.get().await;
        advance(Duration::from_secs(1)).await;
    }
    assert_eq!(slow.snapshot().state, "closed");
}

#[tokio::test(start_paused = true)]
async fn half_open_one_of_a_hundred_goes_to_see() {
    let circuit = opened().await;
    advance(Duration::from_secs(34)).await;
    let bench = bench(&circuit, [Step::Takes(Duration::from_millis(10)), Step::Ok("ok".into())]);
    let mut calls = JoinSet::new();
    for _ in 0..100 {
        let bench = bench.clone();
        calls.spawn(async move { kind(bench.get().await) });
    }
    let results = calls.join_all().await;
    assert_eq!(bench.script.attempts(), 1);
    assert_eq!(results.iter().filter(|kind| **kind == Some(Kind::CircuitOpen)).count(), 99);
    assert_eq!(circuit.snapshot().state, "half_open");
    bench.get().await.unwrap();
    assert_eq!(circuit.snapshot().state, "closed", "two in a row close it");
}

#[tokio::test(start_paused = true)]
async fn each_probe_that_fails_doubles_the_time_up_to_five_minutes_and_ten_quiet_ones_forgive() {
    let circuit = opened().await;
    for seconds in [60.0, 120.0, 240.0, 300.0, 300.0] {
        advance(Duration::from_secs(331)).await;
        bench(&circuit, cuts(1)).get().await.unwrap_err();
        let open = circuit.snapshot().probe_in_seconds.unwrap();
        assert!((seconds * 0.9..=seconds * 1.1).contains(&open), "{open} is not about {seconds}");
    }
    advance(Duration::from_secs(331)).await;
    let good = bench(&circuit, []);
    good.get().await.unwrap();
    good.get().await.unwrap();
    advance(Duration::from_secs(601)).await;
    let bad = bench(&circuit, cuts(5));
    for _ in 0..5 {
        bad.get().await.unwrap_err();
    }
    assert!(circuit.snapshot().probe_in_seconds.unwrap() <= 33.0);
}

#[tokio::test(start_paused = true)]
async fn answers_that_prove_the_service_is_up_and_errors_of_ours_leave_it_closed() {
    for (status, kind) in [
        (401, Kind::Unauthenticated),
        (403, Kind::Forbidden),
        (404, Kind::Rejected),
        (408, Kind::RequestTimeout),
        (429, Kind::RateLimited),
        (400, Kind::Blocked),
    ] {
        let circuit = circuit();
        let bench = bench(&circuit, (0..100).map(|_| answers(status, kind, "x-a", "b")));
        for _ in 0..100 {
            bench.get().await.unwrap_err();
        }
        assert_eq!(circuit.snapshot().state, "closed", "{kind}");
    }
    // A 404 is a success: it ends a row of failures.
    let circuit = circuit();
    let steps = || cuts(4).chain([answers(404, Kind::Rejected, "x-a", "b")]);
    let bench = bench(&circuit, steps().chain(steps()));
    for _ in 0..10 {
        bench.get().await.unwrap_err();
    }
    assert_eq!(circuit.snapshot().state, "closed");
}

/// A layer that gets nothing to send with, and so makes no attempt.
#[derive(Debug)]
struct Penniless;

impl Layer for Penniless {
    fn name(&self) -> &'static str {
        "penniless"
    }

    fn call<'a>(&'a self, call: &'a mut Call, _: Next<'a>) -> BoxFuture<'a, Result<Reply>> {
        call.attempt -= 1;
        Box::pin(async { Err(Error::new(Kind::Unavailable, "whoever issues tokens is down")) })
    }
}

#[tokio::test(start_paused = true)]
async fn what_made_no_attempt_says_nothing_of_the_service() {
    let circuit = circuit();
    let layers: [Arc<dyn Layer>; 2] = [Arc::new(Breaker::new(circuit.clone())), Arc::new(Penniless)];
    let bench = Bench::new(layers, []);
    for _ in 0..100 {
        assert_eq!(kind(bench.get().await), Some(Kind::Unavailable));
    }
    assert_eq!(circuit.snapshot().state, "closed");
}

#[tokio::test(start_paused = true)]
async fn an_error_in_an_answer_of_200_counts_as_its_kind_says() {
    let circuit = circuit();
    let bench =
        bench(&circuit, (0..5).map(|_| Step::Replies(StatusCode::OK, Vec::new(), Some(Kind::Unavailable))));
    for _ in 0..5 {
        bench.get().await.unwrap_err();
    }
    assert_eq!(circuit.snapshot().state, "open");
}

#[tokio::test(start_paused = true)]
async fn a_probe_whose_caller_goes_away_frees_its_slot_and_counts_as_nothing() {
    let circuit = opened().await;
    advance(Duration::from_secs(34)).await;
    let hung = bench(&circuit, [Step::Hangs]);
    assert!(hung.get().now_or_never().is_none());
    assert_eq!(circuit.snapshot().state, "half_open");
    bench(&circuit, []).get().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_service_that_hangs_until_the_deadline_has_failed_unless_its_caller_was_in_a_hurry() {
    for (own, state) in [(None, "open"), (Some(Duration::from_millis(10)), "closed")] {
        let circuit = circuit();
        let layers: [Arc<dyn Layer>; 2] =
            [Arc::new(Deadline::new(Duration::from_secs(5))), Arc::new(Breaker::new(circuit.clone()))];
        let bench = Bench::new(layers, (0..5).map(|_| Step::Hangs));
        for _ in 0..5 {
            let request = HttpRequest { timeout: own, ..HttpRequest::get("/") };
            assert_eq!(kind(bench.call(request).await), Some(Kind::Timeout));
        }
        assert_eq!(circuit.snapshot().state, state);
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_sent_before_it_opened_says_nothing_afterwards() {
    let circuit = circuit();
    let slow = bench(&circuit, [Step::Takes(Duration::from_secs(40)), Step::Ok("late".into())]);
    let slow = tokio::spawn(async move { slow.get().await.map(drop) });
    tokio::task::yield_now().await;
    let bad = bench(&circuit, cuts(5));
    for _ in 0..5 {
        bad.get().await.unwrap_err();
    }
    slow.await.unwrap().unwrap();
    assert_eq!(circuit.snapshot().state, "open");
}

#[tokio::test(start_paused = true)]
async fn by_hand_it_is_reset_and_opened_and_a_health_probe_may_only_close_it() {
    let circuit = opened().await;
    circuit.proved();
    assert_eq!(circuit.snapshot().state, "closed");
    circuit.force_open();
    advance(Duration::from_secs(86_400)).await;
    let error: Error = bench(&circuit, []).get().await.unwrap_err();
    assert!(error.message().contains("by hand"), "{error}");
    circuit.proved();
    assert_eq!(circuit.snapshot().state, "forced_open");
    circuit.reset();
    bench(&circuit, []).get().await.unwrap();
}

#[test]
fn what_makes_no_sense_names_its_key() {
    for (json, key) in [
        (r#"{"failure_rate": 0}"#, "breaker.failure_rate"),
        (r#"{"failure_rate": 1.5}"#, "breaker.failure_rate"),
        (r#"{"open_for": 301}"#, "breaker.open_for"),
    ] {
        let config: BreakerConfig = serde_json::from_str(json).unwrap();
        assert!(config.open().unwrap_err().message().contains(key), "{json}");
    }
    let off: BreakerConfig = serde_json::from_str(r#"{"enabled": false}"#).unwrap();
    assert_eq!(off.open().unwrap(), None);
}
