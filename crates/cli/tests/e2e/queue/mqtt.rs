//! MQTT 5, as Mosquitto speaks it.

use serde_json::{Value, json};
use trunkline_testkit::Mosquitto as Server;

use super::Broker;

struct Mosquitto(Server);

impl Broker for Mosquitto {
    async fn start() -> Option<Self> {
        Server::start().await.map(Self)
    }

    fn url(&self) -> String {
        self.0.url()
    }

    fn declare() -> Value {
        json!({})
    }

    fn listen() -> &'static str {
        "&group=trunkline"
    }

    fn keeps_for_those_who_come_later() -> bool {
        false
    }
}

super::basics!(Mosquitto);
