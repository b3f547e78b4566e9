//! Activity: every call leaves one record, which can be found again, also after a restart.

use std::sync::{Arc, atomic::Ordering};

use futures_util::FutureExt;
use http::{Response, StatusCode};
use serde_json::json;
use trunkline::{Activity, Body, Call, Filter, HttpRequest, Manager, SqliteOptions, SqliteStore};
use trunkline_testkit::Peer;

use crate::{agreeable, answer, config, flaky::Flaky, lab, rest, silent};

fn all(activity: &Activity) -> Vec<trunkline::Record> {
    activity.query(&Filter { limit: Some(1_000), ..Filter::default() })
}

async fn varied() -> Peer {
    Peer::http(|request| match request.uri.path() {
        "/missing" => answer(StatusCode::NOT_FOUND, "no"),
        "/broken" => answer(StatusCode::INTERNAL_SERVER_ERROR, ""),
        _ => answer(StatusCode::OK, "twelve bytes"),
    })
    .await
}

#[tokio::test]
async fn every_call_leaves_one_record_whatever_became_of_it() {
    let peer = varied().await;
    let manager = lab().build().await.unwrap();
    manager.register(rest("a", &peer.url())).await.unwrap();
    manager.register(rest("off", &peer.url()).with_enabled(false)).await.unwrap();
    manager.call("a", HttpRequest::post("/").body("12345")).await.unwrap();
    for (id, endpoint) in [("a", "/missing"), ("a", "/broken"), ("a", "//evil"), ("off", "/")] {
        manager.call(id, HttpRequest::get(endpoint)).await.unwrap_err();
    }
    let found = all(manager.activity());
    let seen: Vec<_> = found
        .iter()
        .map(|record| {
            (&*record.integration, &*record.operation, &*record.kind, record.status, record.attempts)
        })
        .collect();
    assert_eq!(
        seen,
        [
            ("off", "GET", "disabled", None, 0),
            ("a", "GET", "invalid_config", None, 1),
            ("a", "GET", "failed", Some(500), 3),
            ("a", "GET", "rejected", Some(404), 1),
            ("a", "POST", "ok", Some(200), 1),
        ],
        "newest first"
    );
    let first = found.last().unwrap();
    assert_eq!((first.bytes_sent, first.bytes_received), (5, 12));
    assert!(first.millis > 0.0 && first.at_ms > 1_700_000_000_000);
    assert_eq!(manager.activity().dropped(), 0);
}

#[tokio::test]
async fn records_are_found_by_each_of_their_fields() {
    let peer = varied().await;
    let manager = lab().build().await.unwrap();
    for id in ["a", "b"] {
        manager.register(rest(id, &peer.url())).await.unwrap();
        for endpoint in ["/", "/missing"] {
            let _ = manager.call(id, HttpRequest::get(endpoint)).await;
        }
    }
    let records = all(manager.activity());
    let (newest, oldest) = (&records[0], &records[3]);
    let count = |filter: Filter| manager.activity().query(&filter).len();
    let text = |text: &str| Some(text.to_owned());
    assert_eq!(count(Filter::default()), 4);
    assert_eq!(count(Filter { integration: text("a"), ..Filter::default() }), 2);
    assert_eq!(count(Filter { integration: text("A"), ..Filter::default() }), 0);
    assert_eq!(count(Filter { kind: text("ok"), ..Filter::default() }), 2);
    assert_eq!(count(Filter { kind: text("rejected"), integration: text("b"), ..Filter::default() }), 1);
    assert_eq!(count(Filter { status: Some(404), ..Filter::default() }), 2);
    let id = newest.request_id.to_string();
    assert_eq!(count(Filter { request_id: Some(id.clone()), ..Filter::default() }), 1);
    assert_eq!(count(Filter { request_id: Some(id.to_uppercase()), ..Filter::default() }), 1);
    assert_eq!(count(Filter { request_id: text("x"), ..Filter::default() }), 0);
    assert_eq!(count(Filter { since_ms: Some(oldest.at_ms), ..Filter::default() }), 4);
    assert_eq!(count(Filter { since_ms: Some(newest.at_ms + 1), ..Filter::default() }), 0);
    assert_eq!(count(Filter { until_ms: Some(oldest.at_ms), ..Filter::default() }), 0);
    assert_eq!(count(Filter { until_ms: Some(newest.at_ms + 1), ..Filter::default() }), 4);
    let limited = manager.activity().query(&Filter { limit: Some(1), ..Filter::default() });
    assert_eq!(limited[0].request_id, newest.request_id);
}

async fn durable(dir: &std::path::Path) -> Manager {
    let store = SqliteStore::open(dir, SqliteOptions::default()).await.unwrap();
    lab().store(Arc::new(store)).build().await.unwrap()
}

