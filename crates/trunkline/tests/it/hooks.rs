//! Webhooks that were stored: forwarded also where something of the program's own panics, and forgotten in time.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering::SeqCst},
};

use http::{HeaderMap, Method, StatusCode};
use serde_json::json;
use trunkline::{
    BoxFuture, Call, Layer, MemoryStore, NewEvent, Next, Redelivery, Refused, Reply, Result, Store, Webhook,
};
use trunkline_testkit::Peer;

use crate::{answer, config, lab, rest, until};

/// When events came, in milliseconds of Unix time.
const CAME: i64 = 1_700_000_000_000;
/// So many are on their way to one target at the same time.
const AT_ONCE: u32 = 8;

/// Stores an event of `shop` as if it had come.
async fn came(store: &MemoryStore, id: &str, until_ms: i64) {
    let event = NewEvent {
        integration: "shop",
        id,
        r#type: None,
        // As it is stored: of the first format, no headers, and `{}`.
        document: b"\x01\x00\x02{}",
        targets: &[],
        now_ms: CAME,
        until_ms,
        most: 1000,
    };
    assert!(store.events().unwrap().add_event(event).await.unwrap());
}

/// Panics in so many calls.
#[derive(Debug, Clone)]
struct Panics(Arc<AtomicU32>);

impl Layer for Panics {
    fn name(&self) -> &'static str {
        "panics"
    }

    fn call<'a>(&'a self, call: &'a mut Call, next: Next<'a>) -> BoxFuture<'a, Result<Reply>> {
        Box::pin(async move {
            let left = self.0.fetch_update(SeqCst, SeqCst, |left| left.checked_sub(1));
            assert!(left.is_err(), "as it is told");
            next.run(call).await
        })
    }
}

#[tokio::test]
async fn an_attempt_that_panics_is_one_in_vain_and_gives_its_place_back() {
    let peer = Peer::http(|_| answer(StatusCode::OK, "{}")).await;
    let (store, panics) = (Arc::new(MemoryStore::new(4)), Panics(Arc::new(AtomicU32::new(2 * AT_ONCE))));
    let layer = panics.clone();
    let builder = lab().store(store.clone()).layer(move |id| (**id == *"target").then(|| layer.clone()));
    let manager = builder.build().await.unwrap();
    manager.register(rest("target", &peer.url())).await.unwrap();
    let shop = json!({
        "integration_id": "shop", "type": "rest", "base_url": "http://127.0.0.1:9",
        "webhooks": {
            "verify": {"type": "stripe", "secret": "s"}, "to": [{"to": "target"}],
            "retry": {"attempts": 2, "first_pause": "1ms"},
        },
    });
    manager.register(config(shop)).await.unwrap();
    for n in 0..AT_ONCE {
        let id = format!("evt_{n}");
        came(&store, &id, i64::MAX).await;
        manager.redeliver("shop", &id, Redelivery::default()).await.unwrap();
    }
    until("all are put aside", async || {
        let events = manager.events("shop", None, 100).await.unwrap();
        events.iter().all(|event| event.state == "put_aside")
    })
    .await;
    let event = manager.event("shop", "evt_0").await.unwrap();
    let delivery = &event.deliveries[0];
    let reason = delivery.error.as_deref().unwrap();
    assert!(delivery.attempts == 2 && reason.starts_with("target: internal: "), "{reason}");

    came(&store, "evt_good", i64::MAX).await;
    manager.redeliver("shop", "evt_good", Redelivery::default()).await.unwrap();
    until("there is room", async || manager.event("shop", "evt_good").await.unwrap().state == "forwarded")
        .await;
    manager.close().await;
}

#[tokio::test]
async fn an_event_whose_time_is_over_goes_where_no_other_comes() {
    let store = Arc::new(MemoryStore::new(4));
    came(&store, "old", CAME + 1).await;
    came(&store, "new", i64::MAX).await;
    let manager = lab().store(store.clone()).build().await.unwrap();
    let is_there = async |id: &str| store.events().unwrap().event("shop", id).await.unwrap().is_some();
    until("it is gone", async || !is_there("old").await).await;
    assert!(is_there("new").await);
    manager.close().await;
}

#[tokio::test(start_paused = true)]
async fn who_does_not_sign_is_not_looked_at_for_ever() {
    let manager = lab().build().await.unwrap();
    manager
        .register(config(json!({
            "integration_id": "shop", "type": "rest", "base_url": "http://127.0.0.1:9",
            "webhooks": { "verify": { "type": "hmac", "secret": "s", "header": "x-signature" } },
        })))
        .await
        .unwrap();
    let shop = manager.get("shop").unwrap();
    let headers = HeaderMap::from_iter([("x-signature".parse().unwrap(), "00".parse().unwrap())]);
    let webhook = Webhook { method: &Method::POST, url: "https://a.example", headers: &headers, body: b"{}" };
    let mut refused = 0;
    let wait = loop {
        match manager.admit_webhook(&shop, webhook) {
            Ok(()) => {}
            Err(Refused::TooMany(wait)) => break wait,
            Err(refused) => panic!("{refused:?}"),
        }
        let answer = manager.receive_webhook(&shop, webhook).await;
        assert!(matches!(answer, Err(Refused::Signature)), "{answer:?}");
        refused += 1;
    };
    // Many more than are taken (100 a second, 1,000 at once), and it does not last.
    assert_eq!((refused, wait.as_millis()), (10_000, 1));
    tokio::time::advance(wait).await;
    assert!(manager.admit_webhook(&shop, webhook).is_ok());
    manager.close().await;
}
