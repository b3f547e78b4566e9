//! Every grant, and every way in which a client shows who it is.

use serde_json::{Value, json};

use super::{RESOURCE, asked, config, pair};
use crate::harness::Server;

/// What the service says of whoever called it.
async fn who(server: &Server, id: &str) -> Value {
    server.get(&format!("/api/v1/integrations/{id}/proxy/resource")).await.is(200).json()
}

/// What the provider gives to whoever asks, at a path of its own.
pub(super) async fn given(server: &Server, path: &str) -> Value {
    server.get(&format!("/api/v1/integrations/provider/proxy/{path}")).await.is(200).json()
}

/// An integration that is the provider itself.
pub(super) async fn knows_provider(server: &Server, url: &str) {
    server.has(&json!({ "integration_id": "provider", "type": "rest", "base_url": url })).await;
}

/// The auth of an integration that holds a refresh token of its own.
pub(super) async fn granted(server: &Server) -> Value {
    let pasted = given(server, "refresh-token").await;
    let mut auth =
        json!({ "grant_type": "refresh_token", "client_id": "web", "client_secret": "webs secret" });
    auth["refresh_token"] = pasted["refresh_token"].clone();
    auth
}

#[tokio::test]
async fn a_client_signs_with_a_key_of_its_own_or_with_its_secret() {
    let (provider, server) = pair().await;
    knows_provider(&server, &provider.url("")).await;
    let key = given(&server, "key").await;
    let signs = json!({
        "client_id": "signer", "client_secret": null,
        "client_key": { "algorithm": "ES256", "private_key": key["private_key"], "key_id": key["key_id"] },
    });
    server.has(&config(&provider, "signer", signs)).await;
    assert_eq!(who(&server, "signer").await["client"], "signer");
    let secret = json!({
        "client_id": "secretive", "client_secret": "a secret to sign with, of 32 bytes",
        "client_auth": "client_secret_jwt",
    });
    server.has(&config(&provider, "secretive", secret)).await;
    assert_eq!(who(&server, "secretive").await["client"], "secretive");
}

#[tokio::test]
async fn an_assertion_that_is_signed_here_stands_for_a_grant() {
    let (provider, server) = pair().await;
    knows_provider(&server, &provider.url("")).await;
    let key = given(&server, "key").await;
    let auth = |algorithm: &str, issuer: &str| {
        json!({
            "grant_type": "jwt_bearer", "client_id": "asserter", "client_secret": null, "scope": "read",
            "assertion": {
                "algorithm": algorithm, "private_key": key["private_key"], "key_id": key["key_id"],
                "issuer": issuer, "subject": "alice",
            },
        })
    };
    server.has(&config(&provider, "a", auth("ES256", "asserter"))).await;
    assert_eq!(who(&server, "a").await, json!({ "client": "asserter", "scope": "read" }));
    server.has(&config(&provider, "other", auth("ES256", "somebody"))).await;
    let problem =
        server.call("other", &json!({ "endpoint": "/resource" })).await.problem(502, "unauthenticated");
    assert!(problem["detail"].as_str().unwrap().contains("invalid_grant"), "{problem}");
    // A key that cannot sign so is found out before anything is sent.
    let answer = server.register(&config(&provider, "wrong", auth("RS256", "asserter"))).await;
    let problem = answer.problem(422, "invalid_config");
    let detail = problem["detail"].as_str().unwrap();
    assert!(
        detail.starts_with("auth_config: assertion: private_key: is ") && detail.contains("RSA"),
        "{detail}"
    );
}

#[tokio::test]
async fn a_server_says_by_itself_where_its_endpoints_are() {
    let (provider, server) = pair().await;
    let issuer = |url: String| json!({ "issuer": url, "token_url": null, "scope": "read" });
    server.has(&config(&provider, "a", issuer(provider.url("")))).await;
    assert_eq!(who(&server, "a").await["scope"], "read");
    for (id, url, says) in [
        ("path", provider.url("/elsewhere"), "is this the issuer?"),
        ("name", provider.url("").replace("127.0.0.1", "localhost"), "it calls itself"),
    ] {
        server.has(&config(&provider, id, issuer(url))).await;
        let problem = server.call(id, &json!({ "endpoint": "/resource" })).await.json();
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.contains(says) || detail.contains("egress.allow"), "{id}: {problem}");
    }
}

#[tokio::test]
async fn a_refresh_token_from_elsewhere_is_exchanged_rotated_and_there_after_a_restart() {
    let (provider, server) = pair().await;
    knows_provider(&server, &provider.url("")).await;
    let auth = granted(&server).await;
    server.has(&config(&provider, "a", auth)).await;
    assert_eq!(who(&server, "a").await["person"], "alice");
    server.post("/api/v1/integrations/provider/proxy/revoke-all", &json!({})).await.is(200);
    // Exchanged again, with what the first exchange brought: a refresh token that was used would end it all.
    assert_eq!(who(&server, "a").await["person"], "alice");
    assert_eq!(asked(&server).await, 2);

    let server = server.stop().await.again().allow_at(provider.address()).start().await;
    assert_eq!(who(&server, "a").await["person"], "alice");
    assert_eq!(asked(&server).await, 2, "the access token was good");
    server.post("/api/v1/integrations/provider/proxy/revoke-all", &json!({})).await.is(200);
    assert_eq!(who(&server, "a").await["person"], "alice");
    assert_eq!(asked(&server).await, 3);
}

#[tokio::test]
async fn what_the_person_withdraws_needs_the_person_and_nobody_asks_again() {
    let (provider, server) = pair().await;
    knows_provider(&server, &provider.url("")).await;
    let mut auth = granted(&server).await;
    server.has(&config(&provider, "a", auth.clone())).await;
    server.get(RESOURCE).await.is(200);
    for path in ["revoke-grants", "revoke-all"] {
        server.post(&format!("/api/v1/integrations/provider/proxy/{path}"), &json!({})).await.is(200);
    }
    let request = json!({ "endpoint": "/resource" });
    for _ in 0..4 {
        let answers = (0..50).map(|_| server.call("a", &request));
        for answer in futures_util::future::join_all(answers).await {
            answer.problem(502, "needs_reauth");
        }
    }
    assert_eq!(given(&server, "asked").await["asked"], 2);
    let activity = server.get("/api/v1/activity?integration=a&limit=500").await.is(200).json();
    let events = activity.as_array().unwrap().iter();
    assert_eq!(events.filter(|record| record["operation"] == "reauth").count(), 1);

    // Another token in the configuration ends it.
    auth["refresh_token"] = given(&server, "refresh-token").await["refresh_token"].clone();
    let body = config(&provider, "a", auth);
    server.json("PUT", "/api/v1/integrations/a", &body).await.is(200);
    assert_eq!(who(&server, "a").await["person"], "alice");
}
