//! What becomes of messages where a broker is killed, restarted, or not there.

use std::{
    collections::BTreeSet,
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use futures_util::future::join_all;
use serde_json::json;
use tokio::sync::watch;
use trunkline_core::{Kind, Outcome, Transport as _};
use trunkline_testkit::Peer;

use crate::{
    common::{Client, bodies},
    rules::{Broker, client},
};

/// A broker that can be ended and started again, with what it has confirmed.
pub(crate) trait Mortal: Broker {
    /// So many calls are under way at a time while it is killed.
    const SENDERS: usize = 4;
    /// Ends it, as hard as it can be without losing what it has confirmed.
    async fn kill(&mut self);
    /// Shuts it down in order, unless that takes too long to be tested.
    async fn stop(&mut self) -> bool {
        false
    }
    /// Starts it again.
    async fn again(&mut self);
}

/// So many messages are sent in the middle of which the broker is killed.
const MANY: usize = 10_000;
/// So many of them in one call.
const BATCH: usize = 250;

/// What callers hear of messages.
#[derive(Debug, Default)]
struct Told {
    /// The broker has them.
    confirmed: BTreeSet<usize>,
    /// It may not have them.
    reported: BTreeSet<usize>,
}

impl Told {
    fn is_all(&self) -> bool {
        self.confirmed.len() + self.reported.len() == MANY
    }
}

pub(crate) async fn of_ten_thousand_each_is_there_or_was_reported<B: Mortal>() {
    let Some((mut broker, client, queue)) = client::<B>(json!({"timeouts": {"connect": "20s"}})).await else {
        return;
    };
    let (next, told) = (AtomicUsize::new(0), watch::Sender::<Told>::default());
    let send = async || {
        loop {
            let first = next.fetch_add(BATCH, Ordering::Relaxed);
            if first >= MANY {
                break;
            }
            let messages: Vec<_> = (first..first + BATCH).map(|n| json!({ "message": n })).collect();
            let reply = client.call(&json!({"queue": queue, "messages": messages})).await;
            let is_lost = reply.is_err();
            told.send_modify(|told| match reply {
                Ok(reply) => {
                    for (n, result) in reply["results"].as_array().unwrap().iter().enumerate() {
                        match result.get("error") {
                            None => told.confirmed.insert(first + n),
                            Some(_) => told.reported.insert(first + n),
                        };
                    }
                }
                Err(_) => told.reported.extend(first..first + BATCH),
            });
            while is_lost && client.probe().await.is_err() {}
            tokio::task::yield_now().await;
        }
    };
    // Several at a time: there is always something under way.
    let sending = join_all((0..B::SENDERS).map(|_| send()));
    let ending = async {
        let mut seen = told.subscribe();
        // Says whether that was all.
        let mut confirmed = async |count: usize| {
            seen.wait_for(|told| told.confirmed.len() >= count || told.is_all()).await.unwrap().is_all()
        };
        confirmed(MANY / 5).await;
        loop {
            broker.kill().await;
            broker.again().await;
            // Once more where what was under way was confirmed all the same.
            let before = told.borrow().confirmed.len();
            if confirmed(before + BATCH).await || !told.borrow().reported.is_empty() || B::SENDERS == 1 {
                break;
            }
        }
        if broker.stop().await {
            broker.again().await;
        }
    };
    tokio::join!(sending, ending);
    let Told { confirmed, reported } = told.send_replace(Told::default());
    assert!(!reported.is_empty() || B::SENDERS == 1, "nothing was under way");
    assert_eq!(confirmed.union(&reported).count(), MANY);
    assert!(confirmed.len() > MANY / 2, "{} were confirmed, some after the restart", confirmed.len());
    let mut there = BTreeSet::new();
    let mut missing = confirmed.len();
    while missing > 0 {
        let came = client.pull_with(&queue, B::pull(1000)).await;
        assert!(!came.is_empty(), "{missing} that were confirmed are not there");
        client.ack(&came).await;
        for n in bodies(&came) {
            let n = n.as_u64().unwrap() as usize;
            if there.insert(n) && confirmed.contains(&n) {
                missing -= 1;
            }
        }
    }
}

pub(crate) async fn whoever_listens_goes_on_after_a_restart<B: Mortal>() {
    let Some((mut broker, client, queue)) = client::<B>(json!({"timeouts": {"connect": "20s"}})).await else {
        return;
    };
    let mut listen = json!({"queue": queue, "ack": "auto"});
    listen.as_object_mut().unwrap().extend(B::listen().as_object().unwrap().clone());
    let mut reader = client.listen(&listen).await.unwrap();
    client.call(&json!({"queue": queue, "message": "before"})).await.unwrap();
    assert_eq!(bodies(&[reader.message().await]), ["before"]);
    broker.kill().await;
    broker.again().await;
    let after = json!({"queue": queue, "message": "after"});
    while client.call(&after).await.is_err() {}
    // What was acknowledged with the last breath of the broker may come again; what had to be begun anew says so.
    loop {
        match reader.next().await.unwrap() {
            (name, _) if name == "reconnected" => {}
            (name, message) if name == "message" && bodies(std::slice::from_ref(&message)) == ["after"] => {
                break;
            }
            (name, message) => assert_eq!((&*name, bodies(&[message])), ("message", vec![json!("before")])),
        }
    }
}

pub(crate) async fn what_cannot_be_sent_was_not_sent_and_attempts_are_few<B: Mortal>() {
    let Some((mut broker, client, queue)) = client::<B>(json!({"timeouts": {"connect": "20s"}})).await else {
        return;
    };
    client.call(&json!({"queue": queue, "message": 1})).await.unwrap();
    broker.kill().await;
    let publish = json!({"queue": queue, "message": 2});
    // The first may find out that the connection is gone, the others find none.
    let _ = client.call(&publish).await;
    let error = client.fails(&publish).await;
    assert_eq!((error.kind(), error.outcome()), (Kind::Unavailable, Outcome::NotSent), "{error}");
    let attempts = join_all((0..500).map(|_| client.call(&publish))).await;
    for attempt in attempts {
        assert_eq!(attempt.unwrap_err().outcome(), Outcome::NotSent);
    }
    broker.again().await;
    let sent = async { while client.call(&publish).await.is_err() {} };
    tokio::time::timeout(Duration::from_secs(60), sent).await.unwrap();
    let opened = client.transport.occupancy().unwrap().opened;
    assert!(opened <= 4, "{opened} connections were made");
}

/// What the broker did not hear comes again, and is never called settled: also where the attempt is made again.
pub(crate) async fn what_the_broker_did_not_hear_is_an_error_on_each_attempt<B: Mortal>() {
    let Some((mut broker, client, queue)) = client::<B>(json!({})).await else { return };
    client.call(&json!({"queue": queue, "message": 1})).await.unwrap();
    let came = client.take_unsettled(&queue, B::pull(1), 1).await;
    broker.kill().await;
    let mut call = client.prepare(&json!({"ack": [came[0]["token"]]})).await;
    for _ in 0..2 {
        let error = client.attempt(&mut call).await.unwrap_err();
        assert_eq!((error.kind(), error.outcome()), (Kind::Unavailable, Outcome::Unknown), "{error}");
        assert!(error.is_lasting(), "its token is spent: another attempt changes nothing");
    }
}

/// Nobody knows a broker before it has said something; whoever has no time left until then hears that nothing was sent.
#[tokio::test]
async fn who_has_no_time_to_connect_hears_that_nothing_was_sent() {
    let silent = Peer::raw(|stream| async move {
        let _stream = stream;
        std::future::pending::<()>().await;
    });
    let silent = silent.await;
    for scheme in ["amqp", "kafka", "nats", "mqtt", "redis"] {
        let client = Client::of(&format!("{scheme}://a:b@{}", silent.address()), json!({}));
        for (request, delivered) in [
            (json!({"queue": "q", "message": 1}), None),
            (json!({"queue": "q", "message": 1, "wait_response": true}), Some("no")),
            (json!({"queue": "q", "receive": {"max": 1, "wait": 10}}), None),
        ] {
            let error = client.within(&request, Some(Duration::from_millis(50))).await.unwrap_err();
            assert_eq!(
                (error.kind(), error.outcome()),
                (Kind::Timeout, Outcome::NotSent),
                "{scheme}: {error}"
            );
            let told = error.context().iter().find(|(key, _)| *key == "delivered");
            assert_eq!(told.map(|(_, value)| &**value), delivered, "{scheme}: {request}");
        }
    }
}

/// The rules of trouble, for a broker.
macro_rules! trouble {
    ($broker:ty) => {
        rules! { @trouble $broker:
            of_ten_thousand_each_is_there_or_was_reported,
            whoever_listens_goes_on_after_a_restart,
            what_cannot_be_sent_was_not_sent_and_attempts_are_few,
        }
    };
}
