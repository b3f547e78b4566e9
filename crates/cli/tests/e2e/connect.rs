//! Accounts that people connect, at a certified authorization server: what they need, and what comes of it.

mod answers;
mod commands;
mod kept;

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::sync::Notify;
use trunkline::Body;
use trunkline_testkit::{OidcProvider, Peer};

use crate::harness::{Answer, Begin, Browser, Server, connect, until, within};

const TOKEN: &str = "0123456789abcdef0123456789abcdef";
const BASE: &str = "/api/v1/integrations/shop";

/// A provider, and a server that asks for a token as those do that others reach.
async fn pair() -> (OidcProvider, Server) {
    pair_with(|begin| begin).await
}

async fn pair_with(more: impl FnOnce(Begin) -> Begin) -> (OidcProvider, Server) {
    let provider = OidcProvider::start(3600);
    let server = more(Server::begin().allow_at(provider.address()).token(TOKEN)).start().await;
    (provider, server)
}

/// Registers a client at the provider (RFC 7591).
async fn client(provider: &OidcProvider, metadata: Value) -> Value {
    let request = Request::post("/reg")
        .header("host", provider.address().to_string())
        .header("content-type", "application/json")
        .body(Full::<Bytes>::from(metadata.to_string()))
        .unwrap();
    let stream = TokioIo::new(connect(provider.address()).await);
    let (mut sender, connection) = hyper::client::conn::http1::handshake(stream).await.unwrap();
    tokio::spawn(connection);
    Answer::of(sender.send_request(request).await.unwrap()).await.is(201).json()
}

fn web(server: &Server, id: &str, method: &str) -> Value {
    json!({
        "redirect_uris": [format!("http://{}/api/v1/oauth/callback/{id}", server.address)],
        "grant_types": ["authorization_code", "refresh_token"], "response_types": ["code"],
        "token_endpoint_auth_method": method, "scope": "read write",
    })
}

/// An integration for which somebody has to agree, and whose service is the provider's resource.
fn config(provider: &OidcProvider, id: &str, client: &Value, auth: Value) -> Value {
    let mut config = json!({
        "integration_id": id, "name": format!("The <{id}>"), "type": "rest", "base_url": provider.url(""),
        "auth_type": "oauth2", "probe": { "endpoint": "/resource" },
        "auth_config": {
            "grant_type": "authorization_code", "scope": "read", "client_id": client["client_id"],
            "authorization_url": provider.url("/auth"), "token_url": provider.url("/token"),
            "revocation_url": provider.url("/token/revocation"),
            "device_authorization_url": provider.url("/device/auth"),
        },
    });
    let own = config["auth_config"].as_object_mut().unwrap();
    if let Some(secret) = client.get("client_secret") {
        own.insert("client_secret".into(), secret.clone());
    }
    own.extend(auth.as_object().unwrap().clone());
    config
}

/// A server with an integration that nobody has connected yet.
async fn shop(auth: Value) -> (OidcProvider, Server) {
    let (provider, server) = pair().await;
    let client = client(&provider, web(&server, "shop", "client_secret_basic")).await;
    server.has(&config(&provider, "shop", &client, auth)).await;
    (provider, server)
}

async fn link(server: &Server, id: &str) -> String {
    let link = server.get(&format!("/api/v1/integrations/{id}/oauth/authorize")).await.is(200).json();
    assert_eq!(link["expires_in"], 600);
    link["url"].as_str().unwrap().to_owned()
}

async fn standing(server: &Server) -> Value {
    server.get(&format!("{BASE}/oauth")).await.is(200).json()
}

/// Kinds of what the activity says of connecting, the oldest first.
async fn noted(server: &Server, operation: &str) -> Vec<String> {
    let records = server.get("/api/v1/activity?integration=shop").await.is(200).json();
    let records = records.as_array().unwrap().iter().rev().filter(|record| record["operation"] == operation);
    records.map(|record| record["kind"].as_str().unwrap().to_owned()).collect()
}

/// A page that a person reads: its text, after a look at what must hold for all.
fn page(answer: Answer, status: u16) -> String {
    let answer = answer.is(status);
    assert_eq!(answer.header("content-type"), "text/html; charset=utf-8");
    assert_eq!(answer.header("cache-control"), "no-store");
    assert_eq!(answer.header("referrer-policy"), "no-referrer");
    assert!(answer.header("content-security-policy").starts_with("default-src 'none'; style-src 'sha256-"));
    assert!(!answer.text().contains("<script"), "{answer:?}");
    answer.text().to_owned()
}

