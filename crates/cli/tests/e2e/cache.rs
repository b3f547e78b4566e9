//! The cache as HTTP clients of `/proxy` and `/call` meet it, one row a rule. Nothing waits for time to pass: a
//! service says with `Age` how old its answer is.

use std::sync::atomic::{AtomicUsize, Ordering};

use http::Response;
use serde_json::{Value, json};
use trunkline::Body;
use trunkline_testkit::{Peer, Received};

use crate::harness::{Answer, Server};

type Lines = &'static [(&'static str, &'static str)];

fn config(url: &str, cache: &Value) -> Value {
    // Some answers here would be asked for again.
    let once = json!({"max_attempts": 1});
    json!({"integration_id": "a", "type": "rest", "base_url": url, "cache_config": cache, "retry_config": once})
}

fn proxied(path: &str) -> String {
    format!("/api/v1/integrations/a/proxy{path}")
}

fn answer(status: u16, lines: Lines, body: impl Into<Body>) -> Response<Body> {
    let mut response = Response::new(body.into());
    *response.status_mut() = status.try_into().unwrap();
    for &(name, value) in lines {
        response.headers_mut().append(name, value.parse().unwrap());
    }
    response
}

/// A service that gives one answer, counted in the body, and says 304 to whoever has it.
async fn service(status: u16, lines: Lines) -> Peer {
    let count = AtomicUsize::new(0);
    Peer::http(move |request: Received| {
        let count = count.fetch_add(1, Ordering::SeqCst) + 1;
        let asked =
            !request.header("if-none-match").is_empty() || !request.header("if-modified-since").is_empty();
        match asked && request.method == "GET" {
            true => answer(304, &[("x-validated", "yes")], ""),
            false => answer(status, lines, format!("answer {count}")),
        }
    })
    .await
}

/// What became of the second of two requests.
async fn second(status: u16, lines: Lines, asked: [Lines; 2]) -> (Answer, usize) {
    let peer = service(status, lines).await;
    let server = Server::beside(&peer).await;
    server.has(&config(&peer.url(), &Value::Null)).await;
    let first = server.with("GET", &proxied("/x"), asked[0], "").await;
    assert_eq!((first.status.as_u16(), first.text()), (status, "answer 1"), "{lines:?}");
    (server.with("GET", &proxied("/x"), asked[1], "").await, peer.received().len())
}

const OLD: &str = "Thu, 01 Jan 2015 00:00:00 GMT";
const FUTURE: &str = "Fri, 01 Jan 2038 00:00:00 GMT";

