//! Who may come in: every route with every token, foreign hosts, pages of other sites.

use std::collections::BTreeSet;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::{Value, json};
use trunkline::Body;
use trunkline_testkit::Peer;

use crate::harness::{Answer, Server, connect, exchange};

const TOKEN: &str = "0123456789abcdef0123456789abcdef";

/// Every operation of the API and whether it answers without a token. One that is not here fails the
/// test below: whoever adds a route decides, and writes it down.
const MATRIX: &[(&str, &str, bool)] = &[
    ("post", "/api/v1/integrations/register", false),
    ("post", "/api/v1/integrations/try", false),
    ("get", "/api/v1/integrations/list", false),
    ("get", "/api/v1/integrations/health", false),
    ("get", "/api/v1/integrations/{id}", false),
    ("put", "/api/v1/integrations/{id}", false),
    ("patch", "/api/v1/integrations/{id}", false),
    ("delete", "/api/v1/integrations/{id}", false),
    ("delete", "/api/v1/integrations/{id}/cache", false),
    ("get", "/api/v1/integrations/{id}/health", false),
    ("get", "/api/v1/integrations/{id}/schema", false),
    ("get", "/api/v1/integrations/{id}/connections", false),
    ("post", "/api/v1/integrations/{id}/connections", false),
    ("get", "/api/v1/integrations/{id}/connections/{connection}", false),
    ("put", "/api/v1/integrations/{id}/connections/{connection}", false),
    ("patch", "/api/v1/integrations/{id}/connections/{connection}", false),
    ("delete", "/api/v1/integrations/{id}/connections/{connection}", false),
    ("get", "/api/v1/integrations/{id}/connections/{connection}/health", false),
    ("get", "/api/v1/integrations/{id}/connections/{connection}/schema", false),
    ("post", "/api/v1/integrations/{id}/connections/{connection}/test", false),
    ("post", "/api/v1/integrations/{id}/breaker/reset", false),
    ("post", "/api/v1/integrations/{id}/breaker/open", false),
    ("get", "/api/v1/integrations/{id}/oauth", false),
    ("delete", "/api/v1/integrations/{id}/oauth", false),
    ("get", "/api/v1/integrations/{id}/oauth/authorize", false),
    ("post", "/api/v1/integrations/{id}/oauth/device", false),
    ("post", "/api/v1/integrations/{id}/oauth/tokens", false),
    ("get", "/api/v1/integrations/{id}/events", false),
    ("get", "/api/v1/integrations/{id}/events/{event}", false),
    ("post", "/api/v1/integrations/{id}/events/{event}/redeliver", false),
    ("post", "/hooks/{id}", true),
    ("get", "/api/v1/oauth/start/{ticket}", true),
    ("get", "/api/v1/oauth/callback/{id}", true),
    ("post", "/api/v1/integrations/{id}/test", false),
    ("post", "/api/v1/integrations/{id}/call", false),
    ("get", "/api/v1/integrations/{id}/actions", false),
    ("post", "/api/v1/integrations/{id}/actions/{action}", false),
    ("get", "/api/v1/integrations/{id}/stream", false),
    ("post", "/api/v1/integrations/{id}/stream", false),
    ("get", "/api/v1/integrations/{id}/proxy/{path}", false),
    ("head", "/api/v1/integrations/{id}/proxy/{path}", false),
    ("options", "/api/v1/integrations/{id}/proxy/{path}", false),
    ("post", "/api/v1/integrations/{id}/proxy/{path}", false),
    ("put", "/api/v1/integrations/{id}/proxy/{path}", false),
    ("patch", "/api/v1/integrations/{id}/proxy/{path}", false),
    ("delete", "/api/v1/integrations/{id}/proxy/{path}", false),
    ("get", "/api/v1/connectors", false),
    ("get", "/api/v1/connectors/{name}", false),
    ("get", "/api/v1/schemas", false),
    ("get", "/api/v1/activity", false),
    ("get", "/api/v1/activity/stream", false),
    ("get", "/api/v1/activity/summary", false),
    ("get", "/api/v1/keys", false),
    ("post", "/api/v1/keys/rotate", false),
    ("get", "/api/v1/keys/rotation", false),
    ("delete", "/api/v1/keys/rotation", false),
    ("delete", "/api/v1/keys/{id}", false),
    ("get", "/api/v1/tokens", false),
    ("post", "/api/v1/tokens", false),
    ("delete", "/api/v1/tokens/{id}", false),
    ("get", "/api/v1/version", false),
    ("get", "/metrics", false),
    ("get", "/healthz", true),
    ("get", "/readyz", true),
    ("get", "/connector.schema.json", true),
    ("get", "/openapi.json", true),
];

