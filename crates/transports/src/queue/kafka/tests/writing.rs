//! Writing, whatever happens on the way.

use std::{collections::HashMap, sync::Arc, time::Duration};

use bytes::Bytes;
use tokio::time::Instant;
use trunkline_core::{Kind, Outcome};
use trunkline_testkit::Peer;

use super::{
    super::{
        cluster::Cluster,
        producer::{Producer, Settings},
        records::Record,
    },
    cluster,
    fake::{Fake, Fault},
};

const SOON: Duration = Duration::from_secs(20);

/// How many ways to fail are tried.
const SEEDS: u64 = 60;

fn value(text: impl Into<Bytes>) -> Record {
    Record { value: Some(text.into()), ..Record::default() }
}

async fn start() -> (Arc<Fake>, Arc<Cluster>, Producer, Peer) {
    let (fake, peer) = Fake::start().await;
    let cluster = cluster(&peer.address().to_string(), None);
    let producer = Producer::new(cluster.clone(), Settings { max_batch: 50_000, ..Settings::default() });
    (fake, cluster, producer, peer)
}

/// Writes so many records of 20 kB, so that several batches are on their way; says what became of each.
async fn write(producer: &Producer, count: usize) -> Vec<Result<Option<i64>, (Kind, Outcome)>> {
    let until = Instant::now() + SOON;
    let mut tickets = Vec::new();
    for n in 0..count {
        let text = format!("{n:05}").repeat(4000);
        tickets.push(producer.begin("t", None, value(text), until).await.unwrap());
    }
    let mut all = Vec::new();
    for ticket in tickets {
        let placed = ticket.placed(until).await;
        all.push(placed.map(|placed| placed.offset).map_err(|error| (error.kind(), error.outcome())));
    }
    all
}

/// Holds what was said of each record against what the broker has.
fn compare(fake: &Fake, results: &[Result<Option<i64>, (Kind, Outcome)>], what: &str) {
    let state = fake.state.lock().unwrap();
    let mut places: HashMap<usize, Vec<usize>> = HashMap::new();
    for (at, value) in state.log.iter().enumerate() {
        places.entry(std::str::from_utf8(&value[..5]).unwrap().parse().unwrap()).or_default().push(at);
    }
    let mut last = None;
    for (n, result) in results.iter().enumerate() {
        let places = places.get(&n).map(Vec::as_slice).unwrap_or_default();
        match result {
            Ok(offset) => {
                assert_eq!(places.len(), 1, "{n}: promised, {what}");
                assert!(offset.is_none_or(|offset| offset as usize == places[0]), "{n}: {result:?}, {what}");
                assert!(last < Some(places[0]), "{n}: in order, {what}");
                last = Some(places[0]);
            }
            Err((_, Outcome::Unknown)) => assert!(places.len() <= 1, "{n}: {what}"),
            Err((_, outcome)) => {
                assert!(matches!(outcome, Outcome::NotSent | Outcome::Rejected));
                assert_eq!(places.len(), 0, "{n}: said not to be written, {what}");
            }
        }
    }
}

#[tokio::test]
async fn what_a_lost_connection_leaves_open_is_settled_by_the_same_number() {
    let doubted = [3, 6, 7, 20, 56].map(Fault::Doubted);
    for fault in [Fault::LostBefore, Fault::LostAfter, Fault::Refused(6)].into_iter().chain(doubted) {
        let (fake, _, producer, _peer) = start().await;
        fake.state.lock().unwrap().faults = [Fault::Nothing, fault, fault].into();
        let results = write(&producer, 40).await;
        assert!(results.iter().all(Result::is_ok), "{fault:?}: {results:?}");
        compare(&fake, &results, &format!("{fault:?}"));
    }
}

#[tokio::test]
async fn what_is_refused_takes_nothing_else_along() {
    let (fake, _, producer, _peer) = start().await;
    fake.state.lock().unwrap().faults = [Fault::Nothing, Fault::Refused(87), Fault::Nothing].into();
    let results = write(&producer, 40).await;
    compare(&fake, &results, "refused");
    let refused: Vec<_> = results.iter().filter_map(|result| result.err()).collect();
    assert_eq!(refused, [(Kind::Rejected, Outcome::Rejected); 2], "a batch of two");
}

