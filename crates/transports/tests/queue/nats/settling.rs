//! What becomes of messages of a stream: acknowledged, put aside, released.

use async_nats::jetstream::{
    self,
    consumer::{AckPolicy, Config},
};
use serde_json::{Value, json};
use trunkline_core::{Kind, Outcome, Transport as _};

use super::Nats;
use crate::{
    common::{Client, bodies, unique},
    rules::{Broker, client, numbered},
};

/// What an operator asks.
#[allow(clippy::disallowed_methods, reason = "it is the operator that asks, and no integration")]
async fn operator(nats: &Nats) -> jetstream::Context {
    jetstream::new(async_nats::connect(nats.url()).await.unwrap())
}

#[tokio::test]
async fn an_acknowledgement_that_nobody_hears_is_not_called_settled() {
    let Some((nats, client, queue)) = client::<Nats>(json!({})).await else { return };
    client.call(&json!({"queue": queue, "messages": numbered(3)})).await.unwrap();
    let came = client.take_unsettled(&queue, Nats::pull(3), 3).await;
    let stream = operator(&nats).await.get_stream(&queue).await.unwrap();
    stream.delete_consumer("trunkline").await.unwrap();
    for (verdict, message) in ["ack", "requeue", "reject"].iter().zip(&came) {
        let error = client.fails(&json!({*verdict: [message["token"]]})).await;
        assert_eq!(
            (error.kind(), error.outcome()),
            (Kind::Unavailable, Outcome::Rejected),
            "{verdict}: {error}"
        );
        assert!(error.message().contains("they come again"), "{verdict}: {error}");
    }
    let other = Client::of(&nats.url(), json!({}));
    assert_eq!(bodies(&other.take(&queue, Nats::pull(3), 3).await), [0, 1, 2]);
}

/// Streams know ids whatever their subject, and keep nothing under one that they know.
#[tokio::test]
async fn what_is_put_aside_into_its_own_stream_is_kept_there() {
    let Some(nats) = Nats::start().await else { return };
    let name = unique("orders");
    let [new, dead] = ["new", "dead"].map(|end| format!("{name}.{end}"));
    let further = json!({"declare": {&name: {"subjects": [format!("{name}.>")]}}, "dead_letter": dead});
    let client = Client::of(&nats.url(), further);
    client.call(&json!({"queue": new, "text": "?", "message_id": "7"})).await.unwrap();
    for group in ["billing", "shipping"] {
        let pull = json!({"max": 1, "wait": 10, "group": group});
        let came = client.take_unsettled(&new, pull, 1).await;
        let aside = json!({"dead_letter": [came[0]["token"]], "reason": group});
        assert_eq!(client.call(&aside).await.unwrap()["settled"], 1);
    }
    let aside = client.take(&dead, Nats::pull(2), 2).await;
    let header = |message: &Value, name: &str| message["headers"][name].clone();
    for (message, group) in aside.iter().zip(["billing", "shipping"]) {
        assert_eq!(message["text"], "?", "{message}");
        assert_eq!(message["message_id"], format!("7/dead/{name}/{group}/1"), "{message}");
        assert_eq!(header(message, "trunkline-dead-letter-message-id"), "7", "{message}");
        assert_eq!(header(message, "trunkline-dead-letter-reason"), group, "{message}");
    }
}

/// The stream counts each time that it delivers a message, and whoever is next knows of no more than that.
#[tokio::test]
async fn what_is_released_again_and_again_does_not_come_to_count_for_too_much() {
    let Some((nats, first, queue)) = client::<Nats>(json!({})).await else { return };
    first.call(&json!({"queue": queue, "text": "?"})).await.unwrap();
    for n in 0..12 {
        let came = first.take_unsettled(&queue, Nats::pull(1), 1).await;
        let redelivered = came[0].get("redelivered").is_some();
        assert_eq!((&came[0]["deliveries"], redelivered), (&json!(1), n > 0), "{came:?}");
        assert_eq!(first.call(&json!({"release": [came[0]["token"]]})).await.unwrap()["settled"], 1);
    }
    // What it keeps goes back with it.
    first.transport.close().await;
    let second = Client::of(&nats.url(), json!({}));
    let came = second.take_unsettled(&queue, Nats::pull(1), 1).await;
    assert_eq!((&came[0]["text"], &came[0]["deliveries"]), (&json!("?"), &json!(3)), "{came:?}");
    second.ack(&came).await;
}

