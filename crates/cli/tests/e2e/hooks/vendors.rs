//! Webhooks of connectors as their vendors' own libraries sign them, for the address that the vendor knows.

use http::Response;
use serde_json::{Value, json};
use trunkline::Body;
use trunkline_testkit::{Peer, Signers};

use super::{connector, now, target, to};
use crate::harness::{Answer, Server, until};

/// Where vendors send them.
const PUBLIC: &str = "https://hooks.example.com/trunkline";
const SECRET: &str = "the vendor's secret";

/// Sends a webhook as it was signed.
async fn send(server: &Server, id: &str, hook: &Value) -> Answer {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let mut headers: Vec<_> =
        hook["headers"].as_object().unwrap().iter().map(|(name, value)| (&**name, text(value))).collect();
    headers.extend([("content-type", text(&hook["content_type"])), ("trunkline-token", String::new())]);
    let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, &**value)).collect();
    server.with("POST", &format!("/hooks/{id}"), &headers, text(&hook["body"])).await
}

/// What `vendor` sends to the integration of its connector is taken once, with the signature that it has, and forwarded as
/// `arrives`; what was changed on the way is not.
async fn is_taken(vendor: &str, mut inputs: Value, media: &str, body: &str, arrives: Value) {
    let peer = Peer::http(|_| Response::new(Body::Empty)).await;
    let server = Server::begin().env("TRUNKLINE_PUBLIC_URL", PUBLIC).allow(&peer).start().await;
    server.has(&target("crm", &peer)).await;
    inputs["webhook_secret"] = SECRET.into();
    let mut config = connector("in", vendor, inputs, &peer.url());
    config["webhooks"] = json!({"to": [to("crm")]});
    server.has(&config).await;
    let hook = json!({
        "vendor": vendor, "secret": SECRET, "url": format!("{PUBLIC}/hooks/in"), "content_type": media, "body": body,
        "at": now(),
    });
    let hook = Signers::start().signed(hook);
    let mut changed = hook.clone();
    changed["body"] = body.replace("15558675310", "15558675311").into();
    send(&server, "in", &changed).await.problem(401, "unauthorized");
    send(&server, "in", &hook).await.is(204);
    send(&server, "in", &hook).await.is(204);
    until("it to arrive", || async { (!peer.received().is_empty()).then_some(()) }).await;
    let list = until("it to be forwarded", || async {
        let list = server.get("/api/v1/integrations/in/events").await.is(200).json();
        (list[0]["state"] == "forwarded").then_some(list)
    })
    .await;
    let received = peer.received();
    assert_eq!((list.as_array().unwrap().len(), received.len()), (1, 1), "{list}");
    assert_eq!(serde_json::from_slice::<Value>(&received[0].body).unwrap(), arrives);
}

#[tokio::test]
async fn sdk_of_twilio_signs_what_its_connector_takes_and_forwards() {
    let inputs = json!({"account_sid": format!("AC{}", "0".repeat(32)), "auth_token": "t"});
    let form = "To=%2B15017122661&From=%2B15558675310&Body=Stop+it%21&MessageSid=SM1&NumMedia=0";
    let arrives = json!({
        "To": "+15017122661", "From": "+15558675310", "Body": "Stop it!", "MessageSid": "SM1", "NumMedia": "0",
    });
    is_taken("twilio", inputs, "application/x-www-form-urlencoded", form, arrives).await;
}

#[tokio::test]
async fn sdk_of_hubspot_signs_what_its_connector_takes_and_forwards() {
    let batch = r#"[{"eventId":1,"subscriptionType":"contact.propertyChange","objectId":7,"propertyValue":"+15558675310","attemptNumber":0}]"#;
    let arrives = serde_json::from_str(batch).unwrap();
    is_taken("hubspot", json!({"access_token": "t"}), "application/json", batch, arrives).await;
}