/// Paths that the document does not list.
const PAGES: &[(&str, &str, bool)] = &[
    ("get", "/docs", true),
    ("get", "/docs/", true),
    ("get", "/docs/index.html", true),
    ("get", "/docs/swagger-ui-bundle.js", true),
    ("get", "/docs/problems", true),
    ("get", "/", true),
    ("get", "/integrations/a", true),
    ("get", "/activity", true),
    ("get", "/assets/a.js", true),
    ("post", "/", false),
    ("get", "/activityx", false),
    ("post", "/docs/", false),
    ("post", "/openapi.json", false),
    ("get", "/docsx", false),
    ("get", "/openapi.json/", false),
    ("get", "/nothing", false),
    ("get", "/hooks/a", false),
    ("post", "/hooks/", false),
    ("post", "/hooks/a/b", false),
    ("post", "/api/v1/oauth/callback/a", false),
    ("head", "/api/v1/oauth/start/a", false),
    ("get", "/api/v1/oauth/callback/a/", false),
    ("get", "/api/v1/oauth/callback", false),
    ("get", "/api/v1/oauth/", false),
    ("get", "/healthz/", false),
    ("get", "//healthz", false),
    ("get", "/%68ealthz", false),
    ("get", "/healthz/../api/v1/integrations/list", false),
];

#[tokio::test]
async fn every_route_asks_for_the_token_but_those_that_show_nothing() {
    // Too long for a list is its own trap: nothing here is reachable, so nothing is sent anywhere.
    let server = Server::begin().token(TOKEN).start().await;
    let document = server.get("/openapi.json").await.is(200).json();
    let documented: BTreeSet<_> = document["paths"]
        .as_object()
        .unwrap()
        .iter()
        .flat_map(|(path, methods)| {
            methods.as_object().unwrap().keys().map(move |method| (method.as_str(), path.as_str()))
        })
        .collect();
    let decided: BTreeSet<_> = MATRIX.iter().map(|(method, path, _)| (*method, *path)).collect();
    assert_eq!(documented, decided);

    let routes = MATRIX.iter().copied().chain(PAGES.iter().copied());
    for (method, path, open) in routes {
        let (method, path) = (
            method.to_uppercase(),
            path.replace("{id}", "a").replace("{connection}", "b").replace("{path}", "x"),
        );
        let bearer = format!("Bearer {TOKEN}");
        let shorter = format!("Bearer {}", &TOKEN[1..]);
        let basic = format!("Basic {TOKEN}");
        for (headers, passes) in [
            (vec![], false),
            (vec![("trunkline-token", "")], false),
            (vec![("trunkline-token", "wrong")], false),
            (vec![("authorization", "Bearer wrong")], false),
            (vec![("authorization", &*shorter)], false),
            (vec![("authorization", &*basic)], false),
            (vec![("authorization", TOKEN)], false),
            (vec![("trunkline-token", "wrong"), ("authorization", &*bearer)], false),
            (vec![("cookie", &*bearer)], false),
            (vec![("trunkline-token", TOKEN)], true),
            (vec![("authorization", &*bearer)], true),
        ] {
            let mut request = format!("{method} {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n");
            for (name, value) in &headers {
                request.push_str(&format!("{name}: {value}\r\n"));
            }
            // No stream begins with such an event: each answer has an end.
            request.push_str("last-event-id: none\r\n");
            request.push_str("content-type: application/json\r\ncontent-length: 2\r\n\r\n{}");
            let answer = exchange(server.address, request).await;
            let refused = answer.starts_with("HTTP/1.1 401 ");
            assert_eq!(!refused, passes || open, "{method} {path} {headers:?}: {answer}");
            if refused && method != "HEAD" {
                assert!(answer.contains("\"kind\":\"unauthorized\"") && !answer.contains(TOKEN), "{answer}");
            }
        }
    }
}