#[tokio::test]
async fn what_a_service_says_is_obeyed() {
    const HIT: &str = "hit";
    const ASKED: &str = "fwd=";
    const CHECKED: &str = "fwd=stale; fwd-status=304";
    for (status, lines, asked, expected) in [
        // Freshness: RFC 9111 section 4.2.1.
        (200, &[("cache-control", "max-age=60")][..], [&[][..], &[][..]], HIT),
        (200, &[("cache-control", "MaX-aGe=60")], [&[], &[]], HIT),
        (200, &[("cache-control", "max-age=\"60\"")], [&[], &[]], HIT),
        (200, &[("cache-control", "foo, max-age=60")], [&[], &[]], HIT),
        (200, &[("cache-control", "max-age=99999999999")], [&[], &[]], HIT),
        (200, &[("cache-control", "max-age=0, s-maxage=60")], [&[], &[]], HIT),
        (200, &[("cache-control", "max-age=60, s-maxage=0")], [&[], &[]], ASKED),
        (200, &[("cache-control", "max-age=60"), ("cache-control", "s-maxage=0")], [&[], &[]], ASKED),
        (200, &[("cache-control", "max-age='60'")], [&[], &[]], ASKED),
        (200, &[("cache-control", "max-age=-60")], [&[], &[]], ASKED),
        (200, &[("cache-control", "x=\"max-age=60\", max-age=0")], [&[], &[]], ASKED),
        (200, &[("cache-control", "max-age=0, x=\"max-age=60\"")], [&[], &[]], ASKED),
        (200, &[("cache-control", "max-age=60, max-age=0")], [&[], &[]], ASKED),
        (200, &[], [&[], &[]], ASKED),
        (200, &[("expires", FUTURE)], [&[], &[]], HIT),
        (200, &[("expires", OLD)], [&[], &[]], ASKED),
        (200, &[("expires", "0")], [&[], &[]], ASKED),
        (200, &[("expires", FUTURE), ("cache-control", "max-age=0")], [&[], &[]], ASKED),
        (200, &[("expires", "0"), ("cache-control", "max-age=60")], [&[], &[]], HIT),
        // Age: sections 4.2.3 and 5.1.
        (200, &[("cache-control", "max-age=60"), ("age", "61")], [&[], &[]], ASKED),
        (200, &[("cache-control", "max-age=60"), ("age", "61, 0")], [&[], &[]], ASKED),
        (200, &[("cache-control", "max-age=60"), ("age", "0, 61")], [&[], &[]], HIT),
        (200, &[("cache-control", "max-age=60"), ("age", "junk")], [&[], &[]], HIT),
        (200, &[("cache-control", "max-age=60"), ("date", OLD)], [&[], &[]], ASKED),
        // Heuristics: section 4.2.2. There are none.
        (200, &[("last-modified", OLD)], [&[], &[]], CHECKED),
        // What may not be kept or used: section 5.2.2.
        (200, &[("cache-control", "no-store, max-age=60")], [&[], &[]], ASKED),
        (200, &[("cache-control", "No-StOrE")], [&[], &[]], ASKED),
        (200, &[("cache-control", "private, max-age=60")], [&[], &[]], ASKED),
        (200, &[("cache-control", "private=\"x-a\", max-age=60")], [&[], &[]], HIT),
        (200, &[("cache-control", "no-cache, max-age=60")], [&[], &[]], ASKED),
        (200, &[("cache-control", "no-cache, max-age=60"), ("etag", "\"1\"")], [&[], &[]], CHECKED),
        (200, &[("cache-control", "must-revalidate, max-age=60")], [&[], &[]], HIT),
        (200, &[("cache-control", "must-revalidate, max-age=0"), ("etag", "\"1\"")], [&[], &[]], CHECKED),
        // Status codes: section 3.
        (203, &[("cache-control", "max-age=60")], [&[], &[]], HIT),
        (299, &[("cache-control", "max-age=60")], [&[], &[]], HIT),
        (302, &[("cache-control", "max-age=60")], [&[], &[]], HIT),
        (404, &[("cache-control", "max-age=60")], [&[], &[]], HIT),
        (410, &[("expires", OLD)], [&[], &[]], ASKED),
        (429, &[("cache-control", "max-age=60")], [&[], &[]], ASKED),
        (503, &[("cache-control", "max-age=60")], [&[], &[]], HIT),
        (599, &[("cache-control", "max-age=60")], [&[], &[]], HIT),
        (599, &[("cache-control", "max-age=60, must-understand")], [&[], &[]], ASKED),
        (201, &[("last-modified", OLD)], [&[], &[]], ASKED),
        // Vary: section 4.1.
        (200, &[("cache-control", "max-age=60"), ("vary", "foo")], [&[("foo", "1")], &[("foo", "1")]], HIT),
        (200, &[("cache-control", "max-age=60"), ("vary", "foo")], [&[("foo", "1")], &[("foo", "2")]], ASKED),
        (200, &[("cache-control", "max-age=60"), ("vary", "foo")], [&[("foo", "1")], &[]], ASKED),
        (
            200,
            &[("cache-control", "max-age=60"), ("vary", "foo, *")],
            [&[("foo", "1")], &[("foo", "1")]],
            ASKED,
        ),
        (200, &[("cache-control", "max-age=60"), ("vary", ""), ("vary", "*")], [&[], &[]], ASKED),
        // Authorization: section 3.5.
        (200, &[("cache-control", "max-age=60")], [&[("authorization", "x")], &[]], ASKED),
        (200, &[("cache-control", "max-age=60, public")], [&[("authorization", "x")], &[]], HIT),
        // Validators: section 4.3.
        (200, &[("cache-control", "max-age=0"), ("etag", "W/\"1\"")], [&[], &[]], CHECKED),
        (200, &[("cache-control", "max-age=0"), ("last-modified", OLD)], [&[], &[]], CHECKED),
        // Targeted: RFC 9213 section 2.2.
        (200, &[("cdn-cache-control", "max-age=60"), ("cache-control", "no-store")], [&[], &[]], HIT),
        (200, &[("cdn-cache-control", "no-store"), ("cache-control", "max-age=60")], [&[], &[]], ASKED),
        (200, &[("cdn-cache-control", "max-age=0"), ("expires", FUTURE)], [&[], &[]], ASKED),
        (200, &[("cdn-cache-control", "max-age=60, &&&"), ("cache-control", "no-store")], [&[], &[]], ASKED),
        // Requests: section 5.2.1.
        (200, &[("cache-control", "max-age=60")], [&[], &[("cache-control", "no-cache")]], ASKED),
        (200, &[("cache-control", "max-age=60")], [&[], &[("cache-control", "max-age=0")]], ASKED),
        (
            200,
            &[("cache-control", "max-age=60"), ("age", "61")],
            [&[], &[("cache-control", "max-stale=60")]],
            HIT,
        ),
        (200, &[("cache-control", "max-age=60")], [&[("cache-control", "no-store")], &[]], ASKED),
    ] {
        let (answer, requests) = second(status, lines, asked).await;
        let told = answer.header("cache-status").strip_prefix("Trunkline; ").unwrap();
        assert!(told.starts_with(expected), "{status} {lines:?} {asked:?}: {told}");
        let body = if expected == ASKED { "answer 2" } else { "answer 1" };
        assert_eq!((answer.status.as_u16(), answer.text()), (status, body), "{status} {lines:?} {asked:?}");
        assert_eq!(requests, if expected == HIT { 1 } else { 2 });
        assert_eq!(
            answer.headers.contains_key("age"),
            expected == HIT || lines.iter().any(|line| line.0 == "age")
        );
    }
}

