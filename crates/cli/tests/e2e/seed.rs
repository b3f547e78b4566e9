//! The API that the framework is named after: its five endpoints, its JSON, its shapes.

use http::{Response, StatusCode};
use serde_json::{Value, json};
use trunkline::Body;
use trunkline_testkit::{Peer, Received};

use crate::harness::Server;

fn echo(received: Received) -> Response<Body> {
    let body = json!({
        "method": received.method.as_str(), "path": received.uri.to_string(),
        "content_type": received.header("content-type"), "body": String::from_utf8_lossy(&received.body),
    });
    let mut response = Response::new(Body::from(body.to_string()));
    response.headers_mut().insert("content-type", "application/json".parse().unwrap());
    response
}

/// What the original's `IntegrationConfig(…).json()` prints: every field, absent ones as null.
fn original(id: &str, url: &str, auth_type: &str, auth_config: &Value) -> Value {
    json!({
        "integration_id": id, "name": "A service", "type": "rest", "base_url": url,
        "auth_type": auth_type, "auth_config": auth_config, "headers": {}, "timeout": 30,
        "retry_config": { "max_retries": 3, "backoff_factor": 2 },
        "rate_limit": null, "cache_config": null, "metadata": {},
    })
}

#[tokio::test]
async fn the_original_json_is_accepted_unchanged_and_its_call_arrives_with_the_key() {
    let peer = Peer::http(echo).await;
    let server = Server::beside(&peer).await;
    let config = original("crm", &format!("{}/v1", peer.url()), "api_key", &json!({"key": "k-123456"}));
    let told = server.register(&config).await.is(201).json();
    assert_eq!((&told["integration_id"], &told["status"]), (&json!("crm"), &json!("registered")));

    let reply =
        server.call("crm", &json!({"method": "GET", "endpoint": "/users", "params": {"page": 2}})).await;
    assert_eq!(reply.is(200).json()["path"], "/v1/users?page=2");
    assert_eq!(peer.received()[0].header("x-api-key"), "k-123456");
}

#[tokio::test]
async fn every_field_of_the_original_may_be_set_or_null() {
    let server = Server::begin().start().await;
    let full = json!({
        "integration_id": "full", "name": "Full", "type": "rest", "base_url": "https://api.example.com/v1",
        "auth_type": "none", "auth_config": {}, "headers": {"accept": "application/json"}, "timeout": 30,
        "retry_config": {"max_retries": 3, "backoff_factor": 2}, "rate_limit": {"requests": 10, "per": 1},
        "cache_config": {"ttl": 60}, "metadata": {"team": "crm", "tags": [1, null]},
    });
    server.has(&full).await;
    let mut bare = original("bare", "https://api.example.com", "none", &Value::Null);
    for key in ["headers", "retry_config", "metadata", "timeout"] {
        bare[key] = Value::Null;
    }
    server.has(&bare).await;
}

#[tokio::test]
async fn the_five_endpoints_answer_in_the_original_shapes() {
    let peer = Peer::http(|received| match received.uri.path() {
        "/broken" => Response::builder().status(StatusCode::NOT_FOUND).body(Body::from("no")).unwrap(),
        _ => echo(received),
    })
    .await;
    let server = Server::beside(&peer).await;
    let at = "/api/v1/integrations";
    server.has(&original("up", &peer.url(), "api_key", &json!({"key": "k-123456"}))).await;
    server.has(&original("down", "http://127.0.0.1:9", "none", &json!({}))).await;

    let list = server.get(&format!("{at}/list")).await.is(200).json();
    let item = &list[1];
    assert_eq!(list.as_array().unwrap().len(), 2);
    assert_eq!(
        (&item["integration_id"], &item["name"], &item["type"]),
        (&json!("up"), &json!("A service"), &json!("rest"))
    );

    let health = server.get(&format!("{at}/health")).await.is(200).json();
    assert_eq!(health, json!({"up": true, "down": false}));

    let tested = server.test("up", &json!({"method": "POST", "endpoint": "/things", "json": {"a": 1}})).await;
    assert_eq!((&tested["status"], &tested["result"]["body"]), (&json!("success"), &json!("{\"a\":1}")));
    let tested = server.test("up", &json!({"method": "GET", "endpoint": "/broken"})).await;
    assert_eq!(tested["status"], "error");
    assert!(tested["error"].as_str().unwrap().contains("404"), "{tested}");

    let removed = server.delete(&format!("{at}/up")).await.is(200).json();
    assert_eq!(removed, json!({"integration_id": "up", "status": "removed"}));
    server.delete(&format!("{at}/up")).await.problem(404, "unknown_integration");
}

