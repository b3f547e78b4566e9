//! What was acknowledged is there after a restart, and what cannot be opened any more is not lost.

use std::{path::Path, sync::Arc};

use http::StatusCode;
use serde_json::json;
use sqlx::{ConnectOptions as _, Connection as _, SqliteConnection, sqlite::SqliteConnectOptions};
use trunkline::{HttpRequest, Kind, Manager, SqliteOptions, SqliteStore, State, Store, Trouble};
use trunkline_testkit::Peer;

use crate::{answer, config, flaky::Flaky, ids, kind, lab, rest};

async fn open(dir: &Path) -> Manager {
    let store = SqliteStore::open(dir, SqliteOptions::default()).await.unwrap();
    lab().store(Arc::new(store)).build().await.unwrap()
}

async fn raw(dir: &Path) -> SqliteConnection {
    SqliteConnectOptions::new().filename(dir.join("trunkline.db")).connect().await.unwrap()
}

/// A peer that lets in whoever has the key.
async fn guarded() -> Peer {
    Peer::http(|request| match request.header("x-api-key") {
        "k-1" => answer(StatusCode::OK, "ok"),
        _ => answer(StatusCode::UNAUTHORIZED, ""),
    })
    .await
}

fn keyed(id: &str, peer: &Peer) -> trunkline::IntegrationConfig {
    config(json!({
        "integration_id": id, "name": "Named", "description": "What for", "type": "rest",
        "base_url": peer.url(), "auth_type": "api_key", "auth_config": { "key": "k-1" },
        "metadata": { "team": null, "tags": ["a", 1] },
    }))
}

#[tokio::test]
async fn a_restart_keeps_everything_and_secrets_still_work() {
    let (dir, peer) = (tempfile::tempdir().unwrap(), guarded().await);
    let manager = open(dir.path()).await;
    let before = manager.register(keyed("a", &peer)).await.unwrap().handle;
    manager.register(keyed("off", &peer)).await.unwrap();
    let off = manager.set_enabled("off", false).await.unwrap().handle;
    manager.register(keyed("gone", &peer)).await.unwrap();
    manager.remove("gone", None).await.unwrap();
    manager.call("a", HttpRequest::get("/")).await.unwrap();
    manager.close().await;

    let manager = open(dir.path()).await;
    assert_eq!(ids(&manager), ["a", "off"]);
    let after = manager.get("a").unwrap();
    assert_eq!(after.config().unwrap().expose(), before.config().unwrap().expose());
    assert_eq!((after.name(), after.description()), ("Named", "What for"));
    assert_eq!(after.generation(), before.generation());
    assert!((after.updated_at_ms() - before.updated_at_ms()).abs() < 60_000);
    manager.call("a", HttpRequest::get("/")).await.unwrap();
    assert_eq!(kind(manager.call("off", HttpRequest::get("/")).await), Kind::Disabled);
    // The generation goes on where it was: what was read before the restart can be replaced after it.
    manager.replace(keyed("a", &peer), Some(before.generation())).await.unwrap();
    assert_eq!(kind(manager.replace(keyed("a", &peer), Some(before.generation())).await), Kind::Conflict);
    assert!(manager.get("a").unwrap().generation() > off.generation());
    manager.close().await;
}

