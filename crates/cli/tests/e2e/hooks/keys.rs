//! The idempotency keys that events are forwarded under.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::atomic::Ordering::SeqCst,
};

use serde_json::json;
use trunkline_testkit::Peer;

use super::{AT, connector, forward::moody, now, send_to, shop};
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
async fn a_key_is_of_one_source_one_entry_and_one_event_until_somebody_redelivers_it() {
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

    let before = peer.received().len();
    server.post(&format!("{AT}/events/17/redeliver"), &json!({})).await.is(200);
    until("both once more", || async { (peer.received().len() == before + 2).then_some(()) }).await;
    let again = keys(&peer);
    assert_eq!(again.values().map(BTreeSet::len).sum::<usize>(), 5, "{again:?}");
    assert_eq!(again.values().flatten().collect::<BTreeSet<_>>().len(), 5, "{again:?}");
}
