//! Connections: two tenants of one integration, over the API, the proxy and the command line.

use http::{Response, StatusCode};
use serde_json::{Value, json};
use trunkline::Body;
use trunkline_testkit::{Peer, Received};

use crate::harness::{Server, within};

const AT: &str = "/api/v1/integrations/shop";

/// Says back with which key it was asked and what else it was told, and lets it be kept.
fn echo(received: Received) -> Response<Body> {
    let told: Vec<_> = received.headers.keys().map(|name| name.as_str()).collect();
    let text = json!({ "key": received.header("x-api-key"), "path": received.uri.to_string(), "told": told });
    let response = Response::builder().header("cache-control", "max-age=60");
    let broken = received.header("x-api-key") == "key-of-a" && received.uri.path() == "/break";
    let status = if broken { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK };
    response.status(status).body(Body::from(text.to_string())).unwrap()
}

fn integration(url: &str) -> Value {
    json!({
        "integration_id": "shop", "type": "rest", "base_url": url, "retry_config": { "max_attempts": 1 },
        "auth_type": "api_key", "auth_config": { "key": "key-of-default" }, "breaker": { "consecutive_failures": 2 },
    })
}

fn tenant(name: &str) -> Value {
    json!({ "connection": name, "description": format!("Tenant {name}"), "auth_config": { "key": format!("key-of-{name}") } })
}

/// A server with the integration `shop` and its tenants `a` and `b`.
async fn with_two(peer: &Peer) -> Server {
    let server = Server::beside(peer).await;
    server.has(&integration(&peer.url())).await;
    for name in ["a", "b"] {
        server.post(&format!("{AT}/connections"), &tenant(name)).await.is(201);
    }
    server
}