/// A browser shows no token when it opens a page: the pages come without, and the API does not.
#[tokio::test]
async fn the_docs_are_read_without_the_token_show_nothing_of_what_is_configured_and_take_it_to_try() {
    let server = Server::begin().token(TOKEN).start().await;
    let config = json!({"integration_id": "canary-id", "type": "rest", "base_url": "https://canary-host"});
    server.has(&config).await;
    let none = [("trunkline-token", "")];
    for path in [
        "/docs/",
        "/docs/problems",
        "/docs/swagger-initializer.js",
        "/openapi.json",
        "/connector.schema.json",
    ] {
        let page = server.with("GET", path, &none, "").await.is(200);
        assert!(!page.text().contains("canary") && !page.text().contains(TOKEN), "{path}");
    }
    let document = server.with("GET", "/openapi.json", &none, "").await.json();
    assert_eq!(document["components"]["securitySchemes"]["token"]["name"], "Trunkline-Token");
    let foreign = [("trunkline-token", ""), ("sec-fetch-site", "cross-site")];
    server.with("GET", "/openapi.json", &foreign, "").await.problem(403, "foreign_origin");
}

#[tokio::test]
async fn a_server_that_others_could_reach_does_not_start_without_a_token() {
    for address in ["0.0.0.0:0", "[::]:0"] {
        let ran = Server::begin().listen(address).refused().await.is(2);
        assert!(ran.stderr.contains("TRUNKLINE_API_TOKEN"), "{ran:?}");
        let ran = Server::begin().listen(address).env("TRUNKLINE_API_TOKEN", "short").refused().await.is(2);
        assert!(ran.stderr.contains("16 characters") && !ran.stderr.contains("short\""), "{ran:?}");
    }
    Server::begin().listen("0.0.0.0:0").token(TOKEN).start().await;
}

fn anybody(url: &str) -> Value {
    json!({"integration_id": "a", "type": "rest", "base_url": url})
}

#[tokio::test]
async fn our_token_never_reaches_a_service_and_the_callers_own_authorization_does() {
    let peer = Peer::http(|_| Response::new(Body::Empty)).await;
    let server = Server::begin().token(TOKEN).allow(&peer).start().await;
    server.has(&anybody(&peer.url())).await;
    let bearer = format!("Bearer {TOKEN}");
    let path = "/api/v1/integrations/a/proxy/";
    for (headers, arrives) in [
        (vec![("authorization", bearer.as_str())], ""),
        (vec![("trunkline-token", TOKEN), ("authorization", "Bearer theirs")], "Bearer theirs"),
        (vec![("trunkline-token", TOKEN), ("authorization", bearer.as_str())], ""),
        (vec![("trunkline-token", TOKEN)], ""),
    ] {
        let mut request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n");
        headers.iter().for_each(|(name, value)| request.push_str(&format!("{name}: {value}\r\n")));
        let answer = exchange(server.address, request + "\r\n").await;
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
        let received = peer.received().pop().unwrap();
        assert_eq!(received.header("authorization"), arrives, "{headers:?}");
        assert!(!format!("{:?}", received.headers).contains(TOKEN), "{headers:?}");
    }
}

