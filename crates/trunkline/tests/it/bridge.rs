//! Messages that one integration passes on to another: all of them, whatever happens, and each fault to where it belongs.

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
use tokio::{io::AsyncReadExt, sync::Notify};
use trunkline::{
    ConnectionConfig, Filter, IntegrationConfig, Kind, MASK, Manager, Message, Publish, Receive, Source,
    SqliteOptions, SqliteStore, State, unmask,
};
use trunkline_testkit::{Kafka, Peer};

use crate::{agreeable, answer, config, kind, lab, nobody, rest, until};

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
async fn while_nobody_answers_messages_wait_and_that_does_not_count_against_them() {
    let peer = agreeable().await;
    let manager = lab().build().await.unwrap();
    outside(&manager).await;
    for n in 0..20 {
        send(&manager, n).await;
    }
    manager.register(crm(&nobody())).await.unwrap();
    // Were a delivery counted, the next would be one too many.
    let hasty = json!({"max_deliveries": 1, "ack_timeout": "300ms"});
    manager.register(config(shop(&hasty))).await.unwrap();
    until("it is paused", async || stands(&manager)["state"] == "paused").await;
    let state = stands(&manager);
    assert!(state["reason"].as_str().unwrap().starts_with("unavailable: "), "{state}");
    assert!(state["paused_since_ms"].as_u64().unwrap() > 0, "{state}");
    let health = manager.health("shop").await.unwrap();
    assert_eq!((health.state, health.reason_code), (State::Degraded, "forward_paused"));
    assert!(health.detail.unwrap().starts_with("messages of orders are not forwarded to crm: unavailable: "));
    // All that were taken have come back.
    until("they are given back", async || left(&manager, "orders").await == 20).await;
    manager.replace(crm(&peer.url()), None).await.unwrap();
    until("all are forwarded", async || stands(&manager)["forwarded"] == 20).await;
    assert_eq!(got(&peer), (0..20).collect());
    assert_eq!(left(&manager, "orders.dead").await, 0);
    assert_eq!((&stands(&manager)["state"], &stands(&manager)["failed"]), (&json!("forwarding"), &json!(0)));
    until("the activity says so", async || events(&manager).len() >= 2).await;
    let events = events(&manager);
    let events: Vec<_> = events.iter().map(|(event, kind)| (&**event, &**kind)).collect();
    assert_eq!(events[..2], [("forward_resumed", "ok"), ("forward_paused", "unavailable")]);
}

#[tokio::test]
async fn a_service_that_says_it_is_unavailable_is_waited_for() {
    let status = Arc::new(AtomicU16::new(503));
    let says = status.clone();
    let peer =
        Peer::http(move |_| answer(StatusCode::from_u16(says.load(Ordering::SeqCst)).unwrap(), "")).await;
    let manager = lab().build().await.unwrap();
    outside(&manager).await;
    for n in 0..10 {
        send(&manager, n).await;
    }
    manager.register(crm(&peer.url())).await.unwrap();
    // Long enough for a call on a busy machine, and shorter than what follows: whoever held a message would lose it.
    let hold = Duration::from_secs(2);
    let begun = tokio::time::Instant::now();
    manager.register(config(shop(&json!({"max_deliveries": 1, "ack_timeout": "2s"})))).await.unwrap();
    until("they were tried more than once, and for longer than one may be held", async || {
        peer.received().len() > 12 && begun.elapsed() > hold + hold / 2
    })
    .await;
    status.store(200, Ordering::SeqCst);
    until("all are forwarded", async || stands(&manager)["forwarded"] == 10).await;
    assert_eq!(got(&peer), (0..10).collect());
    assert_eq!(left(&manager, "orders.dead").await, 0);
}

