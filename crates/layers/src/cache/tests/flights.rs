//! Of callers that want the same at the same time one asks.

use futures_util::future::join_all;
use trunkline_core::{Kind, Outcome};

use super::*;

fn slow() -> Step {
    Step::Takes(Duration::from_secs(5))
}

async fn many(bench: &Bench, callers: usize) -> Vec<Ended> {
    join_all((0..callers).map(|_| bench.get())).await
}

#[tokio::test(start_paused = true)]
async fn concurrent_misses_make_one_request() {
    for body in [Body::from("one"), pieces(vec![Ok("o"), Ok("ne")])] {
        let bench = Bench::new("{}", [slow(), says(200, &[("cache-control", "max-age=60")], body)]);
        let ended = many(&bench, 20).await;
        assert!(ended.iter().all(|ended| ended.1 == "one"), "{ended:?}");
        let collapsed = ended.iter().filter(|ended| ended.2 == "hit; collapsed; ttl=55").count();
        assert_eq!((bench.script.attempts(), collapsed, bench.store.flights.len()), (1, 19, 0));
    }
}

#[tokio::test(start_paused = true)]
async fn of_very_many_only_some_hundreds_wait_for_one() {
    let bench = Bench::new("{}", [Step::Hangs]);
    let callers = tokio::spawn({
        let bench = bench.clone();
        async move { many(&bench, 300).await }
    });
    settle().await;
    assert_eq!((bench.script.attempts(), bench.store.flights.len()), (300 - 256, 1));
    callers.abort();
}

#[tokio::test(start_paused = true)]
async fn what_nobody_else_may_have_makes_the_others_go_at_once_and_the_next_ones_not_wait() {
    let bench = Bench::new("{}", [slow(), says(200, &[("cache-control", "private")], "mine")]);
    let began = tokio::time::Instant::now();
    assert_eq!(many(&bench, 5).await.len(), 5);
    assert_eq!((bench.script.attempts(), began.elapsed().as_secs()), (5, 5));
    // The service is as slow as before, and all ask at the same time.
    let bench = Bench { script: bench.script.clone(), ..bench };
    assert_eq!(many(&bench, 5).await.len(), 5);
    assert_eq!((bench.script.attempts(), bench.store.flights.len()), (10, 0));
}

#[tokio::test(start_paused = true)]
async fn what_was_of_no_use_is_kept_again_once_it_is() {
    let plain = || says(200, &[], "one");
    let bench =
        Bench::new("{}", [plain(), plain(), fresh("max-age=60", "two"), fresh("max-age=60", "three")]);
    let mut bodies = Vec::new();
    for _ in 0..5 {
        bodies.push(bench.get().await.1);
    }
    // The answer that shows it is let go, and the next one is kept.
    assert_eq!(bodies, ["one", "one", "two", "three", "three"]);
}

#[tokio::test(start_paused = true)]
async fn a_failure_of_the_one_that_asks_lets_the_others_go_at_once() {
    let bench = Bench::new("{}", [slow(), Step::Fails(Kind::Timeout, Outcome::Unknown)]);
    let began = tokio::time::Instant::now();
    let ended = many(&bench, 5).await;
    assert_eq!(ended.iter().filter(|ended| ended.0 == 200).count(), 4);
    assert_eq!((bench.script.attempts(), began.elapsed().as_secs(), bench.store.flights.len()), (5, 5, 0));
}

#[tokio::test(start_paused = true)]
async fn when_the_one_that_asks_goes_away_another_asks() {
    let bench = Bench::new("{}", [Step::Hangs, slow(), fresh("max-age=60", "one")]);
    let leader = tokio::spawn({
        let bench = bench.clone();
        async move { bench.get().await }
    });
    settle().await;
    let others = tokio::spawn({
        let bench = bench.clone();
        async move { many(&bench, 10).await }
    });
    settle().await;
    assert_eq!((bench.script.attempts(), bench.store.flights.len()), (1, 1));
    leader.abort();
    let ended = others.await.unwrap();
    assert!(ended.iter().all(|ended| ended.1 == "one"), "{ended:?}");
    assert_eq!((bench.script.attempts(), bench.script.dropped(), bench.store.flights.len()), (2, 1, 0));
}

#[tokio::test(start_paused = true)]
async fn whoever_waits_may_go_away_and_a_slow_reader_holds_nobody_for_long() {
    let body = Body::stream(StreamBody::new(stream::pending()));
    let bench = Bench::new("{}", [says(200, &[("cache-control", "max-age=60")], body)]);
    // It has the head, and does not read.
    let (held, _) = bench.run(get(&[]), None).await;
    let began = tokio::time::Instant::now();
    let gone = tokio::time::timeout(Duration::from_secs(1), bench.get()).await;
    assert!(gone.is_err());
    assert_eq!(bench.get().await.1, "ok");
    assert_eq!(began.elapsed().as_secs(), 3);
    drop(held);
    assert_eq!(bench.store.flights.len(), 0);
}

#[tokio::test(start_paused = true)]
async fn changes_and_those_that_want_no_cache_never_wait() {
    let bench = Bench::new("{}", [Step::Hangs]);
    let leader = tokio::spawn({
        let bench = bench.clone();
        async move { bench.get().await }
    });
    settle().await;
    for request in [
        HttpRequest::post("/x"),
        get(&[("cache-control", "no-store")]),
        get(&[("cache-control", "no-cache")]),
        get(&[("range", "bytes=0-1")]),
    ] {
        assert_eq!(bench.ask(request).await.0, 200);
    }
    leader.abort();
    let _ = leader.await;
    assert_eq!(bench.store.flights.len(), 0);
}
