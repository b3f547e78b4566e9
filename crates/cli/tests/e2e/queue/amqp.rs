//! RabbitMQ.

mod forward;

use std::net::SocketAddr;

use serde_json::json;
use trunkline_testkit::{RabbitMq, SharedRabbitMq};

use super::{Broker, Shop};

struct Shared(SharedRabbitMq);

impl Broker for Shared {
    async fn start() -> Option<Self> {
        RabbitMq::shared().await.map(Self)
    }

    fn url(&self) -> String {
        self.0.url()
    }

    fn address(&self) -> Option<SocketAddr> {
        self.0.address().parse().ok()
    }

    fn group() -> Option<&'static str> {
        None
    }
}

super::every!(Shared);

#[tokio::test]
async fn a_text_message_that_a_kill_cut_off_is_put_aside_when_it_comes_again() {
    super::once::a_text_message_that_a_kill_cut_off_is_put_aside_when_it_comes_again(
        super::once::with_an_id::<Shared>,
    )
    .await;
}

#[tokio::test]
async fn messages_are_counted_as_they_are_sent_and_dealt_with() {
    super::metrics::messages_are_counted::<Shared>().await;
}

#[tokio::test]
async fn how_much_waits_is_told_as_it_goes_up_and_down() {
    super::metrics::how_far_a_group_is_behind_is_told_as_it_goes_up_and_down::<Shared>().await;
}

#[tokio::test]
async fn what_is_under_way_is_counted_and_what_was_refused() {
    let Some(broker) = Shared::start().await else { return };
    super::metrics::what_is_under_way_is_counted_and_what_was_refused(broker.url()).await;
}

#[tokio::test]
async fn a_queue_that_is_not_there_is_told_by_its_name() {
    let Some(shop) = Shop::<Shared>::open(json!({})).await else { return };
    let publish = json!({"queue": "no-such-queue", "message": 1});
    let problem = shop.server.call("shop", &publish).await.json();
    assert_eq!(
        (&problem["kind"], &problem["outcome"]),
        (&json!("unroutable"), &json!("rejected")),
        "{problem}"
    );
    let pull = json!({"queue": "no-such-queue", "receive": {}});
    let problem = shop.server.call("shop", &pull).await.json();
    assert!(problem["detail"].as_str().unwrap().contains("no-such-queue"), "{problem}");
    let problem = shop.server.get(&format!("{}/stream?queue=no-such-queue", super::AT)).await.json();
    assert!(problem["detail"].as_str().unwrap().contains("no-such-queue"), "{problem}");
}

#[tokio::test]
async fn a_batch_of_which_nothing_arrives_says_why_of_each_message() {
    let Some(shop) = Shop::<Shared>::open(json!({})).await else { return };
    let messages = json!([{"message": 1, "message_id": "a"}, {"message": 2, "message_id": "b"}]);
    let batch = json!({"queue": "no-such-queue", "messages": messages});
    let problem = shop.server.call("shop", &batch).await.problem(422, "unroutable");
    let results = problem["results"].as_array().unwrap();
    let told =
        |n: usize| (&results[n]["message_id"], &results[n]["error"]["kind"], &results[n]["error"]["outcome"]);
    assert_eq!(told(0), (&json!("a"), &json!("unroutable"), &json!("rejected")), "{problem}");
    assert_eq!(told(1), (&json!("b"), &json!("unroutable"), &json!("rejected")), "{problem}");
    assert_eq!(results.len(), 2);
}

#[tokio::test]
async fn an_address_that_the_guard_refuses_is_never_dialled() {
    let Some(broker) = Shared::start().await else { return };
    let server = crate::harness::Server::begin().arg("--egress").arg("strict").start().await;
    server.has(&json!({"integration_id": "shop", "type": "message_queue", "base_url": broker.url()})).await;
    let problem = server.call("shop", &json!({"queue": "orders", "message": 1})).await.json();
    assert_eq!((&problem["kind"], &problem["outcome"]), (&json!("blocked"), &json!("not_sent")), "{problem}");
}

#[tokio::test]
async fn what_the_broker_did_not_hear_comes_again() {
    super::unheard::what_the_broker_did_not_hear_comes_again::<Shared>(false).await;
}
