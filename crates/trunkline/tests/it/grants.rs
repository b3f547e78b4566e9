//! What is granted to an integration, as its managers, its store and its activity see it.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicU32, Ordering},
};

use futures_util::FutureExt;
use http::{Response, StatusCode};
use serde_json::{Value, json};
use tokio::{sync::Semaphore, task::JoinSet};
use trunkline::{
    Body, ConnectionConfig, ConsentState, HttpRequest, Kind, Manager, MemoryStore, Part, PartKind, Store,
};
use trunkline_testkit::{Peer, Received};

use crate::{
    config,
    flaky::{Fault, Flaky},
    lab,
};

/// An authorization server that rotates refresh tokens and takes each of them once, and the service behind it.
#[derive(Debug, Default)]
struct Provider {
    /// The refresh token that is good.
    next: AtomicU32,
    asked: AtomicU32,
    /// What it was told is not needed any more.
    revoked: Mutex<Vec<String>>,
}

impl Provider {
    fn answer(&self, received: &Received) -> Response<Body> {
        let json = |status: StatusCode, body: Value| {
            Response::builder()
                .status(status)
                .header("content-type", "application/json")
                .body(Body::from(body.to_string()))
                .unwrap()
        };
        if received.uri.path() == "/revoke" {
            self.revoked.lock().unwrap().push(String::from_utf8_lossy(&received.body).into_owned());
            return json(StatusCode::OK, json!({}));
        }
        if received.uri.path() != "/token" {
            return json(StatusCode::OK, json!({ "saw": received.header("authorization") }));
        }
        self.asked.fetch_add(1, Ordering::SeqCst);
        let form = String::from_utf8_lossy(&received.body);
        let good = self.next.load(Ordering::SeqCst);
        if !form.contains(&format!("refresh_token=r{good}&client_id=me")) {
            return json(StatusCode::BAD_REQUEST, json!({ "error": "invalid_grant" }));
        }
        self.next.store(good + 1, Ordering::SeqCst);
        let next = good + 1;
        json(
            StatusCode::OK,
            json!({ "access_token": format!("a{next}"), "expires_in": 3600, "refresh_token": format!("r{next}") }),
        )
    }
}

async fn peer() -> (Peer, Arc<Provider>) {
    let provider = Arc::new(Provider::default());
    let answering = provider.clone();
    (Peer::http(move |received| answering.answer(&received)).await, provider)
}

fn auth(peer: &Peer) -> Value {
    json!({
        "grant_type": "refresh_token", "token_url": format!("{}/token", peer.url()), "client_id": "me",
        "refresh_token": "r0",
    })
}

fn integration(peer: &Peer) -> trunkline::IntegrationConfig {
    config(json!({
        "integration_id": "a", "type": "rest", "base_url": peer.url(), "auth_type": "oauth2", "auth_config": auth(peer),
    }))
}

fn granted_to(connection: &str) -> Part<'_> {
    Part { kind: PartKind::Grant, integration: "a", connection }
}

async fn saw(manager: &Manager) -> Result<String, Kind> {
    let reply = manager.call("a", HttpRequest::get("/x")).await.map_err(|error| error.kind())?;
    let body: Value = serde_json::from_str(&reply.text().await.unwrap()).unwrap();
    Ok(body["saw"].as_str().unwrap().to_owned())
}

#[tokio::test]
async fn three_managers_of_one_store_ask_for_one_token() {
    let (peer, provider) = peer().await;
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new(0));
    lab().store(store.clone()).build().await.unwrap().register(integration(&peer)).await.unwrap();
    let mut all = JoinSet::new();
    for _ in 0..3 {
        let manager = lab().store(store.clone()).build().await.unwrap();
        for _ in 0..100 {
            let manager = manager.clone();
            all.spawn(async move { saw(&manager).await });
        }
    }
    assert!(all.join_all().await.into_iter().all(|seen| seen.as_deref() == Ok("Bearer a1")));
    assert_eq!(provider.asked.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn what_was_granted_goes_with_the_integration() {
    let (peer, provider) = peer().await;
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new(0));
    let manager = lab().store(store.clone()).build().await.unwrap();
    manager.register(integration(&peer)).await.unwrap();
    assert_eq!(saw(&manager).await.as_deref(), Ok("Bearer a1"));
    let grant = granted_to("default");
    assert!(store.part(grant).await.unwrap().is_some());
    // A change that leaves the service and the client as they are keeps it.
    manager.set_enabled("a", false).await.unwrap();
    manager.set_enabled("a", true).await.unwrap();
    assert_eq!(saw(&manager).await.as_deref(), Ok("Bearer a1"));
    assert_eq!(provider.asked.load(Ordering::SeqCst), 1);
    manager.remove("a", None).await.unwrap();
    assert!(store.part(grant).await.unwrap().is_none());
    // The refresh token of the configuration was used up by the first life of the integration.
    manager.register(integration(&peer)).await.unwrap();
    assert_eq!(saw(&manager).await, Err(Kind::NeedsReauth));
}