#[tokio::test]
async fn a_message_that_is_rejected_is_put_aside_with_the_reason_and_holds_up_no_other() {
    let peer = Peer::http(|got| {
        let status = if got.uri.path().ends_with("/m-1") { 422 } else { 200 };
        answer(StatusCode::from_u16(status).unwrap(), "")
    })
    .await;
    let manager = lab().build().await.unwrap();
    outside(&manager).await;
    for n in 0..3 {
        send(&manager, n).await;
    }
    manager.register(crm(&peer.url())).await.unwrap();
    manager.register(config(shop(&json!({})))).await.unwrap();
    let dead = next(&manager, "orders.dead").await;
    assert_eq!((&dead["message"], &dead["message_id"]), (&json!({"n": 1}), &json!("m-1")));
    let reason = dead["headers"]["trunkline-dead-letter-reason"].as_str().unwrap();
    assert!(reason.starts_with("crm: rejected: "), "{reason}");
    until("the others are forwarded", async || stands(&manager)["forwarded"] == 2).await;
    let state = stands(&manager);
    assert_eq!(
        (&state["put_aside"], &state["failed"], &state["state"]),
        (&json!(1), &json!(1), &json!("forwarding"))
    );
    assert_eq!(peer.received().len(), 3);
}

#[tokio::test]
async fn a_message_of_which_no_request_can_be_made_is_put_aside() {
    let peer = agreeable().await;
    let manager = lab().build().await.unwrap();
    outside(&manager).await;
    manager.register(crm(&peer.url())).await.unwrap();
    let forward = json!({"forward": [{
        "queue": "orders", "to": "crm", "request": {"endpoint": "/{{message/customer}}"},
    }]});
    manager.register(config(shop(&forward))).await.unwrap();
    send(&manager, 1).await;
    let dead = next(&manager, "orders.dead").await;
    assert_eq!(
        dead["headers"]["trunkline-dead-letter-reason"],
        "crm: invalid_config: forward[0].request.endpoint: the message has no message/customer"
    );
    assert!(peer.received().is_empty());
}

#[tokio::test]
async fn a_message_of_which_nobody_knows_what_became_is_sent_again_under_the_same_key_until_it_is_too_often()
{
    let peer = Peer::http(|got| {
        let status = if got.uri.path().ends_with("/m-1") { 500 } else { 200 };
        answer(StatusCode::from_u16(status).unwrap(), "")
    })
    .await;
    let manager = lab().build().await.unwrap();
    outside(&manager).await;
    for n in 0..3 {
        send(&manager, n).await;
    }
    manager.register(crm(&peer.url())).await.unwrap();
    manager.register(config(shop(&json!({"max_deliveries": 3})))).await.unwrap();
    let dead = next(&manager, "orders.dead").await;
    assert_eq!(dead["message"], json!({"n": 1}));
    assert_eq!(dead["headers"]["trunkline-dead-letter-deliveries"], "3");
    let received = peer.received();
    let keys: Vec<_> = received.iter().map(|got| (got.uri.path(), got.header("idempotency-key"))).collect();
    let of = |path: &str| keys.iter().filter(|(to, _)| *to == path).map(|(_, key)| *key).collect::<Vec<_>>();
    let (other, tried) = (of("/orders/m-0"), of("/orders/m-1"));
    assert_eq!((other.len(), tried.len()), (1, 3));
    assert!(tried.iter().all(|key| *key == tried[0]) && tried[0] != other[0], "{keys:?}");
}

