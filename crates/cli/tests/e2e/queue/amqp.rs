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
}

super::every!(Shared);

#[tokio::test]
async fn messages_are_counted_as_they_are_sent_and_dealt_with() {
    super::metrics::messages_are_counted::<Shared>(Some(3)).await;
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
async fn an_address_that_the_guard_refuses_is_never_dialled() {
    let Some(broker) = Shared::start().await else { return };
    let server = crate::harness::Server::begin().arg("--egress").arg("strict").start().await;
    server.has(&json!({"integration_id": "shop", "type": "message_queue", "base_url": broker.url()})).await;
    let problem = server.call("shop", &json!({"queue": "orders", "message": 1})).await.json();
    assert_eq!((&problem["kind"], &problem["outcome"]), (&json!("blocked"), &json!("not_sent")), "{problem}");
}
