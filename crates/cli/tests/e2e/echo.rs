//! Services that repeat the credential they were shown: nobody who reads about the failure sees it.

use http::{Response, StatusCode};
use percent_encoding::percent_decode;
use serde_json::{Value, json};
use trunkline::{Body, MASK};
use trunkline_testkit::{Peer, Received};

use crate::{
    harness::Server,
    secrets::{Sinks, canary, echo, spellings},
};

/// Everything that tells of a call that fails.
async fn tell(server: &Server, sinks: &mut Sinks, id: &str) {
    let answer = server.call(id, &json!({"endpoint": "/refuse"})).await;
    assert!(answer.headers.contains_key("trunkline-error"), "{answer:?}");
    sinks.answer(&format!("{id} /call"), &answer);
    let kept = [("content-type", "application/json"), ("idempotency-key", id)];
    for _ in 0..2 {
        let path = format!("/api/v1/integrations/{id}/call");
        let answer = server.with("POST", &path, &kept, r#"{"endpoint": "/refuse"}"#).await;
        sinks.answer(&format!("{id} /call, kept"), &answer);
    }
    sinks.take(format!("{id} /test"), server.test(id, &json!({"endpoint": "/refuse"})).await.to_string());
    sinks.take(format!("{id} probe"), server.test(id, &json!({})).await.to_string());
    sinks.answer("health", &server.get(&format!("/api/v1/integrations/{id}/health")).await.is(200));
    sinks.ran("trunkline call", &server.cli(&["call", id, "/refuse", "-i"]).await);
    sinks.ran("trunkline health", &server.cli(&["health", id]).await);
}

async fn and_what_is_kept(server: Server, mut sinks: Sinks, secrets: &[String]) {
    sinks.answer("activity", &server.get("/api/v1/activity?limit=1000").await.is(200));
    let server = server.stop().await;
    sinks.take("the log", server.log());
    sinks.take("activity.db", std::fs::read(server.data().join("activity.db")).unwrap());
    sinks.hold_none_of(secrets);
}

#[tokio::test]
async fn a_credential_that_a_service_repeats_is_masked_for_people_and_relayed_by_the_proxy() {
    let peer = Peer::http(echo).await;
    let server = Server::begin().allow(&peer).env("CANARY", canary(20)).start().await;
    let mut sinks = Sinks::default();
    let key =
        |place: &str, n| json!({"auth_type": "api_key", "auth_config": {place: "x-key", "key": canary(n)}});
    let configs = [
        key("header", 1),
        key("query", 2),
        key("cookie", 3),
        json!({"auth_type": "basic", "auth_config": {"username": "user", "password": canary(4)}}),
        json!({"auth_type": "bearer", "auth_config": {"token": canary(5)}}),
        json!({"headers": {"Authorization": "Bearer ${env:CANARY}"}}),
    ];
    for (n, mut config) in configs.into_iter().enumerate() {
        let id = format!("i{n}");
        config["integration_id"] = (*id).into();
        (config["type"], config["base_url"]) = ("rest".into(), peer.url().into());
        config["probe"] = json!({"endpoint": "/refuse"});
        server.has(&config).await;
        tell(&server, &mut sinks, &id).await;
        let masked = server.call(&id, &json!({"endpoint": "/refuse"})).await;
        assert!(masked.text().contains(MASK), "the service did repeat it: {masked:?}");
    }
    // What a service answers through the proxy is its own, errors too.
    let relayed = server.get("/api/v1/integrations/i4/proxy/refuse").await.is(400);
    assert!(relayed.text().contains(&canary(5).replace('"', "\\\"")), "{relayed:?}");
    let secrets: Vec<_> = [1, 2, 3, 4, 5, 20].into_iter().map(canary).collect();
    and_what_is_kept(server, sinks, &secrets).await;
}

/// A token endpoint that refuses clients in words that repeat what they sent, in the spelling that its path names.
fn refuse(received: Received) -> Response<Body> {
    let shown = match received.headers.get("authorization") {
        Some(basic) => basic.to_str().unwrap().to_owned(),
        None => String::from_utf8_lossy(&received.body).into_owned(),
    };
    let said = match received.uri.path().rsplit('/').next() {
        // The decoded value, after so many letters that the words are cut in the middle of it.
        Some("cut") => {
            let secret = shown.rsplit_once("client_secret=").unwrap().1;
            format!("{}{}", "x".repeat(285), percent_decode(secret.as_bytes()).decode_utf8().unwrap())
        }
        Some("value") => {
            let secret = shown.rsplit_once("client_secret=").unwrap().1;
            let secret = percent_decode(secret.as_bytes()).decode_utf8().unwrap();
            spellings(&secret).into_iter().take(4).collect::<Vec<_>>().join(" ")
        }
        _ => shown,
    };
    let refusal = json!({"error": "invalid_client", "error_description": said});
    let mut response = Response::new(Body::from(refusal.to_string()));
    *response.status_mut() = StatusCode::UNAUTHORIZED;
    response
}

fn oauth2(id: &str, peer: &Peer, tokens: &str, more: Value) -> Value {
    let mut auth = json!({"token_url": tokens, "client_id": "client"});
    auth.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    json!({"integration_id": id, "type": "rest", "base_url": peer.url(), "probe": {"endpoint": "/refuse"},
           "auth_type": "oauth2", "auth_config": auth})
}

#[tokio::test]
async fn a_client_secret_that_a_token_endpoint_repeats_is_masked_everywhere() {
    let (peer, tokens) = (Peer::http(echo).await, Peer::http(refuse).await);
    let server = Server::begin().allow(&peer).allow(&tokens).start().await;
    let mut sinks = Sinks::default();
    let mut secrets = Vec::new();
    for (n, (way, path)) in
        [("basic", "pair"), ("post", "form"), ("post", "value"), ("post", "cut")].into_iter().enumerate()
    {
        let id = format!("{way}-{path}");
        let auth = json!({"client_secret": canary(30 + n), "client_auth": way});
        server.has(&oauth2(&id, &peer, &format!("{}/{path}", tokens.url()), auth)).await;
        let problem = server.call(&id, &json!({"endpoint": "/refuse"})).await.problem(502, "unauthenticated");
        assert!(problem["detail"].as_str().unwrap().contains(MASK), "the endpoint did repeat it: {problem}");
        tell(&server, &mut sinks, &id).await;
        secrets.push(canary(30 + n));
        // Of the words that were cut not the beginning either.
        secrets.push(canary(30 + n)[..8].to_owned());
    }
    assert!(peer.received().is_empty());
    and_what_is_kept(server, sinks, &secrets).await;
}

#[tokio::test]
async fn an_access_token_that_a_service_repeats_is_masked_everywhere() {
    let peer = Peer::http(echo).await;
    let issue =
        |_| Response::new(Body::from(json!({"access_token": canary(40), "expires_in": 3600}).to_string()));
    let tokens = Peer::http(issue).await;
    let server = Server::begin().allow(&peer).allow(&tokens).start().await;
    let auth = json!({"client_secret": canary(41)});
    server.has(&oauth2("a", &peer, &tokens.url(), auth)).await;
    let mut sinks = Sinks::default();
    tell(&server, &mut sinks, "a").await;
    assert!(peer.received().len() > 3);
    and_what_is_kept(server, sinks, &[canary(40), canary(41)]).await;
}
