//! RabbitMQ.

use std::sync::{Arc, Mutex, OnceLock, Weak};

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::json;
use trunkline_core::{Kind, Outcome};
use trunkline_testkit::{Options, RabbitMq};

use crate::{
    common::{Client, unique},
    rules::Broker,
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

    fn nowhere() -> Option<&'static str> {
        Some("no-such-queue")
    }
}

#[tokio::test]
async fn every_rule_holds() {
    let _node = Shared::start().await;
    rules!(@together Shared);
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