#[tokio::test]
async fn a_text_message_that_may_have_been_sent_is_put_aside_and_sent_once() {
    let peer = Peer::http(|_| answer(StatusCode::INTERNAL_SERVER_ERROR, "{}")).await;
    let manager = lab().build().await.unwrap();
    outside(&manager).await;
    let tw = json!({
        "integration_id": "tw", "connector": "twilio", "base_url": peer.url(),
        "inputs": {"account_sid": format!("AC{}", "0".repeat(32)), "auth_token": "t"},
    });
    manager.register(config(tw)).await.unwrap();
    let input = json!({"to": "+15558675310", "from": "+15017122661", "body": "Order {{message/n}}"});
    let forward = json!([{"queue": "orders", "to": "tw", "request": {"action": "send_sms", "input": input}}]);
    manager.register(config(shop(&json!({"forward": forward})))).await.unwrap();
    send(&manager, 1).await;
    let dead = next(&manager, "orders.dead").await;
    assert_eq!((&dead["message"], peer.received().len()), (&json!({"n": 1}), 1));
    let reason = dead["headers"]["trunkline-dead-letter-reason"].as_str().unwrap();
    assert!(reason.starts_with("tw: failed: may have been done; "), "{reason}");
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
async fn switched_off_it_gives_back_what_it_holds_and_takes_no_more() {
    let peer = agreeable().await;
    let manager = lab().build().await.unwrap();
    outside(&manager).await;
    for n in 0..5 {
        send(&manager, n).await;
    }
    manager.register(crm(&nobody())).await.unwrap();
    manager.register(config(shop(&json!({})))).await.unwrap();
    until("it holds messages", async || {
        stands(&manager)["state"] == "paused" && left(&manager, "orders").await < 5
    })
    .await;
    manager.set_enabled("shop", false).await.unwrap();
    assert_eq!(left(&manager, "orders").await, 5);
    assert_eq!(stands(&manager)["state"], "stopped");
    manager.replace(crm(&peer.url()), None).await.unwrap();
    assert_eq!((left(&manager, "orders").await, peer.received().len()), (5, 0));
    manager.set_enabled("shop", true).await.unwrap();
    until("all are forwarded", async || stands(&manager)["forwarded"] == 5).await;
    assert_eq!(left(&manager, "orders.dead").await, 0);
    manager.remove("shop", None).await.unwrap();
    send(&manager, 9).await;
    assert_eq!(left(&manager, "orders").await, 1);
}

#[tokio::test]
async fn what_is_under_way_when_it_stops_ends_and_is_acknowledged() {
    let (arrived, go) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let peer = {
        let (arrived, go) = (arrived.clone(), go.clone());
        Peer::live(move |_| {
            let (arrived, go) = (arrived.clone(), go.clone());
            async move {
                arrived.notify_one();
                go.notified().await;
                answer(StatusCode::OK, "")
            }
        })
        .await
    };
    let manager = lab().build().await.unwrap();
    outside(&manager).await;
    manager.register(crm(&peer.url())).await.unwrap();
    manager.register(config(shop(&json!({})))).await.unwrap();
    send(&manager, 1).await;
    arrived.notified().await;
    let held = manager.get("shop").unwrap();
    let off = tokio::spawn({
        let manager = manager.clone();
        async move { manager.set_enabled("shop", false).await.map(drop) }
    });
    until("it is switched off", async || !manager.get("shop").unwrap().enabled()).await;
    go.notify_one();
    off.await.unwrap().unwrap();
    assert_eq!(held.state().unwrap().forward[0].forwarded, 1);
    assert_eq!(left(&manager, "orders").await, 0);
}

#[tokio::test]
async fn a_call_that_does_not_end_is_given_up_when_it_stops_and_its_message_comes_again() {
    let arrived = Arc::new(Notify::new());
    let told = arrived.clone();
    let hangs = Peer::raw(move |mut stream| {
        let told = told.clone();
        async move {
            let _ = stream.read_u8().await;
            told.notify_one();
            std::future::pending::<()>().await;
            drop(stream);
        }
    })
    .await;
    let manager = lab().build().await.unwrap();
    outside(&manager).await;
    manager.register(crm(&hangs.url())).await.unwrap();
    manager.register(config(shop(&json!({})))).await.unwrap();
    send(&manager, 1).await;
    arrived.notified().await;
    manager.remove("shop", None).await.unwrap();
    assert_eq!(left(&manager, "orders").await, 1);
}

#[tokio::test]
async fn replaced_it_goes_on_as_it_is_configured_now() {
    let (one, other) = (agreeable().await, agreeable().await);
    let manager = lab().build().await.unwrap();
    outside(&manager).await;
    manager.register(rest("crm", &one.url())).await.unwrap();
    manager.register(rest("erp", &other.url())).await.unwrap();
    manager.register(config(shop(&json!({})))).await.unwrap();
    send(&manager, 1).await;
    until("it is forwarded", async || stands(&manager)["forwarded"] == 1).await;
    let mut elsewhere = shop(&json!({}));
    elsewhere["forward"][0]["to"] = "erp".into();
    manager.replace(config(elsewhere), None).await.unwrap();
    for n in 2..10 {
        send(&manager, n).await;
    }
    until("the others are forwarded", async || stands(&manager)["forwarded"] == 8).await;
    assert_eq!((got(&one), got(&other)), (BTreeSet::from([1]), (2..10).collect()));
}

#[tokio::test]
async fn it_waits_for_an_integration_that_is_not_there_yet_or_takes_no_calls() {
    let peer = agreeable().await;
    let manager = lab().build().await.unwrap();
    outside(&manager).await;
    send(&manager, 1).await;
    manager.register(config(shop(&json!({})))).await.unwrap();
    let says = async |reason: &str| {
        until(reason, async || {
            stands(&manager)["reason"].as_str().is_some_and(|says| says.starts_with(reason))
        })
        .await;
    };
    says("unknown_integration: ").await;
    assert_eq!(manager.health("shop").await.unwrap().reason_code, "forward_paused");
    manager.register(crm(&peer.url()).with_enabled(false)).await.unwrap();
    says("disabled: ").await;
    // It has not even been taken.
    assert_eq!(left(&manager, "orders").await, 1);
    manager.set_enabled("crm", true).await.unwrap();
    until("it is forwarded", async || stands(&manager)["forwarded"] == 1).await;
    assert_eq!(stands(&manager)["state"], "forwarding");
    assert_eq!(manager.health("shop").await.unwrap().state, State::Healthy);
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
async fn it_begins_with_the_manager_wherever_the_configuration_is() {
    let peer = agreeable().await;
    let dir = tempfile::tempdir().unwrap();
    let open = async || {
        let store = SqliteStore::open(dir.path(), SqliteOptions::default()).await.unwrap();
        lab().store(Arc::new(store)).build().await.unwrap()
    };
    let manager = open().await;
    outside(&manager).await;
    manager.register(crm(&peer.url())).await.unwrap();
    manager.register(config(shop(&json!({})))).await.unwrap();
    manager.close().await;

    let manager = open().await;
    send(&manager, 1).await;
    until("it is forwarded", async || stands(&manager)["forwarded"] == 1).await;
    manager.remove("shop", None).await.unwrap();
    manager.set_source(Source::File, &[config(shop(&json!({})))]).await.unwrap();
    send(&manager, 2).await;
    until("it is forwarded", async || stands(&manager)["forwarded"] == 1).await;
    // The same file again changes nothing.
    manager.set_source(Source::File, &[config(shop(&json!({})))]).await.unwrap();
    assert_eq!(stands(&manager)["forwarded"], 1);
    assert_eq!(got(&peer), BTreeSet::from([1, 2]));
}

#[tokio::test]
async fn a_manager_that_is_dropped_leaves_nobody_behind_who_pulls() {
    let peer = agreeable().await;
    let manager = lab().build().await.unwrap();
    manager.register(crm(&peer.url())).await.unwrap();
    let shop = manager.register(config(shop(&json!({})))).await.unwrap().handle;
    until("it has begun", async || shop.state().unwrap().forward[0].state == "forwarding").await;
    let weak = Arc::downgrade(&shop);
    drop((manager, shop));
    until("its handle is gone", async || weak.upgrade().is_none()).await;
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
