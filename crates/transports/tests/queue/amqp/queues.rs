//! What queues of RabbitMQ do with messages: those that expire, that it need not keep, that are too many, and streams.

use lapin::{
    BasicProperties,
    options::{BasicGetOptions, BasicPublishOptions},
    types::{AMQPValue, FieldTable},
};
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
    // It keeps no account of single messages, and says so to whoever sends one back.
    let last = json!({"max": 1, "wait": 10, "from": 5});
    let came = client.take_unsettled(&queue, last.clone(), 1).await;
    let error = client.fails(&json!({"requeue": [came[0]["token"]]})).await;
    assert_eq!((error.kind(), error.outcome()), (Kind::Unsupported, Outcome::Rejected), "{error}");
    assert_eq!(bodies(&client.take(&queue, last, 1).await), [5]);
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

/// A quorum queue drops what came back so often.
fn limited(queue: &str, limit: u32) -> Value {
    json!({queue: {"arguments": {"x-queue-type": "quorum", "x-delivery-limit": limit}}})
}

#[tokio::test]
async fn what_is_sent_back_to_a_queue_that_counts_is_never_dropped() {
    let Some(node) = RabbitMq::shared().await else { return };
    // Released, which counts for nobody; and sent back, where that may be done as often as it takes.
    for (back, further) in [("release", json!({})), ("requeue", json!({"max_deliveries": 0}))] {
        let queue = unique("orders");
        let mut config = json!({"declare": limited(&queue, 3)});
        config.as_object_mut().unwrap().extend(further.as_object().unwrap().clone());
        let client = Client::of(&node.url(), config);
        client.call(&json!({"queue": queue, "text": "a", "message_id": "1"})).await.unwrap();
        for n in 0..12 {
            let came = client.take_unsettled(&queue, Shared::pull(1), 1).await;
            assert_eq!((&came[0]["text"], &came[0]["message_id"]), (&json!("a"), &json!("1")), "{back} {n}");
            client.call(&json!({ back: [came[0]["token"]] })).await.unwrap();
        }
        assert_eq!(client.take(&queue, Shared::pull(10), 1).await.len(), 1);
    }
}

/// What Trunkline has no words for goes along all the same.
#[tokio::test]
async fn what_is_sent_to_its_queue_anew_is_as_it_was_sent() {
    let Some(node) = RabbitMq::shared().await else { return };
    let (queue, other) = (unique("orders"), unique("other"));
    let url = node.url();
    super::aside::let_in(&node, &url, &other, ".*");
    let client = Client::of(&url, json!({"declare": limited(&queue, 2)}));
    client.probe().await.unwrap();
    let mut headers = FieldTable::default();
    headers.insert("number".into(), AMQPValue::LongInt(7));
    headers.insert("list".into(), AMQPValue::FieldArray(vec![AMQPValue::Boolean(true)].into()));
    let sent = BasicProperties::default()
        .with_headers(headers)
        .with_content_type("text/plain".into())
        .with_content_encoding("identity".into())
        .with_delivery_mode(2)
        .with_priority(3)
        .with_correlation_id("c".into())
        .with_reply_to("r".into())
        .with_expiration("3600000".into())
        .with_message_id("m".into())
        .with_timestamp(1_700_000_000)
        .with_type("order.created".into())
        .with_app_id("shop".into());
    // By the login that sends it anew, by nobody who is named, and by another one.
    let (_, at) = url.split_once('@').unwrap();
    let ours = url.split_once("//").unwrap().1.split(':').next().unwrap();
    let theirs = format!("amqp://{other}:swordfish@{at}");
    for (url, user) in [(&url, None), (&url, Some(ours)), (&theirs, Some(&*other))] {
        let (_connection, channel) = super::aside::other(url).await;
        let mut wanted = sent.clone();
        if let Some(user) = user {
            wanted = wanted.with_user_id(user.into());
        }
        let options = BasicPublishOptions::default();
        let confirm = channel.basic_publish("".into(), (&*queue).into(), options, b"a", wanted.clone());
        assert!(confirm.await.unwrap().await.unwrap().is_ack());
        // The second time it has come as often as it is sent back, and the third time it is another one.
        for redelivered in [None, Some(true), None] {
            let came = client.take_unsettled(&queue, Shared::pull(1), 1).await;
            assert_eq!(came[0].get("redelivered"), redelivered.map(Value::from).as_ref(), "{came:?}");
            client.call(&json!({"release": [came[0]["token"]]})).await.unwrap();
        }
        let get = BasicGetOptions { no_ack: true };
        // RabbitMQ answers nothing to what sends a message back: it is there a moment later.
        let got = loop {
            if let Some(got) = channel.basic_get((&*queue).into(), get).await.unwrap() {
                break got;
            }
        };
        let mut headers = got.properties.headers().clone().unwrap();
        let sender = user.filter(|user| *user != ours);
        let told = sender.map(|user| AMQPValue::LongString(user.into()));
        assert_eq!(headers.inner().get("trunkline-user-id"), told.as_ref());
        headers = headers
            .inner()
            .iter()
            .filter(|(name, _)| ["number", "list"].contains(&name.as_str()))
            .fold(FieldTable::default(), |mut table, (name, value)| {
                table.insert(name.clone(), value.clone());
                table
            });
        let mut wanted = sent.clone();
        if let (Some(user), None) = (user, sender) {
            wanted = wanted.with_user_id(user.into());
        }
        assert_eq!(got.properties.clone().with_headers(headers), wanted);
    }
}