#[tokio::test]
async fn what_no_longer_opens_is_listed_with_its_reason_and_survives() {
    let (dir, peer) = (tempfile::tempdir().unwrap(), guarded().await);
    let file = dir.path().join("base-url");
    std::fs::write(&file, peer.url()).unwrap();
    let manager = open(dir.path()).await;
    manager.register(keyed("well", &peer)).await.unwrap();
    let mut json = keyed("ill", &peer).expose();
    json["base_url"] = format!("${{file:{}}}", file.display()).into();
    manager.register(config(json)).await.unwrap();
    manager.call("ill", HttpRequest::get("/")).await.unwrap();
    manager.close().await;

    std::fs::remove_file(&file).unwrap();
    let manager = open(dir.path()).await;
    assert_eq!(ids(&manager), ["ill", "well"]);
    let ill = manager.get("ill").unwrap();
    let reason = ill.trouble().unwrap();
    assert_eq!(reason.kind(), Kind::InvalidConfig);
    assert!(reason.message().starts_with("base_url: ${file:"), "{reason}");
    assert_eq!((ill.name(), ill.r#type(), ill.enabled()), ("Named", "rest", true));
    let error = manager.call("ill", HttpRequest::get("/")).await.unwrap_err();
    assert_eq!((error.message(), error.attempts()), (reason.message(), 0));
    let health = manager.health("ill").await.unwrap();
    assert_eq!((health.state, health.reason_code), (State::Unhealthy, "invalid_config"));
    assert!(ill.probe().await.is_err());
    assert_eq!(kind(manager.set_enabled("ill", false).await), Kind::InvalidConfig);
    manager.call("well", HttpRequest::get("/")).await.unwrap();
    manager.close().await;

    std::fs::write(&file, peer.url()).unwrap();
    let manager = open(dir.path()).await;
    assert!(manager.get("ill").unwrap().trouble().is_none());
    manager.call("ill", HttpRequest::get("/")).await.unwrap();
    manager.close().await;
}

#[tokio::test]
async fn a_missing_variable_is_named_and_its_integration_can_be_replaced_or_removed() {
    let store = Arc::new(Flaky::default());
    for id in ["a", "b"] {
        let json = rest(id, "https://${env:NO_SUCH_VARIABLE}/v1").expose().to_string();
        store.put(id, None, json.as_bytes()).await.unwrap();
    }
    let manager = lab().store(store.clone()).build().await.unwrap();
    let reason = manager.get("a").unwrap().trouble().unwrap();
    assert!(reason.message().contains("base_url: ${env:NO_SUCH_VARIABLE} is not set"), "{reason}");
    manager.replace(rest("a", "http://h"), None).await.unwrap();
    assert!(manager.get("a").unwrap().trouble().is_none());
    manager.remove("b", None).await.unwrap();
    assert_eq!(store.load().await.unwrap().len(), 1);
}

#[tokio::test]
async fn one_flipped_bit_takes_down_one_integration_only() {
    let (dir, peer) = (tempfile::tempdir().unwrap(), guarded().await);
    let manager = open(dir.path()).await;
    for id in ["a", "b", "c"] {
        manager.register(keyed(id, &peer)).await.unwrap();
    }
    manager.close().await;

    let mut connection = raw(dir.path()).await;
    let select = "SELECT sealed FROM integrations WHERE id = 'b'";
    let mut sealed: Vec<u8> = sqlx::query_scalar(select).fetch_one(&mut connection).await.unwrap();
    let middle = sealed.len() - 40;
    sealed[middle] ^= 1;
    let update = sqlx::query("UPDATE integrations SET sealed = ?1 WHERE id = 'b'").bind(&sealed);
    update.execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();

    let manager = open(dir.path()).await;
    assert_eq!(ids(&manager), ["a", "b", "c"]);
    for id in ["a", "c"] {
        manager.call(id, HttpRequest::get("/")).await.unwrap();
    }
    let damaged = manager.get("b").unwrap();
    let reason = damaged.trouble().unwrap();
    assert_eq!(
        (reason.kind(), Trouble::of(&reason)),
        (Kind::Store, Some(Trouble::Undecryptable)),
        "{reason}"
    );
    assert_eq!(kind(manager.call("b", HttpRequest::get("/")).await), Kind::Store);
    assert_eq!(kind(damaged.config()), Kind::Store);
    assert_eq!(manager.health("b").await.unwrap().state, State::Unhealthy);
    // What cannot be read is not written over by accident …
    assert_eq!(kind(manager.set_enabled("b", false).await), Kind::Store);
    manager.close().await;
    let mut connection = raw(dir.path()).await;
    let now: Vec<u8> = sqlx::query_scalar(select).fetch_one(&mut connection).await.unwrap();
    assert!(now == sealed);
    connection.close().await.unwrap();
    // … but it can be on purpose.
    let manager = open(dir.path()).await;
    manager.replace(keyed("b", &peer), Some(damaged.generation())).await.unwrap();
    manager.call("b", HttpRequest::get("/")).await.unwrap();
    manager.close().await;
}

#[tokio::test]
async fn a_document_that_is_no_configuration_breaks_only_itself() {
    let store = Arc::new(Flaky::default());
    for (id, document) in [
        ("cut", "{\"integration_id\": \"cu"),
        ("odd", "{\"integration_id\": \"odd\", \"type\": \"rest\", \"timeout\": -1}"),
        ("later", "{\"integration_id\": \"later\", \"type\": \"carrier_pigeon\"}"),
        ("well", "{\"integration_id\": \"well\", \"type\": \"rest\", \"base_url\": \"http://h\"}"),
        ("unread", "{}"),
    ] {
        store.put(id, None, document.as_bytes()).await.unwrap();
    }
    store.damage("unread");
    let manager = lab().store(store.clone()).build().await.unwrap();
    assert_eq!(ids(&manager), ["cut", "later", "odd", "unread", "well"]);
    let trouble = |id| manager.get(id).unwrap().trouble().map(|error| error.kind());
    assert_eq!(trouble("cut"), Some(Kind::InvalidConfig));
    assert_eq!(trouble("odd"), Some(Kind::InvalidConfig));
    assert_eq!(trouble("later"), Some(Kind::Unsupported));
    assert_eq!(trouble("unread"), Some(Kind::Store));
    assert_eq!(trouble("well"), None);
    for id in ["cut", "unread"] {
        manager.remove(id, None).await.unwrap();
    }
    assert_eq!(ids(&manager), ["later", "odd", "well"]);
}
