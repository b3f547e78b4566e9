//! Messages that could not be passed on: each fault to where it belongs.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU16, Ordering},
    },
    time::Duration,
};

use http::StatusCode;
use serde_json::json;
use trunkline::State;
use trunkline_testkit::Peer;

use super::{crm, events, got, left, next, outside, send, shop, stands};
use crate::{agreeable, answer, config, lab, nobody, until};

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
