//! What Kafka's producer and groups make of connections that are lost.

use std::time::Duration;

use serde_json::json;
use trunkline_core::Outcome;
use trunkline_testkit::MockKafka;

use super::Kafka;
use crate::{
    common::{Client, bodies},
    cut::pass,
    rules::{Broker, behind, client_at},
};

rules! { @cut Kafka: while_a_broker_is_down_attempts_are_few_and_nothing_is_kept }

/// How long a producer waits for a broker to write a record (`request.timeout.ms`), and a little more.
const PATIENCE: Duration = Duration::from_secs(31);

#[tokio::test]
async fn a_network_that_was_cut_is_noticed() {
    crate::cut::a_network_that_was_cut_is_noticed::<Kafka>("", PATIENCE).await;
}

#[tokio::test]
async fn an_acknowledgement_that_is_lost_on_the_way_loses_no_message() {
    crate::cut::an_acknowledgement_that_is_lost_on_the_way_loses_no_message::<Kafka>(true, PATIENCE).await;
}

/// The producer asks again by itself, under the number that the record had.
#[tokio::test]
async fn a_record_whose_confirm_was_lost_is_there_once_and_under_its_id() {
    let (relay, _broker, url) = behind::<Kafka>().await.unwrap();
    let (client, queue) = client_at::<Kafka>(&url, json!({})).await;
    client.call(&json!({"queue": queue, "message": "before"})).await.unwrap();
    relay.lose_answers();
    let other = client.beside(&url, json!({}));
    let publish = json!({"queue": queue, "message": 1});
    let (sent, came) = tokio::join!(client.call(&publish), async {
        let came = other.take(&queue, Kafka::pull(2), 2).await;
        relay.hang_up();
        came
    });
    assert_eq!(came[1]["message_id"], sent.unwrap()["message_id"]);
    client.call(&json!({"queue": queue, "message": "after"})).await.unwrap();
    let mut reader = client.listen(&json!({"queue": queue, "from": "earliest"})).await.unwrap();
    let all = [reader.message().await, reader.message().await, reader.message().await];
    assert_eq!(bodies(&all), [json!("before"), json!(1), json!("after")]);
}

#[tokio::test]
async fn a_record_that_was_under_way_when_the_broker_went_may_have_arrived() {
    let (relay, _broker, url) = behind::<Kafka>().await.unwrap();
    let (client, queue) = client_at::<Kafka>(&url, json!({})).await;
    client.call(&json!({"queue": queue, "message": "before"})).await.unwrap();
    relay.lose_answers();
    let other = client.beside(&url, json!({}));
    let publish = json!({"queue": queue, "message": 1});
    let (sent, ()) = tokio::join!(client.call(&publish), async {
        other.take(&queue, Kafka::pull(2), 2).await;
        relay.refuse(true);
        relay.hang_up();
        // Whoever sends finds nobody any more, which alone would say that nothing was sent.
        let before = relay.connections();
        while relay.connections() < before + 12 {
            tokio::task::yield_now().await;
        }
        pass(PATIENCE).await;
    });
    let error = sent.unwrap_err();
    assert_eq!(error.outcome(), Outcome::Unknown, "{error}");
    relay.refuse(false);
    let after = json!({"queue": queue, "message": "after"});
    while client.call(&after).await.is_err() {}
    let mut reader = client.listen(&json!({"queue": queue, "from": "earliest"})).await.unwrap();
    let all = [reader.message().await, reader.message().await, reader.message().await];
    assert_eq!(bodies(&all), [json!("before"), json!(1), json!("after")]);
}

#[tokio::test]
async fn an_acknowledgement_is_said_again_while_the_coordinator_is_not_there() {
    let mut kafka = MockKafka::start(1);
    kafka.topic("t", 1);
    let url = format!("kafka://{}?session_timeout=6s", kafka.brokers()[0]);
    let client = Client::of(&url, json!({}));
    client.call(&json!({"queue": "t", "message": 1})).await.unwrap();
    let came = client.take_unsettled("t", Kafka::pull(1), 1).await;
    kafka.error("OffsetCommit", "COORDINATOR_NOT_AVAILABLE", 3);
    client.ack(&came).await;
    assert_eq!(client.behind("t", Some(super::GROUP)).await, Some(0));
}

#[tokio::test]
async fn whoever_reads_alone_goes_on_behind_what_they_had() {
    let (relay, _broker, url) = behind::<Kafka>().await.unwrap();
    let (client, queue) = client_at::<Kafka>(&url, json!({})).await;
    let send = async |n: usize| while client.call(&json!({"queue": queue, "message": n})).await.is_err() {};
    send(0).await;
    send(1).await;
    let mut reader = client.listen(&json!({"queue": queue, "from": "earliest"})).await.unwrap();
    assert_eq!(bodies(&[reader.message().await, reader.message().await]), [0, 1]);
    for n in 2..4 {
        relay.refuse(true);
        relay.hang_up();
        while client.probe().await.is_ok() {}
        relay.refuse(false);
        send(n).await;
        let mut next = reader.next().await.unwrap();
        while next.0 == "reconnected" {
            next = reader.next().await.unwrap();
        }
        assert_eq!((&*next.0, bodies(&[next.1])), ("message", vec![json!(n)]));
    }
}