#[tokio::test]
async fn each_tenant_reaches_the_service_with_its_own_key_wherever_it_is_named() {
    let peer = Peer::http(echo).await;
    let server = with_two(&peer).await;
    for (named, key) in [("a", "key-of-a"), ("b", "key-of-b"), ("default", "key-of-default")] {
        let call =
            server.call("shop", &json!({ "connection": named, "endpoint": "/x?y=1" })).await.is(200).json();
        assert_eq!((&call["key"], &call["path"]), (&json!(key), &json!("/x?y=1")));
        let header = [("trunkline-connection", named), ("content-type", "application/json")];
        let call = server.with("POST", &format!("{AT}/call"), &header, r#"{"endpoint": "/h"}"#).await.is(200);
        assert_eq!(call.json()["key"], key);
        let proxied = server.with("GET", &format!("{AT}/proxy/p"), &header[..1], "").await.is(200).json();
        assert_eq!(proxied["key"], key);
        let told = proxied["told"].to_string();
        assert!(!told.contains("trunkline"), "the header is not passed on: {told}");
        for path in [format!("{AT}/test"), format!("{AT}/connections/{named}/test")] {
            let tested =
                server.post(&path, &json!({ "connection": named, "endpoint": "/t" })).await.is(200).json();
            assert_eq!((&tested["status"], &tested["result"]["path"]), (&json!("success"), &json!("/t")));
            assert_eq!(peer.received().pop().unwrap().header("x-api-key"), key);
        }
        server.get(&format!("{AT}/connections/{named}/health")).await.is(200);
        let cli = server.cli(&["call", "shop", "/cli", "--connection", named]).await.is(0);
        assert_eq!(cli.json()["key"], key);
    }
    let plain = server.call("shop", &json!({ "endpoint": "/x" })).await.is(200).json();
    assert_eq!(plain["key"], "key-of-default");
}

#[tokio::test]
async fn what_was_kept_for_one_is_never_given_to_another() {
    let peer = Peer::http(echo).await;
    let server = &with_two(&peer).await;
    let calls = (0..60).map(|n| async move {
        let named = ["a", "b", "default"][n % 3];
        let header = [("trunkline-connection", named)];
        let answer = server.with("GET", &format!("{AT}/proxy/same"), &header, "").await.is(200);
        assert_eq!(answer.json()["key"], format!("key-of-{named}"));
    });
    within("all calls", futures_util::future::join_all(calls)).await;
    assert_eq!(peer.received().len(), 3, "each was asked for once");
    server.delete(&format!("{AT}/cache")).await.is(200);
    let header = [("trunkline-connection", "a")];
    server.with("GET", &format!("{AT}/proxy/same"), &header, "").await.is(200);
    assert_eq!(peer.received().len(), 4, "what was kept for it is forgotten");
}

#[tokio::test]
async fn one_tenant_breaks_or_uses_up_what_is_its_own() {
    let peer = Peer::http(echo).await;
    let server = Server::beside(&peer).await;
    let mut limited = integration(&peer.url());
    limited["rate_limit"] = json!({ "requests": 3, "per": 3600, "max_wait": "1ms" });
    server.has(&limited).await;
    for name in ["a", "b"] {
        server.post(&format!("{AT}/connections"), &tenant(name)).await.is(201);
    }
    let call = |named: &str, path: &str| json!({ "connection": named, "method": "POST", "endpoint": path });
    for _ in 0..2 {
        server.call("shop", &call("a", "/break")).await.is(502);
    }
    let open = server.call("shop", &call("a", "/x")).await.problem(503, "circuit_open");
    assert_eq!((&open["integration"], &open["connection"]), (&json!("shop"), &json!("a")));
    server.call("shop", &call("b", "/x")).await.is(200);
    server.call("shop", &call("default", "/x")).await.is(200);
    let state = server.get(&format!("{AT}/connections/a")).await.is(200).json()["state"].clone();
    assert_eq!(state["breaker"]["state"], "open");
    let reset = format!("{AT}/breaker/reset");
    let reset = server.with("POST", &reset, &[("trunkline-connection", "a")], "").await.is(200).json();
    assert_eq!(reset["breaker"]["state"], "closed");
    server.call("shop", &call("a", "/x")).await.is(200);

    for _ in 0..2 {
        server.call("shop", &call("b", "/x")).await.is(200);
    }
    server.call("shop", &call("b", "/x")).await.problem(429, "throttled");
    server.call("shop", &call("default", "/x")).await.is(200);
    // Activity knows whose calls these were, metrics do not.
    let seen = server.get("/api/v1/activity?connection=b&kind=throttled").await.is(200).json();
    assert_eq!((seen.as_array().unwrap().len(), &seen[0]["connection"]), (1, &json!("b")));
    let metrics = server.get("/metrics").await.is(200);
    assert!(metrics.text().contains("trunkline_connections_open 2"));
    assert!(!metrics.text().contains("connection=\""));
    // The list tells what is known of each, and asks nobody for it.
    server.post(&format!("{AT}/connections"), &tenant("c")).await.is(201);
    let before = peer.received().len();
    let list = server.get(&format!("{AT}/connections?health=true")).await.is(200).json();
    let known = |at: usize| {
        let health = &list["connections"][at]["health"];
        (health["state"].as_str().unwrap().to_owned(), health["reason_code"].as_str().unwrap().to_owned())
    };
    assert_eq!(known(2), ("healthy".to_owned(), "answered".to_owned()), "{list}");
    assert_eq!(known(3), ("unknown".to_owned(), "not_checked".to_owned()), "{list}");
    assert_eq!(peer.received().len(), before);
    assert!(server.get(&format!("{AT}/connections")).await.json()["connections"][1].get("health").is_none());
}

#[tokio::test]
async fn a_connection_is_added_read_changed_and_removed() {
    let peer = Peer::http(echo).await;
    let server = with_two(&peer).await;
    let all = format!("{AT}/connections");
    server.post(&all, &tenant("a")).await.problem(409, "conflict");
    server.post(&all, &tenant("default")).await.problem(422, "invalid_config");
    let unknown =
        server.post(&all, &json!({ "connection": "c", "vlaues": {} })).await.problem(422, "invalid_config");
    assert!(unknown["detail"].as_str().unwrap().contains("did you mean `values`?"), "{unknown}");
    let taken = tenant("c");
    server.post("/api/v1/integrations/nothing/connections", &taken).await.problem(404, "unknown_integration");

    let one = format!("{all}/a");
    let read = server.get(&one).await.is(200);
    let shown = read.json();
    assert_eq!(shown["auth_config"]["key"], "********");
    let etag = read.header("etag").to_owned();
    // Whether a secret was changed meanwhile is told, though nobody sees it.
    let mark = async || server.get(&one).await.is(200).header("trunkline-secrets").to_owned();
    let before = mark().await;
    // Sent back as it was read, it keeps its secret.
    let mut changed = shown.clone();
    changed["description"] = "Other".into();
    let condition = [("if-match", &*etag), ("content-type", "application/json")];
    let put = server.with("PUT", &one, &condition, changed.to_string()).await.is(200);
    assert_ne!(put.header("etag"), etag);
    server.with("PUT", &one, &condition, changed.to_string()).await.problem(412, "conflict");
    let called = server.call("shop", &json!({ "connection": "a" })).await.is(200).json();
    assert_eq!(called["key"], "key-of-a");
    assert_eq!(mark().await, before);
    server.json("PATCH", &one, &json!({ "auth_config": { "key": "new" } })).await.is(200);
    assert_ne!(mark().await, before);
    let called = server.call("shop", &json!({ "connection": "a" })).await.is(200).json();
    assert_eq!(called["key"], "new");
    server.json("PATCH", &one, &json!({ "connection": "z" })).await.problem(422, "invalid_config");
    server.json("PATCH", &one, &json!({ "enabled": false })).await.is(200);
    server.call("shop", &json!({ "connection": "a" })).await.problem(409, "disabled");

    let listed = server.get(&all).await.is(200).json();
    let names = |listed: &Value| {
        let all = listed["connections"].as_array().unwrap();
        all.iter().map(|one| one["connection"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(names(&listed), ["default", "a", "b"]);
    assert_eq!(
        (&listed["connections"][1]["enabled"], &listed["connections"][1]["description"]),
        (&json!(false), &json!("Other"))
    );
    let page = server.get(&format!("{all}?limit=1")).await.is(200).json();
    assert_eq!((names(&page), &page["next"]), (vec!["default".to_owned(), "a".to_owned()], &json!("a")));
    let page = server.get(&format!("{all}?limit=1&after=a")).await.is(200).json();
    assert_eq!((names(&page), page.get("next")), (vec!["b".to_owned()], None));

    server.with("DELETE", &one, &condition[..1], "").await.problem(412, "conflict");
    server.delete(&one).await.is(200);
    let gone = server.call("shop", &json!({ "connection": "a" })).await.problem(404, "unknown_connection");
    assert_eq!(gone["connection"], "a");
    for (method, path) in [("GET", &*one), ("DELETE", &*one), ("GET", &*format!("{one}/health"))] {
        server.with(method, path, &[], "").await.problem(404, "unknown_connection");
    }
    server.delete(&format!("{all}/default")).await.problem(409, "conflict");
    assert_eq!(server.get(&format!("{all}/default")).await.is(200).json()["connection"], "default");
}

#[tokio::test]
async fn one_request_names_one_connection() {
    let peer = Peer::http(echo).await;
    let server = with_two(&peer).await;
    let header = [("trunkline-connection", "a"), ("content-type", "application/json")];
    let call = format!("{AT}/call");
    server.with("POST", &call, &header, r#"{"connection": "b"}"#).await.problem(422, "invalid_config");
    server.with("POST", &call, &header, r#"{"connection": "a"}"#).await.is(200);
    server.call("shop", &json!({ "connection": 1 })).await.problem(422, "invalid_config");
    let both = [("trunkline-connection", "a"), ("trunkline-connection", "b")];
    server.with("GET", &format!("{AT}/proxy/x"), &both, "").await.problem(422, "invalid_config");
    server
        .post(&format!("{AT}/connections/a/test"), &json!({ "connection": "b" }))
        .await
        .problem(422, "invalid_config");
    for name in ["c", "", "a/b", "..", "%2e%2e"] {
        let one = [("trunkline-connection", name)];
        server.with("GET", &format!("{AT}/proxy/x"), &one, "").await.problem(404, "unknown_connection");
    }
    assert_eq!(peer.received().len(), 1);
}

#[tokio::test]
async fn an_idempotency_key_is_of_one_connection() {
    let peer = Peer::http(echo).await;
    let server = with_two(&peer).await;
    let keyed = |named: &'static str| {
        let headers =
            [("trunkline-connection", named), ("idempotency-key", "k"), ("content-type", "application/json")];
        (headers, r#"{"method": "POST", "endpoint": "/x"}"#)
    };
    let call = format!("{AT}/call");
    let (headers, body) = keyed("a");
    server.with("POST", &call, &headers, body).await.is(200);
    let again = server.with("POST", &call, &headers, body).await.is(200);
    assert_eq!((again.header("idempotency-replayed"), &again.json()["key"]), ("true", &json!("key-of-a")));
    let (headers, body) = keyed("b");
    server.with("POST", &call, &headers, body).await.problem(422, "idempotency_mismatch");
    server.with("POST", &call, &headers[1..], body).await.problem(422, "idempotency_mismatch");
    assert_eq!(peer.received().len(), 1);
}

#[tokio::test]
async fn secrets_do_not_follow_an_address_that_somebody_changes() {
    let peer = Peer::http(echo).await;
    let server = with_two(&peer).await;
    let one = format!("{AT}/connections/a");
    // The connection's own, to where it is sent;
    let moved = json!({ "base_url": "https://evil.example" });
    let told = server.json("PATCH", &one, &moved).await.problem(422, "invalid_config");
    assert!(told["detail"].as_str().unwrap().contains("auth_config.key"), "{told}");
    // the integration's, to where a connection leads;
    let other = json!({ "connection": "c", "base_url": "https://evil.example" });
    server.post(&format!("{AT}/connections"), &other).await.problem(422, "invalid_config");
    // and the connections', to where the integration leads.
    let elsewhere = json!({ "base_url": "https://evil.example", "auth_config": { "key": "other" } });
    server.json("PATCH", AT, &elsewhere).await.problem(422, "invalid_config");
    for name in ["a", "b"] {
        server.delete(&format!("{AT}/connections/{name}")).await.is(200);
    }
    server.json("PATCH", AT, &elsewhere).await.is(200);
}

#[tokio::test]
async fn an_integration_with_placeholders_is_called_through_its_connections() {
    let peer = Peer::http(echo).await;
    let server = Server::beside(&peer).await;
    let mut config = integration(&format!("{}/t/{{{{connection.tenant}}}}", peer.url()));
    config["auth_config"]["key"] = "{{connection.api_key}}".into();
    server.has(&config).await;
    let told = server.call("shop", &json!({ "endpoint": "/x" })).await.problem(422, "invalid_config");
    assert!(told["detail"].as_str().unwrap().contains("choose one"), "{told}");
    let values = json!({ "connection": "a", "values": { "tenant": "a/1", "api_key": "key-of-a" } });
    server.post(&format!("{AT}/connections"), &values).await.is(201);
    let called = server.call("shop", &json!({ "connection": "a", "endpoint": "/x" })).await.is(200).json();
    assert_eq!((&called["key"], &called["path"]), (&json!("key-of-a"), &json!("/t/a%2F1/x")));
    let shown = server.get(&format!("{AT}/connections/a")).await.is(200).json();
    assert_eq!(shown["values"], json!({ "tenant": "a/1", "api_key": "********" }));
    server.cli(&["health"]).await.is(0);
    server.cli(&["health", "shop", "--connection", "a"]).await.is(0);
    let read = server.get("/api/v1/integrations/list").await.is(200).json();
    assert!(read[0].get("error").is_none(), "{read}");
}

#[tokio::test]
async fn a_restart_keeps_them_and_those_of_integrations_in_the_file() {
    let peer = Peer::http(echo).await;
    let mut filed = integration(&peer.url());
    filed["integration_id"] = "filed".into();
    let begin = Server::begin().allow(&peer);
    let file =
        begin.file("trunkline.yaml", &json!({ "integrations": [filed] }).to_string()).display().to_string();
    let server = begin.arg("--config").arg(&file).start().await;
    server.has(&integration(&peer.url())).await;
    for id in ["shop", "filed"] {
        server.post(&format!("/api/v1/integrations/{id}/connections"), &tenant("a")).await.is(201);
    }
    let server = server.stop().await.again().allow(&peer).arg("--config").arg(&file).start().await;
    for id in ["shop", "filed"] {
        let called = server.call(id, &json!({ "connection": "a" })).await.is(200).json();
        assert_eq!(called["key"], "key-of-a", "{id}");
    }
}

#[tokio::test]
async fn the_command_line_knows_them() {
    let peer = Peer::http(echo).await;
    let server = with_two(&peer).await;
    let list = server.cli(&["connections", "list", "shop"]).await.is(0).stdout;
    let words: Vec<_> = list.lines().map(|line| line.split_whitespace().next().unwrap()).collect();
    assert_eq!(words, ["CONNECTION", "default", "a", "b"]);
    let added = "connection: c\nauth_config: {key: key-of-c}\nvalues: {x: y}\n";
    let ran = server.cli_with(&["connections", "add", "shop", "-"], added).await.is(0);
    assert!(ran.stdout.starts_with("shop c added\n  note: values.x: "), "{ran:?}");
    server.cli_with(&["connections", "add", "shop", "-"], added).await.is(2);
    server.cli_with(&["connections", "add", "shop", "-", "--replace"], added).await.is(0);
    server
        .cli_with(
            &["connections", "add", "shop", "-", "--replace"],
            &added.replace("connection: c", "connection: d"),
        )
        .await
        .is(0);
    let shown = server.cli(&["connections", "show", "shop", "c"]).await.is(0);
    assert_eq!(shown.json()["auth_config"]["key"], "********");
    server.cli(&["connections", "remove", "shop", "c"]).await.is(0);
    let gone = server.cli(&["connections", "show", "shop", "c"]).await.is(2);
    assert!(gone.stderr.contains("unknown_connection"), "{gone:?}");
    server.cli(&["connections", "show", "shop", "../x"]).await.is(2);
    server.cli(&["call", "shop", "/x", "--connection", "c"]).await.is(2);
}
