//! The caller's trace (W3C Trace Context) on its way to the service, and in the log.

use serde_json::json;
use trunkline_testkit::{Peer, Received};

use crate::harness::{Answer, Server};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

type Lines = &'static [(&'static str, &'static str)];

/// What the service received, and what the caller heard, through `/proxy` and through `/call`.
async fn both(server: &Server, peer: &Peer, lines: Lines) -> [(Received, Answer); 2] {
    let lines = [lines, &[("content-type", "application/json")]].concat();
    let described = json!({"endpoint": "/x"}).to_string();
    let proxied = server.with("GET", "/api/v1/integrations/a/proxy/x", &lines, "").await;
    let called = server.with("POST", "/api/v1/integrations/a/call", &lines, described).await;
    let mut received = peer.received().into_iter().rev();
    let (second, first) = (received.next().unwrap(), received.next().unwrap());
    [(first, proxied), (second, called)]
}

async fn beside(peer: &Peer) -> Server {
    let server = Server::beside(peer).await;
    let once = json!({"max_attempts": 1});
    server
        .has(&json!({"integration_id": "a", "type": "rest", "base_url": peer.url(), "retry_config": once}))
        .await;
    server
}

#[tokio::test]
async fn a_trace_goes_on_to_the_service_with_the_call_as_its_parent() {
    let peer = Peer::http(|_| http::Response::new("ok".into())).await;
    let server = beside(&peer).await;
    for (received, answer) in
        both(&server, &peer, &[("traceparent", PARENT), ("tracestate", "a=1,b=2")]).await
    {
        let request_id = answer.is(200).header("trunkline-request-id").replace('-', "");
        assert_eq!(received.header("traceparent"), format!("00-{TRACE}-{}-01", &request_id[16..]));
        assert_eq!(received.header("tracestate"), "a=1,b=2");
    }
}

#[tokio::test]
async fn what_is_malformed_is_not_passed_on_and_nothing_is_invented() {
    let peer = Peer::http(|_| http::Response::new("ok".into())).await;
    let server = beside(&peer).await;
    let malformed: [Lines; 4] = [
        &[],
        &[("tracestate", "a=1")],
        &[("traceparent", "00-junk"), ("tracestate", "a=1")],
        &[("traceparent", PARENT), ("traceparent", PARENT)],
    ];
    for lines in malformed {
        for (received, answer) in both(&server, &peer, lines).await {
            answer.is(200);
            let told = ["traceparent", "tracestate"].map(|name| received.headers.contains_key(name));
            assert_eq!(told, [false, false], "{lines:?}");
        }
    }
    for (received, _) in both(&server, &peer, &[("traceparent", PARENT), ("tracestate", "junk")]).await {
        assert!(received.header("traceparent").contains(TRACE) && received.header("tracestate").is_empty());
    }
}

#[tokio::test]
async fn the_log_line_of_a_call_that_failed_names_the_trace() {
    let peer = Peer::http(|_| http::Response::builder().status(503).body("".into()).unwrap()).await;
    let server = beside(&peer).await;
    let [_, (_, untraced)] = both(&server, &peer, &[]).await;
    let [_, (_, traced)] = both(&server, &peer, &[("traceparent", PARENT)]).await;
    let named = format!("trace_id={TRACE}");
    for (answer, expected) in [(untraced, false), (traced, true)] {
        let log = server.logs(answer.header("trunkline-request-id")).await;
        let line = log.lines().find(|line| line.contains(answer.header("trunkline-request-id"))).unwrap();
        assert_eq!(line.contains(&named), expected, "{line}");
    }
}