#[tokio::test]
async fn a_foreign_host_or_page_is_refused_and_changes_nothing() {
    let server = Server::begin().start().await;
    let (host, port) = ("127.0.0.1", server.address.port());
    let origin = format!("http://127.0.0.1:{port}");
    let body = json!({"integration_id": "a", "type": "rest", "base_url": "https://h"}).to_string();
    for (headers, kind) in [
        (vec![("host", "evil.example")], "foreign_host"),
        (vec![("host", "localhost.evil.example")], "foreign_host"),
        (vec![("host", "127.0.0.1.evil.example")], "foreign_host"),
        (vec![("host", "10.0.0.1")], "foreign_host"),
        (vec![("host", "localhost@evil.example")], "foreign_host"),
        (vec![("host", host), ("origin", "https://evil.example")], "foreign_origin"),
        (vec![("host", host), ("origin", "null")], "foreign_origin"),
        (vec![("host", "127.0.0.1:1"), ("origin", &*origin)], "foreign_origin"),
        (vec![("host", host), ("sec-fetch-site", "cross-site")], "foreign_origin"),
        (vec![("host", host), ("sec-fetch-site", "same-site")], "foreign_origin"),
        (
            vec![("host", host), ("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "navigate")],
            "foreign_origin",
        ),
    ] {
        let mut all = headers.clone();
        all.push(("content-type", "application/json"));
        let answer = server.with("POST", "/api/v1/integrations/register", &all, body.clone()).await;
        answer.problem(403, kind);
        let read = server.with("GET", "/api/v1/integrations/list", &headers, "").await;
        assert!(read.status == 403 || headers.len() == 3, "{headers:?}");
    }
    for media in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "",
        "text/json",
        "application/jsonx",
    ] {
        let answer = server
            .with("POST", "/api/v1/integrations/register", &[("content-type", media)], body.clone())
            .await;
        answer.problem(415, "unsupported_media_type");
        let answer =
            server.with("POST", "/api/v1/integrations/a/call", &[("content-type", media)], "{}").await;
        assert!(matches!(answer.status.as_u16(), 404 | 415), "{answer:?}");
    }
    assert_eq!(server.get("/api/v1/integrations/list").await.json(), json!([]));

    let own = [
        ("host", &*format!("127.0.0.1:{port}")),
        ("origin", &*origin),
        ("sec-fetch-site", "same-origin"),
        ("content-type", "application/json; charset=utf-8"),
    ]
    .map(|(name, value)| (name, value.to_owned()));
    let own: Vec<_> = own.iter().map(|(name, value)| (*name, value.as_str())).collect();
    server.with("POST", "/api/v1/integrations/register", &own, body).await.is(201);
}

/// A provider sends its browsers here, after a form at times; a page that does not navigate has no business there.
#[tokio::test]
async fn who_comes_back_from_a_provider_comes_from_another_site() {
    let server = Server::begin().token(TOKEN).start().await;
    let path = "/api/v1/oauth/callback/a?state=x";
    let visit = [("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "navigate"), ("trunkline-token", "")];
    server.with("GET", path, &visit, "").await.is(400);
    server.with("GET", path, &[&visit[..], &[("origin", "null")]].concat(), "").await.is(400);
    for mode in ["no-cors", "cors"] {
        let page = [("sec-fetch-site", "cross-site"), ("sec-fetch-mode", mode), ("trunkline-token", "")];
        server.with("GET", path, &page, "").await.problem(403, "foreign_origin");
    }
    server.with("POST", path, &visit, "").await.problem(401, "unauthorized");
}

#[tokio::test]
async fn http_2_is_judged_as_http_1_is() {
    let peer = Peer::http(|received| Response::new(Body::from(received.uri.to_string()))).await;
    let server = Server::beside(&peer).await;
    server.has(&anybody(&peer.url())).await;
    let io = TokioIo::new(connect(server.address).await);
    let (mut sender, connection) = http2::handshake(TokioExecutor::new(), io).await.unwrap();
    tokio::spawn(connection);
    for (host, origin, status) in [
        ("localhost", "http://localhost", 200),
        ("127.0.0.1:1", "http://127.0.0.1:1", 200),
        ("evil.example", "http://evil.example", 403),
        ("localhost", "http://evil.example", 403),
    ] {
        let request = Request::get(format!("http://{host}/api/v1/integrations/a/proxy/x?y"))
            .header("origin", origin)
            .body(Full::<Bytes>::default())
            .unwrap();
        let answer = Answer::of(sender.send_request(request).await.unwrap()).await.is(status);
        assert!(status != 200 || answer.text() == "/x?y", "{answer:?}");
    }
}

#[tokio::test]
async fn a_name_of_the_operators_is_answered_too() {
    let begin = Server::begin();
    let file = begin.file("trunkline.yaml", "server: { hosts: [tl.corp] }\n");
    let server = begin.arg("--config").arg(file.display().to_string()).start().await;
    server.with("GET", "/metrics", &[("host", "tl.corp:8700")], "").await.is(200);
    server.with("GET", "/metrics", &[("host", "tl.corp.evil")], "").await.problem(403, "foreign_host");
}

#[tokio::test]
async fn our_own_answers_may_not_be_framed_sniffed_or_kept() {
    let server = Server::begin().start().await;
    for path in [
        "/api/v1/integrations/list",
        "/docs/",
        "/docs/problems",
        "/metrics",
        "/healthz",
        "/nothing",
        "/openapi.json",
    ] {
        let answer = server.get(path).await;
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "no-referrer"),
            ("cache-control", "no-store"),
        ] {
            assert_eq!(answer.header(name), value, "{path}");
        }
        let policy = answer.header("content-security-policy");
        assert!(
            policy.starts_with("default-src 'self';") && policy.contains("frame-ancestors 'none'"),
            "{path}"
        );
        assert!(!answer.headers.contains_key("access-control-allow-origin"), "{path}");
    }
}
