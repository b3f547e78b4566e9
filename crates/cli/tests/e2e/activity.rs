//! `/api/v1/activity`: every call leaves one record, which can be found again, also after a restart.

use http::{Response, StatusCode};
use serde_json::{Value, json};
use trunkline::Body;
use trunkline_testkit::Peer;

use crate::harness::{Server, until};

async fn pair() -> (Peer, Server) {
    let peer = Peer::http(|received| {
        let mut response = Response::new(Body::from("twelve bytes"));
        if received.uri.path() == "/refuse" {
            *response.status_mut() = StatusCode::CONFLICT;
        }
        response
    })
    .await;
    let server = Server::beside(&peer).await;
    server.has(&json!({"integration_id": "a", "type": "rest", "base_url": peer.url()})).await;
    server.has(&json!({"integration_id": "b", "type": "rest", "base_url": "http://127.0.0.1:9"})).await;
    (peer, server)
}

async fn found(server: &Server, query: &str) -> Vec<Value> {
    let answer = server.get(&format!("/api/v1/activity?{query}")).await.is(200).json();
    answer.as_array().unwrap().clone()
}

#[tokio::test]
async fn a_call_leaves_one_record_with_what_there_is_to_know() {
    let (_peer, server) = pair().await;
    let answer =
        server.call("a", &json!({"method": "POST", "endpoint": "/x", "data": "five!"})).await.is(200);
    let all =
        until("the record", || async { Some(found(&server, "").await).filter(|all| !all.is_empty()) }).await;
    assert_eq!(all.len(), 1);
    let record = &all[0];
    for (key, value) in [
        ("integration", json!("a")),
        ("connection", json!("default")),
        ("operation", json!("POST")),
        ("kind", json!("ok")),
        ("status", json!(200)),
        ("attempts", json!(1)),
        ("bytes_sent", json!(5)),
        ("bytes_received", json!(12)),
        ("cache", json!("bypass")),
        ("request_id", json!(answer.header("trunkline-request-id"))),
    ] {
        assert_eq!(record[key], value, "{key} of {record}");
    }
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_millis();
    let at = u128::from(record["at_ms"].as_u64().unwrap());
    assert!(at <= now && at + 60_000 > now && record["millis"].as_f64().unwrap() > 0.0, "{record}");
    assert_eq!(record.as_object().unwrap().len(), 12, "{record}");
}

#[tokio::test]
async fn records_are_found_by_what_they_say_newest_first() {
    let (_peer, server) = pair().await;
    server.call("a", &json!({"endpoint": "/one"})).await.is(200);
    let refused = server.call("a", &json!({"endpoint": "/refuse"})).await;
    server.get("/api/v1/integrations/a/proxy/refuse").await.is(409);
    server.call("b", &json!({})).await.is(403);
    until("four records", || async { (found(&server, "").await.len() == 4).then_some(()) }).await;
    let kinds = |all: Vec<Value>| {
        all.iter().map(|record| record["kind"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(kinds(found(&server, "").await), ["blocked", "rejected", "rejected", "ok"]);
    let id = refused.header("trunkline-request-id");
    for (query, count) in [
        ("integration=a", 3),
        ("integration=b", 1),
        ("integration=nobody", 0),
        ("kind=rejected", 2),
        ("status=409", 2),
        ("status=200&integration=a", 1),
        ("limit=2", 2),
        ("limit=0", 0),
        (&format!("request_id={id}"), 1),
        (&format!("request_id={}", id.to_uppercase()), 1),
        ("since_ms=99999999999999", 0),
        ("until_ms=1", 0),
        ("since_ms=1&until_ms=99999999999999", 4),
    ] {
        assert_eq!(found(&server, query).await.len(), count, "{query}");
    }
    for query in ["limit=-1", "limit=x", "status=99999999", "intgration=a", "since_ms=1.5"] {
        let problem = server.get(&format!("/api/v1/activity?{query}")).await.problem(422, "invalid_config");
        let key = query.split('=').next().unwrap();
        assert!(problem["detail"].as_str().unwrap().contains(key), "{query}: {problem}");
    }
}

#[tokio::test]
async fn records_are_there_after_a_restart() {
    let (peer, server) = pair().await;
    for _ in 0..300 {
        server.get("/api/v1/integrations/a/proxy/x").await.is(200);
    }
    let before = until("all records", || async {
        Some(found(&server, "limit=1000").await).filter(|all| all.len() == 300)
    })
    .await;
    let server = server.stop().await.again().allow(&peer).start().await;
    assert_eq!(found(&server, "limit=1000").await, before);
    server.call("a", &json!({})).await.is(200);
    until("one more", || async { (found(&server, "limit=1000").await.len() == 301).then_some(()) }).await;
}

#[tokio::test]
async fn only_so_many_are_kept() {
    let peer = Peer::http(|_| Response::new(Body::Empty)).await;
    let begin = Server::begin().allow(&peer);
    let file = begin.file("t.yaml", "server: { activity: 10 }\n");
    let server = begin.arg("--config").arg(file.display().to_string()).start().await;
    server.has(&json!({"integration_id": "a", "type": "rest", "base_url": peer.url()})).await;
    let mut last = String::new();
    for _ in 0..25 {
        last = server.call("a", &json!({})).await.is(200).header("trunkline-request-id").to_owned();
    }
    let all = until("the last", || async {
        Some(found(&server, "limit=1000").await)
            .filter(|all| all.first().is_some_and(|record| record["request_id"] == *last))
    })
    .await;
    assert_eq!(all.len(), 10);
}
