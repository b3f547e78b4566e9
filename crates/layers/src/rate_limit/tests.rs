//! Who may send when, in paused time, with callers that come, wait and go away.

use futures_util::FutureExt;
use http::StatusCode;
use proptest::prelude::*;
use serde_json::{Value, json};
use tokio::{
    task::JoinSet,
    time::{Instant, advance, sleep},
};
use trunkline_core::{Error, HttpRequest, Kind, Query};
use trunkline_testkit::Step;

use super::*;
use crate::{
    Errors, ErrorsConfig,
    testing::{Bench, answers, call, metrics},
};

pub(super) fn rules(json: Value) -> Rules {
    serde_json::from_value::<RateLimitConfig>(json).unwrap().open().unwrap()
}

fn limiter(json: Value) -> Arc<Limiter> {
    Arc::new(Limiter::new(rules(json), metrics(), None))
}

fn on(limiter: &Arc<Limiter>, steps: impl IntoIterator<Item = Step>) -> Bench {
    let layer = RateLimit::new(limiter.clone(), Rules::default());
    Bench::new([Arc::new(layer) as Arc<dyn Layer>], steps)
}

fn bench(json: Value) -> Bench {
    on(&limiter(json), [])
}

fn millis(from: Instant, times: &[Instant]) -> Vec<u128> {
    times.iter().map(|at| (*at - from).as_millis()).collect()
}

/// Makes `calls` calls at the same time and gives those that were refused.
async fn rush(bench: &Bench, calls: usize) -> Vec<Error> {
    let mut tasks = JoinSet::new();
    for _ in 0..calls {
        let bench = bench.clone();
        tasks.spawn(async move { bench.get().await.err() });
    }
    tasks.join_all().await.into_iter().flatten().collect()
}

#[tokio::test(start_paused = true)]
async fn with_a_burst_of_one_attempts_are_spaced_evenly_and_none_is_lost() {
    let bench = bench(json!({ "requests": 10, "per": 1, "burst": 1, "max_queue": 100, "max_wait": 20 }));
    let began = Instant::now();
    assert!(rush(&bench, 100).await.is_empty());
    let times = millis(began, &bench.script.times());
    for (n, pair) in times.windows(2).enumerate() {
        assert!((95..=105).contains(&(pair[1] - pair[0])), "{n}: {pair:?}");
    }
    assert_eq!(times.len(), 100);
}

#[tokio::test(start_paused = true)]
async fn unless_a_burst_is_named_all_may_come_at_once_and_then_none_until_the_time_is_over() {
    let bench = bench(json!({ "requests": 100, "per": 10, "max_wait": 12, "max_queue": 500 }));
    let began = Instant::now();
    assert!(rush(&bench, 150).await.is_empty());
    let times = millis(began, &bench.script.times());
    assert_eq!((times[99], times.len()), (0, 150));
    assert!(times[100] >= 10_000 && times[149] < 10_500, "{times:?}");
}

