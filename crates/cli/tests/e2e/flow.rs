//! What limits and repeats calls, as callers and operators see it.

use std::time::Duration;

use http::{Response, StatusCode};
use serde_json::{Value, json};
use tokio::time::Instant;
use trunkline::Body;
use trunkline_testkit::{Peer, Received};

use crate::harness::Server;

fn answer(received: Received) -> Response<Body> {
    let mut response = Response::new(Body::from("ok"));
    match received.uri.path() {
        "/down" => *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE,
        "/later" => {
            *response.status_mut() = StatusCode::TOO_MANY_REQUESTS;
            response.headers_mut().insert("retry-after", "3600".parse().unwrap());
        }
        _ => {}
    }
    response
}

async fn pair(more: &Value) -> (Peer, Server) {
    let peer = Peer::http(answer).await;
    let server = Server::beside(&peer).await;
    let mut config = json!({"integration_id": "a", "type": "rest", "base_url": peer.url()});
    config.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    server.has(&config).await;
    (peer, server)
}

const A: &str = "/api/v1/integrations/a";

async fn state(server: &Server) -> Value {
    server.get(A).await.is(200).json()["state"].clone()
}

#[tokio::test]
async fn an_open_circuit_answers_503_is_shown_and_can_be_reset_and_opened() {
    let (peer, server) =
        pair(&json!({"breaker": {"consecutive_failures": 2}, "retry_config": {"max_attempts": 1}})).await;
    for _ in 0..2 {
        server.call("a", &json!({"endpoint": "/down"})).await.problem(502, "unavailable");
    }
    let refused = server.get(&format!("{A}/proxy/x")).await;
    assert!((26..=33).contains(&refused.header("retry-after").parse::<u64>().unwrap()), "{refused:?}");
    assert_eq!(refused.header("trunkline-attempts"), "0");
    let problem = refused.problem(503, "circuit_open");
    assert_eq!(problem["outcome"], "not_sent");
    assert!(problem["retry_at"].as_str().unwrap().ends_with('Z'), "{problem}");
    let breaker = state(&server).await["breaker"].clone();
    assert_eq!((&breaker["state"], &breaker["reason"]), (&json!("open"), &json!("2 failures in a row")));
    assert_eq!(peer.received().len(), 2);

    let reset = server.post(&format!("{A}/breaker/reset"), &json!({})).await.is(200).json();
    assert_eq!(reset["breaker"]["state"], "closed");
    server.call("a", &json!({"endpoint": "/x"})).await.is(200);
    let opened = server.post(&format!("{A}/breaker/open"), &json!({})).await.is(200).json();
    assert_eq!(opened["breaker"]["state"], "forced_open");
    server.call("a", &json!({"endpoint": "/x"})).await.problem(503, "circuit_open");
    assert!(server.get("/metrics").await.text().contains("trunkline_breaker_state{integration=\"a\"} 2"));
    server
        .post("/api/v1/integrations/none/breaker/reset", &json!({}))
        .await
        .problem(404, "unknown_integration");
}

#[tokio::test]
async fn what_was_read_with_its_state_can_be_sent_back() {
    let (_peer, server) = pair(&json!({"rate_limit": {"requests": 5, "per": "1h"}})).await;
    server.call("a", &json!({})).await.is(200);
    let read = server.get(A).await.is(200).json();
    assert_eq!(read["state"]["rate_limit"]["limits"][0]["available"], 4);
    assert_eq!(read["state"]["concurrency"], json!({"max": 128, "in_flight": 0, "waiting": 0}));
    server.json("PUT", A, &read).await.is(200);
    assert_eq!(state(&server).await["rate_limit"]["limits"][0]["available"], 4, "no fresh burst");
    server.json("PATCH", A, &json!({"breaker": {"enabled": false}, "state": {}})).await.is(200);
    assert!(state(&server).await.get("breaker").is_none());
    server.post(&format!("{A}/breaker/reset"), &json!({})).await.problem(422, "unsupported");
}

#[tokio::test]
async fn too_many_calls_are_told_when_to_come_again() {
    let (peer, server) = pair(&json!({"rate_limit": {"requests": 2, "per": 60, "max_wait": "1ms"}})).await;
    for _ in 0..2 {
        server.call("a", &json!({})).await.is(200);
    }
    let refused = server.call("a", &json!({})).await;
    assert!((58..=61).contains(&refused.header("retry-after").parse::<u64>().unwrap()), "{refused:?}");
    refused.problem(429, "throttled");
    assert_eq!(peer.received().len(), 2);
    assert!(server.get("/metrics").await.text().contains("trunkline_throttled_total{integration=\"a\"} 1"));
}

