//! What a limiter does with a counter that servers share, in paused time. The counter itself is a stand-in that lets
//! one attempt through every tenth of a second, two at once at most, and takes its time to answer.

use std::sync::Mutex;

use futures_util::FutureExt;
use serde_json::{Value, json};
use tokio::time::{Instant, advance, sleep};
use trunkline_core::{
    Error, HttpRequest, Kind,
    shared_limits::{Counted, Level, SharedLimits, Standing, Take, Taken, Unseen},
};

use super::{tests::rules, *};
use crate::testing::{Bench, metrics};

const PACE: Duration = Duration::from_millis(100);
const ANSWERS_AFTER: Duration = Duration::from_millis(5);

#[derive(Debug)]
struct Counter {
    standing: Mutex<Standing>,
    done: Mutex<Instant>,
    asked: Mutex<Vec<(Take, bool)>>,
}

impl Counter {
    fn new(counted: Counted, servers: u32) -> Arc<Self> {
        let standing = Standing { counted, servers, change: 0, since: Instant::now() };
        Arc::new(Self {
            standing: Mutex::new(standing),
            done: Mutex::new(Instant::now()),
            asked: Mutex::default(),
        })
    }

    fn becomes(&self, counted: Counted) {
        let mut standing = self.standing.lock().unwrap();
        *standing = Standing { counted, change: standing.change + 1, since: Instant::now(), ..*standing };
    }

    fn asked(&self) -> Vec<(Take, bool)> {
        self.asked.lock().unwrap().clone()
    }
}

impl SharedLimits for Counter {
    fn standing(&self) -> Standing {
        *self.standing.lock().unwrap()
    }

    fn take<'a>(&'a self, _: &'a str, takes: &'a [Take], anyhow: bool) -> BoxFuture<'a, Result<Taken>> {
        Box::pin(async move {
            self.asked.lock().unwrap().extend(takes.iter().cloned().map(|take| (take, anyhow)));
            let wait = {
                let (mut done, now) = (self.done.lock().unwrap(), Instant::now());
                let wait = done.saturating_duration_since(now + PACE);
                if wait.is_zero() {
                    *done = (*done).max(now) + PACE;
                }
                wait
            };
            sleep(ANSWERS_AFTER).await;
            if self.standing().counted != Counted::Shared {
                return Err(Error::new(Kind::Unavailable, "gone"));
            }
            let ahead = self.done.lock().unwrap().saturating_duration_since(Instant::now());
            Ok(Taken { wait, levels: takes.iter().map(|_| Level { recent: 1, ahead }).collect() })
        })
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        Box::pin(async {})
    }
}

fn shared(counter: &Arc<Counter>, json: Value) -> (Arc<Limiter>, Bench) {
    let counter = (counter.clone() as Arc<dyn SharedLimits>, "a".into());
    let limiter = Arc::new(Limiter::new(rules(json), metrics(), Some(counter)));
    let layer = RateLimit::new(limiter.clone(), Rules::default());
    (limiter, Bench::new([Arc::new(layer) as Arc<dyn Layer>], []))
}

#[tokio::test(start_paused = true)]
async fn who_waits_for_a_shared_limit_goes_in_order_and_no_longer_than_allowed() {
    let counter = Counter::new(Counted::Shared, 2);
    let (limiter, bench) = shared(&counter, json!({ "requests": 10, "max_wait": 1, "max_queue": 8 }));
    let began = Instant::now();
    let order = Arc::new(Mutex::new(Vec::new()));
    let mut tasks = tokio::task::JoinSet::new();
    for n in 0..14 {
        let (bench, order) = (bench.clone(), order.clone());
        tasks.spawn(async move {
            let result = bench.get().await;
            if result.is_ok() {
                order.lock().unwrap().push(n);
            }
            result.err().map(|error| (error.kind(), error.attempts()))
        });
        sleep(ANSWERS_AFTER * 2).await;
    }
    let refused: Vec<_> = tasks.join_all().await.into_iter().flatten().collect();
    let through = order.lock().unwrap().clone();
    assert!(through.is_sorted() && through.len() + refused.len() == 14, "{through:?}");
    assert!((8..=11).contains(&through.len()), "{through:?}");
    assert!(refused.iter().all(|refused| *refused == (Kind::Throttled, 0)), "{refused:?}");
    for pair in bench.script.times().windows(3) {
        assert!(pair[2] - pair[0] >= PACE, "{:?}", pair[2] - pair[0]);
    }
    assert!(began.elapsed().as_millis() < 1_250, "{:?}", began.elapsed());
    assert_eq!(limiter.snapshot().waiting, 0);
}

#[tokio::test(start_paused = true)]
async fn one_who_goes_away_has_paid_nothing_here_and_one_attempt_there_at_most() {
    let counter = Counter::new(Counted::Shared, 2);
    let (limiter, bench) = shared(&counter, json!({ "requests": 10, "max_wait": 5 }));
    let before = limiter.snapshot();
    assert!(bench.get().now_or_never().is_none(), "the counter has not answered yet");
    assert_eq!((counter.asked().len(), limiter.snapshot()), (1, before));
    bench.get().await.unwrap();
    // One waits for its turn, and others behind it.
    let waiting: Vec<_> = (0..5)
        .map(|_| {
            tokio::spawn({
                let bench = bench.clone();
                async move { bench.get().await }
            })
        })
        .collect();
    sleep(ANSWERS_AFTER * 2).await;
    assert_eq!(limiter.snapshot().waiting, 5);
    waiting.iter().for_each(|one| one.abort());
    sleep(ANSWERS_AFTER).await;
    assert_eq!(limiter.snapshot().waiting, 0);
}

