//! The configurations and requests of the framework that this one replaces work as they are.

use http::StatusCode;
use serde_json::{Value, json, value::RawValue};
use trunkline::{Call, IntegrationConfig, Manager};
use trunkline_testkit::{Feed, Peer, Received};

use crate::{answer, config, lab};

/// What the old model serialises to when only what is needed was set: every optional field is there.
fn model(id: &str, base_url: &str, auth_type: &str, auth_config: &Value) -> IntegrationConfig {
    config(json!({
        "integration_id": id, "name": id, "type": "rest", "base_url": base_url,
        "auth_type": auth_type, "auth_config": auth_config, "headers": {}, "timeout": 30,
        "retry_config": null, "rate_limit": null, "cache_config": null, "metadata": {},
    }))
}

/// The same of another type.
fn model_of(kind: &str, base_url: &str) -> IntegrationConfig {
    let mut model = model(kind, base_url, "none", &json!({})).expose();
    model["type"] = kind.into();
    config(model)
}

/// Sends a request as `/test` would get it, and gives what arrived.
async fn send(manager: &Manager, peer: &Peer, id: &str, request: Value) -> Received {
    let handle = manager.get(id).unwrap();
    let request = RawValue::from_string(request.to_string()).unwrap();
    let mut call = Call::new(handle.id().clone(), handle.parse(&request).unwrap());
    let reply = handle.call(&mut call).await.unwrap();
    assert_eq!(reply.json::<Value>().await.unwrap()["id"], "new");
    peer.received().pop().unwrap()
}