#[tokio::test]
async fn a_person_agrees_and_the_next_call_is_made_in_their_name() {
    let (_provider, server) = shop(json!({})).await;
    let before = standing(&server).await;
    assert_eq!(before["state"], "not_connected");
    let callback = format!("http://{}/api/v1/oauth/callback/shop", server.address);
    assert_eq!(before["redirect_uri"], callback);
    let health = server.get(&format!("{BASE}/health")).await.is(200).json();
    assert_eq!((&health["state"], &health["reason_code"]), (&json!("unhealthy"), &json!("not_connected")));
    assert_eq!(server.get("/api/v1/integrations/list").await.json()[0]["account"], "not_connected");
    server.call("shop", &json!({ "endpoint": "/resource" })).await.problem(502, "needs_reauth");

    let link = link(&server, "shop").await;
    let mut browser = Browser::default();
    let sent = browser.open(&link).await.is(303);
    let cookie = sent.header("set-cookie");
    assert!(cookie.starts_with("trunkline_connect="), "{cookie}");
    assert!(
        cookie.ends_with("; HttpOnly; SameSite=Lax; Path=/api/v1/oauth; Max-Age=600"),
        "{cookie}: not Secure where the server is not"
    );
    let to = sent.header("location");
    for part in ["response_type=code", "code_challenge_method=S256", "scope=read", "state="] {
        assert!(to.contains(part), "{to}");
    }
    assert!(!to.contains("client_secret"));
    let page = page(browser.connect(to).await, 200);
    assert!(page.contains("The &lt;shop&gt; is connected"), "{page}");

    let answer = server.call("shop", &json!({ "endpoint": "/resource" })).await.is(200).json();
    assert_eq!(answer["scope"], "read");
    let after = standing(&server).await;
    assert_eq!((&after["state"], &after["renewable"]), (&json!("connected"), &json!(true)), "{after}");
    assert_eq!((&after["scope"], &after["last_attempt"]["kind"]), (&json!("read"), &json!("ok")));
    assert_eq!(server.get(&format!("{BASE}/health")).await.json()["state"], "healthy");
    assert_eq!(server.get(BASE).await.json()["state"]["account"], "connected");
    assert_eq!(noted(&server, "connect").await, ["ok"]);
    // It was no call: of those there were two.
    let summary = server.get("/api/v1/activity/summary?integration=shop").await.is(200).json();
    assert_eq!(summary["integrations"]["shop"]["calls"], 2, "{summary}");
}

#[tokio::test]
async fn each_tenant_has_an_account_of_its_own() {
    let (_provider, server) = shop(json!({})).await;
    for name in ["acme", "other"] {
        server.post(&format!("{BASE}/connections"), &json!({ "connection": name })).await.is(201);
    }
    let link = server.get(&format!("{BASE}/oauth/authorize?connection=acme")).await.is(200).json();
    let shown = page(Browser::refusing("no").connect(link["url"].as_str().unwrap()).await, 400);
    assert!(shown.contains("trunkline connect shop --connection acme"), "{shown}");
    let link = server.get(&format!("{BASE}/oauth/authorize?connection=acme")).await.is(200).json();
    let shown = page(Browser::default().connect(link["url"].as_str().unwrap()).await, 200);
    assert!(shown.contains("(acme) is connected"), "{shown}");
    let request = |name: &str| json!({ "endpoint": "/resource", "connection": name });
    server.call("shop", &request("acme")).await.is(200);
    for name in ["other", "default"] {
        server.call("shop", &request(name)).await.problem(502, "needs_reauth");
    }
    let state = async |name: &str| {
        let standing = server.get(&format!("{BASE}/oauth?connection={name}")).await.is(200).json();
        standing["state"].as_str().unwrap().to_owned()
    };
    assert_eq!((&*state("acme").await, &*state("other").await), ("connected", "not_connected"));
    let listed = server.cli(&["connections", "list", "shop"]).await.is(0).stdout;
    let row = |name: &str| listed.lines().find(|line| line.starts_with(name)).unwrap().to_owned();
    assert!(row("other").contains("not connected") && row("acme").contains(" on"), "{listed}");
    server.cli(&["disconnect", "shop", "--connection", "acme"]).await.is(0);
    assert_eq!(state("acme").await, "not_connected");
    server.call("shop", &request("acme")).await.problem(502, "needs_reauth");
    server.get(&format!("{BASE}/oauth?connection=nobody")).await.problem(404, "unknown_connection");

    let link = server.get(&format!("{BASE}/oauth/authorize?connection=other")).await.is(200).json();
    page(Browser::default().connect(link["url"].as_str().unwrap()).await, 200);
    let ran = server.cli(&["connections", "remove", "shop", "other"]).await.is(0);
    assert_eq!(ran.stdout, "shop other removed\n  note: an account was connected; the provider was told\n");
    let ran = server.cli(&["connections", "remove", "shop", "acme"]).await.is(0);
    assert_eq!(ran.stdout, "shop acme removed\n", "nobody is connected there any more");
    let link = server.get(&format!("{BASE}/oauth/authorize")).await.is(200).json();
    page(Browser::default().connect(link["url"].as_str().unwrap()).await, 200);
    assert_eq!(server.with("DELETE", BASE, &[], "").await.is(200).json()["revoked"], true);
}

