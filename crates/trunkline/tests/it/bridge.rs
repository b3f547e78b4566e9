//! Messages that one integration passes on to another: all of them, whatever happens.

mod failures;
mod life;
mod once;

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU16, Ordering},
    },
    time::Duration,
};

use http::StatusCode;
use serde_json::{Value, json};
use tokio::sync::Notify;
use trunkline::{
    ConnectionConfig, Filter, IntegrationConfig, Kind, MASK, Manager, Message, Publish, Receive, unmask,
};
use trunkline_testkit::{Kafka, Peer};

use crate::{agreeable, answer, config, kind, lab, rest, until};

/// The queues, which pass on what is in `orders` with more of a configuration.
fn shop(more: &Value) -> Value {
    let mut shop = json!({
        "integration_id": "shop", "type": "message_queue", "base_url": "memory://shop",
        "forward": [{"queue": "orders", "to": "crm", "request": {
            "method": "POST", "endpoint": "/orders/{{message_id}}", "json": "{{message}}",
        }}],
    });
    shop.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    shop
}

/// The same queues for whoever looks into them.
async fn outside(manager: &Manager) {
    let desk = json!({"integration_id": "desk", "type": "message_queue", "base_url": "memory://shop"});
    manager.register(config(desk)).await.unwrap();
}

async fn send(manager: &Manager, n: u32) {
    let message =
        Message { id: Some(format!("m-{n}")), ..Message::json("orders", &json!({"n": n})).unwrap() };
    manager.call("desk", Publish::new(message)).await.unwrap();
}

/// The next message of a queue, however long it takes.
async fn next(manager: &Manager, queue: &str) -> Value {
    loop {
        let pull = Receive::pull(queue, 1, Duration::from_secs(20));
        let mut reply: Value = manager.call("desk", pull).await.unwrap().json().await.unwrap();
        if let Some(message) = reply["messages"].get_mut(0) {
            return message.take();
        }
    }
}

/// How many messages nobody has taken.
async fn left(manager: &Manager, queue: &str) -> u64 {
    let desk = manager.get("desk").unwrap();
    let all: Value = desk.schema(&mut desk.schema_call()).await.unwrap().json().await.unwrap();
    let queues = all["queues"].as_array().unwrap().iter();
    queues.filter(|one| one["name"] == queue).map(|one| one["messages"].as_u64().unwrap()).sum()
}

/// How the first bridge of an integration stands.
fn stands(manager: &Manager) -> Value {
    let state = serde_json::to_value(manager.get("shop").unwrap().state().unwrap()).unwrap();
    state["forward"][0].clone()
}

/// The messages that a peer got, in the order of their numbers, each once.
fn got(peer: &Peer) -> BTreeSet<u64> {
    let body = |body: &[u8]| serde_json::from_slice::<Value>(body).unwrap()["n"].as_u64().unwrap();
    peer.received().iter().map(|got| body(&got.body)).collect()
}

/// What is told of the queues that was no call.
fn events(manager: &Manager) -> Vec<(String, String)> {
    let shop = Filter { integration: Some("shop".to_owned()), limit: Some(1000), ..Filter::default() };
    let mut records = manager.activity().query(&shop);
    records.retain(|record| record.operation.starts_with("forward"));
    records.iter().map(|record| (record.operation.to_string(), record.kind.to_string())).collect()
}

/// A service that is asked once for each message.
fn crm(base_url: &str) -> IntegrationConfig {
    config(json!({
        "integration_id": "crm", "type": "rest", "base_url": base_url, "breaker": {"enabled": false},
        "retry_config": {"max_attempts": 1, "idempotency_header": "Idempotency-Key"},
    }))
}

#[tokio::test]
async fn each_message_is_passed_on_once_and_acknowledged() {
    let peer = agreeable().await;
    let manager = lab().build().await.unwrap();
    outside(&manager).await;
    for n in 0..50 {
        send(&manager, n).await;
    }
    manager.register(rest("crm", &peer.url())).await.unwrap();
    manager.register(config(shop(&json!({})))).await.unwrap();
    until("all are forwarded", async || stands(&manager)["forwarded"] == 50).await;
    send(&manager, 50).await;
    until("one more", async || stands(&manager)["forwarded"] == 51).await;
    assert_eq!((got(&peer), peer.received().len()), ((0..=50).collect(), 51));
    let first = &peer.received()[0];
    assert_eq!((first.method.as_str(), first.uri.path()), ("POST", "/orders/m-0"));
    assert_eq!(first.header("content-type"), "application/json");
    // Closed, it has nothing to give back.
    manager.set_enabled("shop", false).await.unwrap();
    assert_eq!(left(&manager, "orders").await, 0);
}

