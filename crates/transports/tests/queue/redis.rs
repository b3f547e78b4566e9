//! Redis Streams.

use serde_json::{Value, json};
use trunkline_testkit::Redis as Server;

use crate::rules::Broker;

struct Redis(Server);

impl Broker for Redis {
    async fn start() -> Option<Self> {
        Server::start().await.map(Self)
    }

    fn url(&self) -> String {
        self.0.url()
    }

    fn listen() -> Value {
        json!({"group": "listeners"})
    }
}

rules!(Redis);
