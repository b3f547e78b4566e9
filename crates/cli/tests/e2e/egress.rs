//! The egress guard as it is met through the API: what is refused sends nothing and says what to do.

use http::Response;
use serde_json::{Value, json};
use trunkline::Body;
use trunkline_testkit::Peer;

use crate::harness::Server;

const TOKEN: &str = "0123456789abcdef0123456789abcdef";

fn at(id: &str, url: &str) -> Value {
    json!({"integration_id": id, "type": "rest", "base_url": url, "timeout": 3})
}

async fn listener() -> Peer {
    Peer::http(|_| Response::new(Body::Empty)).await
}

#[tokio::test]
async fn a_private_address_is_refused_with_the_line_that_would_open_it() {
    let peer = listener().await;
    let port = peer.address().port();
    let server = Server::begin().start().await;
    for (id, host) in [("name", "localhost"), ("v4", "127.0.0.1"), ("private", "10.1.2.3"), ("v6", "[::1]")] {
        server.has(&at(id, &format!("http://{host}:{port}"))).await;
        let problem = server.call(id, &json!({})).await.problem(403, "blocked");
        let (detail, line) = (problem["detail"].as_str().unwrap(), format!("\"{host}:{port}\""));
        assert!(detail.contains(&line) && detail.contains("egress.allow"), "{detail}");
        assert_eq!(problem["outcome"], "not_sent");
        server.get(&format!("/api/v1/integrations/{id}/proxy/")).await.problem(403, "blocked");
        let health = server.get(&format!("/api/v1/integrations/{id}/health")).await.json();
        assert_eq!((&health["state"], &health["reason_code"]), (&json!("unhealthy"), &json!("blocked")));
    }
    assert_eq!(peer.connections(), 0);
    // The very line that it names.
    let open = Server::begin().arg("--egress-allow").arg(format!("localhost:{port}")).start().await;
    open.has(&at("name", &format!("http://localhost:{port}"))).await;
    open.call("name", &json!({})).await.is(200);
}

#[tokio::test]
async fn odd_spellings_of_an_address_do_not_get_through() {
    let peer = listener().await;
    let port = peer.address().port();
    let server = Server::begin().start().await;
    for (n, host) in [
        "127.1",
        "0x7f.1",
        "0x7f000001",
        "2130706433",
        "0177.0.0.1",
        "017700000001",
        "127.0.0.1.",
        "localhost.",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[::127.0.0.1]",
        "[::ffff:a9fe:a9fe]",
        "169.254.169.254",
        "[fe80::1]",
        "[64:ff9b::7f00:1]",
        "[::]",
        "0.0.0.0",
        "0",
        "\u{2460}\u{2461}\u{2466}.0.0.1",
        "127\u{3002}0.0.1",
        "metadata.google.internal",
        "[fd00:ec2::254]",
        "[fe80::1%25lo]",
        "255.255.255.255",
        "224.0.0.1",
        "100.100.100.200",
    ]
    .iter()
    .enumerate()
    {
        let id = format!("h{n}");
        let registered = server.register(&at(&id, &format!("http://{host}:{port}/"))).await;
        if registered.status == 422 {
            assert!(registered.text().contains("base_url"), "{host}: {registered:?}");
            continue;
        }
        registered.is(201);
        let answer = server.call(&id, &json!({})).await;
        // A name that means nothing to a resolver is as good as a refusal.
        let unresolved = answer.status == 502
            && (answer.text().contains("resolved") || answer.header("trunkline-error") == "unknown_host");
        assert!(answer.status == 403 || unresolved, "{host}: {answer:?}");
    }
    assert_eq!(peer.connections(), 0);
}

#[tokio::test]
async fn what_is_never_allowed_is_not_opened_by_any_rule() {
    let begin = Server::begin().arg("--egress").arg("lab").arg("--egress-allow").arg("0.0.0.0/0");
    let server = begin.arg("--egress-allow").arg("[::/0]").start().await;
    let port = server.address.port();
    for (n, host) in [
        &format!("127.0.0.1:{port}"),
        &format!("localhost:{port}"),
        &format!("[::ffff:127.0.0.1]:{port}"),
        "169.254.169.254",
        "0.0.0.0:9",
        "[fe80::1]",
        "metadata.google.internal",
        "100.100.100.200",
    ]
    .iter()
    .enumerate()
    {
        let id = format!("h{n}");
        server.has(&at(&id, &format!("http://{host}/"))).await;
        let problem = server.call(&id, &json!({})).await.problem(403, "blocked");
        assert!(problem["detail"].as_str().unwrap().contains("never"), "{host}: {problem}");
    }
}

