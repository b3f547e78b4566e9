//! RabbitMQ.

use trunkline_testkit::{RabbitMq, SharedRabbitMq};

use crate::{rules::Broker, trouble::Mortal};

struct Shared(SharedRabbitMq);

impl Broker for Shared {
    async fn start() -> Option<Self> {
        RabbitMq::shared().await.map(Self)
    }

    fn url(&self) -> String {
        self.0.url()
    }

    fn nowhere() -> Option<&'static str> {
        Some("no-such-queue")
    }
}

rules!(Shared);

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
