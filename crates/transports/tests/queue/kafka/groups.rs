//! Groups of Kafka: who has what, how far they have come, and how far they are behind.

use serde_json::json;
use trunkline_core::Transport as _;
use trunkline_testkit::MockKafka;

use super::{GROUP, Kafka};
use crate::{
    common::{Client, bodies},
    rules::{Broker, client, numbered},
};

/// What was sent while nobody read is there for whoever pulls, and what they acknowledge is remembered.
#[tokio::test]
async fn a_pull_that_names_no_group_is_one_of_a_group() {
    let (broker, client, queue) = client::<Kafka>(json!({})).await.unwrap();
    client.call(&json!({"queue": queue, "messages": numbered(5)})).await.unwrap();
    let pull = json!({"max": 5, "wait": 20});
    assert_eq!(bodies(&client.take(&queue, pull.clone(), 5).await), [0, 1, 2, 3, 4]);
    client.transport.close().await;
    let next = client.beside(&broker.url(), json!({"declare": {&queue: {}}}));
    next.call(&json!({"queue": queue, "message": 5})).await.unwrap();
    // How far the group is behind is known before anybody reads.
    let facts = next.probe().await.unwrap().facts;
    assert!(facts.iter().any(|(name, _)| *name == "lag"), "{facts:?}");
    assert_eq!(bodies(&next.take(&queue, pull, 1).await), [5]);
}

#[tokio::test]
async fn how_far_a_declared_group_is_behind_is_known_before_anybody_reads() {
    let mut kafka = MockKafka::start(1);
    kafka.topic("t", 1);
    let url = format!("kafka://{}?session_timeout=6s", kafka.brokers()[0]);
    let declare = json!({"declare": {"t": {"groups": ["billing"]}}});
    let lag = async |client: &Client| {
        let facts = client.probe().await.unwrap().facts;
        facts.into_iter().find(|(name, _)| *name == "lag").map(|(_, lag)| lag)
    };
    let first = Client::of(&url, declare.clone());
    first.call(&json!({"queue": "t", "messages": numbered(3)})).await.unwrap();
    assert_eq!(lag(&first).await.as_deref(), Some("3"));
    // Somebody else reads.
    let reader = Client::of(&url, json!({}));
    reader.take("t", json!({"max": 2, "wait": 20, "group": "billing"}), 2).await;
    assert_eq!(lag(&Client::of(&url, declare)).await.as_deref(), Some("1"));
    // Whoever does not say which groups there are hears of none.
    assert_eq!(lag(&Client::of(&url, json!({"declare": {"t": {}}}))).await, None);
}

#[tokio::test]
async fn a_group_goes_on_where_it_was_whoever_reads() {
    let (broker, client, queue) = client::<Kafka>(json!({})).await.unwrap();
    client.call(&json!({"queue": queue, "messages": numbered(4)})).await.unwrap();
    let came = client.take_unsettled(&queue, Kafka::pull(4), 4).await;
    // The first is not dealt with, so the group has come no further.
    client.ack(&came[1..3]).await;
    client.transport.close().await;
    let second = client.beside(&broker.url(), json!({}));
    let again = second.take(&queue, Kafka::pull(4), 4).await;
    assert_eq!(bodies(&again), bodies(&came));
    second.transport.close().await;
    let third = Client::of(&broker.url(), json!({}));
    third.call(&json!({"queue": queue, "text": "last"})).await.unwrap();
    assert_eq!(bodies(&third.take(&queue, Kafka::pull(4), 1).await), ["last"]);
    let proof = third.probe().await.unwrap();
    assert!(proof.facts.contains(&("lag", "0".to_owned())), "{proof:?}");
    assert!(proof.facts.contains(&("brokers", "1".to_owned())), "{proof:?}");
}

#[tokio::test]
async fn a_group_shares_partitions_and_nobody_gets_twice_what_is_acknowledged() {
    let mut kafka = MockKafka::start(2);
    kafka.topic("t", 4);
    kafka.coordinator(GROUP, 2);
    let url = format!("kafka://{}?session_timeout=6s", kafka.brokers()[0]);
    let [first, second] = [0; 2].map(|_| Client::of(&url, json!({})));
    let mut sent = 0_u64;
    let mut send = async || {
        for partition in 0..4 {
            first.call(&json!({"queue": "t", "partition": partition, "message": sent})).await.unwrap();
            sent += 1;
        }
        sent
    };
    let pull = json!({"max": 10, "wait": 1, "group": GROUP});
    let mut seen = Vec::new();
    let take = async |client: &Client, seen: &mut Vec<u64>| {
        let came = client.pull_with("t", pull.clone()).await;
        if !came.is_empty() {
            client.ack(&came).await;
        }
        seen.extend(bodies(&came).iter().map(|n| n.as_u64().unwrap()));
        came.len()
    };
    while take(&first, &mut seen).await == 0 {
        send().await;
    }
    // The second joins, and each has a part.
    let (mut one, mut two) = (0, 0);
    while one == 0 || two == 0 {
        send().await;
        two += take(&second, &mut seen).await;
        let more = take(&first, &mut seen).await;
        one += if two > 0 { more } else { 0 };
    }
    // It leaves, and the first has all.
    second.transport.close().await;
    let all = send().await;
    while (seen.len() as u64) < all {
        take(&first, &mut seen).await;
    }
    seen.sort_unstable();
    assert_eq!(seen, (0..all).collect::<Vec<u64>>());
}
