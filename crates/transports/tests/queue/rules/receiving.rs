//! What becomes of messages that were received.

use std::time::Duration;

use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use trunkline_core::Kind;

use super::{Broker, client, keep_aside, numbered};
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
    keep_aside::<B>(&client, &queue).await;
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

/// As often as it is unless set; those before and behind it pass meanwhile.
pub(crate) async fn what_fails_goes_aside_after_five_deliveries_and_its_neighbours_pass<B: Broker>() {
    let Some((_broker, client, queue)) = client::<B>(json!({})).await else { return };
    keep_aside::<B>(&client, &queue).await;
    let messages = json!([{"message": 0}, {"text": "poison"}, {"message": 1}, {"message": 2}]);
    client.call(&json!({"queue": queue, "messages": messages})).await.unwrap();
    let (mut tries, mut passed) = (0, Vec::new());
    while tries < 5 || passed.len() < 4 {
        let came = client.take_unsettled(&queue, B::pull(10), 1).await;
        for one in came {
            if one["text"] == "poison" {
                tries += 1;
                assert_eq!(one["deliveries"], tries, "{one}");
                let reply = client.call(&json!({"requeue": [one["token"]]})).await.unwrap();
                assert_eq!(reply["settled"], 1, "{reply}");
                if tries == 3 {
                    client.call(&json!({"queue": queue, "message": 3})).await.unwrap();
                }
            } else {
                client.ack(std::slice::from_ref(&one)).await;
                passed.push(one["message"].as_u64().unwrap());
            }
        }
    }
    passed.sort_unstable();
    assert_eq!((tries, passed), (5, vec![0, 1, 2, 3]), "each neighbour came once");
    let dead = client.take(&B::aside(&queue), B::pull(1), 1).await;
    assert_eq!(bodies(&dead), ["poison"]);
    let headers = &dead[0]["headers"];
    assert_eq!(headers["trunkline-dead-letter-deliveries"], "5", "{headers}");
    assert_eq!(
        headers["trunkline-dead-letter-reason"], "delivered 5 times and sent back each time",
        "{headers}"
    );
    assert_eq!(client.messages().put_aside, 1);
}

/// Messages of others need no id. What is the same in all else has one count as good as the other.
pub(crate) async fn what_has_no_id_is_put_aside_too<B: Broker>(send: impl AsyncFn(&str, &str, &str)) {
    let Some((broker, client, queue)) = client::<B>(json!({"max_deliveries": 3})).await else { return };
    keep_aside::<B>(&client, &queue).await;
    let (url, back) = (broker.url(), async |verdict: &'static str, came: &[Value]| {
        let reply = client.call(&json!({ verdict: [came[0]["token"]] })).await.unwrap();
        assert_eq!(reply["settled"], 1, "{reply}");
    });
    for text in ["poison", "poison", "good"] {
        send(&url, &queue, text).await;
    }
    assert_eq!(bodies(&client.take(&queue, B::pull(1), 1).await), ["poison"]);
    for count in 1..=3 {
        let came = client.pull_with(&queue, B::pull(1)).await;
        assert!(came[0].get("message_id").is_none(), "{}", came[0]);
        assert_eq!(
            (&came[0]["text"], &came[0]["deliveries"]),
            (&json!("poison"), &json!(count)),
            "{}",
            came[0]
        );
        back("requeue", &came).await;
    }
    let dead = client.take(&B::aside(&queue), B::pull(1), 1).await;
    assert_eq!(bodies(&dead), ["poison"]);
    assert_eq!(dead[0]["headers"]["trunkline-dead-letter-deliveries"], "3", "{}", dead[0]);
    // What is nobody's fault does not count.
    for _ in 0..5 {
        let came = client.pull_with(&queue, B::pull(1)).await;
        assert_eq!((&came[0]["text"], &came[0]["deliveries"]), (&json!("good"), &json!(1)), "{}", came[0]);
        back("release", &came).await;
    }
    assert_eq!(bodies(&client.take(&queue, B::pull(1), 1).await), ["good"]);
}

pub(crate) async fn whoever_gets_a_message_can_put_it_aside_with_the_reason<B: Broker>() {
    let Some((_broker, client, queue)) = client::<B>(json!({})).await else { return };
    keep_aside::<B>(&client, &queue).await;
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

/// A pull that acknowledges by itself does so when its reply was taken to its end: who vanishes before takes nothing along.
pub(crate) async fn a_reply_that_is_not_taken_to_its_end_takes_no_message_along<B: Broker>() {
    let Some((_broker, client, queue)) = client::<B>(json!({"ack_timeout": "60s"})).await else { return };
    client.call(&json!({"queue": queue, "message": 1})).await.unwrap();
    let mut pull = B::pull(1);
    pull["ack"] = json!("auto");
    let pull = json!({"queue": queue, "receive": pull});
    for pieces in [0, 1, 0, 1] {
        let mut body = client.reply(&pull).await.unwrap().body;
        for _ in 0..pieces {
            let piece = body.frame().await.unwrap().unwrap().into_data().unwrap();
            assert!(piece.starts_with(b"{\"messages\":[{"), "{piece:?}");
        }
        drop(body);
    }
    let came = client.call(&pull).await.unwrap();
    let one = &came["messages"][0];
    assert_eq!(one["message"], 1, "{came}");
    assert!(one["deliveries"].is_null() || one["deliveries"] == 1, "nobody had it: {came}");
    assert!(one.get("token").is_none(), "{came}");
    let none =
        json!({"queue": queue, "receive": {"max": 1, "ack": "auto", "group": pull["receive"]["group"]}});
    assert_eq!(client.call(&none).await.unwrap(), json!({"messages": []}), "the broker has heard of it");
}

/// What nobody has read is not acknowledged, whatever has come as far as to them.
pub(crate) async fn what_waits_for_a_client_who_never_reads_comes_to_the_next<B: Broker>() {
    let Some((_broker, client, queue)) = client::<B>(json!({})).await else { return };
    client.call(&json!({"queue": queue, "messages": numbered(3)})).await.unwrap();
    let mut listen = json!({"queue": queue, "ack": "auto"});
    listen.as_object_mut().unwrap().extend(B::listen().as_object().unwrap().clone());
    let mut reader = client.listen(&listen).await.unwrap();
    let first = bodies(&[reader.message().await]);
    // The next is on its way by the time that something behind it can come.
    client.call(&json!({"queue": queue, "message": 3})).await.unwrap();
    client.probe().await.unwrap();
    drop(reader);
    let mut pull = B::pull(10);
    pull.as_object_mut().unwrap().extend(B::listen().as_object().unwrap().clone());
    let mut rest = Vec::new();
    while rest.len() < 3 {
        rest.extend(bodies(&client.take(&queue, pull.clone(), 1).await));
        // It had been taken, and the broker did not hear that yet.
        rest.retain(|message| *message != first[0]);
    }
    rest.sort_by_key(Value::to_string);
    let missing: Vec<_> = (0..4).map(Value::from).filter(|n| *n != first[0]).collect();
    assert_eq!(rest, missing);
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
