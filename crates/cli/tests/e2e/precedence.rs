//! What wins where several say it: a call over its action, that over the connection, that over the integration, that over the
//! manifest of its connector, and that over what holds unless somebody says otherwise.

use std::future::pending;

use http::Response;
use serde_json::{Value, json};
use trunkline::Body;
use trunkline_testkit::{Peer, Received};

use crate::harness::Server;

const AT: &str = "/api/v1/integrations";

/// A connector whose manifest and actions say headers, parameters and times.
fn manifest(peer: &Peer) -> Value {
    json!({
        "name": "chain", "title": "Chain",
        "auth": [{ "id": "key", "title": "Key", "inputs": [{ "name": "key", "title": "Key", "secret": true }],
            "auth_type": "api_key", "auth_config": { "key": "{{ inputs.key }}", "header": "x-key" } }],
        "integration": {
            "base_url": format!("{}/manifest", peer.url()), "timeout": "700ms", "retry_config": { "max_attempts": 1 },
            "headers": { "user-agent": "manifest", "x-of-manifest": "manifest" },
        },
        "actions": {
            "plain": { "title": "Plain", "method": "GET", "path": "/x" },
            "own": { "title": "Own", "method": "GET", "path": "/x", "headers": { "user-agent": "action", "x-of-action": "action" },
                "query": { "level": "action", "of_action": "action" } },
            "slow": { "title": "Slow", "method": "GET", "path": "/never" },
            "hasty": { "title": "Hasty", "request": { "endpoint": "/never", "timeout": "250ms" } },
        },
    })
}

/// What a call of this request says, of which the service got.
async fn sent(server: &Server, peer: &Peer, id: &str, request: Value) -> Received {
    server.call(id, &request).await.is(200);
    peer.received().pop().unwrap()
}

#[tokio::test]
async fn whoever_is_nearer_to_the_call_wins() {
    let peer = Peer::http(|_| Response::new(Body::from("{}"))).await;
    let slow = Peer::live(|_| pending::<Response<Body>>()).await;
    let begin = Server::begin().allow(&peer).allow(&slow);
    let folder = begin.home().join("connectors");
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(folder.join("chain.yaml"), manifest(&peer).to_string()).unwrap();
    let config = begin.file("trunkline.yaml", &format!("server: {{connectors: '{}'}}\n", folder.display()));
    let server = begin.arg("--config").arg(config.display().to_string()).start().await;

    // From the outermost level inwards: each adds its word to those of the levels before.
    server.has(&json!({ "integration_id": "none", "type": "rest", "base_url": peer.url() })).await;
    let none = sent(&server, &peer, "none", json!({ "endpoint": "/x" })).await;
    assert!(none.header("user-agent").starts_with("trunkline/"), "{none:?}");

    server
        .has(&json!({ "integration_id": "bare", "connector": "chain", "inputs": { "key": "of-manifest" } }))
        .await;
    let bare = sent(&server, &peer, "bare", json!({ "action": "plain" })).await;
    assert_eq!(
        (bare.header("user-agent"), bare.header("x-key"), bare.uri.path()),
        ("manifest", "of-manifest", "/manifest/x")
    );

    server
        .has(&json!({
            "integration_id": "own", "connector": "chain", "inputs": { "key": "of-manifest" },
            "base_url": format!("{}/integration", peer.url()), "auth_config": { "key": "of-integration" },
            "headers": { "user-agent": "{{connection.agent}}", "x-of-integration": "integration" }, "timeout": "500ms",
        }))
        .await;
    server
        .has(&json!({
            "integration_id": "said", "connector": "chain", "inputs": { "key": "of-manifest" },
            "base_url": format!("{}/integration", peer.url()), "auth_config": { "key": "of-integration" },
            "headers": { "user-agent": "integration" }, "timeout": "500ms",
        }))
        .await;
    let said = sent(&server, &peer, "said", json!({ "action": "plain" })).await;
    let found = (said.header("user-agent"), said.header("x-key"), said.uri.path());
    assert_eq!(found, ("integration", "of-integration", "/integration/x"));
    assert_eq!(said.header("x-of-manifest"), "manifest", "what the integration does not say stays");

    let tenant = json!({
        "connection": "acme", "values": { "agent": "connection" }, "base_url": format!("{}/connection", peer.url()),
        "auth_config": { "key": "of-connection" },
    });
    server.post(&format!("{AT}/own/connections"), &tenant).await.is(201);
    let plain = sent(&server, &peer, "own", json!({ "action": "plain", "connection": "acme" })).await;
    let found = (plain.header("user-agent"), plain.header("x-key"), plain.uri.path());
    assert_eq!(found, ("connection", "of-connection", "/connection/x"));
    assert_eq!(
        (plain.header("x-of-integration"), plain.header("x-of-manifest")),
        ("integration", "manifest")
    );

    let own = sent(&server, &peer, "own", json!({ "action": "own", "connection": "acme" })).await;
    assert_eq!((own.header("user-agent"), own.header("x-of-integration")), ("action", "integration"));
    assert_eq!(own.uri.query(), Some("level=action&of_action=action"));

    let over = json!({
        "action": "own", "connection": "acme", "headers": { "user-agent": "call" }, "params": { "level": "call" },
    });
    let call = sent(&server, &peer, "own", over).await;
    assert_eq!((call.header("user-agent"), call.header("x-of-action")), ("call", "action"));
    assert_eq!(call.uri.query(), Some("level=call&of_action=action"));

    // Times: what ran out is in the message.
    let mut timed = json!({
        "integration_id": "patient", "connector": "chain", "inputs": { "key": "k" }, "base_url": slow.url(),
        "breaker": { "enabled": false },
    });
    server.has(&timed).await;
    (timed["integration_id"], timed["timeout"]) = ("timed".into(), "500ms".into());
    server.has(&timed).await;
    let tenant = json!({ "connection": "acme", "timeout": "350ms" });
    server.post(&format!("{AT}/timed/connections"), &tenant).await.is(201);
    let wrong = json!({ "connection": "slow", "timeout": "2 days" });
    server.post(&format!("{AT}/timed/connections"), &wrong).await.problem(422, "invalid_config");
    for (id, request, took) in [
        ("patient", json!({ "action": "slow" }), "700ms"),
        ("timed", json!({ "action": "slow" }), "500ms"),
        ("timed", json!({ "action": "slow", "connection": "acme" }), "350ms"),
        ("timed", json!({ "action": "hasty", "connection": "acme" }), "250ms"),
        ("timed", json!({ "action": "hasty" }), "250ms"),
        ("timed", json!({ "action": "hasty", "timeout": "150ms" }), "150ms"),
    ] {
        let problem = server.call(id, &request).await.problem(504, "timeout");
        assert!(problem["detail"].as_str().unwrap().contains(took), "{took}: {problem}");
    }
}
