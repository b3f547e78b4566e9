//! The example API of `--demo`, real HTTP on a loopback port of its own, and the samples that call it:
//! so that the first call a newcomer makes shows something, with no network at all.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use axum::{
    Json, Router,
    extract::{Query, State},
    response::{IntoResponse, Response},
    routing::{any, get},
};
use http::{HeaderMap, StatusCode, header};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::{net::TcpListener, time::Instant};
use trunkline::{Error, IntegrationConfig, Result};

/// The key that `/orders` asks for.
const KEY: &str = "demo-key";
/// The token that `/contacts` asks for.
const TOKEN: &str = "demo-token";
/// Orders in all, and on a page.
const ORDERS: u64 = 25;
const PAGE: u64 = 10;
/// Calls of `/limited` in a window.
const LIMIT: u64 = 5;
const WINDOW: Duration = Duration::from_secs(10);

#[derive(Debug, Default)]
struct Demo {
    flaky: AtomicU64,
    limited: Mutex<Option<(Instant, u64)>>,
}

/// Serves the example API on 127.0.0.1:8701, or on any other port where that is taken.
pub(crate) async fn serve() -> Result<SocketAddr> {
    let failed = |error| Error::invalid("the example API cannot listen on loopback").source(error);
    let listener = match TcpListener::bind("127.0.0.1:8701").await {
        Ok(listener) => listener,
        Err(_) => TcpListener::bind("127.0.0.1:0").await.map_err(failed)?,
    };
    let address = listener.local_addr().map_err(failed)?;
    tokio::spawn(async move { axum::serve(listener, demo()).await });
    Ok(address)
}

/// The example API.
pub fn demo() -> Router {
    Router::new()
        .route("/orders", get(orders))
        .route("/contacts", get(contacts))
        .route("/whoami", get(whoami))
        .route("/flaky", get(flaky))
        .route("/limited", get(limited))
        .route("/echo", any(echo))
        .with_state(Arc::<Demo>::default())
}

/// Integrations that call the example API.
pub(crate) fn samples(address: SocketAddr) -> Result<Vec<IntegrationConfig>> {
    let url = format!("http://{address}");
    [
        json!({
            "integration_id": "demo-orders", "name": "Orders", "type": "rest", "base_url": url,
            "description": "A shop: an API key in a header, pages of orders. Try GET /orders?page=2",
            "auth_type": "api_key", "auth_config": { "key": KEY }, "probe": { "endpoint": "/orders" },
        }),
        json!({
            "integration_id": "demo-contacts", "name": "Contacts", "type": "rest", "base_url": url,
            "description": "A CRM: a bearer token. Try GET /contacts",
            "auth_type": "bearer", "auth_config": { "token": TOKEN }, "probe": { "endpoint": "/contacts" },
        }),
        json!({
            "integration_id": "demo-login", "name": "Login", "type": "rest", "base_url": url,
            "description": "User and password. Try GET /whoami",
            "auth_type": "basic", "auth_config": { "username": "demo", "password": "demo-password" }, "probe": { "endpoint": "/whoami" },
        }),
        json!({
            "integration_id": "demo-flaky", "name": "Flaky", "type": "rest", "base_url": url,
            "description": "Fails every second time; a GET is made again. Try GET /flaky",
        }),
        json!({
            "integration_id": "demo-limited", "name": "Limited", "type": "rest", "base_url": url,
            "description": "Takes five calls in ten seconds, then answers 429; a GET waits as it is told. Try GET /limited",
        }),
        json!({
            "integration_id": "demo-wrong-key", "name": "Wrong key", "type": "rest", "base_url": url,
            "description": "What a credential that is not accepted looks like. Try GET /orders",
            "auth_type": "api_key", "auth_config": { "key": "wrong-key" }, "probe": { "endpoint": "/orders" },
        }),
    ]
    .into_iter()
    .map(IntegrationConfig::from_json)
    .collect()
}

#[derive(Deserialize)]
struct Page {
    #[serde(default)]
    page: Option<u64>,
}

async fn orders(headers: HeaderMap, Query(Page { page }): Query<Page>) -> Response {
    if headers.get("x-api-key").is_none_or(|key| key != KEY) {
        return refused("send the header x-api-key");
    }
    let page = page.unwrap_or(1).max(1);
    let first = (page - 1).saturating_mul(PAGE) + 1;
    let last = ORDERS.min(first.saturating_add(PAGE - 1));
    let orders: Vec<Value> = (first..=last)
        .map(|id| json!({ "id": id, "customer": format!("Customer {}", id % 7), "total": format!("{}.{:02}", id * 13 % 90 + 10, id * 37 % 100) }))
        .collect();
    let next = (last < ORDERS && !orders.is_empty()).then_some(page + 1);
    Json(json!({ "orders": orders, "page": page, "next": next })).into_response()
}

async fn contacts(headers: HeaderMap) -> Response {
    let wanted = format!("Bearer {TOKEN}");
    if headers.get(header::AUTHORIZATION).is_none_or(|shown| shown.as_bytes() != wanted.as_bytes()) {
        return refused("send a bearer token");
    }
    Json(json!({ "contacts": [{ "id": "1", "email": "ada@example.com" }, { "id": "2", "email": "grace@example.com" }] })).into_response()
}

async fn whoami(headers: HeaderMap) -> Response {
    // base64 of demo:demo-password
    if headers.get(header::AUTHORIZATION).is_none_or(|shown| shown != "Basic ZGVtbzpkZW1vLXBhc3N3b3Jk") {
        return refused("log in as demo");
    }
    Json(json!({ "user": "demo" })).into_response()
}

async fn flaky(State(demo): State<Arc<Demo>>) -> Response {
    let n = demo.flaky.fetch_add(1, Ordering::Relaxed);
    if n.is_multiple_of(2) {
        return (StatusCode::SERVICE_UNAVAILABLE, Json(json!({ "error": "try again" }))).into_response();
    }
    Json(json!({ "ok": true, "attempts_so_far": n + 1 })).into_response()
}

async fn limited(State(demo): State<Arc<Demo>>) -> Response {
    let now = Instant::now();
    let mut window = demo.limited.lock().unwrap_or_else(PoisonError::into_inner);
    let (began, used) = match *window {
        Some((began, used)) if now - began < WINDOW => (began, used + 1),
        _ => (now, 1),
    };
    *window = Some((began, used));
    let left = (WINDOW - (now - began)).as_secs() + 1;
    if used > LIMIT {
        let headers = [(header::RETRY_AFTER, left.to_string())];
        return (StatusCode::TOO_MANY_REQUESTS, headers, Json(json!({ "error": "too many requests" })))
            .into_response();
    }
    Json(json!({ "ok": true, "remaining": LIMIT - used })).into_response()
}

/// What arrived, without the credential.
async fn echo(request: axum::extract::Request) -> Response {
    let (head, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 1 << 20).await.unwrap_or_default();
    let headers: serde_json::Map<_, Value> = head
        .headers
        .iter()
        .filter(|(name, _)| !trunkline::is_sensitive_name(name.as_str()))
        .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into()))
        .collect();
    Json(json!({ "method": head.method.as_str(), "uri": head.uri.to_string(), "headers": headers, "body": String::from_utf8_lossy(&body) }))
        .into_response()
}

fn refused(error: &str) -> Response {
    (StatusCode::UNAUTHORIZED, Json(json!({ "error": error }))).into_response()
}
