//! Peers that break the rules: resets, cuts, lies, garbage, floods.

use http::Response;
use serde_json::json;
use tokio::{
    io::AsyncWriteExt,
    net::TcpStream,
    sync::{Notify, mpsc},
};
use trunkline_core::{Body, HttpRequest, Kind, Outcome};
use trunkline_testkit::Peer;

use crate::common::{Service, closed_port, head, writes};

#[tokio::test]
async fn a_post_whose_connection_is_refused_was_not_sent() {
    let service = Service::new(&format!("http://127.0.0.1:{}", closed_port()), json!({}));
    let error = service.call(HttpRequest::post("/?token=hunter2").body("{}")).await.unwrap_err();
    assert_eq!((error.kind(), error.outcome()), (Kind::Unavailable, Outcome::NotSent), "{error}");
    assert!(!error.to_string().contains("hunter2"), "{error}");
}

#[tokio::test]
async fn a_reply_that_is_cut_is_never_complete() {
    for (bytes, kind) in [
        (&b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc"[..], Kind::Unavailable),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\nabc", Kind::Unavailable),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n", Kind::Unavailable),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nab", Kind::Unavailable),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\nabc\r\n", Kind::Protocol),
        (b"HTTP/1.1 200 OK\r\ncontent-le", Kind::Unavailable),
        (b"", Kind::Unavailable),
    ] {
        let peer = writes(bytes).await;
        let error = Service::of(&peer).fails(HttpRequest::post("/").body("{}")).await;
        let text = String::from_utf8_lossy(bytes);
        assert_eq!((error.kind(), error.outcome()), (kind, Outcome::Unknown), "{text:?}: {error}");
        assert_eq!(peer.connections(), 1, "{text:?}");
    }
}

#[tokio::test]
async fn what_is_no_http_is_a_protocol_error() {
    for bytes in [
        &b"SSH-2.0-OpenSSH_9.9\r\n"[..],
        b"\0\x01\x02\x03\x04\x05\x06\x07\r\n\r\n",
        b"HTTP/9.9 200 OK\r\n\r\n",
        b"HTTP/1.1 abc OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nno colon here\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nabcdef",
        b"HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n",
    ] {
        let peer = writes(bytes).await;
        let error = Service::of(&peer).fails(HttpRequest::get("/")).await;
        let text = String::from_utf8_lossy(bytes);
        assert_eq!((error.kind(), error.outcome()), (Kind::Protocol, Outcome::Unknown), "{text:?}: {error}");
    }
}

#[tokio::test]
async fn headers_without_end_are_given_up_in_bounded_memory() {
    for line in ["x-n: y\r\n".repeat(1000), "y".repeat(64 << 10)] {
        let (tell, mut told) = mpsc::unbounded_channel();
        let peer = Peer::raw(move |mut stream: TcpStream| {
            let (line, tell) = (line.clone(), tell.clone());
            async move {
                head(&mut stream).await;
                let mut sent = stream.write_all(b"HTTP/1.1 200 OK\r\nx: ").await.map_or(0, |()| 20);
                while sent < 256 << 20 && stream.write_all(line.as_bytes()).await.is_ok() {
                    sent += line.len();
                }
                tell.send(sent).unwrap();
            }
        })
        .await;
        let error = Service::of(&peer).fails(HttpRequest::get("/")).await;
        assert_eq!(error.kind(), Kind::Protocol, "{error}");
        let sent = told.recv().await.unwrap();
        assert!(sent < 32 << 20, "{sent} bytes of headers were taken");
    }
}

#[tokio::test]
async fn bytes_beyond_the_reply_reach_nobody() {
    let evil =
        "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nfirstHTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nEVIL";
    let peer = Peer::raw(move |mut stream: TcpStream| async move {
        while !head(&mut stream).await.is_empty() {
            let _ = stream.write_all(evil.as_bytes()).await;
        }
    })
    .await;
    let service = Service::of(&peer);
    for _ in 0..20 {
        assert_eq!(service.get("/").await.unwrap().text().await.unwrap(), "first");
    }
}

#[tokio::test]
async fn a_call_after_the_service_closed_its_idle_connection_works_and_is_sent_once() {
    let (closed, other) =
        (std::sync::Arc::new(Notify::new()), Peer::http(|_| Response::new("ok".into())).await);
    let (tell, mut told) = mpsc::unbounded_channel();
    let close = closed.clone();
    let peer = Peer::raw(move |mut stream: TcpStream| {
        let (close, tell) = (close.clone(), tell.clone());
        async move {
            let head = head(&mut stream).await;
            if !head.is_empty() {
                tell.send(head).unwrap();
                stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await.unwrap();
                drop(stream);
                close.notify_one();
            }
        }
    })
    .await;
    let (service, aside) = (Service::of(&peer), Service::of(&other));
    for n in 0..20 {
        let request = HttpRequest::post(format!("/{n}")).body("");
        assert_eq!(service.call(request).await.unwrap().text().await.unwrap(), "ok");
        closed.notified().await;
        // A round trip elsewhere: by then this side has heard of the end, too.
        aside.get("/").await.unwrap();
    }
    let mut posts = Vec::new();
    while let Ok(head) = told.try_recv() {
        posts.push(head.split(' ').nth(1).unwrap().to_owned());
    }
    assert_eq!(posts, (0..20).map(|n| format!("/{n}")).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_refused_stream_was_not_sent() {
    let peer = Peer::raw(|stream: TcpStream| async move {
        let mut connection = h2::server::handshake(stream).await.unwrap();
        while let Some(Ok((_, mut respond))) = connection.accept().await {
            respond.send_reset(h2::Reason::REFUSED_STREAM);
        }
    })
    .await;
    let service = Service::new(&peer.url(), json!({"http_version": "http2"}));
    let error = service.call(HttpRequest::post("/").body("x")).await.unwrap_err();
    assert_eq!((error.kind(), error.outcome()), (Kind::Unavailable, Outcome::NotSent), "{error}");
}

#[tokio::test]
async fn http1_where_http2_was_configured_is_a_protocol_error() {
    let peer = writes(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n").await;
    let service = Service::new(&peer.url(), json!({"http_version": "http2"}));
    let error = service.get("/").await.unwrap_err();
    assert_eq!(error.kind(), Kind::Protocol, "{error}");
}

#[tokio::test]
async fn headers_of_the_connection_stay_with_it() {
    let bytes = b"HTTP/1.1 200 OK\r\nconnection: close\r\nkeep-alive: timeout=5\r\ntransfer-encoding: chunked\r\nx-a: 1\r\n\r\n2\r\nok\r\n0\r\n\r\n";
    let peer = writes(bytes).await;
    let reply = Service::of(&peer).get("/").await.unwrap();
    assert_eq!(reply.headers.keys().map(|name| name.as_str()).collect::<Vec<_>>(), ["x-a"]);
    let body: Body = reply.body;
    assert_eq!(body.collect(10).await.unwrap(), "ok");
}