#[tokio::test]
async fn that_a_person_is_needed_is_one_event_and_the_state_of_the_consent() {
    let (peer, provider) = peer().await;
    provider.next.store(7, Ordering::SeqCst);
    let manager = lab().build().await.unwrap();
    manager.register(integration(&peer)).await.unwrap();
    for _ in 0..100 {
        assert_eq!(saw(&manager).await, Err(Kind::NeedsReauth));
    }
    assert_eq!(provider.asked.load(Ordering::SeqCst), 1);
    let handle = manager.get("a").unwrap();
    let standing = handle.consent().unwrap().standing().await.unwrap();
    assert_eq!(standing.state, ConsentState::NeedsReauth);
    assert!(standing.reason.unwrap().contains("invalid_grant"));
    handle.consent().unwrap().import(&json!({ "refresh_token": "r7" })).await.unwrap();
    assert_eq!(saw(&manager).await.as_deref(), Ok("Bearer a8"));
    let events = manager.activity().query(&trunkline::Filter { limit: Some(500), ..Default::default() });
    let noted: Vec<_> = events
        .iter()
        .filter(|record| record.attempts == 0 && ["reauth", "import"].contains(&&*record.operation))
        .map(|record| (&*record.operation, &*record.kind))
        .collect();
    assert_eq!(noted, [("import", "ok"), ("reauth", "needs_reauth")], "newest first");
}

/// A provider that says that it was asked, and answers when there is a permit.
async fn slow() -> (Peer, Arc<Semaphore>, Arc<Semaphore>) {
    let (came, gate) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
    let (tell, hold) = (came.clone(), gate.clone());
    let peer = Peer::live(move |request| {
        let (tell, hold) = (tell.clone(), hold.clone());
        async move {
            if request.uri().path() == "/token" {
                tell.add_permits(1);
                hold.acquire().await.unwrap().forget();
            }
            let token = json!({ "access_token": "a1", "expires_in": 3600, "refresh_token": "r1" });
            let response = Response::builder().header("content-type", "application/json");
            response.body(Body::from(token.to_string())).unwrap()
        }
    })
    .await;
    (peer, came, gate)
}

/// Begins an exchange by a call whose caller goes away.
async fn begin(manager: &Manager, connection: &'static str, came: &Semaphore) {
    let calling = manager.clone();
    let call = tokio::spawn(async move { calling.call_for("a", connection, HttpRequest::get("/x")).await });
    came.acquire().await.unwrap().forget();
    call.abort();
    call.await.unwrap_err();
}

#[tokio::test]
async fn a_stop_waits_for_exchanges_of_configurations_that_were_replaced() {
    let (peer, came, gate) = slow().await;
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new(0));
    let manager = lab().store(store.clone()).build().await.unwrap();
    manager.register(integration(&peer)).await.unwrap();
    manager.settle().await;
    begin(&manager, "default", &came).await;
    manager.set_enabled("a", false).await.unwrap();
    assert!(manager.settle().now_or_never().is_none());
    gate.add_permits(1);
    manager.close().await;
    let again = store.part(granted_to("default")).await;
    assert_eq!(again.unwrap_err().kind(), Kind::Store, "it is closed");
}

#[tokio::test]
async fn what_an_exchange_of_a_replaced_configuration_brings_is_there_after_the_stop() {
    let (peer, came, gate) = slow().await;
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new(0));
    let manager = lab().store(store.clone()).build().await.unwrap();
    manager.register(integration(&peer)).await.unwrap();
    // A call that is under way begins it after the change.
    let before = manager.get("a").unwrap();
    manager.set_enabled("a", false).await.unwrap();
    let call = tokio::spawn(async move {
        let mut call = trunkline::Call::new(before.id().clone(), HttpRequest::get("/x"));
        before.call(&mut call).await
    });
    came.acquire().await.unwrap().forget();
    call.abort();
    call.await.unwrap_err();
    gate.add_permits(1);
    manager.settle().await;
    let kept = store.part(granted_to("default")).await.unwrap().unwrap().document.unwrap();
    assert!(String::from_utf8_lossy(&kept).contains("\"refresh_token\":\"r1\""));
}

