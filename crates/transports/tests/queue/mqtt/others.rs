//! What other clients of MQTT send, and what they see.

use std::time::Duration;

use rumqttc::{AsyncClient, Event, EventLoop, Incoming, MqttOptions, Outgoing, PublishOptions, QoS};
use serde_json::json;
use trunkline_core::Kind;

use super::Mosquitto;
use crate::{
    common::unique,
    rules::{Broker, client, what_has_no_id_is_put_aside_too},
};

/// A client of somebody else.
async fn other(url: &str) -> (AsyncClient, EventLoop) {
    let (host, port) = url.trim_start_matches("mqtt://").rsplit_once(':').unwrap();
    let options = MqttOptions::new(unique("other"), (host.to_owned(), port.parse::<u16>().unwrap()));
    let (client, mut events) = AsyncClient::builder(options).capacity(10).try_build().unwrap();
    until(&mut events, |event| matches!(event, Event::Incoming(Incoming::ConnAck(_)))).await;
    (client, events)
}

/// The first of the events that is wanted.
async fn until(events: &mut EventLoop, wanted: impl Fn(&Event) -> bool) -> Event {
    loop {
        let event = events.poll().await.unwrap();
        if wanted(&event) {
            return event;
        }
    }
}

#[tokio::test]
async fn what_has_no_id_and_is_sent_back_too_often_is_put_aside() {
    what_has_no_id_is_put_aside_too::<Mosquitto>(async |url: &str, queue: &str, text: &str| {
        let (client, mut events) = other(url).await;
        let options = PublishOptions::new(QoS::AtLeastOnce);
        client.publish(queue, text.to_owned(), options).await.unwrap();
        until(&mut events, |event| matches!(event, Event::Incoming(Incoming::PubAck(_)))).await;
        client.disconnect().await.unwrap();
        until(&mut events, |event| matches!(event, Event::Outgoing(Outgoing::Disconnect))).await;
    })
    .await;
}

#[tokio::test]
async fn how_long_somebody_wants_a_message_is_told_to_the_broker_and_by_it_to_who_gets_it() {
    let Some((broker, client, queue)) = client::<Mosquitto>(json!({})).await else { return };
    let (other, mut events) = other(&broker.url()).await;
    other.subscribe(&*queue, QoS::AtLeastOnce).await.unwrap();
    until(&mut events, |event| matches!(event, Event::Incoming(Incoming::SubAck(_)))).await;
    // Seconds, of which the broker takes away those that the message waited there; it is never sent without any.
    for (expires, told) in [(json!("1h"), Some(3600)), (json!("1ms"), Some(1)), (json!(null), None)] {
        let mut message = json!({"queue": queue, "text": "a"});
        if !expires.is_null() {
            message["expires"] = expires.clone();
        }
        client.call(&message).await.unwrap();
        let came = until(&mut events, |event| matches!(event, Event::Incoming(Incoming::Publish(_)))).await;
        let Event::Incoming(Incoming::Publish(came)) = came else { unreachable!() };
        let left = came.properties.and_then(|properties| properties.message_expiry_interval);
        match told {
            Some(most) => assert!(
                left.is_some_and(|left| left <= most && left + 60 >= most),
                "{expires}: {left:?} seconds are left"
            ),
            None => assert_eq!(left, None),
        }
    }
}

#[tokio::test]
async fn what_nobody_would_get_is_held_and_put_aside_once_somebody_is_there_for_it() {
    let further = json!({"max_deliveries": 1, "ack_timeout": "300ms"});
    let Some((_broker, client, queue)) = client::<Mosquitto>(further).await else { return };
    client.call(&json!({"queue": queue, "text": "poison"})).await.unwrap();
    let came = client.take_unsettled(&queue, Mosquitto::pull(1), 1).await;
    let error = client.fails(&json!({"requeue": [came[0]["token"]]})).await;
    assert_eq!(error.kind(), Kind::Unroutable, "{error}");
    let aside = Mosquitto::aside(&queue);
    assert!(error.message().starts_with("dead_letter: ") && error.message().contains(&aside), "{error}");
    let messages = || client.messages();
    assert_eq!((messages().put_aside, messages().unacknowledged), (0, 1));
    assert!(messages().put_aside_failed >= 1);
    // It is tried again.
    let dead = client.take(&aside, json!({"max": 1, "wait": 30}), 1).await;
    assert_eq!(dead[0]["text"], "poison", "{}", dead[0]);
    let counted = async {
        while (messages().put_aside, messages().unacknowledged) != (1, 0) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), counted).await.expect("it is counted, and taken away");
}

#[tokio::test]
async fn what_was_retained_is_not_retained_where_it_is_put_aside() {
    let Some((_broker, client, queue)) = client::<Mosquitto>(json!({})).await else { return };
    let topic = format!("{queue}/state");
    client.call(&json!({"queue": topic, "text": "old", "retain": true})).await.unwrap();
    let aside = Mosquitto::aside(&topic);
    client.pull_with(&aside, json!({"max": 1, "wait": "1ms"})).await;
    let came = client.take_unsettled(&topic, Mosquitto::pull(1), 1).await;
    assert_eq!((&came[0]["text"], &came[0]["retained"]), (&json!("old"), &json!(true)), "{}", came[0]);
    client.call(&json!({"dead_letter": [came[0]["token"]], "reason": "of no use"})).await.unwrap();
    assert_eq!(client.take(&aside, Mosquitto::pull(1), 1).await[0]["text"], "old");
    let mut late = client.listen(&json!({ "queue": aside })).await.unwrap();
    client.call(&json!({"queue": aside, "text": "new"})).await.unwrap();
    assert_eq!(late.message().await["text"], "new");
}
