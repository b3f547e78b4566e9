//! Tokens of a certified authorization server, from the first call to the last.

mod crash;
mod faults;
mod grants;

use futures_util::future::join_all;
use serde_json::{Value, json};
use trunkline_testkit::OidcProvider;

use crate::harness::Server;

const LIFE: u32 = 3600;

async fn pair() -> (OidcProvider, Server) {
    let provider = OidcProvider::start(LIFE);
    let server = Server::begin().allow_at(provider.address()).start().await;
    (provider, server)
}

/// An integration whose service is the provider's resource.
fn config(provider: &OidcProvider, id: &str, auth: Value) -> Value {
    let mut config = json!({
        "integration_id": id, "type": "rest", "base_url": provider.url(""), "auth_type": "oauth2",
        "auth_config": {
            "token_url": provider.url("/token"), "client_id": "me & co", "client_secret": "p@ss:/%40word",
        },
        "probe": { "endpoint": "/resource" },
    });
    let fields = config["auth_config"].as_object_mut().unwrap();
    fields.extend(auth.as_object().unwrap().clone());
    fields.retain(|_, value| !value.is_null());
    config
}

async fn asked(server: &Server) -> Value {
    server.get("/api/v1/integrations/a/proxy/asked").await.is(200).json()["asked"].clone()
}

const RESOURCE: &str = "/api/v1/integrations/a/proxy/resource";

#[tokio::test]
async fn a_token_is_asked_for_once_by_all_who_want_it_and_shown_to_the_service() {
    let (provider, server) = pair().await;
    let mut wide = config(&provider, "a", json!({ "scope": ["read", "write"] }));
    wide["concurrency"] = json!({ "max": 1000 });
    server.has(&wide).await;
    let answers = join_all((0..1000).map(|_| server.get(RESOURCE))).await;
    for answer in answers {
        assert_eq!(answer.is(200).json(), json!({ "client": "me & co", "scope": "read write" }));
    }
    assert_eq!(asked(&server).await, 1);
    assert_eq!(server.get("/api/v1/integrations/a/health").await.is(200).json()["state"], "healthy");
}

#[tokio::test]
async fn a_token_that_the_service_refuses_is_replaced_once_and_the_call_made_again() {
    let (provider, server) = pair().await;
    server.has(&config(&provider, "a", json!({}))).await;
    server.get(RESOURCE).await.is(200);
    server.post("/api/v1/integrations/a/proxy/revoke-all", &json!({})).await.is(200);
    let answers = join_all((0..50).map(|_| server.get(RESOURCE))).await;
    answers.into_iter().for_each(|answer| drop(answer.is(200)));
    assert_eq!(asked(&server).await, 2);
    server.post("/api/v1/integrations/a/proxy/revoke-all", &json!({})).await.is(200);
    assert_eq!(
        server.get(RESOURCE).await.is(401).header("trunkline-attempts"),
        "1",
        "no third within half a minute"
    );
    assert_eq!(asked(&server).await, 2);
}

#[tokio::test]
async fn a_client_shows_its_secret_as_it_is_told() {
    let (provider, server) = pair().await;
    for (id, way) in [("a", "post"), ("b", "basic"), ("c", "auto")] {
        server.has(&config(&provider, id, json!({ "client_auth": way }))).await;
        let path = format!("/api/v1/integrations/{id}/proxy/resource");
        assert_eq!(server.get(&path).await.is(200).json()["client"], "me & co", "{way}");
    }
}

#[tokio::test]
async fn what_the_server_says_against_it_is_said_and_never_the_secret() {
    let (provider, server) = pair().await;
    for (id, auth, kind, says) in [
        ("wrong", json!({ "client_secret": "canary-4711" }), "unauthenticated", "invalid_client"),
        ("unknown", json!({ "client_id": "nobody" }), "unauthenticated", "invalid_client"),
        (
            "scope",
            json!({ "client_id": "narrow", "client_secret": "narrow", "scope": "write" }),
            "forbidden",
            "invalid_scope",
        ),
        (
            "grant",
            json!({ "client_id": "coder", "client_secret": "coder" }),
            "unauthenticated",
            "not allowed for this client",
        ),
        (
            "page",
            json!({ "token_url": provider.url("/.well-known/openid-configuration") }),
            "protocol",
            "token endpoint",
        ),
    ] {
        server.has(&config(&provider, id, auth)).await;
        let problem = server.call(id, &json!({ "endpoint": "/resource" })).await.problem(502, kind);
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.contains(says), "{id}: {problem}");
        assert!(!problem.to_string().contains("canary"), "{problem}");
        let health = server.get(&format!("/api/v1/integrations/{id}/health")).await.is(200).json();
        assert_ne!(health["state"], "healthy", "{health}");
    }
    assert!(!server.log().contains("canary"), "the secret is in the log");
}

#[tokio::test]
async fn a_token_endpoint_that_may_not_be_dialled_is_not() {
    let (provider, server) = pair().await;
    server.has(&config(&provider, "a", json!({ "token_url": "http://127.0.0.1:1/token" }))).await;
    let problem = server.call("a", &json!({ "endpoint": "/resource" })).await.problem(403, "blocked");
    assert!(problem["detail"].as_str().unwrap().contains("egress.allow"), "{problem}");
}
