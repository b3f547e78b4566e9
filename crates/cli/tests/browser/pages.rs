//! Every page, on desk and phone, light and dark: accessible, still, and without a word to anybody else.

use serde_json::json;
use trunkline_testkit::Httpbin;

use super::spec::{begin, passes};
use crate::harness::Server;

/// A server on which every page has something to show.
async fn furnished(service: &Httpbin) -> Server {
    let server = begin().allow_at(service.address()).start().await;
    server
        .has(&json!({
            "integration_id": "shop", "name": "The shop", "description": "What is sold, and to whom", "type": "rest",
            "base_url": service.url(""), "auth_type": "bearer", "auth_config": { "token": "secret" },
            "webhooks": {
                "verify": { "type": "stripe", "secret": "whsec_test" },
                "to": [{ "to": "shop", "request": { "method": "POST", "endpoint": "/post", "json": "{{message}}" } }],
            },
            "rate_limit": [{ "requests": 100, "per": 1 }], "cache_config": { "ttl": 5 }, "retry_config": { "max_attempts": 2 },
        }))
        .await;
    let stripe = json!({ "secret_key": "sk_test_123456" });
    server.has(&json!({ "integration_id": "payments", "connector": "stripe", "inputs": stripe })).await;
    let away = json!({ "integration_id": "away", "name": "Away", "type": "rest", "base_url": "http://127.0.0.1:9", "enabled": false });
    server.has(&away).await;
    // Refused by the server itself, which takes more than a line to say why.
    server
        .has(&json!({ "integration_id": "blocked", "type": "rest", "base_url": "http://127.0.0.1:9/" }))
        .await;
    server
        .has(&json!({
            "integration_id": "mail", "name": "Mail", "type": "rest", "base_url": service.url(""), "auth_type": "oauth2",
            "auth_config": {
                "grant_type": "authorization_code", "client_id": "app", "client_secret": "secret", "scope": "read",
                "authorization_url": service.url("/auth"), "token_url": service.url("/token"),
            },
        }))
        .await;
    let tenant =
        json!({ "connection": "acme", "description": "A tenant", "auth_config": { "token": "of its own" } });
    server.post("/api/v1/integrations/shop/connections", &tenant).await.is(201);
    server.call("shop", &json!({ "endpoint": "/json" })).await.is(200);
    server.call("shop", &json!({ "endpoint": "/status/503" })).await.is(502);
    server
}

#[tokio::test]
async fn every_page_is_accessible_and_still_and_asks_nobody_else() {
    let service = Httpbin::start();
    let server = furnished(&service).await;
    passes(&server, "pages", &[("HTTPBIN_URL", &service.url(""))]).await;
}

#[tokio::test]
async fn nothing_moves_on_a_page_in_whichever_order_its_answers_come() {
    let service = Httpbin::start();
    let server = furnished(&service).await;
    passes(&server, "order", &[("HTTPBIN_URL", &service.url(""))]).await;
}