#[tokio::test]
async fn a_server_on_all_addresses_is_not_reached_through_any_of_them() {
    let mut own: Vec<String> = vec!["127.0.0.1".to_owned(), "127.0.0.2".to_owned(), "localhost".to_owned()];
    // Which address this machine would speak from: no packet is sent by that.
    for (any, elsewhere) in [("0.0.0.0:0", "203.0.113.1:9"), ("[::]:0", "[2001:db8::1]:9")] {
        let socket = std::net::UdpSocket::bind(any);
        if let Ok(from) =
            socket.and_then(|socket| socket.connect(elsewhere).and_then(|()| socket.local_addr()))
        {
            own.push(if from.is_ipv4() { from.ip().to_string() } else { format!("[{}]", from.ip()) });
        }
    }
    for listen in ["0.0.0.0:0", "[::]:0"] {
        let mut begin = Server::begin().listen(listen).token(TOKEN);
        for host in &own {
            begin = begin.arg("--egress-allow").arg(host);
        }
        let server = begin.start().await;
        let port = server.address.port();
        for (n, host) in own.iter().enumerate() {
            let id = format!("own{n}");
            server.has(&at(&id, &format!("http://{host}:{port}"))).await;
            let problem = server.call(&id, &json!({"endpoint": "/healthz"})).await.problem(403, "blocked");
            assert!(problem["detail"].as_str().unwrap().contains("listener"), "{host}: {problem}");
        }
    }
}

#[tokio::test]
async fn lab_is_for_loopback_only() {
    let ran =
        Server::begin().listen("0.0.0.0:0").token(TOKEN).arg("--egress").arg("lab").refused().await.is(2);
    assert!(ran.stderr.contains("lab") && ran.stderr.contains("egress.allow"), "{ran:?}");
    let begin = Server::begin().listen("0.0.0.0:0").token(TOKEN);
    let file = begin.file("t.yaml", "egress: { profile: lab }");
    begin.arg("--config").arg(file.display().to_string()).refused().await.is(2);
    let peer = listener().await;
    let server = Server::begin().arg("--egress").arg("lab").start().await;
    server.has(&at("a", &peer.url())).await;
    server.call("a", &json!({})).await.is(200);
}

#[tokio::test]
async fn strict_reaches_only_what_is_listed() {
    let peer = listener().await;
    let server = Server::begin().arg("--egress").arg("strict").allow(&peer).start().await;
    server.has(&at("listed", &peer.url())).await;
    server.has(&at("public", "https://93.184.215.14")).await;
    server.has(&at("name", "https://api.example.com")).await;
    server.call("listed", &json!({})).await.is(200);
    for id in ["public", "name"] {
        server.call(id, &json!({})).await.problem(403, "blocked");
    }
}

#[tokio::test]
async fn proxies_of_the_environment_are_not_used() {
    let (peer, proxy) = (listener().await, listener().await);
    let mut begin = Server::begin().allow(&peer).allow(&proxy);
    for name in ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY", "all_proxy"] {
        begin = begin.env(name, proxy.url());
    }
    let server = begin.start().await;
    server.has(&at("a", &peer.url())).await;
    server.call("a", &json!({})).await.is(200);
    assert_eq!((peer.received().len(), proxy.connections()), (1, 0));
}

#[tokio::test]
async fn an_endpoint_cannot_change_the_host() {
    let (peer, evil) = (listener().await, listener().await);
    let server = Server::begin().allow(&peer).allow(&evil).start().await;
    server.has(&at("a", &format!("{}/v1", peer.url()))).await;
    let port = evil.address().port();
    for endpoint in [
        ".evil",
        "@evil",
        &format!("@127.0.0.1:{port}/"),
        &format!("//127.0.0.1:{port}/"),
        &format!("\\\\127.0.0.1:{port}"),
        &format!("/\\127.0.0.1:{port}"),
        &evil.url(),
        "/..;/x",
        "/%2e%2e/x",
        "/x?y#z",
        "/x\r\nhost: evil",
        "/x y",
        "\u{ff0f}\u{ff0f}evil",
        &format!(":{port}/"),
        &format!("?@127.0.0.1:{port}"),
        "/a\0b",
        "/a\u{7f}",
    ] {
        let before = peer.received().len();
        let answer = server.call("a", &json!({"endpoint": endpoint})).await;
        match answer.status.as_u16() {
            200 => assert!(peer.received()[before].uri.path().starts_with("/v1"), "{endpoint:?}"),
            422 => assert_eq!(peer.received().len(), before, "{endpoint:?}"),
            _ => panic!("{endpoint:?}: {answer:?}"),
        }
    }
    assert!(peer.received().iter().all(|request| request.header("host") == peer.address().to_string()));
    assert_eq!(evil.connections(), 0);
}

#[tokio::test]
async fn a_redirect_to_a_forbidden_place_is_refused() {
    for location in ["http://169.254.169.254/latest/meta-data", "//10.0.0.1/", "http://localhost:1/"] {
        let peer = Peer::http(move |_| {
            Response::builder().status(302).header("location", location).body(Body::Empty).unwrap()
        })
        .await;
        let server = Server::beside(&peer).await;
        let mut config = at("a", &peer.url());
        config["redirects"] = "any".into();
        server.has(&config).await;
        server.call("a", &json!({})).await.problem(403, "blocked");
        // The proxy passes redirects on.
        server.get("/api/v1/integrations/a/proxy/").await.is(302);
    }
}

#[tokio::test]
async fn rules_that_cannot_be_read_are_refused_at_the_start() {
    for rule in ["*", "http://h", "10.0.0.0/99", "h:99999", ""] {
        let ran = Server::begin().arg("--egress-allow").arg(rule).refused().await.is(2);
        assert!(ran.stderr.contains("egress"), "{rule}: {ran:?}");
    }
}