async fn vendor() -> Peer {
    Peer::http(|_| answer(StatusCode::OK, r#"{"id":"new"}"#)).await
}

#[tokio::test]
async fn hubspot_sends_its_key_as_the_format_says() {
    let (peer, manager) = (vendor().await, lab().build().await.unwrap());
    let auth = json!({ "key": "hub-key", "header": "Authorization", "format": "Bearer hub-key" });
    manager.register(model("hubspot", &peer.url(), "api_key", &auth)).await.unwrap();
    let body = json!({ "properties": { "email": "a@example.com", "firstname": "A" } });
    let got = send(
        &manager,
        &peer,
        "hubspot",
        json!({
            "method": "POST", "endpoint": "/crm/v3/objects/contacts", "json": body,
        }),
    )
    .await;
    assert_eq!((got.method.as_str(), got.uri.path()), ("POST", "/crm/v3/objects/contacts"));
    assert_eq!(got.header("authorization"), "Bearer hub-key");
    assert_eq!(got.header("content-type"), "application/json");
    assert_eq!(serde_json::from_slice::<Value>(&got.body).unwrap(), body);
}

#[tokio::test]
async fn stripe_sends_its_key_as_a_user_without_a_password() {
    let (peer, manager) = (vendor().await, lab().build().await.unwrap());
    let base = format!("{}/v1", peer.url());
    for (id, auth) in [
        ("stripe", json!({ "username": "sk_test_4eC39", "password": "" })),
        ("stripe-null", json!({ "username": "sk_test_4eC39", "password": null })),
    ] {
        manager.register(model(id, &base, "basic", &auth)).await.unwrap();
        let got = send(&manager, &peer, id, json!({
            "method": "POST", "endpoint": "/payment_intents", "data": { "amount": 1999, "currency": "usd" },
        }))
        .await;
        assert_eq!(got.uri.path(), "/v1/payment_intents");
        assert_eq!(got.header("authorization"), "Basic c2tfdGVzdF80ZUMzOTo=");
        assert_eq!(got.header("content-type"), "application/x-www-form-urlencoded");
        assert_eq!(got.body, "amount=1999&currency=usd");
        let got = send(&manager, &peer, id, json!({ "method": "GET", "endpoint": "/customers/cus_1" })).await;
        assert_eq!(got.uri.to_string(), "/v1/customers/cus_1");
    }
}

#[tokio::test]
async fn twilio_sends_account_and_token() {
    let (peer, manager) = (vendor().await, lab().build().await.unwrap());
    let base = format!("{}/2010-04-01/Accounts/AC123", peer.url());
    let auth = json!({ "username": "AC123", "password": "auth-token" });
    manager.register(model("twilio", &base, "basic", &auth)).await.unwrap();
    let got = send(
        &manager,
        &peer,
        "twilio",
        json!({
            "method": "POST", "endpoint": "/Messages.json",
            "data": { "To": "+15551234", "From": "+15554321", "Body": "hi & bye" },
        }),
    )
    .await;
    assert_eq!(got.uri.path(), "/2010-04-01/Accounts/AC123/Messages.json");
    assert_eq!(got.header("authorization"), "Basic QUMxMjM6YXV0aC10b2tlbg==");
    let fields: Vec<_> = got.body.split(|byte| *byte == b'&').map(<[u8]>::to_vec).collect();
    assert_eq!(fields.len(), 3, "{:?}", got.body);
    assert!(fields.contains(&b"To=%2B15551234".to_vec()), "{:?}", got.body);
}

#[tokio::test]
async fn an_api_key_goes_into_x_api_key_unless_a_header_is_named() {
    let (peer, manager) = (vendor().await, lab().build().await.unwrap());
    manager.register(model("plain", &peer.url(), "api_key", &json!({ "key": "k" }))).await.unwrap();
    manager
        .register(model(
            "named",
            &peer.url(),
            "api_key",
            &json!({ "key": "k", "header": "X-Token", "format": null }),
        ))
        .await
        .unwrap();
    let request =
        json!({ "method": "GET", "endpoint": "/x", "params": { "page": 2 }, "headers": { "X-A": "b" } });
    let got = send(&manager, &peer, "plain", request.clone()).await;
    assert_eq!((got.header("x-api-key"), got.header("x-a")), ("k", "b"));
    assert_eq!(got.uri.to_string(), "/x?page=2");
    assert_eq!(send(&manager, &peer, "named", request).await.header("x-token"), "k");
}

#[tokio::test]
async fn every_field_of_the_model_is_taken() {
    let (peer, manager) = (vendor().await, lab().build().await.unwrap());
    let registered = manager
        .register(config(json!({
            "integration_id": "full", "name": "Full", "type": "rest", "base_url": peer.url(),
            "auth_type": "none", "auth_config": {}, "headers": { "X-Team": "blue" }, "timeout": 30,
            "retry_config": { "max_retries": 3, "backoff_factor": 2 },
            "rate_limit": { "requests": 100, "per": 60 }, "cache_config": { "ttl": 300 },
            "metadata": { "owner": "ops" },
        })))
        .await
        .unwrap();
    assert!(registered.warnings.is_empty(), "{:?}", registered.warnings);
    let got = send(&manager, &peer, "full", json!({ "method": "GET", "endpoint": "" })).await;
    assert_eq!((got.header("x-team"), got.header("authorization")), ("blue", ""));
}

#[tokio::test]
async fn the_other_types_take_the_requests_that_they_always_took() {
    let manager = lab().build().await.unwrap();
    let ask = async |id: &str, request: Value| {
        let handle = manager.get(id).unwrap();
        let request = RawValue::from_string(request.to_string()).unwrap();
        let mut call = Call::new(handle.id().clone(), handle.parse(&request).unwrap());
        handle.call(&mut call).await.unwrap().text().await.unwrap()
    };
    let service = Peer::http(|_| answer(StatusCode::OK, r#"{"data":{"me":"a"}}"#)).await;
    manager.register(model_of("graphql", &service.url())).await.unwrap();
    let query = json!({ "query": "query($id: ID!) { me(id: $id) }", "variables": { "id": 7 } });
    assert_eq!(ask("graphql", query).await, r#"{"data":{"me":"a"}}"#);

    let feed = Feed::start().await;
    manager.register(model_of("websocket", &feed.url())).await.unwrap();
    let message = json!({ "message": { "op": "echo" }, "wait_response": true });
    assert_eq!(ask("websocket", message).await, r#"{"op":"echo"}"#);
    assert_eq!(ask("websocket", json!({ "message": { "op": "log" }, "wait_response": false })).await, "");
    feed.hears(r#"{"op":"log"}"#, 1).await;

    let driver = Peer::http(|_| answer(StatusCode::OK, r#"{"json":{"id":1}}"#)).await;
    manager.register(model_of("custom", &driver.url())).await.unwrap();
    assert_eq!(ask("custom", json!({ "anything": true })).await, r#"{"id":1}"#);
}
