//! What is attempted again, when, and with which outcome, on top of a script.

use http::{Method, StatusCode};
use tokio::task::JoinSet;
use trunkline_core::{HttpRequest, Kind};
use trunkline_testkit::Step;

use super::*;
use crate::{
    Bound, Breaker, BreakerConfig, Capacity, Circuit, Concurrency, Deadline,
    testing::{Bench, answers, call, cut, metrics, refused, streamed},
};

fn retry(policy: Policy) -> Arc<dyn Layer> {
    Arc::new(Retry::new(policy, Arc::default(), metrics()))
}

fn bench(steps: impl IntoIterator<Item = Step>) -> Bench {
    Bench::new([retry(Policy::default())], steps)
}

fn keyed() -> Policy {
    let config =
        RetryConfig { idempotency_header: Some("Idempotency-Key".to_owned()), ..RetryConfig::default() };
    config.open().unwrap()
}

fn fact<'a>(error: &'a Error, key: &str) -> Option<&'a str> {
    error.context().iter().find(|(name, _)| *name == key).map(|(_, value)| value.as_str())
}

#[tokio::test(start_paused = true)]
async fn a_get_is_repeated_until_it_succeeds_or_was_attempted_often_enough() {
    let bench = bench([cut(), cut()]);
    let mut get = call(HttpRequest::get("/"));
    bench.run(&mut get).await.unwrap();
    assert_eq!((bench.script.attempts(), get.attempt), (3, 3));

    let bench = super::tests::bench((0..9).map(|_| cut()));
    let error = bench.get().await.unwrap_err();
    assert_eq!(
        (bench.script.attempts(), error.kind(), error.outcome()),
        (3, Kind::Unavailable, Outcome::Unknown)
    );
}

