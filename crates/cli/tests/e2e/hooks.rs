//! Webhooks: taken only with a signature, stored before the answer, forwarded once for each event, and seen.

mod forward;
mod refuse;

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
    let body = event(id);
    let signed = signature(SECRET, now(), &body);
    // A sender has no token.
    let headers =
        [("stripe-signature", &*signed), ("content-type", "application/json"), ("trunkline-token", "")];
    server.with("POST", "/hooks/shop", &headers, body).await
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
