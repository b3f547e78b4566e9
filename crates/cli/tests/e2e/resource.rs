//! Reading, replacing and changing one integration: versions, masked secrets, answers to what is not there.

use serde_json::{Value, json};
use trunkline::{Body, MASK};
use trunkline_testkit::Peer;

use crate::harness::Server;

fn config(id: &str, url: &str) -> Value {
    json!({
        "integration_id": id, "type": "rest", "base_url": url,
        "auth_type": "api_key", "auth_config": {"key": "k-123456", "header": "X-Key"},
    })
}

#[tokio::test]
async fn a_number_that_would_be_stored_as_another_is_refused_by_its_place() {
    let server = Server::begin().start().await;
    server.has(&config("a", "https://h")).await;
    let path = "/api/v1/integrations/a";
    let json = [("content-type", "application/json")];
    let change = |metadata: &str| {
        let body = format!(r#"{{"metadata":{{"ids":{metadata}}}}}"#);
        let server = &server;
        async move { server.with("PATCH", path, &json, body).await }
    };
    change("[18446744073709551615,-9223372036854775808]").await.is(200);
    for metadata in ["[1,18446744073709551616]", "[1,-9223372036854775809]"] {
        let refused = change(metadata).await;
        let problem = refused.problem(422, "invalid_config");
        assert!(
            problem["detail"].as_str().unwrap().contains("metadata.ids[1]: the number is too large"),
            "{problem}"
        );
    }
    assert!(server.get(path).await.text().contains(r#""ids":[18446744073709551615,-9223372036854775808]"#));
}

#[tokio::test]
async fn of_two_who_change_the_same_version_one_is_told() {
    let server = Server::begin().start().await;
    let path = "/api/v1/integrations/a";
    server.has(&config("a", "https://h")).await;
    let read = server.get(path).await.is(200);
    let etag = read.header("etag").to_owned();
    let change = |name: &'static str| {
        let (server, etag) = (&server, &etag);
        async move {
            let headers = [("content-type", "application/json"), ("if-match", etag)];
            server.with("PATCH", path, &headers, json!({"name": name}).to_string()).await
        }
    };
    let (one, two) = tokio::join!(change("One"), change("Two"));
    let mut statuses = [one.status.as_u16(), two.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 412]);
    let (winner, loser, name) = if one.status == 200 { (one, two, "One") } else { (two, one, "Two") };
    loser.problem(412, "conflict");
    let now = server.get(path).await;
    assert_eq!((now.header("etag"), &now.json()["name"]), (winner.header("etag"), &json!(name)));
    assert_ne!(winner.header("etag"), etag);
}

#[tokio::test]
async fn a_version_that_is_not_the_present_one_is_refused_for_every_method() {
    let server = Server::begin().start().await;
    let path = "/api/v1/integrations/a";
    server.has(&config("a", "https://h")).await;
    for (method, body) in
        [("PUT", config("a", "https://x")), ("PATCH", json!({"name": "x"})), ("DELETE", json!({}))]
    {
        for etag in ["\"99999\"", "\"0\"", "7", "W/\"1\"", "\"x\"", ""] {
            let headers = [("content-type", "application/json"), ("if-match", etag)];
            server.with(method, path, &headers, body.to_string()).await.problem(412, "conflict");
        }
    }
    let headers = [("content-type", "application/json"), ("if-match", "*")];
    server.with("PATCH", path, &headers, "{}").await.is(200);
    assert_eq!(server.get(path).await.json()["base_url"], "https://h");
}

#[tokio::test]
async fn a_masked_secret_that_is_sent_back_keeps_what_is_stored() {
    let peer = Peer::http(|_| http::Response::new(Body::Empty)).await;
    let server = Server::beside(&peer).await;
    let path = "/api/v1/integrations/a";
    server.has(&config("a", &peer.url())).await;
    let before = server.get(path).await.is(200);
    let mut read = before.json();
    assert_eq!(read["auth_config"], json!({"key": MASK, "header": "X-Key"}));
    read["name"] = "Renamed".into();
    server.json("PUT", path, &read).await.is(200);
    // Whether a secret was changed meanwhile is told, though nobody sees it.
    let mark = async || server.get(path).await.is(200).header("trunkline-secrets").to_owned();
    assert_eq!(mark().await, before.header("trunkline-secrets"));
    server.json("PATCH", path, &json!({"auth_config": {"key": "another"}})).await.is(200);
    assert_ne!(mark().await, before.header("trunkline-secrets"));
    server.json("PATCH", path, &json!({"auth_config": {"key": "k-123456"}})).await.is(200);
    assert_eq!(mark().await, before.header("trunkline-secrets"));
    let patch = json!({"auth_config": {"key": MASK, "header": "X-Other"}});
    server.json("PATCH", path, &patch).await.is(200);
    server.call("a", &json!({"endpoint": "/"})).await.is(200);
    assert_eq!(peer.received()[0].header("x-other"), "k-123456");
    assert_eq!(server.get(path).await.json()["name"], "Renamed");

    let fresh = json!({"integration_id": "b", "type": "rest", "base_url": "https://h", "auth_type": "bearer", "auth_config": {"token": MASK}});
    let problem = server.register(&fresh).await.problem(422, "invalid_config");
    assert!(problem["detail"].as_str().unwrap().contains("auth_config.token"), "{problem}");
}

#[tokio::test]
async fn a_secret_that_is_kept_does_not_follow_to_another_host() {
    let (home, other) = (Peer::http(|_| http::Response::new(Body::Empty)).await, "https://elsewhere.example");
    let server = Server::beside(&home).await;
    let path = "/api/v1/integrations/a";
    server.has(&config("a", &home.url())).await;
    let mut read = server.get(path).await.is(200).json();
    read["base_url"] = other.into();
    let proxy = json!({"proxy": {"url": "http://elsewhere.example:3128"}});
    for (method, body) in [("PUT", &read), ("PATCH", &json!({"base_url": other})), ("PATCH", &proxy)] {
        let problem = server.json(method, path, body).await.problem(422, "invalid_config");
        assert!(problem["detail"].as_str().unwrap().contains("auth_config.key"), "{method}: {problem}");
    }
    server.json("PATCH", path, &json!({"base_url": format!("{}/v2", home.url())})).await.is(200);
    read["auth_config"]["key"] = "k-for-elsewhere".into();
    server.json("PUT", path, &read).await.is(200);
    assert_eq!(server.get(path).await.json()["base_url"], other);
}

#[tokio::test]
async fn a_patch_changes_what_it_names_and_null_removes() {
    let server = Server::begin().start().await;
    let path = "/api/v1/integrations/a";
    let mut whole = config("a", "https://h");
    whole["headers"] = json!({"x-a": "1", "x-b": "2"});
    whole["description"] = "words".into();
    server.has(&whole).await;
    server
        .json("PATCH", path, &json!({"headers": {"x-a": null, "x-c": "3"}, "description": null}))
        .await
        .is(200);
    let now = server.get(path).await.json();
    assert_eq!(now["headers"], json!({"x-b": "2", "x-c": "3"}));
    assert!(now.get("description").is_none());
}

#[tokio::test]
async fn a_disabled_integration_takes_no_calls_until_it_is_enabled() {
    let peer = Peer::http(|_| http::Response::new(Body::Empty)).await;
    let server = Server::beside(&peer).await;
    server.has(&config("a", &peer.url())).await;
    server.json("PATCH", "/api/v1/integrations/a", &json!({"enabled": false})).await.is(200);
    server.call("a", &json!({})).await.problem(409, "disabled");
    server.get("/api/v1/integrations/a/proxy/x").await.problem(409, "disabled");
    assert!(peer.received().is_empty());
    assert_eq!(server.get("/api/v1/integrations/health?details=true").await.json()["a"]["state"], "disabled");
    server.json("PATCH", "/api/v1/integrations/a", &json!({"enabled": true})).await.is(200);
    server.call("a", &json!({})).await.is(200);
}

#[tokio::test]
async fn what_is_not_there_is_a_problem_in_every_place() {
    let server = Server::begin().start().await;
    let at = "/api/v1/integrations/nobody";
    server.get(at).await.problem(404, "unknown_integration");
    server.delete(at).await.problem(404, "unknown_integration");
    server.json("PUT", at, &config("nobody", "https://h")).await.problem(404, "unknown_integration");
    server.json("PATCH", at, &json!({})).await.problem(404, "unknown_integration");
    server.get(&format!("{at}/health")).await.problem(404, "unknown_integration");
    server.get(&format!("{at}/proxy/x")).await.problem(404, "unknown_integration");
    for verb in ["call", "test"] {
        server.post(&format!("{at}/{verb}"), &json!({})).await.problem(404, "unknown_integration");
    }
    for path in ["/nothing", "/api/v1", "/api/v1/integrations", "/api/v1/integrations/a/b", "/api/v2/x"] {
        server.get(path).await.problem(404, "unknown_path");
    }
    for path in [
        "/api/v1/integrations/%ff",
        "/api/v1/integrations/%00",
        "/api/v1/integrations/a%2fb",
        "/api/v1/integrations/%ff/health",
    ] {
        server.get(path).await.problem(404, "unknown_integration");
    }
}

#[tokio::test]
async fn a_method_that_a_path_does_not_know_is_a_problem_that_names_those_it_knows() {
    let server = Server::begin().start().await;
    for (method, path, allowed) in [
        ("GET", "/api/v1/integrations/register", "POST"),
        ("DELETE", "/api/v1/integrations/list", "GET,HEAD"),
        ("GET", "/api/v1/integrations/a/call", "POST"),
        ("PUT", "/api/v1/integrations/a/call", "POST"),
        ("GET", "/api/v1/integrations/a/test", "POST"),
        ("POST", "/metrics", "GET,HEAD"),
        ("TRACE", "/healthz", "GET,HEAD"),
    ] {
        let answer = server.with(method, path, &[], "").await;
        assert_eq!(answer.header("allow"), allowed, "{method} {path}");
        answer.problem(405, "method_not_allowed");
    }
}

#[tokio::test]
async fn an_id_is_not_taken_twice_and_cannot_be_changed() {
    let server = Server::begin().start().await;
    server.has(&config("a", "https://h")).await;
    let etag = server.get("/api/v1/integrations/a").await.header("etag").to_owned();
    server.register(&config("a", "https://other")).await.problem(409, "conflict");
    let problem = server.json("PUT", "/api/v1/integrations/a", &config("b", "https://h")).await;
    assert!(problem.problem(422, "invalid_config")["detail"].as_str().unwrap().contains("integration_id"));
    server.json("PATCH", "/api/v1/integrations/a", &json!({"integration_id": "b"})).await.is(422);
    assert_eq!(server.get("/api/v1/integrations/a").await.header("etag"), etag);
}

#[tokio::test]
async fn bad_configurations_name_the_key_and_leave_nothing_behind() {
    let server = Server::begin().start().await;
    for (change, word) in [
        (json!({"base_url": "ftp://h"}), "base_url"),
        (json!({"base_url": "https://u:hunter2@h"}), "base_url"),
        (json!({"bse_url": "https://h"}), "did you mean `base_url`"),
        (json!({"timeout": "soon"}), "timeout"),
        (json!({"timeout": -1}), "timeout"),
        (json!({"type": "rset"}), "did you mean `rest`"),
        (json!({"auth_type": "apikey"}), "did you mean `api_key`"),
        (json!({"auth_config": {"kye": "hunter2"}}), "key"),
        (json!({"auth_config": {"key": ["hunter2"]}}), "key"),
        (json!({"headers": {"x\r\ny": "hunter2"}}), "headers"),
        (json!({"headers": {"x": "a\r\nb: hunter2"}}), "headers"),
        (json!({"integration_id": "a/b"}), "integration_id"),
        (json!({"integration_id": "a\nb"}), "integration_id"),
        (json!({"integration_id": ""}), "integration_id"),
        (json!({"integration_id": "list"}), "integration_id"),
        (json!({"integration_id": 5}), "integration_id"),
        (json!({"enabled": "yes"}), "enabled"),
    ] {
        let mut whole = config("a", "https://h");
        for (key, value) in change.as_object().unwrap() {
            whole[key] = value.clone();
        }
        let answer = server.register(&whole).await;
        assert!(matches!(answer.status.as_u16(), 422), "{change} {answer:?}");
        let text = answer.text();
        assert!(text.contains(word) && !text.contains("hunter2"), "{change}: {text}");
    }
    assert_eq!(server.get("/api/v1/integrations/list").await.json(), json!([]));
}
