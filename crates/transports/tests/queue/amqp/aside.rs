//! Messages that are put aside: those of others, that have no id, and queues for them that others have made.

use lapin::{
    BasicProperties, Channel, Connection, ConnectionProperties,
    options::{BasicPublishOptions, ConfirmSelectOptions, QueueDeleteOptions},
};
use serde_json::{Value, json};
use trunkline_core::Kind;
use trunkline_testkit::{RabbitMq, SharedRabbitMq};

use super::Shared;
use crate::{
    common::{Client, bodies, unique},
    rules::{Broker, what_has_no_id_is_put_aside_too},
};

/// An address without its virtual host, and that.
fn split(url: &str) -> (&str, &str) {
    let login = url.find('@').unwrap();
    let end = url[login..].find('/').map_or(url.len(), |at| login + at);
    (&url[..end], if end == url.len() { "/" } else { &url[end + 1..] })
}

/// A channel of somebody else, and its connection.
pub(super) async fn other(url: &str) -> (Connection, Channel) {
    let (server, vhost) = split(url);
    let url = format!("{server}/{}", if vhost == "/" { "%2f" } else { vhost });
    let connection = Connection::connect(&url, ConnectionProperties::default()).await.unwrap();
    let channel = connection.create_channel().await.unwrap();
    channel.confirm_select(ConfirmSelectOptions::default()).await.unwrap();
    (connection, channel)
}

/// Makes a user with the password `swordfish` who may do all in the virtual host of this address, and make what `makes` says.
pub(super) fn let_in(node: &SharedRabbitMq, url: &str, user: &str, makes: &str) {
    node.add_user(user, "swordfish");
    let (_, vhost) = split(url);
    node.eval(&format!(
        "rabbit_auth_backend_internal:set_permissions(<<\"{user}\">>, <<\"{vhost}\">>, <<\"{makes}\">>, <<\".*\">>, <<\".*\">>, <<\"test\">>)"
    ));
}

#[tokio::test]
async fn what_has_no_id_and_is_sent_back_too_often_is_put_aside() {
    what_has_no_id_is_put_aside_too::<Shared>(async |url: &str, queue: &str, text: &str| {
        let (_connection, channel) = other(url).await;
        let (options, none) = (BasicPublishOptions::default(), BasicProperties::default());
        let sent = channel.basic_publish("".into(), queue.into(), options, text.as_bytes(), none);
        assert!(sent.await.unwrap().await.unwrap().is_ack());
    })
    .await;
}

#[tokio::test]
async fn quorum_queues_count_by_themselves_what_has_no_id() {
    let Some(node) = RabbitMq::shared().await else { return };
    let queue = unique("orders");
    let declare = json!({ &*queue: {"arguments": {"x-queue-type": "quorum"}} });
    let client = Client::of(&node.url(), json!({"declare": declare, "max_deliveries": 2}));
    client.probe().await.unwrap();
    let (_connection, channel) = other(&node.url()).await;
    let options = BasicPublishOptions::default();
    let sent = channel.basic_publish("".into(), (&*queue).into(), options, b"a", BasicProperties::default());
    assert!(sent.await.unwrap().await.unwrap().is_ack());
    // What was released as often as it may fail is sent anew, which begins at one.
    let all =
        [("release", 1), ("release", 1), ("requeue", 1), ("release", 2), ("requeue", 1), ("requeue", 2)];
    for (verdict, count) in all {
        let came = client.pull_with(&queue, Shared::pull(1)).await;
        assert_eq!(came[0]["deliveries"], count, "{}", came[0]);
        assert!(came[0]["headers"].get("x-delivery-count").is_none(), "{}", came[0]);
        client.call(&json!({ verdict: [came[0]["token"]] })).await.unwrap();
    }
    let dead = client.take(&Shared::aside(&queue), Shared::pull(1), 1).await;
    assert_eq!((bodies(&dead), &dead[0]["deliveries"]), (vec![json!("a")], &json!(1)));
}

/// One message is put aside.
async fn put_aside(client: &Client, queue: &str) -> trunkline_core::Result<Value> {
    client.call(&json!({"queue": queue, "text": "a"})).await.unwrap();
    let came = client.take_unsettled(queue, Shared::pull(1), 1).await;
    client.call(&json!({"dead_letter": [came[0]["token"]], "reason": "no"})).await
}

#[tokio::test]
async fn a_queue_that_is_there_takes_what_is_put_aside_whoever_made_it() {
    let Some(node) = RabbitMq::shared().await else { return };
    let (queue, stranger) = (unique("orders"), unique("stranger"));
    let aside = Shared::aside(&queue);
    let operator = json!({"declare": {&*queue: {}, &*aside: {"arguments": {"x-queue-type": "quorum"}}}});
    let operator = Client::of(&node.url(), operator);
    operator.probe().await.unwrap();
    let url = node.url();
    // To make a queue is not for this one.
    let_in(&node, &url, &stranger, "");
    let at = url.rsplit_once('@').unwrap().1;
    for url in [url.clone(), format!("amqp://{stranger}:swordfish@{at}")] {
        let client = Client::of(&url, json!({}));
        for _ in 0..2 {
            assert_eq!(put_aside(&client, &queue).await.unwrap()["settled"], 1);
        }
    }
    assert_eq!(operator.take(&aside, Shared::pull(10), 4).await.len(), 4);
}

#[tokio::test]
async fn a_queue_for_what_is_put_aside_is_made_again_after_it_was_deleted() {
    let Some(node) = RabbitMq::shared().await else { return };
    let queue = unique("orders");
    let aside = Shared::aside(&queue);
    let client = Client::of(&node.url(), json!({"declare": {&*queue: {}}, "ack_timeout": "300ms"}));
    client.probe().await.unwrap();
    put_aside(&client, &queue).await.unwrap();
    let (_connection, channel) = other(&node.url()).await;
    channel.queue_delete((&*aside).into(), QueueDeleteOptions::default()).await.unwrap();
    let error = put_aside(&client, &queue).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Unroutable, "{error}");
    // It is held, and comes again.
    let came = client.pull_with(&queue, Shared::pull(1)).await;
    client.call(&json!({"dead_letter": [came[0]["token"]], "reason": "no"})).await.unwrap();
    assert_eq!(bodies(&client.take(&aside, Shared::pull(1), 1).await), ["a"]);
}
