//! RabbitMQ.

use crate::rules::Broker;

struct Rabbit;

impl Broker for Rabbit {
    async fn start() -> Option<Self> {
        Some(Self)
    }

    fn url(&self) -> String {
        "amqp://127.0.0.1".to_owned()
    }

    fn nowhere() -> Option<&'static str> {
        Some("no-such-queue")
    }
}

rules!(Rabbit);
