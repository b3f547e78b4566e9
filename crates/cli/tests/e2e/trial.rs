//! Configurations that are tried before they are registered.

use http::Response;
use serde_json::{Value, json};
use trunkline::Body;
use trunkline_testkit::{Authority, Peer};

use crate::harness::Server;

const TRY: &str = "/api/v1/integrations/try";

/// The steps it came to, and whether each went well.
fn steps(tested: &Value) -> Vec<(&str, bool)> {
    let steps = tested["steps"].as_array().unwrap().iter();
    steps.map(|step| (step["step"].as_str().unwrap(), step["ok"].as_bool().unwrap())).collect()
}

async fn tried(server: &Server, trial: Value) -> Value {
    server.post(TRY, &trial).await.is(200).json()
}

/// The port that nobody listens on any more.
fn closed() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

#[tokio::test]
async fn a_service_is_reached_step_by_step_and_nothing_of_it_is_kept() {
    let authority = Authority::new();
    let peer = Peer::https(|_| Response::new(Body::from("{\"orders\":[]}")), authority.server(false)).await;
    let port = peer.address().port();
    let server =
        Server::begin().allow(&peer).arg("--egress-allow").arg(format!("localhost:{port}")).start().await;
    let integration = json!({
        "integration_id": "shop", "type": "rest", "base_url": format!("https://localhost:{port}"),
        "auth_type": "api_key", "auth_config": { "key": "key-of-the-shop" },
        "tls": { "ca": authority.pem() }, "enabled": false,
    });
    let trial = json!({ "integration": integration, "request": { "endpoint": "/orders" } });
    let tested = tried(&server, trial).await;
    let all = ["configuration", "dns", "tcp", "tls", "credential", "request"].map(|step| (step, true));
    assert_eq!(steps(&tested), all, "{tested}");
    assert_eq!(tested["result"], json!({ "orders": [] }));
    assert_eq!(tested["steps"][1]["detail"], "localhost", "{tested}");
    assert!(tested["steps"][3]["ms"].as_f64().unwrap() > 0.0, "{tested}");
    assert_eq!(peer.received()[0].header("x-api-key"), "key-of-the-shop");

    assert_eq!(server.get("/api/v1/integrations/list").await.is(200).json(), json!([]));
    assert_eq!(server.get("/api/v1/activity").await.is(200).json(), json!([]));
    assert!(!server.get("/metrics").await.is(200).text().contains("shop"));

    // Once it is stored, its test is in the same steps.
    server.has(&integration).await;
    let again = server.test("shop", &json!({})).await;
    assert_eq!(steps(&again), all, "{again}");
    server.delete("/api/v1/integrations/shop").await.is(200);

    let file = server.home().join("shop.json");
    std::fs::write(&file, integration.to_string()).unwrap();
    let ran =
        server.cli(&["try", file.to_str().unwrap(), "--request", r#"{"endpoint": "/orders"}"#]).await.is(0);
    assert!(ran.stdout.contains("tls           ok      localhost\n"), "{}", ran.stdout);
}

#[tokio::test]
async fn what_fails_is_the_step_that_fails() {
    let (authority, stranger) = (Authority::new(), Authority::new());
    let secure = Peer::https(|_| Response::new(Body::Empty), authority.server(false)).await;
    let peer = Peer::http(|request| {
        let status = if request.uri.path() == "/broken" { 500 } else { 401 };
        let said = format!("{{\"error\":\"no such key: {}\"}}", request.header("x-api-key"));
        Response::builder().status(status).body(Body::from(said)).unwrap()
    })
    .await;
    let closed = closed();
    let server = Server::begin()
        .allow(&secure)
        .allow(&peer)
        .arg("--egress-allow")
        .arg(format!("127.0.0.1:{closed}"))
        .start()
        .await;
    let of = |base_url: String, more: Value| {
        let mut integration = json!({
            "integration_id": "shop", "type": "rest", "base_url": base_url, "probe": { "endpoint": "/" },
            "auth_type": "api_key", "auth_config": { "key": "key-of-nobody" },
        });
        integration.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        json!({ "integration": integration })
    };
    let secure_url = format!("https://{}", secure.address());
    for (trial, came_to, kind) in [
        (of(peer.url(), json!({ "retry_confg": {} })), vec![("configuration", false)], "invalid_config"),
        (
            of("http://no-such-host.invalid".to_owned(), json!({})),
            vec![("configuration", true), ("dns", false)],
            "",
        ),
        (
            of(format!("http://127.0.0.1:{closed}"), json!({})),
            vec![("configuration", true), ("tcp", false)],
            "unavailable",
        ),
        (
            of(secure_url, json!({ "tls": { "ca": stranger.pem() } })),
            vec![("configuration", true), ("tcp", true), ("tls", false)],
            "protocol",
        ),
        (
            of(peer.url(), json!({})),
            vec![("configuration", true), ("tcp", true), ("credential", false)],
            "unauthenticated",
        ),
        (
            of(peer.url(), json!({ "probe": { "endpoint": "/broken" } })),
            vec![("configuration", true), ("tcp", true), ("credential", true), ("request", false)],
            "failed",
        ),
        (
            of("http://10.1.2.3".to_owned(), json!({})),
            vec![("configuration", true), ("credential", true), ("request", false)],
            "blocked",
        ),
    ] {
        let tested = tried(&server, trial.clone()).await;
        assert_eq!((&tested["status"], steps(&tested)), (&json!("error"), came_to), "{tested}");
        assert!(kind.is_empty() || tested["problem"]["kind"] == kind, "{tested}");
        assert!(!tested.to_string().contains("key-of-nobody"), "{tested}");
        // What could be stored says the same afterwards.
        if kind != "invalid_config" {
            server.has(&trial["integration"]).await;
            let again = server.test("shop", &json!({})).await;
            assert_eq!(
                (steps(&again), &again["problem"]["upstream"]),
                (steps(&tested), &tested["problem"]["upstream"])
            );
            assert!(!again.to_string().contains("key-of-nobody"), "{again}");
            server.delete("/api/v1/integrations/shop").await.is(200);
        }
        if kind == "unauthenticated" {
            assert_eq!(tested["problem"]["upstream"]["body"]["error"], "no such key: ********", "{tested}");
        }
    }
    assert_eq!(secure.received().len(), 0);

    let file = server.home().join("shop.json");
    std::fs::write(&file, of(peer.url(), json!({}))["integration"].to_string()).unwrap();
    let ran = server.cli(&["try", file.to_str().unwrap()]).await.is(1);
    assert!(ran.stdout.contains("credential    failed\n") && ran.stderr.contains("401"), "{ran:?}");
}

#[tokio::test]
async fn a_credential_that_nobody_issues_fails_before_the_service_is_asked() {
    let peer = Peer::http(|_| Response::new(Body::Empty)).await;
    let tokens = Peer::http(|_| {
        let said = r#"{"error":"invalid_client","error_description":"who is shop?"}"#;
        Response::builder().status(401).body(Body::from(said)).unwrap()
    })
    .await;
    let server = Server::begin().allow(&peer).allow(&tokens).start().await;
    let of = |auth_config: Value| {
        json!({ "integration": {
            "integration_id": "shop", "type": "rest", "base_url": peer.url(), "probe": { "endpoint": "/" },
            "auth_type": "oauth2", "auth_config": auth_config,
        } })
    };
    let token_url = format!("{}/token", tokens.url());
    let tested = tried(&server, of(json!({
        "grant_type": "client_credentials", "token_url": token_url, "client_id": "shop", "client_secret": "s3cret-of-shop",
    })))
    .await;
    assert_eq!(steps(&tested), [("configuration", true), ("credential", false)], "{tested}");
    assert!(tested["error"].as_str().unwrap().contains("who is shop?"), "{tested}");
    assert_eq!(peer.received().len(), 0);

    // What a person gives is not spent: a refresh token may be good only once.
    let asked = tokens.received().len();
    let tested = tried(&server, of(json!({
        "grant_type": "refresh_token", "token_url": token_url, "client_id": "shop", "refresh_token": "good-only-once",
    })))
    .await;
    assert_eq!(steps(&tested), [("configuration", true), ("tcp", true)], "{tested}");
    assert!(
        tested["status"] == "success" && tested["warning"].as_str().unwrap().contains("stored"),
        "{tested}"
    );
    assert_eq!(tokens.received().len(), asked);
    assert_eq!(peer.received()[0].header("authorization"), "");
}

#[tokio::test]
async fn a_masked_secret_is_the_stored_one_and_goes_nowhere_else() {
    let (peer, other) =
        (Peer::http(|_| Response::new(Body::Empty)).await, Peer::http(|_| Response::new(Body::Empty)).await);
    let server = Server::begin().allow(&peer).allow(&other).start().await;
    let mut integration = json!({
        "integration_id": "shop", "type": "rest", "base_url": peer.url(), "probe": { "endpoint": "/" },
        "auth_type": "api_key", "auth_config": { "key": "key-of-the-shop" },
    });
    server.has(&integration).await;
    integration["auth_config"]["key"] = "********".into();
    integration["timeout"] = 7.into();
    let tested = tried(&server, json!({ "integration": integration })).await;
    assert_eq!(tested["status"], "success", "{tested}");
    assert_eq!(peer.received()[0].header("x-api-key"), "key-of-the-shop");
    integration["base_url"] = other.url().into();
    let refused =
        server.post(TRY, &json!({ "integration": integration })).await.problem(422, "invalid_config");
    assert!(refused["detail"].as_str().unwrap().contains("send auth_config.key again"), "{refused}");
    // Nor does the mask pass for a secret of one that is not stored.
    integration["integration_id"] = "shop-2".into();
    let tested = tried(&server, json!({ "integration": integration })).await;
    assert_eq!(steps(&tested), [("configuration", false)], "{tested}");
    assert_eq!(other.received().len(), 0);
    let stored = server.get("/api/v1/integrations/shop").await.is(200).json();
    assert_ne!(stored["timeout"], 7, "{stored}");
}

#[tokio::test]
async fn what_is_no_trial_is_told() {
    let server = Server::begin().start().await;
    for (trial, says) in [
        (json!([]), "JSON object"),
        (json!({}), "integration: is missing"),
        (json!({ "integration": {}, "reqest": {} }), "reqest: is not known"),
    ] {
        let problem = server.post(TRY, &trial).await.problem(422, "invalid_config");
        assert!(problem["detail"].as_str().unwrap().contains(says), "{problem}");
    }
    let queue = json!({ "integration_id": "q", "type": "message_queue", "base_url": "memory:trial" });
    let request = json!({ "queue": "a", "message": { "n": 1 } });
    let tested = tried(&server, json!({ "integration": queue, "request": request })).await;
    assert_eq!(steps(&tested), [("configuration", true), ("request", true)], "{tested}");
    let request = json!({ "qeue": "a" });
    let tested = tried(&server, json!({ "integration": queue, "request": request })).await;
    assert_eq!(steps(&tested), [("configuration", true), ("request", false)], "{tested}");
    let named = json!({ "integration_id": "try", "type": "message_queue", "base_url": "memory:trial" });
    let problem = server.register(&named).await.problem(422, "invalid_config");
    assert!(problem["detail"].as_str().unwrap().contains("is a path of the API"), "{problem}");
    let asking =
        json!({ "integration_id": "t", "type": "rest", "base_url": "https://{{connection.tenant}}.example" });
    let tested = tried(&server, json!({ "integration": asking })).await;
    assert_eq!(steps(&tested), [("configuration", true)], "{tested}");
    assert!(tested["warning"].as_str().unwrap().contains("connections"), "{tested}");
}
