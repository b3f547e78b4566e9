//! Redis Streams.

use serde_json::{Value, json};
use trunkline_testkit::Redis as Server;

use crate::{rules::Broker, trouble::Mortal};

struct Redis(Server);

impl Broker for Redis {
    async fn start() -> Option<Self> {
        Server::start_durable().await.map(Self)
    }

    fn url(&self) -> String {
        self.0.url()
    }

    fn listen() -> Value {
        json!({"group": "listeners"})
    }
}

impl Mortal for Redis {
    async fn kill(&mut self) {
        self.0.kill().await;
    }

    async fn again(&mut self) {
        self.0.again().await;
    }
}

rules!(Redis);
trouble!(Redis);
