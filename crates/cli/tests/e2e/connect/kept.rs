//! What was kept of an account's replies when the account changes.

use std::sync::atomic::{AtomicUsize, Ordering};

use http::Response;
use serde_json::json;
use trunkline::Body;
use trunkline_testkit::Peer;

use super::{BASE, client, config, connected, link, page, pair_with, standing, web};
use crate::harness::{Browser, Server, until};

/// A token endpoint that gives `token-1`, `token-2` and so on, an endpoint for devices whose people agree at once, and a
/// service whose replies say whose they are and may be kept for an hour.
async fn service() -> Peer {
    let issued = AtomicUsize::new(0);
    Peer::http(move |received| {
        let json = match received.uri.path() {
            "/token" => {
                let n = issued.fetch_add(1, Ordering::Relaxed) + 1;
                json!({ "access_token": format!("token-{n}"), "token_type": "Bearer", "expires_in": 3600 })
            }
            "/device" => json!({
                "device_code": "d", "user_code": "U", "verification_uri": "https://h/device", "interval": 1,
                "expires_in": 600,
            }),
            _ => {
                let response = Response::builder().header("cache-control", "max-age=3600");
                return response.body(Body::from(received.header("authorization").to_owned())).unwrap();
            }
        };
        let response = Response::builder().header("content-type", "application/json");
        response.body(Body::from(json.to_string())).unwrap()
    })
    .await
}

/// Whose reply it is, asked twice: the second time it is one that was kept.
async fn whose(server: &Server, peer: &Peer) -> String {
    let asked = || peer.received().iter().filter(|received| received.uri.path() == "/mine").count();
    let (first, before) = (server.get(&format!("{BASE}/proxy/mine")).await.is(200), asked());
    let second = server.get(&format!("{BASE}/proxy/mine")).await.is(200);
    assert_eq!((second.text(), asked()), (first.text(), before), "it was kept");
    first.text().to_owned()
}

async fn nobodys(server: &Server) {
    server.with("GET", &format!("{BASE}/proxy/mine"), &[], "").await.problem(502, "needs_reauth");
}

#[tokio::test]
async fn nobody_is_given_what_was_kept_for_the_account_before() {
    let peer = service().await;
    let (provider, server) = pair_with(|begin| begin.allow(&peer)).await;
    let client = client(&provider, web(&server, "shop", "client_secret_post")).await;
    // Nobody is told of what is given up: that takes none of the tokens here.
    let own = json!({ "token_url": format!("{}/token", peer.url()), "revocation_url": null, "client_auth": "post" });
    let mut config = config(&provider, "shop", &client, own);
    config["base_url"] = peer.url().into();
    server.has(&config).await;
    let connect = async || {
        page(Browser::default().connect(&link(&server, "shop").await).await, 200);
    };

    connect().await;
    assert_eq!(whose(&server, &peer).await, "Bearer token-1");
    connect().await;
    assert_eq!(whose(&server, &peer).await, "Bearer token-2", "another has taken its place");
    server.delete(&format!("{BASE}/oauth")).await.is(200);
    nobodys(&server).await;
    let tokens = json!({ "access_token": "brought", "expires_in": 3600 });
    server.post(&format!("{BASE}/oauth/tokens"), &tokens).await.is(200);
    assert_eq!(whose(&server, &peer).await, "Bearer brought");
    let tokens = json!({ "access_token": "other", "expires_in": 3600 });
    server.post(&format!("{BASE}/oauth/tokens"), &tokens).await.is(200);
    assert_eq!(whose(&server, &peer).await, "Bearer other");
    // Whoever refuses changes nothing.
    page(Browser::refusing("no").connect(&link(&server, "shop").await).await, 400);
    assert_eq!(whose(&server, &peer).await, "Bearer other");
}

#[tokio::test]
async fn nor_where_somebody_agrees_on_another_device() {
    let peer = service().await;
    let (provider, server) = pair_with(|begin| begin.allow(&peer)).await;
    let own = json!({
        "grant_type": "device_code", "token_url": format!("{}/token", peer.url()),
        "device_authorization_url": format!("{}/device", peer.url()),
    });
    let mut config = config(&provider, "shop", &json!({ "client_id": "c" }), own);
    config["base_url"] = peer.url().into();
    server.has(&config).await;
    for account in ["Bearer token-1", "Bearer token-2"] {
        server.with("POST", &format!("{BASE}/oauth/device"), &[], "").await.is(200);
        assert_eq!(standing(&server).await["state"], "pending");
        until("the account", || connected(&server)).await;
        assert_eq!(whose(&server, &peer).await, account);
    }
}

#[tokio::test]
async fn a_tenant_who_leaves_takes_along_no_more_than_its_own() {
    let peer = service().await;
    let (provider, server) = pair_with(|begin| begin.allow(&peer)).await;
    let own = json!({ "token_url": format!("{}/token", peer.url()) });
    let mut config = config(&provider, "shop", &json!({ "client_id": "c" }), own);
    config["base_url"] = peer.url().into();
    server.has(&config).await;
    for name in ["a", "b"] {
        server.post(&format!("{BASE}/connections"), &json!({ "connection": name })).await.is(201);
        let tokens = json!({ "access_token": name, "expires_in": 3600 });
        server.post(&format!("{BASE}/oauth/tokens?connection={name}"), &tokens).await.is(200);
    }
    let of = async |name: &str| {
        let header = [("trunkline-connection", name)];
        server.with("GET", &format!("{BASE}/proxy/mine"), &header, "").await
    };
    for _ in 0..2 {
        assert_eq!(of("a").await.is(200).text(), "Bearer a");
        assert_eq!(of("b").await.is(200).text(), "Bearer b");
    }
    server.delete(&format!("{BASE}/oauth?connection=a")).await.is(200);
    of("a").await.problem(502, "needs_reauth");
    assert_eq!(of("b").await.is(200).text(), "Bearer b");
    let asked = peer.received().iter().filter(|received| received.uri.path() == "/mine").count();
    assert_eq!(asked, 2, "each was asked for once");
}
