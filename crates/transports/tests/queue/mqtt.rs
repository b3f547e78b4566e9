//! MQTT 5, as Mosquitto speaks it.

use serde_json::{Value, json};

use crate::rules::Broker;

struct Mosquitto;

impl Broker for Mosquitto {
    async fn start() -> Option<Self> {
        Some(Self)
    }

    fn url(&self) -> String {
        "mqtt://127.0.0.1".to_owned()
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

rules!(Mosquitto);