#[tokio::test]
async fn a_stop_waits_for_tokens_of_a_replaced_configuration_that_could_not_be_written_at_once() {
    let (peer, came, gate) = slow().await;
    let store = Arc::new(Flaky::default());
    let manager = lab().store(store.clone()).build().await.unwrap();
    manager.register(integration(&peer)).await.unwrap();
    begin(&manager, "default", &came).await;
    manager.set_enabled("a", false).await.unwrap();
    store.next(Fault::Refused);
    gate.add_permits(1);
    manager.settle().await;
    let kept = store.part(granted_to("default")).await.unwrap().unwrap().document.unwrap();
    assert!(String::from_utf8_lossy(&kept).contains("\"refresh_token\":\"r1\""));
}

#[tokio::test]
async fn a_connection_with_an_exchange_under_way_stays_open_until_that_has_ended() {
    let (peer, came, gate) = slow().await;
    let manager = lab().open_connections(1).build().await.unwrap();
    manager.register(integration(&peer)).await.unwrap();
    for name in ["x", "y", "z"] {
        let config = ConnectionConfig::from_json(json!({ "connection": name })).unwrap();
        manager.add_connection("a", config).await.unwrap();
    }
    begin(&manager, "x", &came).await;
    let pointer = async |name| Arc::as_ptr(&manager.connection("a", name).await.unwrap());
    let held = Arc::downgrade(&manager.connection("a", "x").await.unwrap());
    for name in ["y", "z", "y", "z"] {
        pointer(name).await;
    }
    assert_eq!(held.as_ptr(), pointer("x").await);
    gate.add_permits(1);
    manager.settle().await;
    for name in ["y", "z", "y", "z"] {
        pointer(name).await;
    }
    assert!(held.upgrade().is_none(), "nothing keeps it any more");
}

#[tokio::test]
async fn the_provider_of_what_is_removed_is_told() {
    let (peer, provider) = peer().await;
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new(0));
    let manager = lab().store(store.clone()).build().await.unwrap();
    let mut auth = auth(&peer);
    auth["revocation_url"] = format!("{}/revoke", peer.url()).into();
    let with = |auth: &Value| {
        config(json!({
            "integration_id": "a", "type": "rest", "base_url": peer.url(), "auth_type": "oauth2", "auth_config": auth,
        }))
    };
    auth.as_object_mut().unwrap().remove("refresh_token");
    auth["grant_type"] = "device_code".into();
    auth["device_authorization_url"] = format!("{}/device", peer.url()).into();
    let registered = manager.register(with(&auth)).await.unwrap();
    for name in ["x", "y", "z"] {
        let config = ConnectionConfig::from_json(json!({ "connection": name })).unwrap();
        manager.add_connection("a", config).await.unwrap();
    }
    let import = async |name: &str| {
        let handle = manager.connection("a", name).await.unwrap();
        handle.consent().unwrap().import(&json!({ "refresh_token": format!("of-{name}") })).await.unwrap();
    };
    for name in ["default", "x", "y"] {
        import(name).await;
    }
    let told = || {
        let mut told = std::mem::take(&mut *provider.revoked.lock().unwrap());
        told.iter_mut().for_each(|form| form.truncate(form.find('&').unwrap()));
        told.sort();
        told
    };
    manager.remove_connection("a", "x", Some(1)).await.unwrap_err();
    assert!(told().is_empty(), "what is refused gives nothing up");
    assert_eq!(manager.remove_connection("a", "x", None).await.unwrap().revoked, Some(true));
    assert_eq!(told(), ["token=of-x"]);
    assert_eq!(manager.remove_connection("a", "z", None).await.unwrap().revoked, None);
    manager.remove("a", Some(registered.handle.generation() + 1)).await.unwrap_err();
    assert_eq!(manager.remove("a", None).await.unwrap().revoked, Some(true));
    assert_eq!(told(), ["token=of-default", "token=of-y"]);
    for name in ["default", "x", "y"] {
        assert!(store.part(granted_to(name)).await.unwrap().is_none(), "{name}");
    }
}

#[tokio::test]
async fn a_provider_that_does_not_answer_keeps_nobody_from_removing() {
    let (peer, _came, _gate) = slow().await;
    let manager = lab().build().await.unwrap();
    let mut auth = auth(&peer);
    // It answers nothing there without a permit.
    auth["revocation_url"] = auth["token_url"].clone();
    manager
        .register(config(json!({
            "integration_id": "a", "type": "rest", "base_url": peer.url(), "auth_type": "oauth2", "auth_config": auth,
        })))
        .await
        .unwrap();
    tokio::time::pause();
    assert_eq!(manager.remove("a", None).await.unwrap().revoked, Some(false));
    assert_eq!(manager.get("a").unwrap_err().kind(), Kind::UnknownIntegration);
}
