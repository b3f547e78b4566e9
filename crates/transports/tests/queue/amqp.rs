//! RabbitMQ.

mod alarm;
mod aside;
mod queues;

use std::{
    sync::{Arc, Mutex, OnceLock, Weak},
    time::Duration,
};

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::json;
use tokio::time::timeout;
use trunkline_core::{Kind, Outcome};
use trunkline_testkit::{Options, RabbitMq};

use crate::{
    common::{Client, bodies, unique},
    rules::{Broker, client},
    secure::Secure,
    trouble::Mortal,
};

/// A node that all rules of one test share: it takes seconds to start.
struct Shared(Arc<RabbitMq>);

static NODE: OnceLock<Mutex<Weak<RabbitMq>>> = OnceLock::new();

impl Broker for Shared {
    async fn start() -> Option<Self> {
        let node = NODE.get_or_init(Mutex::default);
        if let Some(node) = node.lock().unwrap().upgrade() {
            return Some(Self(node));
        }
        let started = Arc::new(RabbitMq::start().await?);
        *node.lock().unwrap() = Arc::downgrade(&started);
        Some(Self(started))
    }

    fn url(&self) -> String {
        self.0.url()
    }

    fn assigns() -> [&'static str; 2] {
        ["delivery_tag", "at_least_once"]
    }

    fn nowhere() -> Option<&'static str> {
        Some("no-such-queue")
    }
}

#[tokio::test]
async fn every_rule_holds() {
    let _node = Shared::start().await;
    rules!(@together Shared);
}

#[tokio::test]
async fn a_network_that_was_cut_is_noticed() {
    crate::cut::a_network_that_was_cut_is_noticed::<Shared>("heartbeat=1", Duration::ZERO).await;
}

#[tokio::test]
async fn an_acknowledgement_that_is_lost_on_the_way_loses_no_message() {
    crate::cut::an_acknowledgement_that_is_lost_on_the_way_loses_no_message::<Shared>(false, Duration::ZERO)
        .await;
}

#[tokio::test]
async fn how_much_waits_in_a_queue_is_asked_for_again_when_it_is_read() {
    crate::rules::how_far_groups_are_behind_is_asked_for_again_when_it_is_read::<Shared>(None).await;
}

cut!(Shared);
rules! { @cut Shared: who_cannot_get_a_connection_to_read_looks_for_it_seldom }

#[tokio::test]
async fn a_batch_that_runs_out_of_time_has_a_result_for_each() {
    crate::cut::a_batch_that_runs_out_of_time_has_a_result_for_each::<Shared>(30).await;
}

#[tokio::test]
async fn a_caller_who_goes_away_takes_no_message_with_them() {
    // What had come already is not held for whoever went away.
    let Some((_node, client, queue)) = client::<Shared>(json!({})).await else { return };
    let pull = json!({"queue": queue, "receive": {"max": 100, "wait": 20}});
    for n in 0..20 {
        let publish = json!({"queue": queue, "message": n});
        let mut waits = Box::pin(client.call(&pull));
        assert!(timeout(Duration::from_millis(50), &mut waits).await.is_err(), "there is nothing yet");
        // Whoever waits goes away when the message is on its way to them.
        let came = tokio::select! {
            biased;
            sent = client.call(&publish) => sent.map(|_| None).unwrap(),
            came = &mut waits => Some(came.unwrap()["messages"].as_array().unwrap().clone()),
        };
        drop(waits);
        let came = match came {
            Some(came) => came,
            None => client.pull_with(&queue, Shared::pull(100)).await,
        };
        assert_eq!(bodies(&came), [json!(n)]);
        client.ack(&came).await;
    }
}

struct Own(RabbitMq);

impl Broker for Own {
    async fn start() -> Option<Self> {
        RabbitMq::start().await.map(Self)
    }

    fn url(&self) -> String {
        self.0.url()
    }
}

impl Mortal for Own {
    async fn kill(&mut self) {
        self.0.kill().await;
    }

    async fn again(&mut self) {
        self.0.again().await;
    }
}