#[tokio::test(start_paused = true)]
async fn a_limit_that_takes_nothing_of_an_attempt_is_not_asked_about_and_a_probe_always_pays() {
    let counter = Counter::new(Counted::Shared, 2);
    let limits = json!([
        { "requests": 10, "weights": { "HEAD": 0, "POST": 3 }, "actions": ["HEAD", "POST"] },
        { "requests": 99, "per": 60, "weights": { "HEAD": 0 } },
        { "requests": 50, "per": 60 , "weights": { "HEAD": 0 } },
    ]);
    let (limiter, bench) = shared(&counter, limits);
    bench.call(HttpRequest::new(http::Method::HEAD, "/")).await.unwrap();
    assert!(counter.asked().is_empty());
    bench.call(HttpRequest::post("/")).await.unwrap();
    limiter.probe().await.unwrap();
    let asked: Vec<_> =
        counter.asked().into_iter().map(|(take, anyhow)| (take.limit, take.weight, anyhow)).collect();
    let minute = |again: &str| format!("60000000us{again}");
    assert_eq!(
        asked,
        [
            ("1000000us,HEAD,POST".to_owned(), 3, false),
            (minute(""), 1, false),
            (minute("#1"), 1, false),
            (minute(""), 1, true),
            (minute("#1"), 1, true),
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_share_is_a_part_of_the_limit_at_least_one_and_begins_without_a_burst() {
    for (requests, servers, share) in [(20, 2, 10), (20, 3, 6), (2, 5, 1), (1, 2, 1)] {
        let counter = Counter::new(Counted::Shared, servers);
        let (limiter, bench) =
            shared(&counter, json!({ "requests": requests, "per": 1, "max_wait": 60, "max_queue": 1000 }));
        counter.becomes(Counted::LocalShare);
        let parted = Instant::now();
        let mut calls = tokio::task::JoinSet::new();
        for _ in 0..share * 5 {
            let bench = bench.clone();
            calls.spawn(async move { bench.get().await.unwrap() });
        }
        calls.join_all().await;
        let times = bench.script.times();
        // What others took just before is not known: a second is waited for.
        assert!(times[0] - parted >= Duration::from_millis(900), "{:?}", times[0] - parted);
        for (n, first) in times.iter().enumerate() {
            let within = times[n..].iter().take_while(|at| **at - *first < Duration::from_secs(1)).count();
            assert!(within <= share, "{within} of {requests} at one of {servers}");
        }
        let took = parted.elapsed();
        assert!(took < Duration::from_millis(5_400), "{share} a second: {took:?}");
        let state = limiter.snapshot();
        assert_eq!((state.counted, state.servers), (Counted::LocalShare, Some(servers)));
    }
}

#[tokio::test(start_paused = true)]
async fn a_long_limit_does_not_stop_everything_when_the_counter_is_lost() {
    let counter = Counter::new(Counted::Shared, 2);
    let (_, bench) = shared(&counter, json!({ "requests": 3_600, "per": "1h", "max_wait": 10 }));
    counter.becomes(Counted::LocalShare);
    let parted = Instant::now();
    for _ in 0..3 {
        bench.get().await.unwrap();
    }
    assert!((4_900..5_100).contains(&parted.elapsed().as_millis()), "{:?}", parted.elapsed());
}

#[tokio::test(start_paused = true)]
async fn who_counts_again_hears_once_what_it_has_not_seen() {
    let counter = Counter::new(Counted::Shared, 2);
    let (_, bench) = shared(&counter, json!({ "requests": 3_600, "per": "1h", "max_wait": 10 }));
    bench.get().await.unwrap();
    counter.becomes(Counted::LocalShare);
    for _ in 0..3 {
        bench.get().await.unwrap();
    }
    counter.becomes(Counted::Shared);
    for _ in 0..2 {
        advance(PACE).await;
        bench.get().await.unwrap();
    }
    let unseen: Vec<_> = counter.asked().into_iter().map(|(take, _)| take.unseen).collect();
    // One that all know of, three of this server, and as many of the other's.
    assert_eq!(unseen, [None, Some(Unseen { taken: 3, up_to: 7 }), None]);
}

#[tokio::test(start_paused = true)]
async fn where_the_counter_is_lost_while_it_is_asked_the_attempt_is_decided_here() {
    let counter = Counter::new(Counted::Shared, 2);
    let (_, bench) = shared(&counter, json!({ "requests": 10, "per": "100ms", "max_wait": 5 }));
    let asks = tokio::spawn({
        let bench = bench.clone();
        async move { bench.get().await }
    });
    sleep(ANSWERS_AFTER / 2).await;
    counter.becomes(Counted::LocalShare);
    asks.await.unwrap().unwrap();
    counter.becomes(Counted::Closed);
    let refused = bench.get().await.unwrap_err();
    assert_eq!((refused.kind(), refused.attempts()), (Kind::Throttled, 0));
    assert!(refused.message().contains("server.without_redis"), "{refused}");
}
