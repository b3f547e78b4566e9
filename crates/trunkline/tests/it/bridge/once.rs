//! Messages whose calls must not be made twice.

use std::{
    future::pending,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use http::{Response, StatusCode};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use sqlx::{ConnectOptions as _, sqlite::SqliteConnectOptions};
use tokio::sync::Notify;
use trunkline::{
    Ack, Body, IntegrationConfig, Manager, Message, Publish, Receive, SqliteOptions, SqliteStore, State,
};
use trunkline_testkit::Peer;

use super::{crm, events, left, next, outside, send, shop, stands};
use crate::{
    agreeable, answer, config,
    flaky::{Flaky, MarkFault},
    lab, until,
};

fn twilio(peer: &Peer) -> IntegrationConfig {
    config(json!({
        "integration_id": "tw", "connector": "twilio", "base_url": peer.url(),
        "inputs": {"account_sid": format!("AC{}", "0".repeat(32)), "auth_token": "t"},
    }))
}

/// The queues, which have a text message sent for each message in `orders`.
fn texting() -> IntegrationConfig {
    let input = json!({"to": "+15558675310", "from": "+15017122661", "body": "Order {{message/n}}"});
    let forward = json!([{"queue": "orders", "to": "tw", "request": {"action": "send_sms", "input": input}}]);
    config(shop(&json!({"forward": forward})))
}

/// The message that is put aside, and why.
async fn put_aside(manager: &Manager) -> (Value, String) {
    let mut dead = next(manager, "orders.dead").await;
    let reason = dead["headers"]["trunkline-dead-letter-reason"].as_str().unwrap().to_owned();
    (dead["message"].take(), reason)
}

#[tokio::test]
async fn a_text_message_that_may_have_been_sent_is_put_aside_and_sent_once() {
    let peer = Peer::http(|_| answer(StatusCode::INTERNAL_SERVER_ERROR, "{}")).await;
    let manager = lab().build().await.unwrap();
    outside(&manager).await;
    manager.register(twilio(&peer)).await.unwrap();
    manager.register(texting()).await.unwrap();
    send(&manager, 1).await;
    let (message, reason) = put_aside(&manager).await;
    assert_eq!((message, peer.received().len()), (json!({"n": 1}), 1));
    assert!(reason.starts_with("tw: failed: may have been done; "), "{reason}");
    // By hand it is sent again, under the id that it has.
    send(&manager, 1).await;
    put_aside(&manager).await;
    assert_eq!(peer.received().len(), 2);
}

#[tokio::test]
async fn a_text_message_that_was_being_sent_when_it_stopped_is_put_aside_when_it_comes_again() {
    let (begun, arrived) = (Arc::new(AtomicUsize::new(0)), Arc::new(Notify::new()));
    let (counted, told) = (begun.clone(), arrived.clone());
    // It never answers.
    let silent = Peer::live(move |_| {
        counted.fetch_add(1, Ordering::SeqCst);
        told.notify_one();
        pending::<Response<Body>>()
    })
    .await;
    let manager = lab().build().await.unwrap();
    outside(&manager).await;
    manager.register(twilio(&silent)).await.unwrap();
    manager.register(texting()).await.unwrap();
    send(&manager, 1).await;
    arrived.notified().await;
    manager.set_enabled("shop", false).await.unwrap();
    manager.set_enabled("shop", true).await.unwrap();
    let (message, reason) = put_aside(&manager).await;
    assert_eq!(message, json!({"n": 1}));
    assert!(reason.starts_with("tw: internal: may have been done; "), "{reason}");
    assert_eq!(begun.load(Ordering::SeqCst), 1);
}

/// A service that sends text messages, and never says so of the first.
struct Silent {
    peer: Peer,
    /// The first has come.
    arrived: Arc<Notify>,
    sent: Arc<Mutex<Vec<String>>>,
}

impl Silent {
    async fn start() -> Self {
        let (arrived, sent) = (Arc::new(Notify::new()), Arc::new(Mutex::new(Vec::new())));
        let (tell, all) = (arrived.clone(), sent.clone());
        let peer = Peer::live(move |request| {
            let (tell, all) = (tell.clone(), all.clone());
            async move {
                let body = request.into_body().collect().await.unwrap().to_bytes();
                let mut fields = url::form_urlencoded::parse(&body).into_owned();
                let text = fields.find(|(name, _)| name == "Body").unwrap().1;
                let nth = {
                    let mut all = all.lock().unwrap();
                    all.push(text);
                    all.len()
                };
                if nth == 1 {
                    tell.notify_one();
                    pending::<()>().await;
                }
                answer(StatusCode::CREATED, "{}")
            }
        })
        .await;
        Self { peer, arrived, sent }
    }

    /// What it was asked to send.
    fn sent(&self) -> Vec<String> {
        self.sent.lock().unwrap().clone()
    }
}

/// A message under the id `m-1`, with what was told of it where it was put aside, if it was.
async fn send_as_first(manager: &Manager, n: u32, put_aside: bool) {
    let mut message =
        Message { id: Some("m-1".to_owned()), ..Message::json("orders", &json!({"n": n})).unwrap() };
    if put_aside {
        message.set_header("trunkline-dead-letter-reason", "tw: internal: may have been done");
    }
    manager.call("desk", Publish::new(message)).await.unwrap();
}

#[tokio::test]
async fn what_is_known_of_a_message_is_not_held_against_another_one_with_its_id() {
    let service = Silent::start().await;
    let manager = lab().build().await.unwrap();
    outside(&manager).await;
    manager.register(twilio(&service.peer)).await.unwrap();
    manager.register(texting()).await.unwrap();
    send(&manager, 1).await;
    service.arrived.notified().await;
    manager.set_enabled("shop", false).await.unwrap();
    // Somebody takes it away: that its call was cut off is still known.
    let pull = Receive { ack: Ack::Auto, ..Receive::pull("orders", 1, Duration::from_secs(20)) };
    let taken: Value = manager.call("desk", pull).await.unwrap().json().await.unwrap();
    assert_eq!(taken["messages"][0]["message"], json!({"n": 1}));
    manager.set_enabled("shop", true).await.unwrap();
    // Its producer uses its id for another message.
    send_as_first(&manager, 2, false).await;
    until("it is forwarded", async || stands(&manager)["forwarded"] == 1).await;
    // Somebody has seen that it was not done, and sends it again from where it was put aside.
    send_as_first(&manager, 1, true).await;
    until("it is forwarded", async || stands(&manager)["forwarded"] == 2).await;
    // One that says the same is taken for it, once.
    send_as_first(&manager, 1, false).await;
    let (message, reason) = put_aside(&manager).await;
    assert_eq!(message, json!({"n": 1}));
    assert!(reason.starts_with("tw: internal: may have been done; "), "{reason}");
    send_as_first(&manager, 1, false).await;
    until("it is forwarded", async || stands(&manager)["forwarded"] == 3).await;
    assert_eq!(service.sent(), ["Order 1", "Order 2", "Order 1", "Order 1"]);
}

/// A manager whose store is on the disk, and how many marks there are.
async fn on_disk() -> (Manager, tempfile::TempDir, impl AsyncFn() -> i64) {
    let dir = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(dir.path(), SqliteOptions::default()).await.unwrap();
    let manager = lab().store(Arc::new(store)).build().await.unwrap();
    outside(&manager).await;
    let file = SqliteConnectOptions::new().filename(dir.path().join("trunkline.db")).read_only(true);
    let count = async move || {
        let mut connection = file.connect().await.unwrap();
        sqlx::query_scalar("SELECT count(*) FROM calls").fetch_one(&mut connection).await.unwrap()
    };
    (manager, dir, count)
}

#[tokio::test]
async fn an_integration_that_is_removed_in_the_middle_of_a_call_leaves_no_mark_behind() {
    let service = Silent::start().await;
    let (manager, _dir, marks) = on_disk().await;
    manager.register(twilio(&service.peer)).await.unwrap();
    manager.register(texting()).await.unwrap();
    send(&manager, 1).await;
    service.arrived.notified().await;
    assert_eq!(marks().await, 1);
    manager.remove("shop", None).await.unwrap();
    assert_eq!(marks().await, 0);
}

#[tokio::test]
async fn what_the_queue_itself_puts_aside_leaves_no_mark_behind() {
    let peer = Peer::http(|_| answer(StatusCode::INTERNAL_SERVER_ERROR, "{}")).await;
    let (manager, _dir, marks) = on_disk().await;
    manager.register(crm(&peer.url())).await.unwrap();
    manager.register(config(shop(&json!({"max_deliveries": 2})))).await.unwrap();
    send(&manager, 1).await;
    let (_, reason) = put_aside(&manager).await;
    assert_eq!(reason, "delivered 2 times and sent back each time");
    until("it is known that it was put aside", async || stands(&manager)["put_aside"] == 1).await;
    until("its mark is gone", async || marks().await == 0).await;
    assert_eq!(peer.received().len(), 2);
}

#[tokio::test]
async fn a_mark_that_is_damaged_puts_its_message_aside_and_holds_up_no_other() {
    let service = Silent::start().await;
    let store = Arc::new(Flaky::default());
    let manager = lab().store(store.clone()).build().await.unwrap();
    outside(&manager).await;
    manager.register(twilio(&service.peer)).await.unwrap();
    manager.register(texting()).await.unwrap();
    send(&manager, 1).await;
    service.arrived.notified().await;
    manager.set_enabled("shop", false).await.unwrap();
    store.marks_are(Some(MarkFault::Damaged));
    manager.set_enabled("shop", true).await.unwrap();
    let (message, reason) = put_aside(&manager).await;
    assert_eq!(message, json!({"n": 1}));
    assert!(reason.starts_with("tw: internal: may have been done; "), "{reason}");
    assert!(reason.ends_with(": what is written down of its call is damaged"), "{reason}");
    send(&manager, 2).await;
    until("the next is forwarded", async || stands(&manager)["forwarded"] == 1).await;
    // It is gone by that.
    send(&manager, 1).await;
    until("so is the first, sent again", async || stands(&manager)["forwarded"] == 2).await;
    assert_eq!(service.sent(), ["Order 1", "Order 2", "Order 1"]);
}

#[tokio::test]
async fn while_nothing_can_be_written_down_messages_wait_and_health_and_activity_say_why() {
    for (fault, kind, says) in [
        (MarkFault::Refused, "store_unavailable", "scripted"),
        (MarkFault::Full, "overloaded", "0 messages whose calls must not be made twice are remembered"),
    ] {
        let peer = agreeable().await;
        let store = Arc::new(Flaky::default());
        let manager = lab().store(store.clone()).build().await.unwrap();
        outside(&manager).await;
        manager.register(twilio(&peer)).await.unwrap();
        manager.register(texting()).await.unwrap();
        store.marks_are(Some(fault));
        send(&manager, 1).await;
        until("it is paused", async || stands(&manager)["state"] == "paused").await;
        let reason = stands(&manager)["reason"].as_str().unwrap().to_owned();
        assert!(reason.starts_with(&format!("{kind}: {says}")), "{reason}");
        let health = manager.health("shop").await.unwrap();
        assert_eq!((health.state, health.reason_code), (State::Degraded, "forward_paused"));
        assert!(health.detail.unwrap().contains(says), "{reason}");
        until("the activity says so", async || {
            events(&manager).iter().any(|one| *one == ("forward_paused".to_owned(), kind.to_owned()))
        })
        .await;
        assert!(peer.received().is_empty());
        store.marks_are(None);
        until("it is forwarded", async || stands(&manager)["forwarded"] == 1).await;
        assert_eq!((peer.received().len(), left(&manager, "orders.dead").await), (1, 0));
    }
}

#[tokio::test]
async fn what_may_have_been_done_is_put_aside_once_the_service_has_forgotten_its_key() {
    let peer = Peer::http(|_| answer(StatusCode::INTERNAL_SERVER_ERROR, "{}")).await;
    let manager = lab().build().await.unwrap();
    outside(&manager).await;
    let crm = json!({
        "integration_id": "crm", "type": "rest", "base_url": peer.url(), "breaker": {"enabled": false},
        "retry_config": {"max_attempts": 1, "idempotency_header": "Idempotency-Key", "idempotency_window": "1ms"},
    });
    manager.register(config(crm)).await.unwrap();
    manager.register(config(shop(&json!({})))).await.unwrap();
    send(&manager, 1).await;
    let (message, reason) = put_aside(&manager).await;
    assert_eq!((message, peer.received().len()), (json!({"n": 1}), 1));
    assert!(reason.starts_with("crm: timeout: may have been done; "), "{reason}");
}

#[tokio::test]
async fn what_may_have_been_done_does_not_wait_its_turn_until_the_service_has_forgotten_its_key() {
    let peer = Peer::http(|_| answer(StatusCode::INTERNAL_SERVER_ERROR, "{}")).await;
    let manager = lab().build().await.unwrap();
    outside(&manager).await;
    // The second call would have its turn after three seconds.
    let crm = json!({
        "integration_id": "crm", "type": "rest", "base_url": peer.url(), "breaker": {"enabled": false},
        "rate_limit": {"requests": 1, "per": 3},
        "retry_config": {"max_attempts": 1, "idempotency_header": "Idempotency-Key", "idempotency_window": "1s"},
    });
    manager.register(config(crm)).await.unwrap();
    manager.register(config(shop(&json!({})))).await.unwrap();
    send(&manager, 1).await;
    let (message, reason) = put_aside(&manager).await;
    assert_eq!((message, peer.received().len()), (json!({"n": 1}), 1));
    assert!(reason.starts_with("crm: timeout: may have been done; "), "{reason}");
}
