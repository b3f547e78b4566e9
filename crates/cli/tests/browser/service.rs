//! A service that says how it was called, lets replies be kept, asks for a pause, and fails as often as it is told to.

use std::sync::atomic::{AtomicUsize, Ordering};

use http::Response;
use serde_json::json;
use trunkline::Body;
use trunkline_testkit::Peer;

/// Starts it. What it answers by path:
///
/// - `/kept`: a reply that may be kept for an hour, with how often it was asked for;
/// - `/busy`: 429, and the wish not to be asked for a minute;
/// - `/flaky`: 503 twice, then 200, and so on;
/// - `/down`: 503 always;
/// - all else: 200 with the credential and the path that it was asked with.
pub(crate) async fn service() -> Peer {
    let (kept, flaky) = (AtomicUsize::new(0), AtomicUsize::new(0));
    Peer::http(move |received| {
        let response = Response::builder().header("content-type", "application/json");
        let of = |status: u16| response.status(status);
        let (response, body) = match received.uri.path() {
            "/kept" => {
                let asked = kept.fetch_add(1, Ordering::Relaxed) + 1;
                (Response::builder().header("cache-control", "max-age=3600"), json!({ "asked": asked }))
            }
            "/busy" => (of(429).header("retry-after", "60"), json!({})),
            "/flaky" if flaky.fetch_add(1, Ordering::Relaxed) % 3 < 2 => (of(503), json!({})),
            "/down" => (of(503), json!({})),
            path => (of(200), json!({ "path": path, "authorization": received.header("authorization") })),
        };
        response.body(Body::from(body.to_string())).unwrap()
    })
    .await
}