#[tokio::test]
async fn conditions_ranges_and_heads_are_answered_from_what_is_kept() {
    let peer = service(200, &[("cache-control", "max-age=60"), ("etag", "\"1\""), ("x-a", "b")]).await;
    let server = Server::beside(&peer).await;
    server.has(&config(&peer.url(), &Value::Null)).await;
    server.get(&proxied("/x")).await.is(200);
    for (method, asked, status, body) in [
        ("GET", &[("if-none-match", "\"1\"")][..], 304, ""),
        ("GET", &[("if-none-match", "W/\"1\", \"2\"")], 304, ""),
        ("GET", &[("if-none-match", "\"2\""), ("if-modified-since", FUTURE)], 200, "answer 1"),
        ("GET", &[("range", "bytes=0-1")], 206, "an"),
        ("GET", &[("range", "bytes=-1")], 206, "1"),
        ("GET", &[("range", "bytes=99-")], 416, ""),
        ("GET", &[("range", "bytes=0-1"), ("if-range", "\"2\"")], 200, "answer 1"),
        ("HEAD", &[], 200, ""),
    ] {
        let answer = server.with(method, &proxied("/x"), asked, "").await.is(status);
        assert_eq!((answer.text(), peer.received().len()), (body, 1), "{method} {asked:?}");
        assert!(answer.header("cache-status").starts_with("Trunkline; hit"), "{answer:?}");
        assert!(status == 416 || answer.header("x-a") == "b");
    }
    let head = server.with("HEAD", &proxied("/x"), &[], "").await;
    assert_eq!(head.header("content-length"), "8");
}

#[tokio::test]
async fn a_change_is_seen_at_once() {
    // RFC 9111 section 4.4.
    let peer = Peer::http(|request| match request.method.as_str() {
        "GET" => answer(200, &[("cache-control", "max-age=60")], "x"),
        "PUT" => answer(500, &[], ""),
        _ => answer(
            201,
            &[("location", "/v1/made"), ("content-location", "http://elsewhere.example/v1/x")],
            "",
        ),
    })
    .await;
    let server = Server::beside(&peer).await;
    server.has(&config(&format!("{}/v1", peer.url()), &Value::Null)).await;
    let asks = async |path: &str| {
        let before = peer.received().len();
        server.get(&proxied(path)).await.is(200);
        peer.received().len() > before
    };
    for method in ["POST", "DELETE", "PATCH", "M-SEARCH"] {
        assert!(asks("/x").await | asks("/made").await || method != "POST");
        assert!(!asks("/x").await && !asks("/made").await);
        server.with(method, &proxied("/other"), &[], "").await;
        assert!(!asks("/x").await && asks("/made").await, "{method}");
        server.with(method, &proxied("/x"), &[], "").await;
        assert!(asks("/x").await, "{method}");
    }
    server.with("PUT", &proxied("/x"), &[], "").await;
    assert!(!asks("/x").await, "what the service refused has changed nothing");
}

