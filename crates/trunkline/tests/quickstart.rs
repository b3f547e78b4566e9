//! The first example of the documentation runs and prints what it says.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::process::Command;

use http::{Response, StatusCode};
use trunkline::Body;
use trunkline_testkit::Peer;

fn run(base_url: String) -> std::process::Output {
    // target/PROFILE/deps/quickstart-HASH is this test.
    let test = std::env::current_exe().unwrap();
    let name = format!("examples/quickstart{}", std::env::consts::EXE_SUFFIX);
    let example = test.ancestors().nth(2).unwrap().join(name);
    assert!(example.exists(), "not built: `cargo test --test` leaves it out; run `cargo build --examples`");
    Command::new(example).arg(base_url).output().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_quickstart_prints_the_first_page_of_orders() {
    let peer = Peer::http(|request| {
        let served = (request.header("x-api-key"), request.uri.to_string());
        let (status, body) = match served {
            ("demo-key", uri) if uri == "/orders?page=1" => (200, r#"{"orders":[{"id":"o-1"}],"next":2}"#),
            ("demo-key", _) => (404, "{}"),
            _ => (401, "{}"),
        };
        Response::builder().status(status).body(Body::from(body)).unwrap()
    })
    .await;
    let output = tokio::task::spawn_blocking({
        let url = peer.url();
        move || run(url)
    });
    let output = output.await.unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{stderr}");
    let printed: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(printed, serde_json::json!({ "orders": [{ "id": "o-1" }], "next": 2 }));
    assert_eq!(peer.received().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_quickstart_says_what_went_wrong() {
    let peer =
        Peer::http(|_| Response::builder().status(StatusCode::UNAUTHORIZED).body(Body::Empty).unwrap()).await;
    let url = peer.url();
    let output = tokio::task::spawn_blocking(move || run(url)).await.unwrap();
    assert!(!output.status.success());
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(stderr.contains("unauthenticated") && !stderr.contains("demo-key"), "{stderr}");
}
