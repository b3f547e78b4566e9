//! Places and queues, with replies that stream and callers who go away.

use std::time::Duration;

use futures_util::FutureExt;
use http_body_util::BodyExt;
use tokio::{task::JoinSet, time::Instant};
use trunkline_core::{HttpRequest, Kind, Receive};
use trunkline_testkit::Step;

use super::*;
use crate::testing::{Bench, call, metrics, streamed};

fn capacity(max: u32, max_queue: u32) -> Capacity {
    Capacity { max, max_queue, ..Capacity::default() }
}

fn bound(max: u32, max_queue: u32) -> Arc<Bound> {
    Arc::new(Bound::of_integration(capacity(max, max_queue), metrics()))
}

fn bench(bound: &Arc<Bound>, steps: impl IntoIterator<Item = Step>) -> Bench {
    Bench::new([Arc::new(Concurrency::new(bound.clone())) as Arc<dyn Layer>], steps)
}

fn counts(bound: &Bound) -> (u32, u32, u32) {
    let ConcurrencyState { max, in_flight, waiting } = bound.snapshot();
    (max, in_flight, waiting)
}

#[tokio::test(start_paused = true)]
async fn a_place_is_held_until_the_last_byte_of_a_streamed_reply() {
    let bound = bound(1, 0);
    let bench = bench(&bound, [Step::Ok(streamed()), Step::Ok(streamed())]);
    let mut reply = bench.get().await.unwrap();
    assert_eq!(counts(&bound), (1, 1, 0));
    reply.body.frame().await.unwrap().unwrap();
    assert_eq!(counts(&bound), (1, 1, 0));
    reply.body.frame().await.unwrap().unwrap();
    reply.body.frame().await;
    assert_eq!(counts(&bound), (1, 0, 0), "at its end, though it is still held");
    let dropped = bench.get().await.unwrap();
    drop(dropped);
    assert_eq!(counts(&bound), (1, 0, 0));
}

#[tokio::test(start_paused = true)]
async fn who_listens_to_events_holds_a_place_only_until_they_begin() {
    let bound = bound(1, 0);
    let bench = bench(&bound, [Step::Ok(streamed()), Step::Hangs]);
    let mut listen = call(Receive::stream("trades"));
    let listening = bench.run(&mut listen).await.unwrap();
    assert_eq!(counts(&bound), (1, 0, 0));
    let mut beginning = call(Receive::stream("trades"));
    let mut begins = std::pin::pin!(bench.run(&mut beginning));
    assert!((&mut begins).now_or_never().is_none());
    assert_eq!(counts(&bound), (1, 1, 0));
    drop(listening);
}

#[tokio::test(start_paused = true)]
async fn more_than_may_wait_are_refused_at_once_and_those_who_wait_too_long_then() {
    let bound = bound(2, 3);
    let bench = bench(&bound, (0..9).map(|_| Step::Hangs));
    let mut calls = JoinSet::new();
    for _ in 0..1000 {
        let (bench, began) = (bench.clone(), Instant::now());
        calls.spawn(async move {
            let mut call = call(HttpRequest::get("/"));
            let error = bench.run(&mut call).await.unwrap_err();
            (error.kind(), began.elapsed().as_millis(), error.wait().unwrap().as_millis(), call.attempt)
        });
    }
    let mut refused = Vec::new();
    while refused.len() < 998 {
        refused.push(calls.join_next().await.unwrap().unwrap());
    }
    assert_eq!(refused.iter().filter(|(_, waited, ..)| *waited == 0).count(), 995);
    assert_eq!(refused.iter().filter(|(_, waited, ..)| (1000..1010).contains(waited)).count(), 3);
    for (kind, _, wait, attempt) in refused {
        assert_eq!((kind, attempt), (Kind::Throttled, 0));
        assert!((1000..=2000).contains(&wait), "{wait}");
    }
    assert_eq!((bench.script.attempts(), counts(&bound)), (2, (2, 2, 0)));
    calls.shutdown().await;
    assert_eq!(counts(&bound), (2, 0, 0), "callers who went away hold nothing");
}

#[tokio::test(start_paused = true)]
async fn a_deadline_ends_the_wait_and_one_who_goes_away_leaves_the_queue() {
    let bound = bound(1, 1);
    let bench = bench(&bound, [Step::Hangs]);
    let mut hung = Box::pin(bench.get());
    assert!((&mut hung).now_or_never().is_none());
    assert!(bench.get().now_or_never().is_none());
    assert_eq!(counts(&bound), (1, 1, 0));
    let began = Instant::now();
    let mut hurried = call(HttpRequest::get("/"));
    hurried.deadline = Some(began + Duration::from_millis(100));
    assert_eq!(bench.run(&mut hurried).await.unwrap_err().kind(), Kind::Throttled);
    assert!(began.elapsed() <= Duration::from_millis(101));
    drop(hung);
    bench.get().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_changed_capacity_holds_for_what_is_under_way_too() {
    let bound = bound(3, 0);
    let bench = bench(&bound, (0..9).map(|_| Step::Ok(streamed())));
    let mut held = Vec::new();
    for _ in 0..3 {
        held.push(bench.get().await.unwrap());
    }
    bound.adjust(capacity(1, 0));
    assert_eq!(counts(&bound), (1, 3, 0));
    held.truncate(1);
    assert_eq!(counts(&bound), (1, 1, 0));
    bench.get().await.unwrap_err();
    bound.adjust(capacity(2, 0));
    held.push(bench.get().await.unwrap());
    bench.get().await.unwrap_err();
    bound.adjust(capacity(1, 0));
    bound.adjust(capacity(4, 0));
    for _ in 0..2 {
        held.push(bench.get().await.unwrap());
    }
    bench.get().await.unwrap_err();
    drop(held);
    assert_eq!(counts(&bound), (4, 0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_full_server_says_that_it_is_overloaded() {
    let bound = Arc::new(Bound::of_server(capacity(1, 0)));
    let layers: [Arc<dyn Layer>; 1] = [Arc::new(Concurrency::admission(bound))];
    let bench = Bench::new(layers, [Step::Ok(streamed())]);
    let _held = bench.get().await.unwrap();
    let error = bench.get().await.unwrap_err();
    assert_eq!((error.kind(), error.kind().row().answers), (Kind::Overloaded, 503));
    assert!(error.wait().is_some());
}
