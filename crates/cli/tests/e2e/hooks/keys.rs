//! The idempotency keys that events are forwarded under.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc,
        atomic::{AtomicU16, Ordering::SeqCst},
    },
};

use http::Response;
use serde_json::json;
use trunkline::Body;
use trunkline_testkit::{Peer, Received};

use super::{AT, connector, forward::moody, is, now, send_to, shop};
use crate::harness::{Server, until};

/// The keys of what a service was asked, by path and body.
fn keys(peer: &Peer) -> BTreeMap<(String, String), BTreeSet<String>> {
    let mut keys: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
    for got in peer.received() {
        assert_eq!(got.header("webhook-id"), "17");
        let what = (got.uri.path().to_owned(), String::from_utf8_lossy(&got.body).into_owned());
        keys.entry(what).or_default().insert(got.header("idempotency-key").to_owned());
    }
    keys
}

#[tokio::test]
async fn a_key_is_of_one_source_one_entry_and_one_event_until_somebody_wants_what_has_arrived_once_more() {
    let (peer, status) = moody(500).await;
    let server = Server::beside(&peer).await;
    server.has(&connector("st", "stripe", json!({"secret_key": "sk_live_1"}), &peer.url())).await;
    let pay = json!({"to": "st", "name": "pay", "request": {
        "action": "create_payment_intent", "input": {"amount": "{{message/amount}}", "currency": "usd"},
    }});
    let customer = json!({"to": "st", "name": "customer", "request": {
        "action": "create_customer", "input": {"description": "of {{message/id}}"},
    }});
    let retry = json!({"attempts": 100, "first_pause": "5ms", "longest_pause": "100ms"});
    server.has(&shop(json!({"to": [pay, customer], "retry": retry}))).await;
    let mut other = shop(json!({"to": [pay], "retry": retry}));
    other["integration_id"] = "other".into();
    server.has(&other).await;
    send_to(&server, "shop", r#"{"id": 17, "amount": 500}"#, now()).await.is(204);
    send_to(&server, "other", r#"{"id": 17, "amount": 600}"#, now()).await.is(204);
    until("further attempts", || async { (peer.received().len() >= 9).then_some(()) }).await;

    let server = server.stop().await.again().allow(&peer).start().await;
    let before = peer.received().len();
    until("attempts after the restart", || async { (peer.received().len() >= before + 9).then_some(()) })
        .await;
    status.store(200, SeqCst);
    let event = until("the end", async || {
        Some(super::read(&server, "17").await).filter(|event| event["state"] != "pending")
    })
    .await;
    assert_eq!(event["state"], "forwarded", "{event}");
    until("the other", || async {
        let event = server.get("/api/v1/integrations/other/events/17").await.is(200).json();
        (event["state"] == "forwarded").then_some(())
    })
    .await;
    let first = keys(&peer);
    assert!(first.len() == 3 && first.values().all(|keys| keys.len() == 1), "{first:?}");
    let all: BTreeSet<_> = first.values().flatten().collect();
    assert_eq!(all.len(), 3, "{first:?}");

    // It has arrived everywhere: who wants a payment once more says which.
    let path = format!("{AT}/events/17/redeliver");
    let told = server.post(&path, &json!({})).await.problem(422, "unsupported");
    assert!(told["detail"].as_str().unwrap().contains("has arrived everywhere"), "{told}");
    let told = server.post(&path, &json!({"to": "refund"})).await.problem(422, "invalid_config");
    assert!(told["detail"].as_str().unwrap().contains("known: pay, customer"), "{told}");
    let before = peer.received().len();
    server.post(&path, &json!({"to": "pay"})).await.is(200);
    until("the payment once more", || async { (peer.received().len() == before + 1).then_some(()) }).await;
    is(&server, "17", "forwarded").await;
    let again = keys(&peer);
    assert_eq!(again.values().flatten().collect::<BTreeSet<_>>().len(), 4, "{again:?}");
    assert_eq!(peer.received().last().unwrap().uri.path(), "/v1/payment_intents");
}

/// What each request was about, and its key, in the order in which they came.
fn order(peer: &Peer) -> Vec<(String, String)> {
    let of = |got: &Received| (got.uri.path().to_owned(), got.header("idempotency-key").to_owned());
    peer.received().iter().map(of).collect()
}

#[tokio::test]
async fn redelivered_an_event_goes_where_it_has_not_arrived_and_what_may_have_been_done_keeps_its_key() {
    // What became of a payment is not known at first; a refund is refused, a customer made.
    let payments = Arc::new(AtomicU16::new(500));
    let answers = payments.clone();
    let peer = Peer::http(move |got: Received| {
        let status = match got.uri.path() {
            "/v1/payment_intents" => answers.load(SeqCst),
            "/v1/refunds" => 402,
            _ => 200,
        };
        Response::builder().status(status).body(Body::from("{}")).unwrap()
    })
    .await;
    let server = Server::beside(&peer).await;
    server.has(&connector("st", "stripe", json!({"secret_key": "sk_live_1"}), &peer.url())).await;
    let to = json!([
        {"to": "st", "name": "pay", "request": {"action": "create_payment_intent", "input": {"amount": 5, "currency": "usd"}}},
        {"to": "st", "name": "refund", "request": {"action": "create_refund", "input": {"charge": "ch_1"}}},
        {"to": "st", "name": "customer", "request": {"action": "create_customer", "input": {"name": "Ann"}}},
    ]);
    server.has(&shop(json!({"to": to, "retry": {"attempts": 1}}))).await;
    send_to(&server, "shop", r#"{"id": 17}"#, now()).await.is(204);
    let path = format!("{AT}/events/17/redeliver");
    let comes = async |count: usize| {
        until("all", || async { (peer.received().len() == count).then_some(()) }).await;
        is(&server, "17", "put_aside").await;
        order(&peer)
    };
    let mut first = comes(3).await;
    first.sort();
    let [customer, pay, refund] = &*first else { panic!("{first:?}") };
    assert_eq!((&*customer.0, &*pay.0, &*refund.0), ("/v1/customers", "/v1/payment_intents", "/v1/refunds"));

    // By default: not to the customer. The payment has its key still; what was refused would be so under its own.
    let said = server.post(&path, &json!({})).await.is(200).json();
    assert_eq!((&said["to"], said.get("left_out")), (&json!(["pay", "refund"]), None), "{said}");
    let all = comes(5).await;
    let mut again = all[3..].to_vec();
    again.sort();
    assert!(again[0] == *pay && again[1].0 == refund.0 && again[1].1 != refund.1, "{all:?}");

    // The one that is named: the same, unless it is to be another one.
    server.cli(&["events", "shop", "--redeliver", "17", "--to", "pay"]).await.is(0);
    assert_eq!(comes(6).await[5], *pay);
    payments.store(200, SeqCst);
    server.post(&path, &json!({"anew": true})).await.problem(422, "invalid_config");
    server.cli(&["events", "shop", "--redeliver", "17", "--to", "pay", "--anew"]).await.is(0);
    let all = comes(7).await;
    assert!(all[6].0 == pay.0 && all[6].1 != pay.1, "{all:?}");
    let event = super::read(&server, "17").await;
    let states = event["deliveries"].as_array().unwrap().iter().map(|it| it["state"].as_str().unwrap());
    assert_eq!(states.collect::<Vec<_>>(), ["forwarded", "put_aside", "forwarded"], "{event}");
}

#[tokio::test]
async fn what_may_have_been_done_is_not_made_again_once_the_service_has_forgotten_its_key() {
    let (peer, status) = moody(500).await;
    let server = Server::beside(&peer).await;
    let mut stripe = connector("st", "stripe", json!({"secret_key": "sk_live_1"}), &peer.url());
    stripe["retry_config"]["idempotency_window"] = json!("1ms");
    server.has(&stripe).await;
    let pay = json!({"action": "create_payment_intent", "input": {"amount": 5, "currency": "usd"}});
    server.has(&shop(json!({"to": [{"to": "st", "request": pay}]}))).await;
    send_to(&server, "shop", r#"{"id": 17}"#, now()).await.is(204);
    let event = is(&server, "17", "put_aside").await;
    let error = event["deliveries"][0]["error"].as_str().unwrap();
    assert!(error.starts_with("st: timeout: may have been done; "), "{event}");
    let path = format!("{AT}/events/17/redeliver");
    server.post(&path, &json!({})).await.problem(422, "unsupported");
    assert_eq!(peer.received().len(), 1);
    // Named, it is something new.
    status.store(200, SeqCst);
    server.post(&path, &json!({"to": "st"})).await.is(200);
    is(&server, "17", "forwarded").await;
    let all = order(&peer);
    assert!(all.len() == 2 && all[0].1 != all[1].1, "{all:?}");
}

#[tokio::test]
async fn what_a_service_refuses_under_a_key_that_it_knows_was_not_done_before_either() {
    let (peer, status) = moody(500).await;
    let server = Server::beside(&peer).await;
    server.has(&connector("st", "stripe", json!({"secret_key": "sk_live_1"}), &peer.url())).await;
    let pay = json!({"action": "create_payment_intent", "input": {"amount": 5, "currency": "usd"}});
    server.has(&shop(json!({"to": [{"to": "st", "request": pay}], "retry": {"attempts": 1}}))).await;
    send_to(&server, "shop", r#"{"id": 17}"#, now()).await.is(204);
    let path = format!("{AT}/events/17/redeliver");
    // What became of the first nobody knows, so that it comes again under its key, and is refused then.
    for (count, next) in [(1, 402), (2, 200)] {
        until("it", || async { (peer.received().len() == count).then_some(()) }).await;
        is(&server, "17", "put_aside").await;
        status.store(next, SeqCst);
        server.post(&path, &json!({})).await.is(200);
    }
    // Under that key it would be refused for ever.
    is(&server, "17", "forwarded").await;
    let keys: Vec<_> = order(&peer).into_iter().map(|(_, key)| key).collect();
    assert!(keys.len() == 3 && keys[0] == keys[1] && keys[1] != keys[2], "{keys:?}");
}
