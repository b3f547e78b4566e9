//! The examples run and print what they say.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    process::{Command, Output},
    sync::atomic::{AtomicU32, Ordering},
};

use http::Response;
use serde_json::{Value, json};
use trunkline::Body;
use trunkline_testkit::Peer;

/// What becomes of the example when `peer` is the service that it calls.
async fn run(example: &str, peer: &Peer) -> Output {
    // target/PROFILE/deps/examples-HASH is this test.
    let test = std::env::current_exe().unwrap();
    let name = format!("examples/{example}{}", std::env::consts::EXE_SUFFIX);
    let example = test.ancestors().nth(2).unwrap().join(name);
    assert!(example.exists(), "not built: `cargo test --test` leaves it out; run `cargo build --examples`");
    let url = peer.url();
    tokio::task::spawn_blocking(move || Command::new(example).arg(url).output().unwrap()).await.unwrap()
}

/// What an example prints that ends well.
async fn printed(example: &str, peer: &Peer) -> String {
    let output = run(example, peer).await;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn answer(status: u16, body: &'static str) -> Response<Body> {
    Response::builder().status(status).body(Body::from(body)).unwrap()
}

/// The shop of the example API, with a first page of orders.
async fn shop() -> Peer {
    Peer::http(|request| match (request.header("x-api-key"), request.uri.to_string()) {
        ("demo-key", uri) if uri == "/orders?page=1" => answer(200, r#"{"orders":[{"id":"o-1"}],"next":2}"#),
        ("demo-key", _) => answer(404, "{}"),
        _ => answer(401, "{}"),
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_quickstart_prints_the_first_page_of_orders() {
    let peer = shop().await;
    let page: Value = serde_json::from_str(&printed("quickstart", &peer).await).unwrap();
    assert_eq!(page, json!({ "orders": [{ "id": "o-1" }], "next": 2 }));
    assert_eq!(peer.received().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_quickstart_says_what_went_wrong() {
    let peer = Peer::http(|_| answer(401, "")).await;
    let output = run("quickstart", &peer).await;
    assert!(!output.status.success());
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(stderr.contains("unauthenticated") && !stderr.contains("demo-key"), "{stderr}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn own_layer_refuses_to_delete_until_the_window_is_open() {
    let peer = Peer::http(|_| answer(204, "")).await;
    let printed = printed("own_layer", &peer).await;
    let lines: Vec<_> = printed.lines().collect();
    let [layers, refused, answered] = *lines else { panic!("{printed}") };
    assert!(layers.contains(" admission maintenance cache "), "{layers}");
    assert_eq!(refused, "disabled: nothing is deleted now; wait for the maintenance window");
    assert_eq!(answered, "answered 204 No Content");
    assert_eq!(peer.received().len(), 1, "what is refused is not sent");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn own_scheme_asks_for_a_ticket_and_for_another_when_that_is_refused() {
    let asked = AtomicU32::new(0);
    let peer = Peer::http(move |request| match request.uri.path() {
        "/counter" if request.body == "b-4711" => {
            let n = asked.fetch_add(1, Ordering::SeqCst) + 1;
            Response::new(Body::from(format!("ticket-{n}")))
        }
        "/ride" if request.header("x-ticket") == "ticket-2" => answer(200, "enjoy the ride"),
        _ => answer(401, "no such ticket"),
    })
    .await;
    assert_eq!(printed("own_scheme", &peer).await, "badge \"********\"\nenjoy the ride\nenjoy the ride\n");
    let paths: Vec<_> = peer.received().iter().map(|request| request.uri.path().to_owned()).collect();
    assert_eq!(paths, ["/counter", "/ride", "/counter", "/ride", "/ride"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tower_service_calls_through_a_layer_of_tower() {
    let peer = shop().await;
    let page: Value = serde_json::from_str(&printed("tower_service", &peer).await).unwrap();
    assert_eq!(page, json!({ "orders": [{ "id": "o-1" }], "next": 2 }));
    assert_eq!(peer.received()[0].header("x-tenant"), "north");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tenants_call_with_their_own_accounts_and_keys() {
    let peer = Peer::http(|request| {
        let text = format!("{} {}", request.uri.path(), request.header("x-api-key"));
        Response::new(Body::from(text))
    })
    .await;
    let expected = "acme /a-17/orders key-of-acme\nglobex /g-4/orders key-of-globex\n";
    assert_eq!(printed("tenants", &peer).await, expected);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn database_writes_all_or_nothing_and_reads_by_name() {
    let peer = Peer::http(|_| answer(404, "")).await;
    let printed = printed("database", &peer).await;
    let [refused, found] = *printed.lines().collect::<Vec<_>>() else { panic!("{printed}") };
    assert!(refused.starts_with("rejected statement 2: CHECK constraint failed"), "{refused}");
    let found: Value = serde_json::from_str(found).unwrap();
    assert_eq!(found["rows"], json!([{ "item": "tea", "price": 4.5 }, { "item": "cup", "price": 9.0 }]));
    assert!(peer.received().is_empty());
}
