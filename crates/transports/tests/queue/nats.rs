//! NATS with JetStream.

use serde_json::{Value, json};
use trunkline_testkit::Nats as Server;

use crate::{
    common::{Client, unique},
    rules::Broker,
    trouble::Mortal,
};

struct Nats(Server);

impl Broker for Nats {
    async fn start() -> Option<Self> {
        Server::start().await.map(Self)
    }

    fn url(&self) -> String {
        self.0.url()
    }

    fn aside(queue: &str) -> String {
        format!("dead.{queue}")
    }

    fn listen() -> Value {
        json!({"group": "listeners"})
    }
}

impl Mortal for Nats {
    async fn kill(&mut self) {
        self.0.kill().await;
    }

    async fn again(&mut self) {
        self.0.again().await;
    }
}

rules!(Nats);
trouble!(Nats);

#[tokio::test]
async fn a_subject_that_no_stream_keeps_is_for_those_who_listen() {
    let Some(nats) = Nats::start().await else { return };
    let client = Client::of(&nats.url(), json!({}));
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
