//! `/api/v1/activity`: every call leaves one record, which can be found again, also after a restart.

use http::{Response, StatusCode};
use serde_json::{Value, json};
use trunkline::Body;
use trunkline_testkit::Peer;

use crate::{
    harness::{Server, until},
    stream::Reader,
};

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
    let tries = record["tries"].as_array().unwrap();
    assert_eq!((tries.len(), &tries[0]["kind"], &tries[0]["status"]), (1, &json!("ok"), &json!(200)));
    assert_eq!(record["number"], 1);
    assert_eq!((&record["action"], record.as_object().unwrap().len()), (&Value::Null, 16), "{record}");
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
        ("before=1", 0),
        ("before=3", 2),
        ("before=3&kind=ok", 1),
        ("before=99", 4),
        ("after=0", 4),
        ("after=2&limit=1000", 2),
        ("after=1&kind=rejected", 2),
        ("after=4", 0),
        ("after=18446744073709551615", 0),
        ("after=1&before=4", 2),
        ("since_ms=1&until_ms=99999999999999", 4),
    ] {
        assert_eq!(found(&server, query).await.len(), count, "{query}");
    }
    // Who goes on behind the newest of what comes next misses none.
    let mut numbers = Vec::new();
    while let Some(next) =
        found(&server, &format!("limit=1&after={}", numbers.last().unwrap_or(&0))).await.first()
    {
        numbers.push(next["number"].as_u64().unwrap());
    }
    assert_eq!(numbers, [1, 2, 3, 4]);
    assert_eq!(kinds(found(&server, "after=1&limit=2").await), ["rejected", "rejected"]);
    for query in ["limit=-1", "limit=x", "status=99999999", "intgration=a", "since_ms=1.5", "after=-1"] {
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

/// A service that is unavailable the first two times, and a server that has it as `a`.
async fn shaky() -> (Peer, Server) {
    let asked = std::sync::atomic::AtomicU32::new(0);
    let peer = Peer::http(move |_| {
        let mut response = Response::new(Body::from("here"));
        if asked.fetch_add(1, std::sync::atomic::Ordering::SeqCst) < 2 {
            *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
        }
        response
    })
    .await;
    let server = Server::beside(&peer).await;
    let config = json!({
        "integration_id": "a", "type": "rest", "base_url": peer.url(),
        "retry_config": { "max_attempts": 3, "backoff": "1ms", "max_backoff": "5ms" },
    });
    server.has(&config).await;
    (peer, server)
}

#[tokio::test]
async fn a_record_tells_of_each_attempt_when_it_set_off_and_what_became_of_it() {
    let (_peer, server) = shaky().await;
    server.call("a", &json!({"endpoint": "/x"})).await.is(200);
    let all =
        until("the record", || async { Some(found(&server, "").await).filter(|all| !all.is_empty()) }).await;
    let tries = all[0]["tries"].as_array().unwrap();
    let told: Vec<_> = tries.iter().map(|one| (&one["kind"], &one["status"])).collect();
    let (down, up) = ((&json!("unavailable"), &json!(503)), (&json!("ok"), &json!(200)));
    assert_eq!(told, [down, down, up], "{all:?}");
    let number = |value: &Value| value.as_f64().unwrap();
    for pair in tries.windows(2) {
        let end = number(&pair[0]["after_ms"]) + number(&pair[0]["millis"]);
        assert!(end <= number(&pair[1]["after_ms"]), "one after another: {tries:?}");
    }
    let last = &tries[2];
    let end = number(&last["after_ms"]) + number(&last["millis"]);
    assert!((end - number(&all[0]["millis"])).abs() < 0.01, "the last ends with the call: {all:?}");
    // They are stored too.
    let server = server.stop().await.again().start().await;
    assert_eq!(found(&server, "").await, all);
}

#[tokio::test]
async fn what_happens_is_followed_as_it_happens_from_any_record_on() {
    let (_peer, server) = pair().await;
    server.call("a", &json!({"endpoint": "/before"})).await.is(200);
    until("the record", || async { (found(&server, "").await.len() == 1).then_some(()) }).await;
    let mut all = Reader::at(&server, "/api/v1/activity/stream").await;
    let mut refused = Reader::at(&server, "/api/v1/activity/stream?kind=rejected&integration=a").await;
    for endpoint in ["/one", "/refuse", "/two"] {
        server.call("a", &json!({"endpoint": endpoint})).await;
    }
    let record = |text: String| serde_json::from_str::<Value>(&text).unwrap();
    for (number, kind) in [(2, "ok"), (3, "rejected"), (4, "ok")] {
        let record = record(all.message().await);
        assert_eq!((&record["number"], &record["kind"]), (&json!(number), &json!(kind)));
    }
    assert_eq!(record(refused.message().await)["number"], 3);
    // As browsers do that were cut off.
    let last = [("last-event-id", "2")];
    let mut again = Reader::with(&server, "/api/v1/activity/stream", &last).await;
    assert_eq!(record(again.message().await)["number"], 3);
    assert_eq!(record(again.message().await)["number"], 4);
    server.stop().await;
    let (name, data) = all.next().await.unwrap();
    assert_eq!(name, "error");
    assert!(data.contains("shutting_down"), "{data}");
}

#[tokio::test]
async fn who_comes_back_too_late_is_told_how_much_is_gone() {
    let peer = Peer::http(|_| Response::new(Body::Empty)).await;
    let begin = Server::begin().allow(&peer);
    let file = begin.file("t.yaml", "server: { activity: 3 }\n");
    let server = begin.arg("--config").arg(file.display().to_string()).start().await;
    server.has(&json!({"integration_id": "a", "type": "rest", "base_url": peer.url()})).await;
    for _ in 0..8 {
        server.call("a", &json!({})).await.is(200);
    }
    until("the last", || async {
        found(&server, "").await.first().is_some_and(|record| record["number"] == 8).then_some(())
    })
    .await;
    let mut late = Reader::with(&server, "/api/v1/activity/stream", &[("last-event-id", "2")]).await;
    assert_eq!(late.next().await.unwrap(), ("missed".to_owned(), "{\"records\":3}".to_owned()));
    assert!(late.message().await.contains("\"number\":6"));
    let wrong = [("last-event-id", "x")];
    server.with("GET", "/api/v1/activity/stream", &wrong, "").await.problem(422, "invalid_config");
    for query in ["limit=x", "limit=5", "before=5", "until_ms=5"] {
        let problem =
            server.get(&format!("/api/v1/activity/stream?{query}")).await.problem(422, "invalid_config");
        let key = query.split('=').next().unwrap();
        assert!(problem["detail"].as_str().unwrap().contains(key), "{query}: {problem}");
    }
}

#[tokio::test]
async fn a_period_is_counted_by_integration_and_by_steps() {
    let (_peer, server) = pair().await;
    for endpoint in ["/one", "/refuse", "/two"] {
        server.call("a", &json!({"endpoint": endpoint})).await;
    }
    server.call("b", &json!({})).await.is(403);
    let all =
        until("four records", || async { Some(found(&server, "").await).filter(|all| all.len() == 4) }).await;
    let summary = server.get("/api/v1/activity/summary").await.is(200).json();
    let (a, b) = (&summary["integrations"]["a"], &summary["integrations"]["b"]);
    assert_eq!((&a["calls"], &a["errors"], &a["attempts"]), (&json!(3), &json!(1), &json!(3)), "{summary}");
    assert_eq!((&b["calls"], &b["errors"], &b["cache_hits"]), (&json!(1), &json!(1), &json!(0)), "{summary}");
    let steps = a["steps"].as_array().unwrap();
    assert_eq!((steps.len(), &steps[11]["calls"], &steps[0]["calls"]), (12, &json!(3), &json!(0)));
    assert_eq!(steps[0]["p50_ms"], Value::Null);
    let mut millis: Vec<_> = all[1..].iter().map(|record| record["millis"].as_f64().unwrap()).collect();
    millis.sort_by(f64::total_cmp);
    assert_eq!((a["p50_ms"].as_f64(), a["p99_ms"].as_f64()), (Some(millis[1]), Some(millis[2])));

    let only = server.get("/api/v1/activity/summary?integration=b").await.is(200).json();
    assert_eq!(only["integrations"].as_object().unwrap().len(), 1);
    let at = all[0]["at_ms"].as_u64().unwrap();
    let path = format!("/api/v1/activity/summary?since_ms={}&until_ms={}&step_ms=1000", at + 1, at + 2501);
    let empty = server.get(&path).await.is(200).json();
    assert_eq!((&empty["step_ms"], &empty["integrations"]), (&json!(1000), &json!({})));
    for query in ["since_ms=5&until_ms=5", "since_ms=0&until_ms=501&step_ms=1", "step_ms=0", "steps=3"] {
        let path = format!("/api/v1/activity/summary?{query}");
        server.get(&path).await.problem(422, "invalid_config");
    }
}
