//! Queues in memory, and what is refused before any broker is asked.

use serde_json::{Value, json};

use super::{AT, Broker, Shop};

pub(super) struct Memory;

impl Broker for Memory {
    async fn start() -> Option<Self> {
        Some(Self)
    }

    fn url(&self) -> String {
        "memory:".to_owned()
    }
}

super::every!(Memory);

#[tokio::test]
async fn a_wrong_request_is_told_by_the_key_that_is_wrong() {
    let Some(shop) = Shop::<Memory>::open(json!({})).await else { return };
    for (request, word) in [
        (json!({"message": 1}), "queue"),
        (json!({"queue": "orders"}), "message"),
        (json!({"queue": "", "message": 1}), "queue"),
        (json!({"queue": "orders", "message": 1, "text": "b"}), "message"),
        (json!({"queue": "orders", "mesage": 1}), "mesage"),
        (json!({"queue": "orders", "base64": "?"}), "base64"),
        (json!({"queue": 7, "message": 1}), "queue"),
        (json!({"queue": "orders", "message": 1, "wait_response": "yes"}), "wait_response"),
        (json!({"queue": "orders", "message": 1, "exchange": "e"}), "exchange"),
        (json!({"queue": "orders", "message": 1, "headers": {"a": []}}), "headers"),
        (json!({"queue": "orders", "messages": []}), "messages"),
        (json!({"queue": "orders", "messages": [{"text": "a"}, {"txt": "b"}]}), "messages[1]"),
        (json!({"queue": "orders", "messages": [{"text": "a"}], "wait_response": true}), "messages"),
        (json!({"receive": {}}), "queue"),
        (json!({"queue": "orders", "receive": {"max": 0}}), "max:"),
        (json!({"queue": "orders", "receive": {"max": 100_000}}), "max:"),
        (json!({"queue": "orders", "receive": {"wait": "1h"}}), "wait:"),
        (json!({"queue": "orders", "receive": {"from": "yesterday"}}), "from:"),
        (json!({"queue": "orders", "receive": {"ack": "maybe"}}), "ack:"),
        (json!({"ack": ["a"], "reason": "b"}), "reason"),
        (json!({"ack": "a"}), "ack"),
        (json!([{"queue": "orders", "message": 1}]), "queue"),
    ] {
        let problem = shop.server.call("shop", &request).await.problem(422, "invalid_config");
        assert!(problem["detail"].as_str().unwrap().contains(word), "{request}: {problem}");
        assert_eq!(problem["outcome"], "not_sent", "{request}: {problem}");
    }
    for (query, word) in [
        ("", "queue"),
        ("?queue=orders&prefetch=0", "prefetch"),
        ("?queue=orders&prefetch=many", "prefetch"),
        ("?queue=orders&ack=maybe", "ack"),
        ("?queue=orders&from=yesterday", "from"),
        ("?que=orders", "que"),
    ] {
        let problem = shop.server.get(&format!("{AT}/stream{query}")).await.problem(422, "invalid_config");
        assert!(problem["detail"].as_str().unwrap().contains(word), "{query}: {problem}");
    }
    // A token that nobody was given, and one that was used.
    shop.server.call("shop", &json!({"ack": ["a"]})).await.problem(422, "rejected");
    shop.ask(json!({"queue": "orders", "message": 1})).await;
    let came = shop.pull().await;
    shop.ack(&came).await;
    let problem = shop.server.call("shop", &json!({"ack": [came["token"]]})).await.problem(422, "rejected");
    assert!(problem["detail"].as_str().unwrap().contains("token"), "{problem}");
}

#[tokio::test]
async fn a_wrong_configuration_is_told_by_the_key_that_is_wrong() {
    let Some(shop) = Shop::<Memory>::open(json!({})).await else { return };
    for (further, word) in [
        (json!({"base_url": "ampq://h"}), "amqp"),
        (json!({"base_url": "amqp://a,b"}), "base_url"),
        (json!({"base_url": "amqp://h?heart=1"}), "heartbeat"),
        (json!({"base_url": "nats://h/a"}), "base_url"),
        (json!({"base_url": "redis://h/a"}), "base_url"),
        (json!({"declare": {"a": {"partitions": 1}}}), "declare"),
        (json!({"declare": {"a": {"partition": 1}}}), "partition"),
        (json!({"dead_letter": ""}), "dead_letter"),
        (json!({"max_message": 0}), "max_message"),
        (json!({"headers": {"a": "b"}}), "headers"),
        (json!({"tls": {"ca": "x"}}), "tls"),
        (json!({"ack_timeout": "soon"}), "ack_timeout"),
        (json!({"queue": "orders"}), "queue"),
    ] {
        let mut config = json!({"integration_id": "wrong", "type": "message_queue", "base_url": "memory:"});
        config.as_object_mut().unwrap().extend(further.as_object().unwrap().clone());
        let problem = shop.server.register(&config).await.problem(422, "invalid_config");
        assert!(problem["detail"].as_str().unwrap().contains(word), "{further}: {problem}");
    }
}

#[tokio::test]
async fn queues_are_in_the_catalog_and_in_the_description_of_the_api() {
    let Some(shop) = Shop::<Memory>::open(json!({})).await else { return };
    let document = shop.server.get("/openapi.json").await.is(200).json();
    assert!(has_word(&document, "message_queue"), "the type is described");
    for key in ["ack_timeout", "max_deliveries", "dead_letter", "declare"] {
        assert!(document.to_string().contains(&format!("\"{key}\"")), "{key}");
    }
}

/// Whether a text is somewhere in a document.
fn has_word(value: &Value, word: &str) -> bool {
    match value {
        Value::String(text) => text == word,
        Value::Array(values) => values.iter().any(|value| has_word(value, word)),
        Value::Object(fields) => fields.iter().any(|(key, value)| key == word || has_word(value, word)),
        _ => false,
    }
}
