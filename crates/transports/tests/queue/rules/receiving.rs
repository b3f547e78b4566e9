//! What becomes of messages that were received.

use std::time::Duration;

use serde_json::{Value, json};
use trunkline_core::Kind;

use super::{Broker, client, numbered};
use crate::common::bodies;

pub(crate) async fn what_is_not_acknowledged_comes_again<B: Broker>() {
    let Some((_broker, client, queue)) = client::<B>(json!({"ack_timeout": "300ms"})).await else { return };
    client.call(&json!({"queue": queue, "message": 1})).await.unwrap();
    let first = client.pull_with(&queue, B::pull(10)).await;
    let again = client.pull_with(&queue, B::pull(10)).await;
    assert_eq!((bodies(&first), bodies(&again)), (vec![json!(1)], vec![json!(1)]));
    assert_eq!(again[0]["redelivered"], true, "{}", again[0]);
    let late = client.fails(&json!({"ack": [first[0]["token"]]})).await;
    assert_eq!(late.kind(), Kind::Rejected, "{late}");
    client.ack(&again).await;
    let none = client.call(&json!({"queue": queue, "receive": {"max": 1}})).await.unwrap();
    assert_eq!(none["messages"], json!([]), "what was acknowledged is gone");
}

pub(crate) async fn what_is_sent_back_too_often_is_put_aside<B: Broker>() {
    let Some((_broker, client, queue)) = client::<B>(json!({"max_deliveries": 3})).await else { return };
    client.call(&json!({"queue": queue, "text": "poison", "headers": {"a": "b"}})).await.unwrap();
    for count in 1..=3 {
        let came = client.pull_with(&queue, B::pull(1)).await;
        assert_eq!(bodies(&came), ["poison"], "delivery {count}");
        let reply = client.call(&json!({"requeue": [came[0]["token"]]})).await.unwrap();
        assert_eq!(reply["settled"], 1, "{reply}");
    }
    client.call(&json!({"queue": queue, "text": "neighbour"})).await.unwrap();
    assert_eq!(bodies(&client.take(&queue, B::pull(1), 1).await), ["neighbour"]);
    let dead = client.take(&B::aside(&queue), B::pull(1), 1).await;
    assert_eq!(bodies(&dead), ["poison"]);
    let headers = &dead[0]["headers"];
    assert_eq!(headers["a"], "b", "{headers}");
    assert_eq!(headers["trunkline-dead-letter-queue"], queue.as_str(), "{headers}");
    assert_eq!(headers["trunkline-dead-letter-deliveries"], "3", "{headers}");
}

pub(crate) async fn whoever_gets_a_message_can_put_it_aside_with_the_reason<B: Broker>() {
    let Some((_broker, client, queue)) = client::<B>(json!({})).await else { return };
    client.call(&json!({"queue": queue, "messages": numbered(2)})).await.unwrap();
    let came = client.take_unsettled(&queue, B::pull(2), 2).await;
    let said = json!({
        "dead_letter": [came[0]["token"]], "reason": "no such customer,\nsays crm\u{1}", "reject": [came[1]["token"]],
    });
    assert_eq!(client.call(&said).await.unwrap()["settled"], 2);
    let dead = client.take(&B::aside(&queue), B::pull(1), 1).await;
    assert_eq!(bodies(&dead), bodies(&came[..1]));
    // A header has one line.
    assert_eq!(dead[0]["headers"]["trunkline-dead-letter-reason"], "no such customer, says crm");
    let none = client.call(&json!({"queue": queue, "receive": {"max": 1}})).await.unwrap();
    assert_eq!(none["messages"], json!([]), "what was rejected is gone");
}

pub(crate) async fn what_is_sent_back_comes_at_once_though_others_are_held<B: Broker>() {
    let Some((_broker, client, queue)) = client::<B>(json!({"ack_timeout": "60s"})).await else { return };
    client.call(&json!({"queue": queue, "messages": numbered(40)})).await.unwrap();
    let held = client.take_unsettled(&queue, B::pull(40), 40).await;
    client.call(&json!({"requeue": [held[39]["token"]]})).await.unwrap();
    let came = client.take_unsettled(&queue, B::pull(1), 1).await;
    assert_eq!(bodies(&came), bodies(&held[39..]));
}