#[tokio::test]
async fn a_ttl_adds_caching_and_a_call_sees_what_the_cache_did() {
    let peer = service(200, &[]).await;
    let server = Server::beside(&peer).await;
    let registered = server.register(&config(&peer.url(), &json!({"ttl": 60}))).await.is(201).json();
    assert!(registered.get("warnings").is_none(), "{registered}");
    let request = json!({"endpoint": "/x", "params": {"q": "a b"}});
    assert_eq!(
        server.call("a", &request).await.header("cache-status"),
        "Trunkline; fwd=uri-miss; stored; ttl=60"
    );
    let answer = server.call("a", &request).await;
    assert_eq!((answer.header("trunkline-attempts"), answer.text()), ("0", "answer 1"));
    // The same target in another spelling; but what is read and what is relayed are kept apart.
    server.call("a", &json!({"endpoint": "x?q=a%20b"})).await;
    assert_eq!(peer.received().len(), 1);
    server.get(&proxied("/x?q=a%20b")).await;
    assert_eq!(peer.received().len(), 2);
    let refused = server.with("GET", &proxied("/new"), &[("cache-control", "only-if-cached")], "").await;
    refused.problem(504, "not_cached");

    let activity = server.get("/api/v1/activity?integration=a").await.json();
    assert_eq!(activity.to_string().matches("\"cache\":\"hit\"").count(), 2, "{activity}");
    let metrics = server.get("/metrics").await;
    assert!(metrics.text().contains("trunkline_cache_lookups_total{result=\"hit\"} 2"), "{}", metrics.text());

    // What was asked for by call and relayed is kept twice.
    let state = || async { server.get("/api/v1/integrations/a").await.is(200).json()["state"].take() };
    let cache = state().await["cache"].take();
    assert_eq!((&cache["entries"], &cache["max_bytes"]), (&json!(2), &json!(64 << 20)), "{cache}");
    assert!(cache["bytes"].as_u64() > Some(0) && cache["bytes"] == cache["all_bytes"], "{cache}");

    // Cleared by hand, and by whatever replaces the integration.
    server.delete("/api/v1/integrations/a/cache").await.is(200);
    let cache = state().await["cache"].take();
    assert_eq!((&cache["entries"], &cache["bytes"], &cache["all_bytes"]), (&json!(0), &json!(0), &json!(0)));
    assert_eq!(server.call("a", &request).await.text(), "answer 3");
    server.json("PATCH", "/api/v1/integrations/a", &json!({"description": "new"})).await.is(200);
    assert_eq!(server.call("a", &request).await.text(), "answer 4");
    server
        .json("PATCH", "/api/v1/integrations/a", &json!({"cache_config": {"enabled": false}}))
        .await
        .is(200);
    assert_eq!(server.call("a", &request).await.header("cache-status"), "");
    let state = server.get("/api/v1/integrations/a").await.is(200).json()["state"].take();
    assert!(state.get("cache").is_none(), "{state}");
}

#[tokio::test]
async fn a_test_is_answered_by_the_service_and_leaves_the_cache_alone() {
    let peer = service(200, &[("cache-control", "max-age=60")]).await;
    let server = Server::beside(&peer).await;
    server.has(&config(&peer.url(), &Value::Null)).await;
    let request = json!({"endpoint": "/x"});
    assert_eq!(server.call("a", &request).await.text(), "answer 1");
    for answer in ["answer 2", "answer 3"] {
        let tested = server.test("a", &request).await;
        assert_eq!((&tested["status"], &tested["result"]), (&json!("success"), &json!(answer)));
    }
    let kept = server.call("a", &request).await;
    assert_eq!((kept.text(), peer.received().len()), ("answer 1", 3));

    // The service is gone: what is kept still answers calls, and hides nothing from a test.
    drop(peer);
    assert_eq!(server.call("a", &request).await.text(), "answer 1");
    let tested = server.test("a", &request).await;
    assert_eq!((&tested["status"], &tested["problem"]["kind"]), (&json!("error"), &json!("unavailable")));
}