/// A broker that knows nobody takes whichever number comes first, so what goes out behind the first has to wait for it.
#[tokio::test]
async fn what_is_refused_at_the_very_beginning_takes_nothing_else_along_either() {
    for (code, refused) in [(87, 2), (19, 0)] {
        let (fake, _, producer, _peer) = start().await;
        fake.state.lock().unwrap().faults = [Fault::Refused(code)].into();
        let mut results = write(&producer, 40).await;
        compare(&fake, &results, "refused");
        let (failed, log) = (results.iter().filter(|result| result.is_err()).count(), 40 - refused);
        assert_eq!((failed, fake.state.lock().unwrap().log.len()), (refused, log), "{code}");
        results = write(&producer, 40).await;
        assert!(results.iter().all(Result::is_ok), "{code}: {results:?}");
        assert_eq!(fake.state.lock().unwrap().log.len(), 40 + log, "{code}");
    }
}

/// The leader has written it, loses its place while it waits for its replicas, and says no more than that.
#[tokio::test]
async fn a_record_that_nobody_waits_for_any_more_does_not_give_its_number_to_the_next() {
    let (fake, _, producer, _peer) = start().await;
    let doubts = std::iter::repeat_n(Fault::Refused(6), 10_000);
    fake.state.lock().unwrap().faults = [Fault::Doubted(6)].into_iter().chain(doubts).collect();
    let until = Instant::now() + SOON;
    let seen = async |text: &str| {
        while fake.state.lock().unwrap().seen.last().is_none_or(|seen| seen != text) {
            tokio::task::yield_now().await;
        }
    };
    let first = producer.begin("t", None, value("first"), until).await.unwrap();
    seen("first").await;
    drop(first);
    let second = producer.begin("t", None, value("second"), until).await.unwrap();
    seen("second").await;
    fake.state.lock().unwrap().faults.clear();
    assert_eq!(second.placed(until).await.unwrap().offset, Some(1));
    assert_eq!(fake.state.lock().unwrap().log, ["first", "second"]);
}

#[tokio::test]
async fn a_record_that_may_be_written_is_not_called_unsent_because_its_leader_is_gone() {
    let (fake, _, producer, _peer) = start().await;
    fake.state.lock().unwrap().faults = [Fault::Moves].into();
    let until = Instant::now() + Duration::from_secs(1);
    let ticket = producer.begin("t", None, value("x"), until).await.unwrap();
    // Its caller waits for longer than the producer tries.
    let error = ticket.placed(Instant::now() + SOON).await.unwrap_err();
    assert_eq!((error.kind(), error.outcome()), (Kind::Unavailable, Outcome::Unknown), "{error}");
    assert_eq!(fake.state.lock().unwrap().log, ["x"]);
}

/// Its number comes first, so it is settled first, whether its own caller still waits or not.
#[tokio::test]
async fn whoever_waits_behind_a_record_that_nobody_waits_for_hears_what_became_of_theirs() {
    let (fake, _, producer, _peer) = start().await;
    let until = Instant::now() + SOON;
    // The broker gets to know the producer, so that several batches are on their way.
    producer.begin("t", None, value("0"), until).await.unwrap().placed(until).await.unwrap();
    let refusals = std::iter::repeat_n(Fault::Refused(6), 10_000);
    fake.state.lock().unwrap().faults = [Fault::Doubted(6)].into_iter().chain(refusals).collect();
    let mut tickets = Vec::new();
    for n in 1..6 {
        tickets.push(producer.begin("t", None, value(n.to_string().repeat(40_000)), until).await.unwrap());
    }
    let seen = async |count: usize| {
        while fake.state.lock().unwrap().seen.len() < count {
            tokio::task::yield_now().await;
        }
    };
    // All that go out at once have, and the first once more.
    seen(6).await;
    drop(tickets.remove(0));
    let before = fake.state.lock().unwrap().seen.len();
    seen(before + 2).await;
    fake.state.lock().unwrap().faults.clear();
    for (n, ticket) in (2..).zip(tickets) {
        assert_eq!(ticket.placed(until).await.unwrap().offset, Some(n));
    }
    assert_eq!(fake.state.lock().unwrap().log.len(), 6);
}