#[tokio::test]
async fn a_service_that_asks_for_an_hour_is_answered_at_once_and_then_left_alone() {
    let (peer, server) = pair(&json!({})).await;
    let began = Instant::now();
    let answer = server.call("a", &json!({"endpoint": "/later"})).await;
    assert_eq!(answer.header("retry-after"), "3600");
    let problem = answer.problem(429, "rate_limited");
    assert_eq!((&problem["attempts"], &problem["retry_suppressed"]), (&json!(1), &json!("deadline")));
    let next = server.call("a", &json!({"endpoint": "/x"})).await;
    assert!((3590..=3600).contains(&next.header("retry-after").parse::<u64>().unwrap()));
    next.problem(429, "throttled");
    assert!(state(&server).await["rate_limit"]["paused_for_seconds"].as_f64().unwrap() > 3590.0);
    assert!(began.elapsed() < Duration::from_secs(5));
    assert_eq!(peer.received().len(), 1);
}

#[tokio::test]
async fn a_caller_says_how_long_it_wants_to_wait() {
    let hangs = Peer::raw(|stream| async move {
        std::future::pending::<()>().await;
        drop(stream);
    })
    .await;
    let server = Server::beside(&hangs).await;
    server.has(&json!({"integration_id": "a", "type": "rest", "base_url": hangs.url()})).await;
    let (call, proxy) = (format!("{A}/call"), format!("{A}/proxy/x"));
    let json = ("content-type", "application/json");
    let began = Instant::now();
    server.with("POST", &call, &[json, ("trunkline-timeout", "100ms")], "{}").await.problem(504, "timeout");
    server.with("POST", &call, &[json], r#"{"timeout": "100ms"}"#).await.problem(504, "timeout");
    server.with("GET", &proxy, &[("trunkline-timeout", "0.1")], "").await.problem(504, "timeout");
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    for bad in ["soon", "0", "-1"] {
        let problem = server
            .with("GET", &proxy, &[("trunkline-timeout", bad)], "")
            .await
            .problem(422, "invalid_config");
        assert!(problem["detail"].as_str().unwrap().starts_with("trunkline-timeout"), "{problem}");
    }
    assert_eq!(
        state(&server).await["breaker"]["consecutive_failures"],
        0,
        "callers in a hurry prove nothing"
    );
}

#[tokio::test]
async fn a_caller_may_ask_for_less_than_the_integration_allows() {
    let (peer, server) = pair(&json!({
        "retry_config": {"max_attempts": 3, "backoff": "10ms"},
        "breaker": {"enabled": false},
        "rate_limit": {"requests": 1, "per": "1s", "burst": 1, "actions": ["POST"]},
        "cache_config": {"ttl": "1h"},
    }))
    .await;
    let get = async |path: &str, wish: (&str, &str)| {
        server.with("GET", &format!("{A}/proxy{path}"), &[wish], "").await
    };
    for (wish, attempts) in [("1", 1), ("2", 2), ("9", 3)] {
        let before = peer.received().len();
        let failed = get("/down", ("trunkline-max-attempts", wish)).await;
        assert_eq!((failed.status.as_u16(), failed.header("x-should-retry")), (503, "false"));
        assert_eq!(peer.received().len() - before, attempts, "{wish} were asked for");
    }

    let post =
        async |wait| server.with("POST", &format!("{A}/proxy/x"), &[("trunkline-max-wait", wait)], "").await;
    post("0").await.is(200);
    let refused = post("0").await;
    assert_eq!((refused.header("retry-after"), refused.header("x-should-retry")), ("1", "false"));
    refused.problem(429, "throttled");
    post("20").await.is(200);

    let kept = async |wish| get("/x", wish).await.header("cache-status").to_owned();
    assert_eq!(kept(("x", "")).await, "Trunkline; fwd=uri-miss; stored; ttl=3600");
    assert_eq!(kept(("x", "")).await, "Trunkline; hit; ttl=3600");
    assert_eq!(kept(("trunkline-cache", "bypass")).await, "Trunkline; fwd=bypass");

    let call =
        ["call", "a", "/x", "-i", "--timeout", "20", "--max-attempts", "2", "--max-wait", "0", "--no-cache"];
    let told = server.cli(&call).await.is(0).stderr;
    assert!(told.contains("cache-status: Trunkline; fwd=bypass\n"), "{told}");
    let told = server.cli(&["call", "a", "/x", "--max-attempts", "none"]).await.is(2).stderr;
    assert!(told.contains("trunkline-max-attempts: must be"), "{told}");

    for (name, bad) in [
        ("trunkline-max-attempts", "0"),
        ("trunkline-max-attempts", "two"),
        ("trunkline-max-wait", "-1"),
        ("trunkline-cache", "no"),
    ] {
        let problem = get("/x", (name, bad)).await.problem(422, "invalid_config");
        assert!(problem["detail"].as_str().unwrap().starts_with(name), "{problem}");
    }
}
