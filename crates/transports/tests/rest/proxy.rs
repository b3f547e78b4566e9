//! HTTP proxies: absolute form in clear, tunnels for TLS.

use http::Response;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncWriteExt, copy_bidirectional},
    net::{TcpSocket, TcpStream},
};
use trunkline_core::{Body, HttpRequest, Kind, Outcome};
use trunkline_testkit::{Authority, Peer, Received};

use crate::common::{Service, bearer, head};

fn ok(received: Received) -> Response<Body> {
    Response::new(Body::from(received.uri.to_string()))
}

fn through(proxy: &Peer) -> Value {
    json!({"url": proxy.url(), "username": "u", "password": "p"})
}

/// A proxy that makes tunnels for whoever says `u:p`.
async fn tunnels() -> Peer {
    Peer::raw(|mut stream: TcpStream| async move {
        let head = head(&mut stream).await;
        let target = head.strip_prefix("CONNECT ").unwrap().split(' ').next().unwrap().to_owned();
        if !head.contains("Proxy-Authorization: Basic dTpw\r\n") {
            let _ = stream.write_all(b"HTTP/1.1 407 No\r\ncontent-length: 0\r\n\r\n").await;
            return;
        }
        assert!(!head.to_lowercase().contains("bearer"), "the credential is the service's");
        let socket = TcpSocket::new_v4().unwrap();
        let mut onward = socket.connect(target.parse().unwrap()).await.unwrap();
        stream.write_all(b"HTTP/1.1 200 Connection established\r\nvia: 1.1 me\r\n\r\n").await.unwrap();
        let _ = copy_bidirectional(&mut stream, &mut onward).await;
    })
    .await
}

#[tokio::test]
async fn a_request_in_clear_goes_to_the_proxy_in_absolute_form() {
    let proxy = Peer::http(ok).await;
    let service = Service::new("http://127.0.0.1:9/v1", json!({"proxy": through(&proxy)}));
    let reply = service.call_as(HttpRequest::get("x?y=1"), bearer("t")).await.unwrap();
    assert_eq!(reply.text().await.unwrap(), "http://127.0.0.1:9/v1/x?y=1");
    let received = proxy.received().pop().unwrap();
    assert_eq!(received.header("proxy-authorization"), "Basic dTpw");
    assert_eq!((received.header("host"), received.header("authorization")), ("127.0.0.1:9", "Bearer t"));
}

#[tokio::test]
async fn tls_goes_through_a_tunnel_and_the_service_never_sees_the_proxys_credential() {
    let (authority, proxy) = (Authority::new(), tunnels().await);
    let peer = Peer::https(ok, authority.server(false)).await;
    let base = format!("https://127.0.0.1:{}", peer.address().port());
    let more = json!({"proxy": through(&proxy), "tls": {"ca": authority.pem()}});
    let service = Service::new(&base, more);
    service.call_as(HttpRequest::get("/"), bearer("t")).await.unwrap();
    let received = peer.received().pop().unwrap();
    assert_eq!((received.header("proxy-authorization"), received.header("authorization")), ("", "Bearer t"));
    assert_eq!(proxy.connections(), 1);
}

#[tokio::test]
async fn a_proxy_that_refuses_is_named_and_nothing_was_sent() {
    let proxy = tunnels().await;
    let wrong = json!({"url": proxy.url(), "username": "u", "password": "hunter2"});
    let error = Service::new("https://127.0.0.1:9", json!({"proxy": wrong})).get("/").await.unwrap_err();
    assert_eq!((error.kind(), error.outcome()), (Kind::Forbidden, Outcome::NotSent), "{error}");
    assert!(error.message().starts_with("proxy: ") && !error.to_string().contains("hunter2"), "{error}");

    for (answer, kind) in [
        (&b"HTTP/1.1 503 Down\r\n\r\n"[..], Kind::Unavailable),
        (b"SSH-2.0-x\r\n\r\n", Kind::Protocol),
        (b"", Kind::Unavailable),
        (&[b'x'; 20_000], Kind::Protocol),
    ] {
        let proxy = crate::common::writes(answer).await;
        let service = Service::new("https://127.0.0.1:9", json!({"proxy": {"url": proxy.url()}}));
        let error = service.call(HttpRequest::post("/")).await.unwrap_err();
        assert_eq!((error.kind(), error.outcome()), (kind, Outcome::NotSent), "{error}");
    }
}

#[tokio::test]
async fn a_407_in_clear_asks_the_operator_and_no_scheme() {
    let proxy = Peer::http(|_| Response::builder().status(407).body(Body::Empty).unwrap()).await;
    let service = Service::new("http://127.0.0.1:9", json!({"proxy": {"url": proxy.url()}}));
    assert_eq!(service.get("/").await.unwrap_err().kind(), Kind::Forbidden);
}

#[tokio::test]
async fn a_proxy_is_no_way_around_the_guard() {
    use std::sync::Arc;
    use trunkline_core::{Context, Egress, Profile};
    let proxy = Peer::http(ok).await;
    let rule = proxy.address().to_string();
    for target in
        ["http://169.254.169.254", "http://10.0.0.1", "http://metadata.google.internal", "http://[::1]"]
    {
        let egress = Egress::new(Profile::Guarded, std::slice::from_ref(&rule)).unwrap();
        let context = Context::new(Arc::new(egress));
        let service = Service::within(context, target, json!({"proxy": {"url": proxy.url()}}));
        assert_eq!(service.get("/").await.unwrap_err().kind(), Kind::Blocked, "{target}");
    }
    assert_eq!(proxy.connections(), 0);
}

/// The environment of a process is no safe place to write in a test, so this runs itself again.
#[test]
fn proxies_named_in_the_environment_are_ignored() {
    const CHILD: &str = "TRUNKLINE_TEST_IN_CHILD";
    if std::env::var_os(CHILD).is_some() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let peer = Peer::http(ok).await;
            Service::of(&peer).get("/").await.unwrap();
            assert_eq!(peer.received().len(), 1);
        });
        return;
    }
    let nowhere = format!("http://127.0.0.1:{}", crate::common::closed_port());
    let mut child = std::process::Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", "proxy::proxies_named_in_the_environment_are_ignored"]).env(CHILD, "1");
    for name in ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"] {
        child.env(name, &nowhere);
    }
    let output = child.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success() && text.contains("1 passed"), "{text}");
}