#[tokio::test]
async fn no_more_are_under_way_than_are_allowed() {
    let (now, most) = (Arc::new(AtomicU16::new(0)), Arc::new(AtomicU16::new(0)));
    let (open, go) = (Arc::new(AtomicBool::new(false)), Arc::new(Notify::new()));
    let peer = {
        let (now, most, open, go) = (now.clone(), most.clone(), open.clone(), go.clone());
        Peer::live(move |_| {
            most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            let (now, open, go) = (now.clone(), open.clone(), go.clone());
            async move {
                let told = go.notified();
                if !open.load(Ordering::SeqCst) {
                    told.await;
                }
                now.fetch_sub(1, Ordering::SeqCst);
                answer(StatusCode::OK, "")
            }
        })
        .await
    };
    let manager = lab().build().await.unwrap();
    outside(&manager).await;
    for n in 0..20 {
        send(&manager, n).await;
    }
    manager.register(crm(&peer.url())).await.unwrap();
    let mut three = shop(&json!({}));
    three["forward"][0]["concurrency"] = 3.into();
    manager.register(config(three)).await.unwrap();
    until("three are under way", async || now.load(Ordering::SeqCst) == 3).await;
    // What is not under way is not taken either.
    assert_eq!(left(&manager, "orders").await, 17);
    open.store(true, Ordering::SeqCst);
    go.notify_waiters();
    until("all are forwarded", async || stands(&manager)["forwarded"] == 20).await;
    assert_eq!(most.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn it_calls_through_the_connection_that_is_named() {
    let peer = agreeable().await;
    let manager = lab().build().await.unwrap();
    outside(&manager).await;
    let crm = json!({
        "integration_id": "crm", "type": "rest", "base_url": peer.url(),
        "auth_type": "bearer", "auth_config": {"token": "{{connection.token}}"},
    });
    manager.register(config(crm)).await.unwrap();
    let acme = json!({"connection": "acme", "values": {"token": "of-acme"}});
    manager.add_connection("crm", ConnectionConfig::from_json(acme).unwrap()).await.unwrap();
    let mut named = shop(&json!({}));
    named["forward"][0]["connection"] = "acme".into();
    manager.register(config(named)).await.unwrap();
    send(&manager, 1).await;
    until("it is forwarded", async || stands(&manager)["forwarded"] == 1).await;
    assert_eq!(peer.received()[0].header("authorization"), "Bearer of-acme");
    assert_eq!(stands(&manager)["connection"], "acme");
}

#[tokio::test]
async fn a_message_that_goes_to_another_queue_is_the_request_unless_one_is_given() {
    let manager = lab().build().await.unwrap();
    outside(&manager).await;
    let forward = json!({"forward": [
        {"queue": "orders", "to": "desk"},
        {"queue": "copies", "to": "shop", "request": {"queue": "orders.copied", "text": "no {{message/n}}"}},
    ]});
    manager.register(config(shop(&forward))).await.unwrap();
    let request = json!({"queue": "copies", "message": {"n": "7"}});
    manager.call("desk", Publish::new(Message::json("orders", &request).unwrap())).await.unwrap();
    assert_eq!(next(&manager, "orders.copied").await["text"], "no 7");
}

#[tokio::test]
async fn what_goes_in_a_circle_is_put_aside_with_the_reason() {
    let peer = agreeable().await;
    let manager = lab().build().await.unwrap();
    outside(&manager).await;
    let on = |to: &str| json!({"queue": to, "message": "{{message}}"});
    let forward = json!({"forward": [
        {"queue": "orders", "to": "desk", "request": on("copies")},
        {"queue": "copies", "to": "desk", "request": on("orders")},
    ]});
    let shop = manager.register(config(shop(&forward))).await.unwrap().handle;
    send(&manager, 1).await;
    let dead = next(&manager, "orders.dead").await;
    let reason = dead["headers"]["trunkline-dead-letter-reason"].as_str().unwrap();
    assert!(reason.starts_with("desk: rejected: it was passed on 16 times already"), "{reason}");
    assert_eq!((&dead["message"], &dead["headers"]["trunkline-hops"]), (&json!({"n": 1}), &json!("16")));
    let forwarded = shop.state().unwrap().forward.iter().map(|one| one.forwarded).sum::<u64>();
    assert_eq!((forwarded, left(&manager, "orders").await, left(&manager, "copies").await), (16, 0, 0));
    // It goes on with others, and says of each how often it was passed on.
    manager.register(rest("crm", &peer.url())).await.unwrap();
    manager.replace(config(self::shop(&json!({}))), None).await.unwrap();
    let mut third = Message::json("orders", &json!({"n": 2})).unwrap();
    third.set_header("Trunkline-Hops", "2");
    manager.call("desk", Publish::new(third)).await.unwrap();
    until("it is forwarded", async || !peer.received().is_empty()).await;
    assert_eq!(peer.received()[0].header("trunkline-hops"), "3");
}

#[tokio::test]
async fn what_cannot_work_is_refused_with_its_place() {
    let manager = lab().build().await.unwrap();
    let with = |entry: Value| {
        let mut whole = json!({"queue": "orders", "to": "crm"});
        whole.as_object_mut().unwrap().extend(entry.as_object().unwrap().clone());
        config(shop(&json!({"forward": [{"queue": "a", "to": "crm"}, whole]})))
    };
    for (entry, says) in [
        (json!({"queue": ""}), "forward[1].queue: is empty"),
        (json!({"to": "no such"}), "forward[1].to: is the id of no integration"),
        (json!({"connection": "a b"}), "forward[1].connection: no connection can have this name"),
        (json!({"concurrency": 0}), "forward[1].concurrency: must be from 1 to 1000"),
        (json!({"from": "yesterday"}), "forward[1]: from: must be earliest, latest, an offset, or a time"),
        (
            json!({"request": {"json": {"a": "{{nothing}}"}}}),
            "forward[1].request.json.a: unknown placeholder `{{nothing}}`",
        ),
        (json!({"to": "shop"}), "forward[1].to: messages would come back"),
        (
            json!({"to": "shop", "request": {"queue": "orders", "message": "{{message}}"}}),
            "forward[1].to: messages would",
        ),
        (
            json!({"to": "shop", "request": {"topic": "{{queue}}", "message": 1}}),
            "forward[1].to: messages would",
        ),
    ] {
        let error = manager.register(with(entry)).await.unwrap_err();
        assert_eq!(error.kind(), Kind::InvalidConfig);
        assert!(error.message().starts_with(says), "{error}");
    }
    let tenants = shop(&json!({"base_url": "amqp://{{connection.host}}"}));
    let error = manager.register(config(tenants)).await.unwrap_err();
    assert!(error.message().starts_with("forward: needs an integration without placeholders"), "{error}");
    assert_eq!(kind(manager.get("shop")), Kind::UnknownIntegration);
}

#[tokio::test]
async fn what_a_service_is_sent_is_masked_and_kept_when_it_is_sent_back() {
    let manager = lab().build().await.unwrap();
    let shop = shop(&json!({}));
    let handle = manager.register(config(shop.clone())).await.unwrap().handle;
    let mut shown = handle.config().unwrap().masked();
    // Its headers may hold a credential.
    assert_eq!(shown["forward"][0]["request"]["json"], MASK);
    assert_eq!(
        (&shown["forward"][0]["queue"], &shown["forward"][0]["to"]),
        (&json!("orders"), &json!("crm"))
    );
    unmask(&mut shown, &handle.config().unwrap().expose());
    assert_eq!(shown["forward"], shop["forward"]);
}

#[tokio::test]
async fn what_kafka_got_while_a_bridge_was_off_is_passed_on_though_no_group_is_named() {
    let kafka = Kafka::start().await;
    let at = format!("kafka://{}?session_timeout=6s", kafka.address());
    let peer = agreeable().await;
    let manager = lab().build().await.unwrap();
    let desk =
        json!({"integration_id": "desk", "type": "message_queue", "base_url": at, "declare": {"orders": {}}});
    manager.register(config(desk)).await.unwrap();
    manager.register(crm(&peer.url())).await.unwrap();
    for n in 0..3 {
        send(&manager, n).await;
    }
    manager.register(config(shop(&json!({ "base_url": at })))).await.unwrap();
    until("what was there before is passed on", async || stands(&manager)["forwarded"] == 3).await;
    manager.set_enabled("shop", false).await.unwrap();
    for n in 3..6 {
        send(&manager, n).await;
    }
    manager.set_enabled("shop", true).await.unwrap();
    until("so is what came meanwhile", async || got(&peer).len() == 6).await;
    assert_eq!(got(&peer), (0..6).collect());
}
