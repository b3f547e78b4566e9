//! NATS with JetStream.

use serde_json::{Value, json};

use crate::{
    common::{Client, unique},
    rules::Broker,
};

struct Nats;

impl Broker for Nats {
    async fn start() -> Option<Self> {
        Some(Self)
    }

    fn url(&self) -> String {
        "nats://127.0.0.1".to_owned()
    }

    fn aside(queue: &str) -> String {
        format!("dead.{queue}")
    }

    fn listen() -> Value {
        json!({"group": "listeners"})
    }
}

rules!(Nats);

#[tokio::test]
async fn a_subject_that_no_stream_keeps_is_for_those_who_listen() {
    let client = Client::of(&Nats.url(), json!({}));
    let subject = unique("loose");
    let receipt = client.call(&json!({"queue": subject, "text": "nobody"})).await.unwrap();
    assert_eq!(receipt["guarantee"], "at_most_once");
    let mut reader = client.listen(&json!({ "queue": subject })).await.unwrap();
    client.call(&json!({"queue": subject, "text": "somebody"})).await.unwrap();
    let message = reader.message().await;
    assert_eq!(message["text"], "somebody");
    assert!(message.get("token").is_none(), "{message}");
    let error = client.fails(&json!({"queue": unique("empty"), "text": "?", "wait_response": true})).await;
    assert_eq!(error.kind(), trunkline_core::Kind::Unroutable, "{error}");
}
