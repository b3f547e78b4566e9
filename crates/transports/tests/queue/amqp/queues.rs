//! What queues of RabbitMQ do with messages: those that expire, that it need not keep, that are too many, and streams.

use serde_json::{Value, json};
use trunkline_core::{Kind, Outcome};
use trunkline_testkit::RabbitMq;

use super::{Own, Shared};
use crate::{
    common::{Client, bodies, unique},
    rules::{Broker, client, numbered},
    trouble::Mortal,
};

#[tokio::test]
async fn what_expires_is_not_delivered() {
    let Some(node) = RabbitMq::shared().await else { return };
    let (queue, late) = (unique("orders"), unique("late"));
    let arguments = json!({"x-dead-letter-exchange": "", "x-dead-letter-routing-key": late});
    let declare = json!({"declare": {&*queue: {"arguments": arguments}, &*late: {}}});
    let client = Client::of(&node.url(), declare);
    client.call(&json!({"queue": queue, "text": "short", "expires": "1ms"})).await.unwrap();
    client.call(&json!({"queue": queue, "text": "long", "expires": "1h"})).await.unwrap();
    // The broker puts it there when its time is up.
    let came = client.take(&late, Shared::pull(10), 1).await;
    assert_eq!(
        (bodies(&came), &came[0]["headers"]["x-first-death-reason"]),
        (vec![json!("short")], &json!("expired"))
    );
    assert_eq!(bodies(&client.take(&queue, Shared::pull(10), 1).await), ["long"]);
}

#[tokio::test]
async fn what_is_not_persistent_is_gone_after_a_restart_and_all_else_is_there() {
    let Some((mut node, client, queue)) = client::<Own>(json!({"timeouts": {"connect": "20s"}})).await else {
        return;
    };
    for (n, persistent) in [(0, Value::Null), (1, json!(false)), (2, json!(true))] {
        let mut message = json!({"queue": queue, "message": n});
        if !persistent.is_null() {
            message["persistent"] = persistent;
        }
        client.call(&message).await.unwrap();
    }
    node.kill().await;
    node.again().await;
    while client.probe().await.is_err() {}
    assert_eq!(bodies(&client.take(&queue, Own::pull(10), 2).await), [0, 2]);
    let none = client.call(&json!({"queue": queue, "receive": {"max": 1}})).await.unwrap();
    assert_eq!(none["messages"], json!([]));
}

#[tokio::test]
async fn what_a_full_queue_does_not_take_was_rejected() {
    let Some(node) = RabbitMq::shared().await else { return };
    let queue = unique("orders");
    let arguments = json!({"x-max-length": 2, "x-overflow": "reject-publish"});
    let client = Client::of(&node.url(), json!({"declare": {&*queue: {"arguments": arguments}}}));
    client.call(&json!({"queue": queue, "messages": numbered(2)})).await.unwrap();
    let error = client.fails(&json!({"queue": queue, "message": 2})).await;
    assert_eq!((error.kind(), error.outcome()), (Kind::Failed, Outcome::Rejected), "{error}");
    assert!(error.message().contains("its queue may be full"), "{error}");
    assert_eq!(bodies(&client.take(&queue, Shared::pull(10), 2).await), [0, 1]);
    client.call(&json!({"queue": queue, "message": 3})).await.unwrap();
}

#[tokio::test]
async fn a_stream_is_read_from_where_somebody_says_as_often_as_they_like() {
    let Some(node) = RabbitMq::shared().await else { return };
    let queue = unique("log");
    let declare = json!({"declare": {&*queue: {"arguments": {"x-queue-type": "stream"}}}});
    let client = Client::of(&node.url(), declare);
    for message in numbered(5) {
        client.call(&json!({"queue": queue, "message": message["message"]})).await.unwrap();
    }
    for (from, first) in [(json!("earliest"), 0), (json!(3), 3), (json!("1970-01-02T00:00:00Z"), 0)] {
        let mut reader = client.listen(&json!({"queue": queue, "from": from, "ack": "auto"})).await.unwrap();
        for n in first..5 {
            let one = reader.message().await;
            assert_eq!((&one["message"], &one["offset"]), (&json!(n), &json!(n)), "{from}: {one}");
        }
        // A pull begins there each time.
        let pull = json!({"max": 2, "wait": 10, "from": from});
        for _ in 0..2 {
            assert_eq!(bodies(&client.take(&queue, pull.clone(), 2).await)[0], first, "{from}");
        }
    }
    let mut reader = client.listen(&json!({"queue": queue, "from": "latest", "ack": "auto"})).await.unwrap();
    client.call(&json!({"queue": queue, "message": 5})).await.unwrap();
    assert_eq!(bodies(&[reader.message().await]), [5]);
}

#[tokio::test]
async fn only_a_stream_has_where_to_begin() {
    let Some((_node, client, queue)) = client::<Shared>(json!({})).await else { return };
    client.call(&json!({"queue": queue, "message": 1})).await.unwrap();
    let error = client.fails(&json!({"queue": queue, "receive": {"max": 1, "from": "earliest"}})).await;
    assert_eq!((error.kind(), error.outcome()), (Kind::Unsupported, Outcome::Rejected), "{error}");
    assert!(error.message().starts_with("from: ") && error.message().contains("x-queue-type"), "{error}");
    let error = client.listen(&json!({"queue": queue, "from": 3})).await.err().unwrap();
    assert_eq!(error.kind(), Kind::Unsupported, "{error}");
    assert_eq!(bodies(&client.take(&queue, Shared::pull(1), 1).await), [1]);
}
