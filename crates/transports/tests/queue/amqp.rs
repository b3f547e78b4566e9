//! RabbitMQ.

use std::sync::{Arc, Mutex, OnceLock, Weak};

use serde_json::json;
use trunkline_testkit::RabbitMq;

use crate::{
    common::{Client, unique},
    rules::Broker,
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

trouble!(Own);

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
