//! What the web UI copies as Rust, letter by letter: its own tests look here for what it writes, and here it is run.
#![allow(clippy::print_stdout, reason = "what is copied prints what came")]

use http::StatusCode;
use serde_json::json;
use trunkline::{Handle, Manager, Result};
use trunkline_testkit::Peer;

use crate::{answer, config, lab, until};

#[rustfmt::skip]
async fn a_request_of_rest(manager: &Manager) -> Result<()> {
use http::{HeaderName, HeaderValue};
use trunkline::HttpRequest;

let request = HttpRequest::get("/orders")
    .param("page", "2")
    .param("tag", "a")
    .param("tag", "b\"c\u{a}")
    .header(HeaderName::from_static("x-shop"), HeaderValue::from_static("one \\ two"));
let reply = manager.call("shop", request).await?;
println!("{}", String::from_utf8_lossy(&reply.bytes().await?));
Ok(())
}

#[rustfmt::skip]
async fn a_body_of_a_connection(manager: &Manager) -> Result<()> {
use serde_json::Value;
use trunkline::HttpRequest;

let body: Value = trunkline::parse::text(r##"{
  "name": "a \"# b"
}"##.as_bytes())?;
let request = HttpRequest::post("/orders")
    .json(&body)?;
let reply = manager.call_for("shop", "acme", request).await?;
println!("{}", String::from_utf8_lossy(&reply.bytes().await?));
Ok(())
}

#[rustfmt::skip]
async fn any_request(manager: &Manager) -> Result<()> {
use serde_json::value::RawValue;

let handle = manager.connection("shop", "acme").await?;
let request: Box<RawValue> = trunkline::parse::text(r#"{"method": "POST", "json": {"n": 12345678901234567890}}"#.as_bytes())?;
let mut call = handle.ask(&request)?;
let reply = handle.call(&mut call).await?;
println!("{}", String::from_utf8_lossy(&reply.bytes().await?));
Ok(())
}

#[rustfmt::skip]
async fn a_stream(manager: &Manager) -> Result<()> {
use serde_json::value::RawValue;
use trunkline::Call;

let handle = manager.get("live")?;
let request: Box<RawValue> = trunkline::parse::text(r#"{"queue": "orders"}"#.as_bytes())?;
let mut call = Call::new(handle.id().clone(), handle.parse_stream(&request)?);
let mut events = handle.call(&mut call).await?.events()?;
while let Some(event) = events.next().await {
    println!("{}", String::from_utf8_lossy(&event?.data));
}
Ok(())
}

#[tokio::test]
async fn what_the_ui_copies_does_what_was_asked() {
    let shop = Peer::http(|_| answer(StatusCode::OK, "{}")).await;
    let manager = lab().build().await.unwrap();
    let integration = json!({ "integration_id": "shop", "type": "rest", "base_url": shop.url() });
    manager.register(config(integration)).await.unwrap();
    let tenant = json!({ "connection": "acme", "base_url": shop.url() + "/acme" });
    manager.add_connection("shop", trunkline::ConnectionConfig::from_json(tenant).unwrap()).await.unwrap();
    a_request_of_rest(&manager).await.unwrap();
    a_body_of_a_connection(&manager).await.unwrap();
    any_request(&manager).await.unwrap();
    let came: Vec<_> = shop.received();
    let told = |at: usize| format!("{} {}", came[at].method, came[at].uri);
    assert_eq!(told(0), "GET /orders?page=2&tag=a&tag=b%22c%0A");
    assert_eq!(came[0].header("x-shop"), "one \\ two");
    assert_eq!(
        (told(1), &*came[1].body),
        ("POST /acme/orders".to_owned(), br##"{"name":"a \"# b"}"##.as_slice())
    );
    assert_eq!(
        (told(2), &*came[2].body),
        ("POST /acme".to_owned(), br#"{"n": 12345678901234567890}"#.as_slice())
    );
}

/// Whether somebody reads a stream.
fn reads(handle: &Handle) -> bool {
    serde_json::to_value(handle.state().unwrap()).unwrap()["pool"]["readers"] == 1
}

#[tokio::test]
async fn a_stream_that_the_ui_copies_is_read_until_it_ends() {
    let manager = lab().build().await.unwrap();
    let integration = json!({ "integration_id": "live", "type": "message_queue", "base_url": "memory://" });
    manager.register(config(integration)).await.unwrap();
    let (read, ()) = tokio::join!(a_stream(&manager), async {
        let handle = manager.get("live").unwrap();
        until("somebody listens", async || reads(&handle)).await;
        manager.remove("live", None).await.unwrap();
    });
    read.unwrap();
}