#[tokio::test(start_paused = true)]
async fn those_who_wait_go_in_the_order_in_which_they_came() {
    let bench = bench(json!({ "requests": 10, "burst": 1, "max_wait": 20 }));
    bench.get().await.unwrap();
    let order = Arc::new(std::sync::Mutex::new(Vec::new()));
    let mut tasks = JoinSet::new();
    for n in 0..20 {
        let (bench, order) = (bench.clone(), order.clone());
        tasks.spawn(async move {
            bench.get().await.unwrap();
            order.lock().unwrap().push(n);
        });
        tokio::task::yield_now().await;
    }
    tasks.join_all().await;
    assert_eq!(*order.lock().unwrap(), (0..20).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn one_who_goes_away_leaves_no_hole_and_has_paid_nothing() {
    let limiter = limiter(json!({ "requests": 1, "per": 1, "burst": 1, "max_wait": 20 }));
    let bench = on(&limiter, []);
    bench.get().await.unwrap();
    let began = Instant::now();
    let mut waiting: Vec<_> = (0..9).map(|_| Box::pin(bench.get())).collect();
    for call in &mut waiting {
        assert!(call.now_or_never().is_none());
    }
    assert_eq!(limiter.snapshot().waiting, 9);
    let last = waiting.pop().unwrap();
    advance(std::time::Duration::from_millis(500)).await;
    drop(waiting);
    assert_eq!(limiter.snapshot().waiting, 1);
    last.await.unwrap();
    assert!((1000..1010).contains(&began.elapsed().as_millis()), "{:?}", began.elapsed());
    assert_eq!(limiter.snapshot().waiting, 0);
}

#[tokio::test(start_paused = true)]
async fn who_would_wait_too_long_is_refused_at_once_and_told_how_long() {
    let bench = bench(json!({ "requests": 1, "per": 1, "burst": 1, "max_wait": 3 }));
    let began = Instant::now();
    let refused = rush(&bench, 10).await;
    assert_eq!((refused.len(), bench.script.attempts()), (6, 4));
    for error in refused {
        assert_eq!((error.kind(), error.attempts()), (Kind::Throttled, 0));
        assert!((3.9..=4.0).contains(&error.wait().unwrap().as_secs_f64()), "{error}");
    }
    assert!(began.elapsed().as_millis() < 3010);

    let few = super::tests::bench(json!({ "requests": 1, "burst": 1, "max_wait": 60, "max_queue": 2 }));
    assert_eq!(rush(&few, 10).await.len(), 7);

    let mut hurried = call(HttpRequest::get("/"));
    hurried.deadline = Some(Instant::now() + std::time::Duration::from_millis(500));
    bench.get().await.unwrap();
    let began = Instant::now();
    assert_eq!(bench.run(&mut hurried).await.unwrap_err().kind(), Kind::Throttled);
    assert_eq!((began.elapsed().as_millis(), hurried.attempt), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn of_several_limits_all_hold_and_one_that_refuses_costs_the_others_nothing() {
    let limits = json!([
        { "requests": 2, "per": 1, "max_wait": "100ms" },
        { "requests": 5, "per": "1h" },
        { "requests": 1, "per": "24h", "actions": ["export"] },
    ]);
    let limiter = limiter(limits);
    let bench = on(&limiter, []);
    let left = || limiter.snapshot().limits.iter().map(|limit| limit.available).collect::<Vec<_>>();
    assert_eq!(rush(&bench, 4).await.len(), 2);
    assert_eq!(left(), [0, 3, 1], "those that were refused have taken nothing of the hour");
    advance(std::time::Duration::from_secs(2)).await;
    let mut export = call(HttpRequest::get("/"));
    export.action = Some("export".into());
    bench.run(&mut export).await.unwrap();
    bench.get().await.unwrap();
    advance(std::time::Duration::from_secs(2)).await;
    bench.get().await.unwrap();
    let error = bench.get().await.unwrap_err();
    assert!(error.wait().unwrap().as_secs() > 3000, "the hour is used up: {error}");
}

#[tokio::test(start_paused = true)]
async fn a_call_takes_as_much_as_it_weighs() {
    let limiter = limiter(json!({ "requests": 10, "weights": { "POST": 5, "HEAD": 0 }, "max_queue": 0 }));
    let bench = on(&limiter, []);
    bench.call(HttpRequest::post("/")).await.unwrap();
    bench.call(HttpRequest::new(http::Method::HEAD, "/")).await.unwrap();
    bench.get().await.unwrap();
    assert_eq!(limiter.snapshot().limits[0].available, 4);
    bench.call(HttpRequest::post("/")).await.unwrap_err();
    assert!(rush(&bench, 4).await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_service_that_says_stop_is_sent_nothing_until_it_said() {
    let limiter = limiter(json!([]));
    let step = || {
        Step::Replies(
            StatusCode::OK,
            vec![("x-ratelimit-remaining", "0".into()), ("x-ratelimit-reset", "3".into())],
            None,
        )
    };
    let bench = on(&limiter, [step()]);
    let began = Instant::now();
    bench.get().await.unwrap();
    assert!((2.9..=3.0).contains(&limiter.snapshot().paused_for_seconds.unwrap()));
    bench.get().await.unwrap();
    assert!((3000..3010).contains(&began.elapsed().as_millis()));
    assert_eq!(limiter.snapshot().paused_for_seconds, None);

    let long = on(&limiter, [answers(429, Kind::RateLimited, "retry-after", "60")]);
    long.get().await.unwrap_err();
    let error = long.get().await.unwrap_err();
    assert_eq!((error.kind(), error.wait().unwrap().as_secs()), (Kind::Throttled, 60));
    assert!(error.message().contains("the service"), "{error}");
    assert_eq!(limiter.probe().await.unwrap_err().kind(), Kind::RateLimited);
    assert_eq!(long.script.attempts(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_known_to_limit_the_rate_stops_all_calls_whatever_its_status() {
    let rules =
        json!({"rules": [{"when": {"header": {"x-why": "limit"}}, "kind": "rate_limited", "wait": 60}]});
    let judged = |steps: Vec<Step>| {
        let judge = serde_json::from_value::<ErrorsConfig>(rules.clone()).unwrap().open().unwrap();
        let limit = RateLimit::new(limiter(json!([])), Rules::default());
        Bench::new([Arc::new(limit) as Arc<dyn Layer>, Arc::new(Errors::new(judge))], steps)
    };
    let says = |why| answers(403, Kind::Forbidden, "x-why", why);
    let bench = judged(vec![says("limit"), says("scope")]);
    let error = bench.get().await.unwrap_err();
    assert_eq!((error.kind(), error.wait().unwrap().as_secs()), (Kind::RateLimited, 60));
    let error = bench.get().await.unwrap_err();
    assert_eq!((error.kind(), error.wait().unwrap().as_secs()), (Kind::Throttled, 60));
    advance(std::time::Duration::from_secs(61)).await;
    // Another error with that status asks for nothing.
    assert_eq!(bench.get().await.unwrap_err().kind(), Kind::Forbidden);
    bench.get().await.unwrap();
    assert_eq!(bench.script.attempts(), 3);

    // Of queries it may be that one that costs too much.
    let bench = judged(vec![says("limit")]);
    assert_eq!(bench.run(&mut call(Query::new("a"))).await.unwrap_err().kind(), Kind::RateLimited);
    bench.run(&mut call(Query::new("b"))).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_error_says_the_longest_wait_that_the_service_named() {
    let headers = vec![("retry-after", "2".into()), ("ratelimit", "\"a\";r=0;t=8".into())];
    let bench = on(
        &limiter(json!([])),
        [Step::Replies(StatusCode::TOO_MANY_REQUESTS, headers, Some(Kind::RateLimited))],
    );
    assert_eq!(bench.get().await.unwrap_err().wait().unwrap().as_secs(), 8);
}

#[tokio::test(start_paused = true)]
async fn a_policy_that_the_service_names_is_kept_and_only_ever_makes_it_slower() {
    let say = |left: u32| {
        let headers = vec![
            ("ratelimit", format!("\"a\";r={left};t=10")),
            ("ratelimit-policy", "\"a\";q=20;w=10".into()),
        ];
        Step::Replies(StatusCode::OK, headers, None)
    };
    let limiter = limiter(json!({ "requests": 1000, "max_queue": 0 }));
    let bench = on(&limiter, [say(3)]);
    bench.get().await.unwrap();
    let limits = limiter.snapshot().limits;
    assert_eq!((limits[1].requests, limits[1].learned, limits[1].available), (20, true, 3));
    assert_eq!(rush(&bench, 10).await.len(), 7);
    on(&limiter, [say(19)]).get().await.unwrap_err();
    advance(std::time::Duration::from_secs(901)).await;
    assert!(rush(&bench, 100).await.is_empty(), "what is not repeated is forgotten");
}

#[tokio::test(start_paused = true)]
async fn a_changed_configuration_grants_no_fresh_burst_and_forgets_no_pause() {
    let limiter = limiter(json!({ "requests": 10, "per": 10, "max_queue": 0 }));
    let bench = on(&limiter, []);
    assert!(rush(&bench, 10).await.is_empty());
    limiter.adjust(rules(json!({ "requests": 10, "per": 10, "max_queue": 0 })));
    assert_eq!(rush(&bench, 20).await.len(), 20, "the same again: all of it is taken");
    limiter.adjust(rules(json!({ "requests": 12, "per": 10, "max_queue": 0 })));
    assert_eq!(rush(&bench, 20).await.len(), 18, "two more: ten of them are taken");
    limiter.adjust(rules(json!({ "requests": 20, "per": 5, "max_queue": 0 })));
    assert_eq!(rush(&bench, 20).await.len(), 19, "another stretch of time begins at its pace");
    advance(std::time::Duration::from_secs(20)).await;
    on(&limiter, [answers(503, Kind::Unavailable, "retry-after", "60")]).get().await.unwrap_err();
    limiter.adjust(rules(json!({ "requests": 1000, "max_queue": 0 })));
    assert_eq!(bench.get().await.unwrap_err().wait().unwrap().as_secs(), 60);
}

/// What a caller does: comes after so many milliseconds, does this, and goes away after so many more.
fn callers() -> impl Strategy<Value = Vec<(u64, bool, Option<u64>)>> {
    prop::collection::vec((0_u64..4000, any::<bool>(), prop::option::of(0_u64..500)), 1..200)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn never_more_than_the_limit_in_any_window(
        requests in 1_u32..30,
        per in 50_u64..1500,
        burst in 1_u32..30,
        weight in 0_u32..4,
        edit in prop::option::of(0_u64..4000),
        callers in callers(),
    ) {
        let burst = burst.min(requests);
        let weight = weight.min(burst);
        let config = json!([
            { "requests": requests, "per": format!("{per}ms"), "burst": burst, "weights": { "POST": weight }, "max_wait": 3, "max_queue": 50 },
            { "requests": requests * 2, "per": format!("{}ms", per * 5) },
        ]);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        let sent = runtime.block_on(async {
            let limiter = limiter(config.clone());
            let bench = on(&limiter, []);
            let mut tasks = JoinSet::new();
            for (comes, posts, leaves) in callers {
                let bench = bench.clone();
                tasks.spawn(async move {
                    sleep(std::time::Duration::from_millis(comes)).await;
                    let request = if posts { HttpRequest::post("/") } else { HttpRequest::get("/") };
                    let call = bench.call(request.header(http::header::FROM, if posts { "p" } else { "g" }.parse().unwrap()));
                    match leaves {
                        Some(after) => drop(tokio::time::timeout(std::time::Duration::from_millis(after), call).await),
                        None => drop(call.await),
                    }
                });
            }
            if let Some(edit) = edit {
                sleep(std::time::Duration::from_millis(edit)).await;
                limiter.adjust(rules(config));
            }
            tasks.join_all().await;
            let state = limiter.snapshot();
            assert_eq!(state.waiting, 0);
            let weights = bench.script.headers().into_iter().map(|headers| if headers["from"] == "p" { weight } else { 1 }).collect::<Vec<_>>();
            bench.script.times().into_iter().zip(weights).collect::<Vec<_>>()
        });
        for (n, (first, _)) in sent.iter().enumerate() {
            let within = |length: u64| sent[n..].iter().take_while(move |(at, _)| (*at - *first).as_nanos() < u128::from(length) * 1_000_000);
            prop_assert!(within(per).map(|(_, weight)| weight).sum::<u32>() <= requests);
            prop_assert!(within(per * 5).count() as u32 <= requests * 2);
        }
    }
}