/// Where what was read stays, and groups remember how far they have come.
pub(crate) async fn a_group_that_is_new_begins_where_it_is_told<B: Broker>() {
    let Some((_broker, client, queue)) = client::<B>(json!({})).await else { return };
    let group = |group: &str, from: &Value| json!({"max": 10, "wait": "1ms", "group": group, "from": from});
    client.call(&json!({"queue": queue, "messages": numbered(2)})).await.unwrap();
    assert_eq!(client.pull_with(&queue, group("late", &json!("latest"))).await, [Value::Null; 0]);
    client.call(&json!({"queue": queue, "message": 2})).await.unwrap();
    let all = client.take(&queue, group("all", &json!("earliest")), 3).await;
    assert_eq!(bodies(&all), [0, 1, 2]);
    assert_eq!(bodies(&client.take(&queue, group("late", &json!("latest")), 1).await), [2]);
    assert!(all[1]["timestamp"] != all[2]["timestamp"], "{all:?}");
    let since = client.take(&queue, group("since", &all[2]["timestamp"]), 1).await;
    assert_eq!(bodies(&since), [2]);
    // One that is there goes on where it has come to, whatever is said.
    assert_eq!(client.pull_with(&queue, group("since", &json!("earliest"))).await, [Value::Null; 0]);
}

pub(crate) async fn a_stream_has_so_many_unacknowledged_and_gives_back_what_it_had<B: Broker>() {
    let Some((_broker, client, queue)) = client::<B>(json!({})).await else { return };
    client.call(&json!({"queue": queue, "messages": numbered(10)})).await.unwrap();
    let mut listen = json!({"queue": queue, "prefetch": 2});
    listen.as_object_mut().unwrap().extend(B::listen().as_object().unwrap().clone());
    let mut reader = client.listen(&listen).await.unwrap();
    let first = [reader.message().await, reader.message().await];
    let third = tokio::time::timeout(Duration::from_millis(200), reader.next()).await;
    assert!(third.is_err(), "two may be unacknowledged");
    client.ack(&first[..1]).await;
    let third = reader.message().await;
    let second = bodies(&first[1..])[0].clone();
    drop(reader);
    // What was handed out and not acknowledged comes to whoever is next, and nothing else is missing.
    let mut pull = B::pull(10);
    pull.as_object_mut().unwrap().extend(B::listen().as_object().unwrap().clone());
    let came = client.take(&queue, pull, 9).await;
    let mut numbers: Vec<_> = bodies(&came).iter().map(|n| n.as_u64().unwrap()).collect();
    numbers.sort_unstable();
    let done = bodies(&first[..1])[0].as_u64().unwrap();
    assert_eq!(numbers, (0..10).filter(|n| *n != done).collect::<Vec<_>>());
    assert!(numbers.contains(&second.as_u64().unwrap()));
    assert!(numbers.contains(&bodies(&[third])[0].as_u64().unwrap()));
}

/// What was on its way to a caller who went away while they waited is not kept from others for long: nobody has it.
pub(crate) async fn what_comes_for_a_caller_who_is_gone_comes_to_the_next<B: Broker>() {
    let Some((_broker, client, queue)) = client::<B>(json!({"ack_timeout": "60s"})).await else { return };
    // Joined and waiting, and then gone, in the middle of whatever they do.
    let pull = json!({"queue": queue, "receive": B::pull(10)});
    for wait in [1, 5, 20, 50, 100, 200, 300] {
        let gone = tokio::time::timeout(Duration::from_millis(wait), client.call(&pull)).await;
        assert!(gone.is_err(), "there is nothing yet");
    }
    client.call(&json!({"queue": queue, "messages": numbered(3)})).await.unwrap();
    for wait in [0, 1, 2, 3, 5, 8] {
        if let Ok(came) = tokio::time::timeout(Duration::from_millis(wait), client.call(&pull)).await {
            let came = came.unwrap();
            let tokens: Vec<_> =
                came["messages"].as_array().unwrap().iter().map(|one| &one["token"]).collect();
            client.call(&json!({ "release": tokens })).await.unwrap();
        }
    }
    let mut all = Vec::new();
    let take = async {
        while all.len() < 3 {
            let came = client.pull_with(&queue, B::pull(10)).await;
            for one in &came {
                assert!(one["deliveries"].is_null() || one["deliveries"] == 1, "nobody had it: {one}");
            }
            all.extend(bodies(&came));
        }
    };
    tokio::time::timeout(Duration::from_secs(30), take).await.expect("what nobody has comes to the next");
    all.sort_by_key(Value::to_string);
    assert_eq!(all, [0, 1, 2]);
}

pub(crate) async fn a_stream_may_acknowledge_by_itself<B: Broker>() {
    let Some((_broker, client, queue)) = client::<B>(json!({})).await else { return };
    let mut reader = client.listen(&json!({"queue": queue, "ack": "auto"})).await.unwrap();
    client.call(&json!({"queue": queue, "messages": numbered(100)})).await.unwrap();
    let mut numbers = Vec::new();
    for _ in 0..100 {
        let message = reader.message().await;
        assert!(message.get("token").is_none(), "{message}");
        numbers.push(bodies(&[message])[0].as_u64().unwrap());
    }
    numbers.sort_unstable();
    assert_eq!(numbers, (0..100).collect::<Vec<_>>());
}
