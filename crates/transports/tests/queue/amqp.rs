//! RabbitMQ.

use std::sync::{Arc, Mutex, OnceLock, Weak};

use trunkline_testkit::RabbitMq;

use crate::{rules::Broker, trouble::Mortal};

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
