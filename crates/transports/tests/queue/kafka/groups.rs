//! Groups of Kafka: who has what, how far they have come, and how far they are behind.

use jiff::Timestamp;
use serde_json::json;
use trunkline_core::Transport as _;
use trunkline_testkit::MockKafka;

use super::{GROUP, Kafka};
use crate::{
    common::{Client, bodies, unique},
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
    assert!(next.behind(&queue, Some("trunkline")).await.is_some());
    assert_eq!(bodies(&next.take(&queue, pull, 1).await), [5]);
}

#[tokio::test]
async fn how_far_a_declared_group_is_behind_is_known_before_anybody_reads() {
    let mut kafka = MockKafka::start(1);
    kafka.topic("t", 1);
    let url = format!("kafka://{}?session_timeout=6s", kafka.brokers()[0]);
    let declare = json!({"declare": {"t": {"groups": ["billing"]}}});
    let lag = async |client: &Client| client.behind("t", Some("billing")).await;
    let first = Client::of(&url, declare.clone());
    first.call(&json!({"queue": "t", "messages": numbered(3)})).await.unwrap();
    assert_eq!(lag(&first).await, Some(3));
    // Somebody else reads.
    let reader = Client::of(&url, json!({}));
    reader.take("t", json!({"max": 2, "wait": 20, "group": "billing"}), 2).await;
    assert_eq!(lag(&Client::of(&url, declare)).await, Some(1));
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
    assert_eq!(third.was_behind(&queue, Some(GROUP)), Some(0));
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

/// Also where that is a time; one that has come somewhere goes on there, whatever it is told.
#[tokio::test]
async fn a_group_that_is_new_begins_where_it_is_told() {
    let (broker, client, queue) = client::<Kafka>(json!({})).await.unwrap();
    // One by one: Tansu takes the beginning of the last batch for the end of a partition.
    for message in numbered(5) {
        client.call(&json!({"queue": queue, "message": message["message"]})).await.unwrap();
        // The next has another time.
        let now = Timestamp::now().as_millisecond();
        while Timestamp::now().as_millisecond() == now {}
    }
    let all = client.take(&queue, Kafka::pull(5), 5).await;
    let time = all[2]["timestamp"].as_str().unwrap();
    for (from, first) in [("earliest", 0), ("3", 3), (time, 2)] {
        let mut reader = client.listen(&json!({"queue": queue, "from": from})).await.unwrap();
        assert_eq!(bodies(&[reader.message().await]), [first], "{from}, alone");
        let pull = json!({"max": 1, "wait": 20, "group": unique("new"), "from": from});
        for n in first..first + 2 {
            let other = client.beside(&broker.url(), json!({}));
            assert_eq!(bodies(&other.take(&queue, pull.clone(), 1).await), [n], "{from}");
            other.transport.close().await;
        }
    }
}

/// What came after a group began is its own, also if whoever got it goes before the group has dealt with anything.
#[tokio::test]
async fn a_group_that_began_with_the_latest_has_begun_there() {
    let (broker, client, queue) = client::<Kafka>(json!({})).await.unwrap();
    client.call(&json!({"queue": queue, "message": "before"})).await.unwrap();
    let first = client.beside(&broker.url(), json!({}));
    let pull = json!({"max": 1, "wait": 1, "group": "new", "from": "latest"});
    let mut came = Vec::new();
    for n in 0.. {
        came = first.pull_with(&queue, pull.clone()).await;
        if !came.is_empty() {
            break;
        }
        client.call(&json!({"queue": queue, "message": n})).await.unwrap();
    }
    first.transport.close().await;
    let second = client.beside(&broker.url(), json!({}));
    let again = second.take(&queue, json!({"max": 1, "wait": 20, "group": "new", "from": "latest"}), 1).await;
    assert_eq!(bodies(&again), bodies(&came));
}