#[tokio::test]
async fn a_broker_that_forgets_who_writes_is_written_to_under_a_new_name() {
    let (fake, _, producer, _peer) = start().await;
    fake.state.lock().unwrap().faults = [Fault::Nothing, Fault::Forgets, Fault::Nothing].into();
    let results = write(&producer, 40).await;
    assert!(results.iter().all(Result::is_ok), "{results:?}");
    compare(&fake, &results, "forgets");
}

#[tokio::test]
async fn a_batch_that_is_too_large_is_sent_in_halves() {
    let (fake, _, producer, _peer) = start().await;
    fake.state.lock().unwrap().most = Some(1);
    let results = write(&producer, 20).await;
    assert!(results.iter().all(Result::is_ok), "{results:?}");
    compare(&fake, &results, "too large");
    fake.state.lock().unwrap().most = Some(0);
    let results = write(&producer, 1).await;
    assert_eq!(results, [Err((Kind::Rejected, Outcome::Rejected))]);
}

#[tokio::test]
async fn whatever_fails_nothing_is_written_twice_and_nothing_lost_that_was_promised() {
    let all = [
        Fault::Nothing,
        Fault::Nothing,
        Fault::LostBefore,
        Fault::LostAfter,
        Fault::Refused(6),
        Fault::Refused(19),
        Fault::Refused(87),
        Fault::Refused(45),
        Fault::Doubted(3),
        Fault::Doubted(6),
        Fault::Doubted(7),
        Fault::Doubted(20),
        Fault::Doubted(56),
    ];
    let run = async |seed| {
        let mut dice = fastrand::Rng::with_seed(seed);
        let faults: Vec<_> = (0..12).map(|_| all[dice.usize(..all.len())]).collect();
        let (fake, _, producer, _peer) = start().await;
        fake.state.lock().unwrap().faults = faults.clone().into();
        let results = write(&producer, 30).await;
        compare(&fake, &results, &format!("seed {seed}: {faults:?}"));
        // Afterwards all is as ever.
        fake.state.lock().unwrap().faults.clear();
        let end = producer.begin("t", None, value("00030"), Instant::now() + SOON).await.unwrap();
        let placed = end.placed(Instant::now() + SOON).await.unwrap();
        let log = fake.state.lock().unwrap().log.clone();
        assert_eq!(placed.offset, Some(log.len() as i64 - 1), "seed {seed}");
    };
    futures_util::future::join_all((0..SEEDS).map(run)).await;
}

#[tokio::test]
async fn small_records_that_come_together_go_out_together_and_none_that_nobody_waits_for() {
    let (fake, _, producer, _peer) = start().await;
    let until = Instant::now() + SOON;
    let mut tickets = Vec::new();
    for n in 0..100 {
        tickets.push(producer.begin("t", None, value(n.to_string()), until).await.unwrap());
    }
    tickets.drain(50..);
    for (n, ticket) in tickets.into_iter().enumerate() {
        assert_eq!(ticket.placed(until).await.unwrap().offset, Some(n as i64));
    }
    let state = fake.state.lock().unwrap();
    assert_eq!((state.log.len(), state.seen.len()), (50, 1));
}

#[tokio::test]
async fn what_was_not_sent_in_time_was_not_sent() {
    let (fake, _, producer, peer) = start().await;
    fake.state.lock().unwrap().elsewhere = Some("127.0.0.2");
    drop(peer);
    let until = Instant::now() + SOON;
    let error =
        producer.begin("t", Some(0), value("x"), until).await.unwrap().placed(until).await.unwrap_err();
    assert_eq!((error.kind(), error.outcome()), (Kind::Unavailable, Outcome::NotSent), "{error}");
}
