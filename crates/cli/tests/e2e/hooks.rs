//! Webhooks: taken only with a signature, stored before the answer, forwarded once for each event, and seen.

mod forward;
mod keys;
mod once;
mod refuse;
mod vendors;

use aws_lc_rs::hmac;
use serde_json::{Value, json};
use trunkline_testkit::Peer;

use crate::harness::{Answer, Server, until};

const SECRET: &str = "whsec_test";
const AT: &str = "/api/v1/integrations/shop";

fn now() -> u64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs()
}

/// What Stripe writes into `Stripe-Signature`.
fn signature(secret: &str, at: u64, body: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    let tag = hmac::sign(&key, format!("{at}.{body}").as_bytes());
    let tag: String = tag.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    format!("t={at},v1={tag}")
}

fn event(id: &str) -> String {
    format!(r#"{{"id": "{id}", "type": "charge.succeeded", "amount": 1.50}}"#)
}

/// Sends a webhook as Stripe does.
async fn send(server: &Server, id: &str) -> Answer {
    send_at(server, &event(id), now()).await
}

/// The same with this body, signed at another time.
async fn send_at(server: &Server, body: &str, at: u64) -> Answer {
    send_to(server, "shop", body, at).await
}

/// The same to another integration.
async fn send_to(server: &Server, integration: &str, body: &str, at: u64) -> Answer {
    let signed = signature(SECRET, at, body);
    // A sender has no token.
    let headers =
        [("stripe-signature", &*signed), ("content-type", "application/json"), ("trunkline-token", "")];
    server.with("POST", &format!("/hooks/{integration}"), &headers, body.to_owned()).await
}

/// An integration that takes webhooks, and what else it says of them.
fn shop(further: Value) -> Value {
    let mut webhooks = json!({
        "verify": {"type": "stripe", "secret": SECRET},
        "retry": {"first_pause": "20ms", "longest_pause": "100ms"},
    });
    webhooks.as_object_mut().unwrap().extend(further.as_object().unwrap().clone());
    json!({"integration_id": "shop", "type": "rest", "base_url": "http://127.0.0.1:9", "webhooks": webhooks})
}

/// An integration that webhooks go to, which makes one attempt of each call.
fn target(id: &str, peer: &Peer) -> Value {
    json!({
        "integration_id": id, "type": "rest", "base_url": peer.url(),
        "retry_config": {"max_attempts": 1}, "breaker": {"enabled": false},
    })
}

/// One of a vendor's, which makes one attempt of each call.
fn connector(id: &str, connector: &str, inputs: Value, base_url: &str) -> Value {
    json!({
        "integration_id": id, "connector": connector, "inputs": inputs, "base_url": base_url,
        "retry_config": {"max_attempts": 1}, "breaker": {"enabled": false},
    })
}

/// To one that is called at `/in`.
fn to(id: &str) -> Value {
    json!({"to": id, "request": {"method": "POST", "endpoint": "/in", "json": "{{message}}"}})
}

async fn read(server: &Server, id: &str) -> Value {
    server.get(&format!("{AT}/events/{id}")).await.is(200).json()
}

/// Waits until an event is in this state.
async fn is(server: &Server, id: &str, state: &str) -> Value {
    until(state, || async { Some(read(server, id).await).filter(|event| event["state"] == state) }).await
}

/// What happened to the integration, the oldest first.
async fn activity(server: &Server, integration: &str, operation: &str) -> Vec<Value> {
    let all = server.get(&format!("/api/v1/activity?integration={integration}")).await.is(200).json();
    let all = all.as_array().unwrap().iter().rev();
    all.filter(|record| record["operation"] == operation).cloned().collect()
}

#[tokio::test]
async fn an_event_is_known_by_its_id_whatever_that_is_and_whenever_it_comes_again() {
    let peer = Peer::http(|_| http::Response::new(trunkline::Body::Empty)).await;
    let server = Server::beside(&peer).await;
    server.has(&target("crm", &peer)).await;
    server.has(&shop(json!({"to": [to("crm")]}))).await;
    let long = "x".repeat(300);
    let number = |id: &str| format!("{{\"id\": {id}, \"type\": \"t\"}}");
    let bodies = [
        event("a/b c"),
        event(&long),
        event("\u{e9}"),
        // A machine's number has them for the same.
        number("98765432109876543210"),
        number("98765432109876543211"),
    ];
    for body in &bodies {
        assert_eq!(send_at(&server, body, now()).await.status, 204);
        assert_eq!(send_at(&server, body, now() - 5).await.status, 204, "{body}");
    }
    until("all to be forwarded", async || (peer.received().len() >= bodies.len()).then_some(())).await;
    let listed = server.get(&format!("{AT}/events")).await.is(200).json();
    let ids: Vec<_> = listed.as_array().unwrap().iter().map(|event| event["id"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), bodies.len());
    // Each can be named in a path.
    assert!(
        ids.iter().all(|id| id.bytes().all(|byte| byte.is_ascii_alphanumeric()) && id.len() <= 64),
        "{ids:?}"
    );
    assert_eq!(peer.received().len(), bodies.len());
}

#[tokio::test]
async fn a_target_that_is_not_there_and_a_request_that_it_does_not_take_are_told_of_when_they_are_registered()
{
    let peer = Peer::http(|_| http::Response::new(trunkline::Body::Empty)).await;
    let server = Server::beside(&peer).await;
    server.has(&target("crm", &peer)).await;
    let wrong = json!({"to": "crm", "name": "wrong", "request": {"method": "POST", "endpont": "/in", "json": "{{message}}"}});
    let asked = shop(json!({"to": [to("crm"), {"to": "nope"}, wrong]}));
    let told = server.post("/api/v1/integrations/register", &asked).await.is(201).json();
    let warnings: Vec<_> =
        told["warnings"].as_array().unwrap().iter().map(|one| one.as_str().unwrap()).collect();
    let [unknown, slip] = *warnings else { panic!("{warnings:?}") };
    assert!(unknown.starts_with("webhooks.to[1].to: ") && unknown.contains("nope"), "{unknown}");
    assert!(
        slip.starts_with("webhooks.to[2].request: ") && slip.contains("did you mean `endpoint`"),
        "{slip}"
    );
}
