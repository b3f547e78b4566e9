//! TLS and the versions of HTTP.

use http::{Response, Version};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncWriteExt, copy_bidirectional},
    net::{TcpSocket, TcpStream},
};
use trunkline_core::{Body, Error, HttpRequest, Kind, Outcome};
use trunkline_testkit::{Authority, Peer, Received};

use crate::common::{Service, head, lab, open};

fn ok(_: Received) -> Response<Body> {
    Response::new(Body::from("ok"))
}

fn url(peer: &Peer) -> String {
    format!("https://127.0.0.1:{}", peer.address().port())
}

#[tokio::test]
async fn the_version_is_negotiated_unless_one_is_configured() {
    let authority = Authority::new();
    let secure = Peer::https(ok, authority.server(false)).await;
    let clear = Peer::http(ok).await;
    for (peer, url, version, spoken) in [
        (&secure, url(&secure), "auto", Version::HTTP_2),
        (&secure, url(&secure), "http1", Version::HTTP_11),
        (&secure, url(&secure), "http2", Version::HTTP_2),
        (&clear, clear.url(), "auto", Version::HTTP_11),
        (&clear, clear.url(), "http1", Version::HTTP_11),
        (&clear, clear.url(), "http2", Version::HTTP_2),
    ] {
        let more = json!({"tls": {"ca": authority.pem()}, "http_version": version});
        let service = Service::new(&url, more);
        let post = HttpRequest::post("/x").body("body");
        assert_eq!(service.call(post).await.unwrap().text().await.unwrap(), "ok");
        let received = peer.received().pop().unwrap();
        assert_eq!((received.version, &received.body[..]), (spoken, &b"body"[..]), "{version}");
    }
}

#[tokio::test]
async fn a_service_that_speaks_no_http2_is_told_apart() {
    let authority = Authority::new();
    let mut server = (*authority.server(false)).clone();
    server.alpn_protocols = vec![b"http/1.1".to_vec()];
    let peer = Peer::https(ok, server.into()).await;
    let more = json!({"tls": {"ca": authority.pem()}, "http_version": "http2"});
    let error = Service::new(&url(&peer), more).get("/").await.unwrap_err();
    assert_eq!((error.kind(), error.outcome()), (Kind::Protocol, Outcome::NotSent), "{error}");
}

#[tokio::test]
async fn a_certificate_of_an_unknown_authority_is_refused_before_anything_is_sent() {
    let peer = Peer::https(ok, Authority::new().server(false)).await;
    for more in [json!({}), json!({"tls": {"ca": Authority::new().pem()}})] {
        let error = Service::new(&url(&peer), more).get("/?token=hunter2").await.unwrap_err();
        assert_eq!((error.kind(), error.outcome()), (Kind::Protocol, Outcome::NotSent), "{error}");
        assert!(error.to_string().contains("certificate") && !error.to_string().contains("hunter2"));
    }
    assert!(peer.received().is_empty());
}

#[tokio::test]
async fn a_certificate_for_another_name_is_refused() {
    let authority = Authority::new();
    let peer = Peer::https(ok, authority.server(false)).await;
    let (to, more) = (peer.address(), json!({"tls": {"ca": authority.pem()}}));
    // A proxy that leads every name to this peer.
    let proxy = Peer::raw(move |mut stream: TcpStream| async move {
        head(&mut stream).await;
        let mut onward = TcpSocket::new_v4().unwrap().connect(to).await.unwrap();
        stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
        let _ = copy_bidirectional(&mut stream, &mut onward).await;
    })
    .await;
    let service = |host: &str| {
        let mut more = more.clone();
        more["proxy"] = json!({"url": proxy.url()});
        Service::new(&format!("https://{host}"), more)
    };
    service("localhost").get("/").await.unwrap();
    let error = service("other.example").get("/").await.unwrap_err();
    assert_eq!((error.kind(), error.outcome()), (Kind::Protocol, Outcome::NotSent), "{error}");
    assert_eq!(peer.received().len(), 1);
}

#[tokio::test]
async fn a_client_certificate_is_shown_where_the_service_wants_one() {
    let authority = Authority::new();
    let peer = Peer::https(ok, authority.server(true)).await;
    let (cert, key) = authority.client();
    let with = json!({"tls": {"ca": authority.pem(), "client_cert": cert, "client_key": key}});
    Service::new(&url(&peer), with).get("/").await.unwrap();
    assert_eq!(peer.received().len(), 1);
    let (foreign, its_key) = Authority::new().client();
    for version in ["auto", "http1"] {
        for mut tls in [json!({}), json!({"client_cert": foreign, "client_key": its_key})] {
            tls["ca"] = authority.pem().into();
            let service = Service::new(&url(&peer), json!({"tls": tls, "http_version": version}));
            let error = service.get("/").await.unwrap_err();
            assert_eq!(error.kind(), Kind::Protocol, "{error}");
            assert!(error.message().contains("tls.client_cert"), "{error}");
        }
    }
    assert_eq!(peer.received().len(), 1);
}

#[tokio::test]
async fn wrong_tls_settings_are_found_when_the_integration_is_opened() {
    let authority = Authority::new();
    let ((cert, key), (_, other)) = (authority.client(), authority.client());
    let opened =
        |tls: Value| -> Error { open(&lab(), json!({"base_url": "https://h", "tls": tls})).unwrap_err() };
    for (tls, word) in [
        (json!({"ca": "not a certificate"}), "tls.ca"),
        (json!({"ca": key}), "tls.ca"),
        (json!({"client_cert": cert}), "go together"),
        (json!({"client_key": key}), "go together"),
        (json!({"client_cert": cert, "client_key": other}), "does not fit"),
        (json!({"client_cert": cert, "client_key": cert}), "tls.client_key"),
        (json!({"verify": false}), "verify"),
    ] {
        let error = opened(tls);
        assert_eq!(error.kind(), Kind::InvalidConfig);
        assert!(error.message().contains(word), "{word}: {error}");
        assert!(!error.to_string().contains("PRIVATE KEY"), "{error}");
    }
}
