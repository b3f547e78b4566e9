//! When it begins, goes on and stops passing messages on.

use std::{collections::BTreeSet, sync::Arc};

use http::StatusCode;
use serde_json::json;
use tokio::{io::AsyncReadExt, sync::Notify};
use trunkline::{Source, SqliteOptions, SqliteStore, State};
use trunkline_testkit::Peer;

use super::{crm, got, left, outside, send, shop, stands};
use crate::{agreeable, answer, config, lab, nobody, rest, until};

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