#[tokio::test]
async fn a_client_without_a_secret_is_connected_by_its_proof_alone() {
    let (provider, server) = pair().await;
    let client = client(&provider, web(&server, "shop", "none")).await;
    assert!(client.get("client_secret").is_none());
    server.has(&config(&provider, "shop", &client, json!({}))).await;
    page(Browser::default().connect(&link(&server, "shop").await).await, 200);
    server.call("shop", &json!({ "endpoint": "/resource" })).await.is(200);
}

#[tokio::test]
async fn a_browser_that_may_use_the_api_is_sent_on_at_once() {
    let provider = OidcProvider::start(3600);
    let server = Server::begin().allow_at(provider.address()).start().await;
    let client = client(&provider, web(&server, "shop", "client_secret_post")).await;
    server.has(&config(&provider, "shop", &client, json!({}))).await;
    let own = format!("http://{}{BASE}/oauth/authorize", server.address);
    let mut browser = Browser::default();
    let sent = browser.open(&own).await.is(303);
    assert!(sent.header("location").starts_with(&provider.url("/auth?")), "{sent:?}");
    page(browser.connect(sent.header("location")).await, 200);

    // By another name the cookie would not be there on the way back: it is given where that leads.
    let host = format!("localhost:{}", server.address.port());
    let by_name = [("accept", "text/html"), ("host", &*host)];
    let sent = server.with("GET", &format!("{BASE}/oauth/authorize"), &by_name, "").await.is(303);
    assert!(sent.header("location").starts_with(&format!("http://{}/api/v1/oauth/start/", server.address)));
    assert!(!sent.headers.contains_key("set-cookie"));

    let elsewhere =
        [("accept", "text/html"), ("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "navigate")];
    let foreign = server.with("GET", &format!("{BASE}/oauth/authorize"), &elsewhere, "").await;
    foreign.problem(403, "foreign_origin");
}

#[tokio::test]
async fn what_a_person_says_who_refuses_is_shown_and_nothing_changes() {
    let (_provider, server) = shop(json!({})).await;
    page(Browser::default().connect(&link(&server, "shop").await).await, 200);
    let mut browser = Browser::refusing("not <b>today</b>, & \"never\" again");
    let page = page(browser.connect(&link(&server, "shop").await).await, 400);
    assert!(
        page.contains("access_denied (not &lt;b&gt;today&lt;/b&gt;, &amp; &quot;never&quot; again)"),
        "{page}"
    );
    assert!(page.contains("was not connected") && page.contains("Nothing has changed"), "{page}");
    let after = standing(&server).await;
    assert_eq!((&after["state"], &after["last_attempt"]["kind"]), (&json!("connected"), &json!("forbidden")));
    server.call("shop", &json!({ "endpoint": "/resource" })).await.is(200);
    assert_eq!(noted(&server, "connect").await, ["ok", "forbidden"]);
}

/// A code can be used once: whoever closes the page too early is connected all the same.
#[tokio::test]
async fn an_exchange_goes_on_when_the_browser_is_gone() {
    let (asked, release) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (saw, wait) = (asked.clone(), release.clone());
    let peer = Peer::live(move |_| {
        let (saw, wait) = (saw.clone(), wait.clone());
        async move {
            saw.notify_one();
            wait.notified().await;
            Response::new(Body::from(json!({ "access_token": "good", "token_type": "Bearer" }).to_string()))
        }
    })
    .await;
    let (provider, server) = pair_with(|begin| begin.allow(&peer)).await;
    let client = client(&provider, web(&server, "shop", "client_secret_post")).await;
    let own = json!({ "token_url": format!("{}/token", peer.url()) });
    server.has(&config(&provider, "shop", &client, own)).await;
    let mut browser = Browser::default();
    let back = browser.until(&link(&server, "shop").await, "/oauth/callback/").await;
    let opened = tokio::spawn(async move { browser.open(&back).await });
    within("the exchange", asked.notified()).await;
    opened.abort();
    assert!(opened.await.is_err());
    release.notify_one();
    until("the account", || connected(&server)).await;
    assert_eq!(noted(&server, "connect").await, ["ok"]);
}

/// A token endpoint that answers in this order, and a service that says which credential it was shown.
async fn endpoint(answers: Vec<(u16, String)>) -> Peer {
    let next = AtomicUsize::new(0);
    Peer::http(move |received| {
        if received.uri.path() != "/token" {
            return Response::new(Body::from(received.header("authorization").to_owned()));
        }
        let (status, body) = answers[next.fetch_add(1, Ordering::Relaxed)].clone();
        let response = Response::builder().status(status).header("content-type", "application/json");
        response.body(Body::from(body)).unwrap()
    })
    .await
}

#[tokio::test]
async fn a_token_endpoint_that_fails_or_says_nasty_things_takes_nothing_away() {
    let nasty = format!("\u{202e}<script>alert(1)</script>{}", "x".repeat(50_000));
    let cases = [
        (503, "<script>alert(1)</script>".to_owned(), 502, "The service is unavailable"),
        (200, "<html><script>alert(1)</script>".to_owned(), 502, "is this the token endpoint?"),
        (400, json!({ "error": "invalid_client" }).to_string(), 502, "invalid_client"),
        (
            400,
            json!({ "error": "invalid_grant", "error_description": nasty }).to_string(),
            400,
            "\u{fffd}&lt;script&gt;alert(1)&lt;/script&gt;xxx",
        ),
    ];
    let good =
        json!({ "access_token": "good", "refresh_token": "r", "token_type": "Bearer", "expires_in": 3600 });
    let mut answers = vec![(200, good.to_string())];
    answers.extend(cases.iter().map(|(status, body, ..)| (*status, body.clone())));
    let peer = endpoint(answers).await;
    let (provider, server) = pair_with(|begin| begin.allow(&peer)).await;
    let client = client(&provider, web(&server, "shop", "client_secret_post")).await;
    let own = json!({ "token_url": format!("{}/token", peer.url()), "client_auth": "post" });
    let mut config = config(&provider, "shop", &client, own);
    config["base_url"] = peer.url().into();
    server.has(&config).await;

    page(Browser::default().connect(&link(&server, "shop").await).await, 200);
    let before = standing(&server).await;
    for (_, _, status, words) in cases {
        let page = page(Browser::default().connect(&link(&server, "shop").await).await, status);
        assert!(page.contains(words) && page.len() < 8192, "{page}");
        let after = standing(&server).await;
        assert_eq!((&after["state"], &after["updated_at_ms"]), (&before["state"], &before["updated_at_ms"]));
    }
    let shown = server.get(&format!("{BASE}/proxy/")).await.is(200);
    assert_eq!(shown.text(), "Bearer good");
    assert_eq!(noted(&server, "connect").await.len(), 5);
    assert!(!server.log().contains(client["client_secret"].as_str().unwrap()));
}

#[tokio::test]
async fn tokens_that_were_issued_elsewhere_are_taken_and_given_back() {
    let (_provider, server) = shop(json!({})).await;
    page(Browser::default().connect(&link(&server, "shop").await).await, 200);
    let revoked = server.delete(&format!("{BASE}/oauth")).await.is(200).json();
    assert_eq!(revoked, json!({ "integration_id": "shop", "status": "disconnected", "revoked": true }));
    assert_eq!(standing(&server).await["state"], "not_connected");
    server.call("shop", &json!({ "endpoint": "/resource" })).await.problem(502, "needs_reauth");

    let tokens = json!({ "access_token": "canary", "expires_in": 60, "scope": "read" });
    let taken = server.post(&format!("{BASE}/oauth/tokens"), &tokens).await.is(200).json();
    assert_eq!((&taken["state"], &taken["renewable"]), (&json!("connected"), &json!(false)));
    let bad = server.post(&format!("{BASE}/oauth/tokens"), &json!({ "expires_in": 1 })).await;
    assert!(bad.problem(422, "invalid_config")["detail"].as_str().unwrap().contains("access_token"));
    assert!(
        !server.get("/api/v1/activity").await.text().contains("canary") && !server.log().contains("canary")
    );
    assert_eq!(noted(&server, "import").await, ["ok"]);

    // One that has ended, and nothing to have another for.
    let ended = json!({ "access_token": "canary", "expires_in": 0 });
    server.post(&format!("{BASE}/oauth/tokens"), &ended).await.is(200);
    let health = server.get(&format!("{BASE}/health")).await.is(200).json();
    assert_eq!((&health["state"], &health["reason_code"]), (&json!("unhealthy"), &json!("needs_reauth")));
    assert_eq!(server.get("/api/v1/integrations/list").await.json()[0]["account"], "needs_reauth");
    assert_eq!(standing(&server).await["state"], "needs_reauth");
    assert_eq!(noted(&server, "disconnect").await, ["ok"]);
}

#[tokio::test]
async fn where_nobody_has_to_agree_and_where_nobody_can_it_is_said() {
    let (provider, server) = pair().await;
    server.has(&json!({ "integration_id": "plain", "type": "rest", "base_url": "https://h" })).await;
    for (method, path) in
        [("GET", "/oauth"), ("GET", "/oauth/authorize"), ("POST", "/oauth/device"), ("DELETE", "/oauth")]
    {
        let path = format!("/api/v1/integrations/plain{path}");
        server.with(method, &path, &[], "").await.problem(422, "unsupported");
    }
    server.get("/api/v1/integrations/nobody/oauth").await.problem(404, "unknown_integration");
    let one = client(&provider, web(&server, "shop", "client_secret_basic")).await;
    server.has(&config(&provider, "shop", &one, json!({}))).await;
    server.with("POST", &format!("{BASE}/oauth/device"), &[], "").await.problem(422, "unsupported");
    server.get(&format!("{BASE}/oauth?connection=default")).await.is(200);
    server.get(&format!("{BASE}/oauth?connection=eu")).await.problem(404, "unknown_connection");
    server.get(&format!("{BASE}/oauth?conection=eu")).await.problem(422, "invalid_config");
}

#[tokio::test]
async fn where_browsers_reach_the_server_is_said_once_and_used_everywhere() {
    // Nobody knows by which name others reach it.
    let provider = OidcProvider::start(3600);
    let open = Server::begin().listen("0.0.0.0:0").allow_at(provider.address()).token(TOKEN).start().await;
    let id = json!({ "client_id": "x" });
    open.has(&config(&provider, "shop", &id, json!({}))).await;
    let problem = open.get(&format!("{BASE}/oauth/authorize")).await.problem(422, "invalid_config");
    assert!(problem["detail"].as_str().unwrap().contains("server.public_url"), "{problem}");
    assert!(standing(&open).await.get("redirect_uri").is_none());

    let public = "https://tl.example/base/";
    let server = Server::begin().allow_at(provider.address()).arg("--public-url").arg(public).start().await;
    server.has(&config(&provider, "shop", &id, json!({}))).await;
    assert_eq!(standing(&server).await["redirect_uri"], "https://tl.example/base/api/v1/oauth/callback/shop");
    let link = link(&server, "shop").await;
    let path = link.strip_prefix("https://tl.example/base").unwrap();
    let sent = server.with("GET", path, &[("host", "tl.example")], "").await.is(303);
    assert!(sent.header("set-cookie").ends_with("Path=/base/api/v1/oauth; Max-Age=600; Secure"), "{sent:?}");
    assert!(
        sent.header("location")
            .contains("redirect_uri=https%3A%2F%2Ftl.example%2Fbase%2Fapi%2Fv1%2Foauth%2Fcallback%2Fshop")
    );
    let foreign = server.with("GET", path, &[("host", "evil.example")], "").await;
    foreign.problem(403, "foreign_host");

    let ran = Server::begin().env("TRUNKLINE_PUBLIC_URL", "http://tl.example").refused().await.is(2);
    assert!(ran.stderr.contains("server.public_url: must be https"), "{ran:?}");
}

async fn connected(server: &Server) -> Option<()> {
    (standing(server).await["state"] == "connected").then_some(())
}