#[tokio::test(start_paused = true)]
async fn a_post_that_may_have_been_applied_or_was_answered_is_sent_once() {
    let steps: [fn() -> Step; 12] = [
        cut,
        || Step::Fails(Kind::Timeout, Outcome::Unknown),
        || Step::Fails(Kind::Protocol, Outcome::Applied),
        || answers(500, Kind::Failed, "retry-after", "1"),
        || answers(503, Kind::Unavailable, "retry-after", "1"),
        || answers(504, Kind::Timeout, "retry-after", "1"),
        || answers(408, Kind::RequestTimeout, "retry-after", "1"),
        || answers(409, Kind::Rejected, "retry-after", "1"),
        || answers(404, Kind::Rejected, "retry-after", "1"),
        // Nobody said how long to wait.
        || answers(429, Kind::RateLimited, "x-other", "1"),
        // An answer, whatever is in it.
        || Step::Replies(StatusCode::NO_CONTENT, Vec::new(), None),
        || Step::Replies(StatusCode::FOUND, Vec::new(), None),
    ];
    for step in steps {
        for method in [Method::POST, Method::PATCH] {
            let bench = bench([step()]);
            let _ = bench.call(HttpRequest::new(method.clone(), "/")).await;
            assert_eq!(bench.script.attempts(), 1, "{method} {:?}", step());
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_post_that_was_not_sent_is_repeated() {
    let bench = bench([refused()]);
    bench.call(HttpRequest::post("/").body("once")).await.unwrap();
    assert_eq!(bench.script.attempts(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_stream_is_sent_once() {
    for step in [refused(), cut()] {
        let bench = bench([step]);
        bench.call(HttpRequest { body: streamed(), ..HttpRequest::get("/") }).await.unwrap_err();
        assert_eq!(bench.script.attempts(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_service_that_says_how_long_to_wait_is_left_alone_for_so_long_and_not_much_longer() {
    for _ in 0..50 {
        let bench = bench([answers(429, Kind::RateLimited, "retry-after", "2")]);
        let began = Instant::now();
        bench.call(HttpRequest::post("/")).await.unwrap();
        let waited = began.elapsed().as_millis();
        assert!((2000..3300).contains(&waited), "{waited}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_wait_that_does_not_fit_is_told_and_not_begun() {
    let began = Instant::now();
    for (asked, deadline) in [("3600", None), ("61", Some(300)), ("20", Some(10))] {
        let bench = bench([answers(503, Kind::Unavailable, "retry-after", asked)]);
        let mut get = call(HttpRequest::get("/"));
        get.deadline = deadline.map(|seconds| Instant::now() + Duration::from_secs(seconds));
        let error = bench.run(&mut get).await.unwrap_err();
        assert_eq!(error.wait().unwrap().as_secs().to_string(), asked);
        assert_eq!((error.kind(), fact(&error, "retry_suppressed")), (Kind::Unavailable, Some("deadline")));
        assert_eq!(bench.script.attempts(), 1);
    }
    assert_eq!(began.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn the_deadline_holds_for_all_attempts_and_pauses_together() {
    let layers =
        || [Arc::new(Deadline::new(Duration::from_secs(1))) as Arc<dyn Layer>, retry(Policy::default())];
    for _ in 0..50 {
        let steps = (0..9).flat_map(|_| [Step::Takes(Duration::from_millis(400)), cut()]);
        let (bench, began) = (Bench::new(layers(), steps), Instant::now());
        bench.get().await.unwrap_err();
        assert!(began.elapsed() <= Duration::from_millis(1050), "{:?}", began.elapsed());
        let last = *bench.script.times().last().unwrap();
        assert!(last - began <= Duration::from_millis(950), "no attempt begins with less than 50 ms left");
    }
}

#[tokio::test(start_paused = true)]
async fn an_outage_is_not_made_worse_than_by_a_fifth_and_three_a_second() {
    let (bench, began) = (bench((0..60_000).map(|_| cut())), Instant::now());
    let mut calls = JoinSet::new();
    for _ in 0..10_000 {
        let bench = bench.clone();
        calls.spawn(async move { bench.get().await.unwrap_err() });
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let errors = calls.join_all().await;
    let attempts = bench.script.attempts() as f64;
    // Those of the ten seconds before the outage come on top.
    let most = 12_000.0 + 3.0 * (began.elapsed().as_secs_f64() + 10.0);
    assert!((11_000.0..=most).contains(&attempts), "{attempts}");
    assert!(errors.iter().any(|error| fact(error, "retry_suppressed") == Some("budget")));
}

#[tokio::test(start_paused = true)]
async fn those_who_fail_together_come_back_evenly_spread() {
    const CLIENTS: usize = 1000;
    // The same run each time: one in a hundred would otherwise fail by chance.
    fastrand::seed(11);
    let began = Instant::now();
    let mut clients = JoinSet::new();
    for _ in 0..CLIENTS {
        // Each with a budget of its own: this is about many processes.
        clients.spawn(async {
            let bench = bench([cut()]);
            bench.get().await.unwrap();
            bench.script.times()[1]
        });
    }
    let pauses: Vec<_> = clients.join_all().await.iter().map(|at| (*at - began).as_millis()).collect();
    // Kolmogorov and Smirnov: the largest distance between what was seen and an even spread over the first
    // pause, 100 ms, to the millisecond that timers have. A fair sample is beyond it once in a hundred times.
    let distances = (0..=100).map(|end| {
        let seen = pauses.iter().filter(|pause| **pause <= end).count() as f64 / CLIENTS as f64;
        (seen - end as f64 / 100.0).abs()
    });
    let distance = distances.fold(0.0, f64::max);
    assert!(distance < 1.628 / (CLIENTS as f64).sqrt(), "{distance}");
}

#[tokio::test(start_paused = true)]
async fn a_key_is_made_once_for_a_call_and_is_the_same_on_every_attempt() {
    let bench = Bench::new([retry(keyed())], [cut(), cut()]);
    let mut post = call(HttpRequest::post("/"));
    bench.run(&mut post).await.unwrap();
    bench.call(HttpRequest::post("/")).await.unwrap();
    let keys: Vec<_> =
        bench.script.headers().iter().map(|headers| headers["idempotency-key"].clone()).collect();
    assert_eq!(keys.len(), 4);
    assert!(keys[0] == keys[1] && keys[1] == keys[2], "{keys:?}");
    assert_ne!(keys[2], keys[3], "another call has another key");
    assert_eq!(uuid::Uuid::parse_str(keys[0].to_str().unwrap()).unwrap().get_version_num(), 4);
}

#[tokio::test(start_paused = true)]
async fn no_attempt_begins_under_a_key_that_the_service_may_have_forgotten() {
    let config = serde_json::json!({
        "idempotency_header": "Idempotency-Key", "idempotency_window": "24s", "max_attempts": 5, "max_backoff": "1ms",
    });
    let policy = || serde_json::from_value::<RetryConfig>(config.clone()).unwrap().open().unwrap();
    let steps =
        |failed: fn() -> Step| (0..9).flat_map(move |_| [Step::Takes(Duration::from_secs(10)), failed()]);
    let lasts = Duration::from_secs(23);
    // Ten seconds each: the third begins after twenty, a fourth would after thirty.
    let bench = Bench::new([retry(policy())], steps(cut));
    let mut post = call(HttpRequest::post("/"));
    let error = bench.run(&mut post).await.unwrap_err();
    assert_eq!(
        (bench.script.attempts(), fact(&error, "retry_suppressed"), error.wait()),
        (3, Some("idempotency_window"), None)
    );
    assert!(bench.script.times().iter().all(|at| *at < post.began + lasts));
    assert_eq!(post.deadline, Some(post.began + lasts), "nor does one that waits for its turn");
    // A call that repeats an earlier one has what is left of the time since that.
    let bench = Bench::new([retry(policy())], steps(cut));
    let mut post = call(HttpRequest::post("/"));
    post.key_until = Some(post.began + Duration::from_secs(15));
    let error = bench.run(&mut post).await.unwrap_err();
    assert_eq!((bench.script.attempts(), fact(&error, "retry_suppressed")), (2, Some("idempotency_window")));
    assert_eq!(post.deadline, post.key_until);
    // What was surely not done is attempted as often as ever, and so is what only reads.
    for (request, failed) in [(HttpRequest::post("/"), refused as fn() -> Step), (HttpRequest::get("/"), cut)]
    {
        let bench = Bench::new([retry(policy())], steps(failed));
        let mut other = call(request);
        bench.run(&mut other).await.unwrap_err();
        assert_eq!((bench.script.attempts(), other.deadline), (5, None));
    }
}

#[tokio::test(start_paused = true)]
async fn a_callers_own_key_is_kept_and_counts_only_where_the_service_takes_one() {
    let request =
        || HttpRequest::post("/").header("idempotency-key".parse().unwrap(), "mine".parse().unwrap());
    let with = Bench::new([retry(keyed())], [cut()]);
    with.call(request()).await.unwrap();
    assert!(with.script.headers().iter().all(|headers| headers["idempotency-key"] == "mine"));
    assert_eq!(with.script.attempts(), 2);
    let without = bench([cut()]);
    without.call(request()).await.unwrap_err();
    assert_eq!(without.script.attempts(), 1);
    // What only reads, or may be done twice, needs none.
    let get = Bench::new([retry(keyed())], []);
    get.get().await.unwrap();
    assert!(get.script.headers()[0].is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_may_have_been_applied_once_may_still_have_been_after_a_refusal() {
    for last in [refused(), answers(404, Kind::Rejected, "x-a", "b")] {
        let bench = bench([cut(), last, refused()]);
        let error = bench.call(HttpRequest::new(Method::DELETE, "/")).await.unwrap_err();
        assert_eq!(error.outcome(), Outcome::Unknown);
    }
}

#[tokio::test(start_paused = true)]
async fn retries_stop_when_the_circuit_opens_and_the_services_own_error_is_given() {
    let config =
        BreakerConfig { consecutive_failures: std::num::NonZero::new(2), ..BreakerConfig::default() };
    let circuit = Arc::new(Circuit::new(config.open().unwrap().unwrap(), metrics()));
    let bench =
        Bench::new([retry(Policy::default()), Arc::new(Breaker::new(circuit))], (0..9).map(|_| cut()));
    let mut get = call(HttpRequest::get("/"));
    let error = bench.run(&mut get).await.unwrap_err();
    assert_eq!((error.kind(), fact(&error, "retry_suppressed")), (Kind::Unavailable, Some("circuit_open")));
    assert_eq!((bench.script.attempts(), get.attempt), (2, 2), "the one that was refused is none");
    assert!(error.wait().unwrap().as_secs() >= 26);
}

#[tokio::test(start_paused = true)]
async fn an_error_that_streams_does_not_keep_its_place_while_its_call_pauses() {
    let bound = Arc::new(Bound::of_integration(Capacity { max: 1, ..Capacity::default() }, metrics()));
    let layers: [Arc<dyn Layer>; 2] = [retry(Policy::default()), Arc::new(Concurrency::new(bound))];
    let bench = Bench::new(layers, [Step::FailsStreaming(Kind::Unavailable, streamed())]);
    bench.get().await.unwrap();
    assert_eq!(bench.script.attempts(), 2);
}
