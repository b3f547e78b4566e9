//! RabbitMQ while it has an alarm.

use serde_json::json;
use tokio::task::yield_now;
use trunkline_core::{Kind, Outcome};
use trunkline_testkit::RabbitMq;

use super::Own;
use crate::{
    common::{Client, bodies, unique},
    rules::{Broker, numbered},
};

#[tokio::test]
async fn an_alarm_keeps_nobody_from_reading_and_is_told_to_those_who_publish() {
    let Some(node) = RabbitMq::start().await else { return };
    let queue = unique("orders");
    let client = Client::of(&node.url(), json!({"declare": {&*queue: {}}}));
    client.call(&json!({"queue": queue, "messages": numbered(3)})).await.unwrap();
    let first = client.pull_with(&queue, json!({"max": 1})).await;
    node.set_alarm(true);
    // It is heard of by and by: what is sent before that is taken, or stays at the broker until it is over.
    let publish = json!({"queue": queue, "message": 3});
    let (mut taken, mut doubted) = (0, 0);
    loop {
        let Err(error) = client.call(&publish).await else {
            assert_eq!(doubted, 0, "the alarm was heard of before");
            taken += 1;
            continue;
        };
        assert_eq!(error.kind(), Kind::Unavailable, "{error}");
        assert!(error.message().contains("takes no messages (low on memory)"), "{error}");
        match error.outcome() {
            Outcome::NotSent => break,
            Outcome::Unknown => doubted += 1,
            other => panic!("{other:?}: {error}"),
        }
    }
    let asks = json!({"queue": queue, "message": 3, "wait_response": true});
    assert_eq!(client.fails(&asks).await.outcome(), Outcome::NotSent);
    let ill = client.probe().await.unwrap_err();
    assert!(ill.message().contains("low on memory"), "{ill}");
    // The messages that there are go on to those who read them, and what they acknowledge is heard.
    client.ack(&first).await;
    assert_eq!(bodies(&client.take(&queue, Own::pull(10), 2).await), [1, 2]);
    assert_eq!(node.eval("rabbit_alarm:get_alarms() =/= []"), "true");
    node.set_alarm(false);
    while client.probe().await.is_err() {
        yield_now().await;
    }
    client.call(&json!({"queue": queue, "message": 4})).await.unwrap();
    let left: Vec<_> = std::iter::repeat_n(json!(3), taken + doubted).chain([json!(4)]).collect();
    assert_eq!(bodies(&client.take(&queue, Own::pull(10), left.len()).await), left);
}
