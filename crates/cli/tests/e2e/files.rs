//! Files that hold secrets and certificates are read again when they change, without a restart.

use http::Response;
use serde_json::{Value, json};
use trunkline::Body;
use trunkline_testkit::{Authority, Peer, Received};

use crate::harness::{Begin, Server, until};

fn reference(begin: &Begin, name: &str, text: &str) -> String {
    format!("${{file:{}}}", begin.file(name, text).display())
}

fn ok(_: Received) -> Response<Body> {
    Response::new(Body::Empty)
}

/// Calls an integration until the last request that `peer` received shows what is looked for.
async fn seen(server: &Server, id: &str, peer: &Peer, shows: impl Fn(&Received) -> bool) {
    until(id, || async {
        server.call(id, &json!({})).await.is(200);
        peer.received().last().is_some_and(&shows).then_some(())
    })
    .await;
}

#[tokio::test]
async fn headers_proxies_certificates_and_client_secrets_are_read_again() {
    let (first, second) = (Authority::new(), Authority::new());
    let (peer, proxy) = (Peer::http(ok).await, Peer::http(ok).await);
    let strict = Peer::https(ok, second.server(true)).await;
    let issue =
        |_| Response::new(Body::from(json!({"access_token": "t-123456", "expires_in": 1}).to_string()));
    let tokens = Peer::http(issue).await;
    let begin = Server::begin()
        .allow(&peer)
        .allow(&proxy)
        .allow(&tokens)
        .arg("--egress-allow")
        .arg(format!("localhost:{}", strict.address().port()));

    let (certificate, key) = first.client();
    let header = reference(&begin, "header.txt", "one\n");
    let password = reference(&begin, "proxy.txt", "one");
    let secret = reference(&begin, "client.txt", "one");
    let (cert, key) = (reference(&begin, "tls.crt", &certificate), reference(&begin, "tls.key", &key));
    let tls = json!({"ca": second.pem(), "client_cert": cert, "client_key": key});
    let write = {
        let home = begin.home().to_owned();
        move |name: &str, text: &str| std::fs::write(home.join(name), text).unwrap()
    };
    let server = begin.start().await;
    let has = async |id: &str, base: &str, more: Value| {
        let mut config = json!({"integration_id": id, "type": "rest", "base_url": base, "retry_config": {"max_attempts": 1}, "breaker": {"enabled": false}});
        config.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        server.has(&config).await;
    };
    has("header", &peer.url(), json!({"headers": {"X-Token": format!("Token {header}")}})).await;
    has("proxy", &peer.url(), json!({"proxy": {"url": proxy.url(), "username": "u", "password": password}}))
        .await;
    let auth =
        json!({"token_url": tokens.url(), "client_id": "c", "client_secret": secret, "client_auth": "post"});
    has("oauth2", &peer.url(), json!({"auth_type": "oauth2", "auth_config": auth})).await;
    has("tls", &format!("https://localhost:{}", strict.address().port()), json!({"tls": tls})).await;

    seen(&server, "header", &peer, |received| received.header("x-token") == "Token one").await;
    seen(&server, "proxy", &proxy, |received| received.header("proxy-authorization") == "Basic dTpvbmU=")
        .await;
    seen(&server, "oauth2", &tokens, |received| received.body.ends_with(b"client_secret=one")).await;
    assert_ne!(server.call("tls", &json!({})).await.status, 200, "the service wants another authority's");

    write("header.txt", "two\n");
    write("proxy.txt", "two");
    write("client.txt", "two");
    let (certificate, key) = second.client();
    write("tls.crt", &certificate);
    write("tls.key", &key);
    seen(&server, "header", &peer, |received| received.header("x-token") == "Token two").await;
    seen(&server, "proxy", &proxy, |received| received.header("proxy-authorization") == "Basic dTp0d28=")
        .await;
    seen(&server, "oauth2", &tokens, |received| received.body.ends_with(b"client_secret=two")).await;
    until("the new certificate", || async {
        (server.call("tls", &json!({})).await.status == 200).then_some(())
    })
    .await;

    // What does not do changes nothing, and is taken when it does.
    write("tls.key", "half of a key");
    server.logs("does not do").await;
    server.call("tls", &json!({})).await.is(200);
    let etag = server.get("/api/v1/integrations/header").await.header("etag").to_owned();
    assert_eq!(etag, server.get("/api/v1/integrations/header").await.header("etag"));
}

#[tokio::test]
async fn an_integration_whose_file_was_missing_at_the_start_works_once_it_is_there() {
    let peer = Peer::http(ok).await;
    let begin = Server::begin().allow(&peer);
    let header = reference(&begin, "header.txt", "one");
    let file = begin.home().join("header.txt");
    let server = begin.start().await;
    server.has(&json!({"integration_id": "a", "type": "rest", "base_url": peer.url(), "headers": {"X-Token": header}})).await;
    let server = server.stop().await;
    std::fs::remove_file(&file).unwrap();
    let server = server.again().allow(&peer).start().await;
    server.call("a", &json!({})).await.problem(422, "invalid_config");
    std::fs::write(&file, "two").unwrap();
    until("the file", || async { (server.call("a", &json!({})).await.status == 200).then_some(()) }).await;
    assert_eq!(peer.received()[0].header("x-token"), "two");
}