#[tokio::test]
async fn what_a_group_would_not_deliver_once_more_is_put_aside() {
    let Some((nats, client, queue)) = client::<Nats>(json!({})).await else { return };
    let stream = operator(&nats).await.get_stream(&queue).await.unwrap();
    let config = Config {
        durable_name: Some("few".to_owned()),
        ack_policy: AckPolicy::Explicit,
        ack_wait: std::time::Duration::from_secs(60),
        max_deliver: 2,
        ..Config::default()
    };
    stream.create_consumer(config).await.unwrap();
    client.call(&json!({"queue": queue, "messages": numbered(2)})).await.unwrap();
    let pull = json!({"max": 1, "wait": 10, "group": "few"});
    let back = async |verdict: &str, message: u64| {
        let came = client.take_unsettled(&queue, pull.clone(), 1).await;
        assert_eq!(bodies(&came), [message], "{verdict}");
        assert_eq!(client.call(&json!({verdict: [came[0]["token"]]})).await.unwrap()["settled"], 1);
    };
    for _ in 0..2 {
        back("requeue", 0).await;
    }
    let other = Client::of(&nats.url(), json!({}));
    let aside = other.take(&Nats::aside(&queue), Nats::pull(1), 1).await;
    assert_eq!((bodies(&aside), reason(&aside[0])), (vec![json!(0)], LAST));
    // That it is released says nothing against it: it is kept here, however often that is.
    for _ in 0..5 {
        back("release", 1).await;
    }
    client.transport.close().await;
    let aside = other.take(&Nats::aside(&queue), Nats::pull(1), 1).await;
    assert_eq!((bodies(&aside), reason(&aside[0])), (vec![json!(1)], LAST));
}

const ONCE: &str = "delivered once, which is as often as the broker does";
const LAST: &str = "delivered 2 times, which is as often as the broker does";

fn reason(message: &Value) -> &str {
    message["headers"]["trunkline-dead-letter-reason"].as_str().unwrap()
}

/// A group that delivers each message once, so many of them at a time.
async fn once(stream: &jetstream::stream::Stream, at_once: i64) {
    let config = Config {
        durable_name: Some("once".to_owned()),
        ack_policy: AckPolicy::Explicit,
        ack_wait: std::time::Duration::from_secs(60),
        max_deliver: 1,
        max_ack_pending: at_once,
        ..Config::default()
    };
    stream.create_consumer(config).await.unwrap();
}

/// There is room for a thousand of them.
#[tokio::test]
async fn what_came_for_the_last_time_and_is_not_kept_is_put_aside() {
    const MANY: usize = 1_003;
    let Some((nats, client, queue)) = client::<Nats>(json!({})).await else { return };
    once(&operator(&nats).await.get_stream(&queue).await.unwrap(), 2_000).await;
    client.call(&json!({"queue": queue, "messages": numbered(MANY)})).await.unwrap();
    let pull = json!({"max": MANY, "wait": 10, "group": "once"});
    let came = client.take_unsettled(&queue, pull.clone(), MANY).await;
    let tokens: Vec<_> = came.iter().map(|one| &one["token"]).collect();
    assert_eq!(client.call(&json!({ "release": tokens })).await.unwrap()["settled"], MANY);
    let aside = client.take(&Nats::aside(&queue), Nats::pull(10), 3).await;
    assert!(aside.iter().all(|one| reason(one) == ONCE), "{aside:?}");
    let again = client.take(&queue, pull, MANY - 3).await;
    let all: std::collections::BTreeSet<_> =
        bodies(&aside).iter().chain(&bodies(&again)).map(|body| body.as_u64().unwrap()).collect();
    assert_eq!(all.len(), MANY);
}

/// What was on its way to somebody who has gone is given back, and a group that does not take it back would lose it.
#[tokio::test]
async fn what_came_for_the_last_time_to_a_stream_that_ends_is_put_aside() {
    let Some(nats) = Nats::start().await else { return };
    let queue = unique("orders");
    let aside = Nats::aside(&queue);
    let client = Client::of(&nats.url(), json!({"declare": {&queue: {}, &aside: {}}}));
    client.probe().await.unwrap();
    let mut stream = operator(&nats).await.get_stream(&queue).await.unwrap();
    once(&stream, 1_000).await;
    let mut reader = client.listen(&json!({"queue": queue, "group": "once", "ack": "auto"})).await.unwrap();
    client.call(&json!({"queue": queue, "messages": numbered(2)})).await.unwrap();
    assert_eq!(bodies(&[reader.message().await]), [0]);
    // The second is on its way, and nobody takes it.
    while stream.consumer_info("once").await.unwrap().num_pending > 0 {
        tokio::task::yield_now().await;
    }
    drop(reader);
    let came = client.take(&aside, Nats::pull(2), 1).await;
    assert_eq!((came.len(), &bodies(&came)[0], reason(&came[0])), (1, &json!(1), ONCE));
    assert_eq!(stream.info().await.unwrap().state.messages, 2, "they are read, and stay");
}