impl Secure for Own {
    const SCHEMES: [&'static str; 2] = ["amqp", "amqps"];
    // Whoever does not log in is `guest`, who is let in from this machine.
    const ASKS: bool = false;

    async fn guarded(options: Options<'_>) -> Option<Self> {
        RabbitMq::start_with(options).await.map(Self)
    }

    fn port(&self) -> u16 {
        self.0.port()
    }
}

trouble!(Own);
secure!(Own);

#[tokio::test]
async fn of_many_messages_each_is_told_whether_it_has_a_queue() {
    let Some(node) = RabbitMq::shared().await else { return };
    let queue = unique("there");
    let client = Client::of(&node.url(), json!({ "declare": { &*queue: {} } }));
    client.probe().await.unwrap();
    // The broker tells at once of those that nobody gets, and of the others when they are on disk; both on one channel.
    let one = async |first: usize| {
        for n in first..first + 100 {
            let goes = n % 3 != 2;
            let name = if goes { &*queue } else { "no-such-queue" };
            let sent = client.call(&json!({"queue": name, "message": n})).await;
            match sent {
                Ok(_) => assert!(goes, "{n} is said to be there, and nobody got it"),
                Err(error) => assert!(!goes, "{n} is there: {error}"),
            }
        }
    };
    futures_util::future::join_all((0..30).map(|n| one(n * 100))).await;
}

#[tokio::test]
async fn a_virtual_host_may_have_any_name_and_one_that_is_not_there_or_not_allowed_is_said() {
    let Some(node) = RabbitMq::shared().await else { return };
    let name = format!("{}/50% \u{fc}", unique("shop"));
    let escaped = utf8_percent_encode(&name, NON_ALPHANUMERIC).to_string();
    node.add_vhost(&name);
    let queue = unique("orders");
    let declare = json!({ "declare": { &*queue: {} } });
    let url = node.url();
    let server = url.rsplit_once('/').unwrap().0;
    let there = Client::of(&format!("{server}/{escaped}"), declare.clone());
    there.call(&json!({"queue": queue, "text": "here"})).await.unwrap();
    // It is no other's: neither the default one, by any of its names, nor that of the first part of its name has the queue.
    for path in ["", "/", "/%2F", "/%2f"] {
        let other = Client::of(&format!("{server}{path}"), json!({}));
        let error = other.fails(&json!({"queue": queue, "text": "?"})).await;
        assert_eq!(error.kind(), Kind::Unroutable, "{path}: {error}");
    }
    assert_eq!(there.pull_with(&queue, json!({"max": 1})).await[0]["text"], "here");
    let missing = Client::of(&format!("{server}/{}", unique("nowhere")), declare.clone());
    let error = missing.fails(&json!({"queue": queue, "text": "?"})).await;
    assert_eq!((error.kind(), error.outcome()), (Kind::Rejected, Outcome::NotSent), "{error}");
    assert!(error.message().contains("not found"), "{error}");
    let stranger = unique("stranger");
    node.add_user(&stranger, "swordfish");
    let at = server.split_once('@').unwrap().1;
    let closed = Client::of(&format!("amqp://{stranger}:swordfish@{at}/{escaped}"), declare);
    let error = closed.fails(&json!({"queue": queue, "text": "?"})).await;
    assert_eq!((error.kind(), error.outcome()), (Kind::Forbidden, Outcome::NotSent), "{error}");
    assert!(error.message().contains("may not use the virtual host"), "{error}");
}

#[tokio::test]
async fn of_two_messages_of_one_id_the_one_that_nobody_gets_is_told() {
    let Some(node) = RabbitMq::shared().await else { return };
    let queue = unique("there");
    let client = Client::of(&node.url(), json!({ "declare": { &*queue: {} } }));
    client.probe().await.unwrap();
    // Both are under way at a time, and the one that nobody gets is told of first.
    for n in 0..100 {
        let messages = json!([{"text": "a", "message_id": n.to_string()}, {"queue": "no-such-queue", "text": "a", "message_id": n.to_string()}]);
        let reply = client.call(&json!({"queue": queue, "messages": messages})).await.unwrap();
        let results = &reply["results"];
        assert!(results[0].get("error").is_none(), "it is there: {reply}");
        assert_eq!(results[1]["error"]["kind"], "unroutable", "{reply}");
    }
}

#[tokio::test]
async fn a_channel_that_is_closed_for_one_message_says_nothing_of_the_others() {
    let Some(node) = RabbitMq::shared().await else { return };
    let queue = unique("there");
    let client = Client::of(&node.url(), json!({ "declare": { &*queue: {} } }));
    client.probe().await.unwrap();
    // All who ask share a channel, and nobody answers them.
    let ask = |request: serde_json::Value| {
        let client = &client;
        async move { client.within(&request, Some(std::time::Duration::from_secs(20))).await.unwrap_err() }
    };
    let good: Vec<_> =
        (0..50).map(|n| ask(json!({"queue": queue, "message": n, "wait_response": true}))).collect();
    let bad =
        ask(json!({"queue": queue, "exchange": "no-such-exchange", "text": "x", "wait_response": true}));
    let (told, bad) = tokio::join!(futures_util::future::join_all(good), bad);
    assert_eq!((bad.kind(), bad.outcome()), (Kind::Rejected, Outcome::Rejected), "{bad}");
    for error in told {
        assert_eq!((error.kind(), error.outcome()), (Kind::Unavailable, Outcome::Unknown), "{error}");
    }
}

#[tokio::test]
async fn an_exchange_routes_by_its_key_and_what_has_priority_comes_first() {
    let Some(node) = RabbitMq::shared().await else { return };
    let (queue, exchange) = (unique("urgent"), unique("shop"));
    let declared = |most: u8| {
        let bind = json!([{"exchange": exchange, "type": "topic", "routing_key": "order.*"}]);
        json!({"declare": {&*queue: {"arguments": {"x-max-priority": most}, "bind": bind}}})
    };
    let client = Client::of(&node.url(), declared(5));
    client.probe().await.unwrap();
    let send = |key: &str, priority: u8| json!({"exchange": exchange, "routing_key": key, "message": priority, "priority": priority});
    for priority in [1, 5, 3] {
        client.call(&send("order.new", priority)).await.unwrap();
    }
    let error = client.fails(&send("customer.new", 1)).await;
    assert_eq!((error.kind(), error.outcome()), (Kind::Unroutable, Outcome::Rejected), "{error}");
    let came = client.take(&queue, Shared::pull(10), 3).await;
    assert_eq!(bodies(&came), [5, 3, 1]);
    assert_eq!(came[0]["priority"], 5, "{}", came[0]);
    // What is there with other properties is not taken for what is declared.
    let error = Client::of(&node.url(), declared(9)).probe().await.unwrap_err();
    assert_eq!((error.kind(), error.outcome()), (Kind::Rejected, Outcome::NotSent), "{error}");
    assert!(error.message().contains("with other properties"), "{error}");
}
