//! MQTT 5, as Mosquitto speaks it.

use serde_json::{Value, json};
use trunkline_testkit::{Mosquitto as Server, Options};

use crate::{rules::Broker, secure::Secure, trouble::Mortal};

struct Mosquitto(Server);

impl Broker for Mosquitto {
    async fn start() -> Option<Self> {
        // What it keeps for a session is no more than this, whatever it has confirmed.
        let options = Options {
            settings: &["max_queued_messages 0", "autosave_on_changes false"],
            ..Options::default()
        };
        Server::start_with(options).await.map(Self)
    }

    fn url(&self) -> String {
        self.0.url()
    }

    fn declare(_: &str) -> Value {
        json!({})
    }

    fn listen() -> Value {
        json!({"group": "trunkline"})
    }

    fn serve(max: u32) -> Value {
        json!({"max": max, "wait": 10, "group": "service"})
    }

    fn aside(queue: &str) -> String {
        format!("dead/{queue}")
    }

    fn keeps_for_those_who_come_later() -> bool {
        false
    }
}

impl Mortal for Mosquitto {
    async fn kill(&mut self) {
        self.0.stop().await;
    }

    async fn again(&mut self) {
        self.0.again().await;
    }
}

impl Secure for Mosquitto {
    const SCHEMES: [&'static str; 2] = ["mqtt", "mqtts"];
    // Its file of passwords has lines of USER:HASH.
    const USER: &'static str = "\u{fc} s@r/?%#&\"\\";

    async fn guarded(options: Options<'_>) -> Option<Self> {
        Server::start_with(options).await.map(Self)
    }

    fn port(&self) -> u16 {
        self.0.port()
    }
}

rules!(Mosquitto);
trouble!(Mosquitto);
secure!(Mosquitto);