#[tokio::test]
async fn the_originals_own_connectors_call_as_their_vendors_expect() {
    let peer = Peer::http(echo).await;
    let server = Server::beside(&peer).await;
    let hubspot = json!({"key": "pat-123456", "header": "Authorization", "format": "Bearer pat-123456"});
    server.has(&original("hubspot", &peer.url(), "api_key", &hubspot)).await;
    let stripe = json!({"username": "sk_test_123456", "password": ""});
    server.has(&original("stripe", &format!("{}/v1", peer.url()), "basic", &stripe)).await;
    let twilio = json!({"username": "AC123456", "password": "token-123456"});
    let account = format!("{}/2010-04-01/Accounts/AC123456", peer.url());
    server.has(&original("twilio", &account, "basic", &twilio)).await;

    let contact = json!({"method": "POST", "endpoint": "/crm/v3/objects/contacts", "json": {"properties": {"email": "a@b.c"}}});
    server.call("hubspot", &contact).await.is(200);
    let payment = json!({"method": "POST", "endpoint": "/payment_intents", "data": {"amount": 2000, "currency": "usd", "card": {"number": "4"}}});
    server.call("stripe", &payment).await.is(200);
    let message = json!({"method": "POST", "endpoint": "/Messages.json", "data": {"To": "+1", "From": "+2", "Body": "a b&c"}});
    server.call("twilio", &message).await.is(200);

    let seen: Vec<_> = peer
        .received()
        .iter()
        .map(|request| {
            let body = String::from_utf8_lossy(&request.body).into_owned();
            (request.uri.to_string(), request.header("authorization").to_owned(), body)
        })
        .collect();
    let expected = [
        ("/crm/v3/objects/contacts", "Bearer pat-123456", "{\"properties\":{\"email\":\"a@b.c\"}}"),
        ("/v1/payment_intents", "Basic c2tfdGVzdF8xMjM0NTY6", "amount=2000&card[number]=4&currency=usd"),
        (
            "/2010-04-01/Accounts/AC123456/Messages.json",
            "Basic QUMxMjM0NTY6dG9rZW4tMTIzNDU2",
            "Body=a+b%26c&From=%2B2&To=%2B1",
        ),
    ];
    for ((path, authorization, body), expected) in seen.iter().zip(expected) {
        let mut fields: Vec<_> = body.split('&').collect();
        fields.sort_unstable();
        assert_eq!((path.as_str(), authorization.as_str(), fields.join("&").as_str()), expected);
    }
}

#[tokio::test]
async fn a_service_that_is_down_can_be_registered_and_nothing_is_sent() {
    let peer = Peer::http(echo).await;
    let server = Server::beside(&peer).await;
    server.has(&original("up", &peer.url(), "none", &json!({}))).await;
    server.has(&original("gone", "http://no-such-host.invalid", "none", &json!({}))).await;
    assert_eq!(peer.connections(), 0);
    let problem = server.call("gone", &json!({"endpoint": "/"})).await.is(502).json();
    // Without a name server nobody can say that the name does not exist.
    assert!(problem["kind"] == "unknown_host" || problem["kind"] == "unavailable", "{problem}");
    assert_eq!(problem["outcome"], "not_sent");
}