#[tokio::test]
async fn what_was_released_to_a_queue_that_counts_is_no_failure_for_another_server() {
    let Some(node) = RabbitMq::shared().await else { return };
    let queue = unique("orders");
    let declare = json!({"declare": {&*queue: {"arguments": {"x-queue-type": "quorum"}}}});
    let client = Client::of(&node.url(), declare.clone());
    client.call(&json!({"queue": queue, "text": "a"})).await.unwrap();
    for _ in 0..12 {
        let came = client.take_unsettled(&queue, Shared::pull(1), 1).await;
        client.call(&json!({"release": [came[0]["token"]]})).await.unwrap();
    }
    let other = Client::of(&node.url(), declare);
    assert_eq!(other.take(&queue, Shared::pull(1), 1).await[0]["text"], "a");
}

#[tokio::test]
async fn what_a_queue_would_drop_is_put_aside_first() {
    let Some(node) = RabbitMq::shared().await else { return };
    let queue = unique("orders");
    let client = Client::of(&node.url(), json!({"declare": limited(&queue, 3), "max_deliveries": 50}));
    client.call(&json!({"queue": queue, "text": "a"})).await.unwrap();
    for _ in 0..3 {
        let came = client.take_unsettled(&queue, Shared::pull(1), 1).await;
        client.call(&json!({"nack": [came[0]["token"]]})).await.unwrap();
    }
    let aside = client.take(&format!("{queue}.dead"), Shared::pull(1), 1).await;
    assert_eq!((&aside[0]["text"], aside.len()), (&json!("a"), 1));
    let reason = aside[0]["headers"]["trunkline-dead-letter-reason"].as_str().unwrap();
    assert_eq!(reason, "delivered 3 times, which is as often as the broker does");
}

#[tokio::test]
async fn who_listens_to_a_queue_that_is_deleted_hears_that_it_is_not_there() {
    let Some(node) = RabbitMq::start().await else { return };
    let queue = unique("orders");
    let client = Client::of(&node.url(), json!({"declare": {&*queue: {}}}));
    client.call(&json!({"queue": queue, "text": "before"})).await.unwrap();
    let mut reader = client.listen(&json!({"queue": queue, "ack": "auto"})).await.unwrap();
    assert_eq!(reader.message().await["text"], "before");
    node.eval(&format!(
        "{{ok, Q}} = rabbit_amqqueue:lookup(rabbit_misc:r(<<\"/\">>, queue, <<\"{queue}\">>)),
         rabbit_amqqueue:delete(Q, false, false, <<\"guest\">>)"
    ));
    let (name, told) = reader.next().await.unwrap();
    assert_eq!((&*name, &told["kind"]), ("error", &json!("rejected")), "{told}");
    assert!(told["message"].as_str().unwrap().contains(&queue), "{told}");
    assert!(reader.next().await.is_none(), "it goes on");
}

#[tokio::test]
async fn a_header_that_the_broker_takes_for_routing_keys_is_refused_before_it_is_sent() {
    let Some((_node, client, queue)) = client::<Shared>(json!({})).await else { return };
    for name in ["CC", "BCC"] {
        let error = client.fails(&json!({"queue": queue, "text": "a", "headers": {name: "b"}})).await;
        assert_eq!(error.kind(), Kind::InvalidConfig, "{error}");
        assert!(error.message().contains(name) && error.message().contains("routing keys"), "{error}");
    }
}
