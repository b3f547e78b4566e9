//! What is granted to an integration, as its managers, its store and its activity see it.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use http::{Response, StatusCode};
use serde_json::{Value, json};
use tokio::task::JoinSet;
use trunkline::{Body, ConsentState, HttpRequest, Kind, Manager, MemoryStore, Part, PartKind, Store};
use trunkline_testkit::{Peer, Received};

use crate::{config, lab};

/// An authorization server that rotates refresh tokens and takes each of them once, and the service behind it.
#[derive(Debug, Default)]
struct Provider {
    /// The refresh token that is good.
    next: AtomicU32,
    asked: AtomicU32,
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
    let grant = Part { kind: PartKind::Grant, integration: "a", connection: "default" };
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