#[tokio::test]
async fn what_was_recorded_is_there_after_a_restart() {
    let (peer, dir) = (varied().await, tempfile::tempdir().unwrap());
    let manager = durable(dir.path()).await;
    manager.register(rest("a", &peer.url())).await.unwrap();
    for _ in 0..300 {
        manager.call("a", HttpRequest::get("/")).await.unwrap();
    }
    let before = all(manager.activity());
    // Two that close at the same time lose nothing between them.
    tokio::join!(manager.close(), manager.close());

    let manager = durable(dir.path()).await;
    manager.call("a", HttpRequest::get("/missing")).await.unwrap_err();
    let after = all(manager.activity());
    assert_eq!((after.len(), after[0].status), (301, Some(404)));
    assert_eq!(format!("{:?}", &after[1..]), format!("{before:?}"));
    manager.close().await;
    let manager = durable(dir.path()).await;
    assert_eq!(all(manager.activity()).len(), 301, "nothing is written twice");
    manager.close().await;
}

#[tokio::test]
async fn a_manager_that_is_dropped_writes_down_what_is_left() {
    let (peer, store) = (agreeable().await, Arc::new(Flaky::default()));
    let manager = lab().store(store.clone()).build().await.unwrap();
    manager.register(rest("a", &peer.url())).await.unwrap();
    manager.call("a", HttpRequest::get("/")).await.unwrap();
    drop(manager);
    loop {
        let again = lab().store(store.clone()).build().await.unwrap();
        if all(again.activity()).len() == 1 {
            break;
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn only_the_newest_are_kept() {
    let peer = agreeable().await;
    let manager = lab().activity(10).build().await.unwrap();
    manager.register(rest("a", &peer.url())).await.unwrap();
    for n in 0..25 {
        manager.call("a", HttpRequest::get("/").param("n", n).body(vec![b'x'; n])).await.unwrap();
    }
    let sent: Vec<_> = all(manager.activity()).iter().map(|record| record.bytes_sent).collect();
    assert_eq!(sent, (15..25).rev().collect::<Vec<_>>());
}

#[tokio::test]
async fn a_store_that_takes_no_activity_for_a_while_gets_it_later() {
    let (peer, store) = (agreeable().await, Arc::new(Flaky::default()));
    store.deaf.store(true, Ordering::SeqCst);
    let manager = lab().store(store.clone()).build().await.unwrap();
    manager.register(rest("a", &peer.url())).await.unwrap();
    for _ in 0..600 {
        manager.call("a", HttpRequest::get("/")).await.unwrap();
    }
    assert_eq!(all(manager.activity()).len(), 600, "calls and searches go on");
    store.deaf.store(false, Ordering::SeqCst);
    manager.close().await;
    let manager = lab().store(store).build().await.unwrap();
    assert_eq!(all(manager.activity()).len(), 600);
}

#[tokio::test]
async fn a_caller_that_goes_away_is_recorded_as_cancelled() {
    let (hangs, flows) = (
        silent(Arc::default()).await,
        Peer::http(|_| {
            let frame = http_body_util::StreamBody::new(futures_util::stream::pending());
            Response::builder().header("x-flows", "1").body(Body::stream(frame)).unwrap()
        })
        .await,
    );
    let manager = lab().build().await.unwrap();
    manager.register(rest("hangs", &hangs.url())).await.unwrap();
    manager.register(rest("flows", &flows.url())).await.unwrap();
    assert!(manager.call("hangs", HttpRequest::get("/")).now_or_never().is_none());
    let reply = manager.call("flows", HttpRequest::get("/")).await.unwrap();
    assert_eq!(all(manager.activity()).len(), 1, "a reply that flows is under way");
    drop(reply);
    for (record, id) in all(manager.activity()).iter().zip(["flows", "hangs"]) {
        assert_eq!((&*record.integration, &*record.kind), (id, "cancelled"));
    }
    let text = manager.metrics().render();
    for id in ["flows", "hangs"] {
        assert!(text.contains(&format!("trunkline_calls_in_flight{{integration=\"{id}\"}} 0")), "{text}");
    }
}

#[tokio::test]
async fn a_call_that_takes_too_long_is_recorded_with_its_time() {
    let hangs = silent(Arc::default()).await;
    let manager = lab().build().await.unwrap();
    let slow =
        config(json!({ "integration_id": "a", "type": "rest", "base_url": hangs.url(), "timeout": "40ms" }));
    let handle = manager.register(slow).await.unwrap().handle;
    let mut call = Call::new(handle.id().clone(), HttpRequest::get("/"));
    handle.call(&mut call).await.unwrap_err();
    let record = &all(manager.activity())[0];
    assert_eq!((&*record.kind, record.request_id), ("timeout", call.request_id));
    assert!(record.millis >= 40.0);
}
