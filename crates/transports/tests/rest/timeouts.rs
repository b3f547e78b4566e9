//! Time limits: each with a peer that is late in one way only.

use std::time::Duration;

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use http::Response;
use http_body::Frame;
use http_body_util::StreamBody;
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
    time::{Instant, interval, timeout},
};
use trunkline_core::{Body, Error, HttpRequest, Kind, Outcome};
use trunkline_testkit::Peer;

use crate::common::{Service, head};

fn assert_late(error: &Error, outcome: Outcome) {
    assert_eq!((error.kind(), error.outcome()), (Kind::Timeout, outcome), "{error}");
}

/// A peer that takes everything and answers with `start` only.
async fn silent(start: &'static [u8]) -> Peer {
    Peer::raw(move |mut stream: TcpStream| async move {
        head(&mut stream).await;
        let _ = stream.write_all(start).await;
        let _ = tokio::io::copy(&mut stream, &mut tokio::io::sink()).await;
    })
    .await
}

fn first_byte(peer: &Peer) -> Service {
    Service::new(&peer.url(), json!({"timeouts": {"first_byte": "200ms"}}))
}

#[tokio::test]
async fn a_connection_that_is_not_made_in_time_was_not_sent() {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(1).unwrap();
    let address = listener.local_addr().unwrap();
    // Linux leaves further SYNs unanswered once the backlog is full.
    let mut held = Vec::new();
    while let Ok(Ok(stream)) =
        timeout(Duration::from_millis(200), TcpSocket::new_v4().unwrap().connect(address)).await
    {
        held.push(stream);
        assert!(held.len() < 64, "the backlog never fills");
    }
    // The time for an answer is shorter, and begins only when there is a connection.
    let more = json!({"timeouts": {"connect": "300ms", "first_byte": "50ms"}});
    let service = Service::new(&format!("http://{address}"), more);
    let began = Instant::now();
    assert_late(&service.call(HttpRequest::post("/")).await.unwrap_err(), Outcome::NotSent);
    assert!(began.elapsed() >= Duration::from_millis(300));
}

#[tokio::test]
async fn an_answer_that_does_not_begin_in_time_may_have_been_acted_on() {
    let peer = silent(b"").await;
    assert_late(
        &first_byte(&peer).call(HttpRequest::post("/").body("x")).await.unwrap_err(),
        Outcome::Unknown,
    );
    assert_late(&first_byte(&peer).get("/").await.unwrap_err(), Outcome::Unknown);
}

#[tokio::test]
async fn headers_that_trickle_in_are_no_answer() {
    let peer = Peer::raw(|mut stream: TcpStream| async move {
        head(&mut stream).await;
        let mut tick = interval(Duration::from_millis(20));
        for byte in b"HTTP/1.1 200 OK\r\nx: ".iter().chain([b'y'].iter().cycle()) {
            tick.tick().await;
            if stream.write_all(&[*byte]).await.is_err() {
                break;
            }
        }
    })
    .await;
    assert_late(&first_byte(&peer).get("/").await.unwrap_err(), Outcome::Unknown);
}

#[tokio::test]
async fn interim_answers_without_end_are_no_answer() {
    let peer = Peer::raw(|mut stream: TcpStream| async move {
        head(&mut stream).await;
        let mut tick = interval(Duration::from_millis(10));
        while stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").await.is_ok() {
            tick.tick().await;
        }
    })
    .await;
    assert_late(&first_byte(&peer).get("/").await.unwrap_err(), Outcome::Unknown);
}

#[tokio::test]
async fn a_reply_that_stops_flowing_is_cut_whether_it_is_small_or_streams() {
    for start in [
        &b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc"[..],
        b"HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n",
    ] {
        let peer = silent(start).await;
        let service = Service::new(&peer.url(), json!({"timeouts": {"idle": "150ms"}}));
        let error = service.fails(HttpRequest::get("/")).await;
        assert_late(&error, Outcome::Unknown);
        assert!(error.context().contains(&("bytes_received", "3".to_owned())), "{error}");
    }
}

#[tokio::test]
async fn a_reply_that_keeps_flowing_may_take_longer_than_the_idle_time() {
    let peer = Peer::raw(|mut stream: TcpStream| async move {
        head(&mut stream).await;
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n").await.unwrap();
        let mut tick = interval(Duration::from_millis(50));
        for _ in 0..10 {
            tick.tick().await;
            stream.write_all(b"x").await.unwrap();
        }
    })
    .await;
    let service = Service::new(&peer.url(), json!({"timeouts": {"idle": "300ms"}}));
    assert_eq!(service.get("/").await.unwrap().text().await.unwrap(), "xxxxxxxxxx");
}

#[tokio::test]
async fn an_upload_that_was_sent_whole_is_answered_in_time_or_ends() {
    let peer = silent(b"").await;
    let service = first_byte(&peer);
    let mut request = HttpRequest { relay: true, ..HttpRequest::post("/") };
    request.body = crate::streams::pieces(["all", "of it"]);
    assert_late(&service.call(request).await.unwrap_err(), Outcome::Unknown);
}

#[tokio::test]
async fn an_upload_that_the_service_stops_taking_ends() {
    let peer = Peer::raw(|mut stream: TcpStream| async move {
        head(&mut stream).await;
        std::future::pending::<()>().await;
    })
    .await;
    let piece = Bytes::from(vec![7; 64 << 10]);
    let endless = stream::repeat_with(move || Ok(Frame::data(piece.clone())));
    let mut request = HttpRequest::post("/");
    request.body = Body::stream(StreamBody::new(endless));
    assert_late(&first_byte(&peer).call(request).await.unwrap_err(), Outcome::Unknown);
}

#[tokio::test]
async fn a_caller_who_pauses_in_an_upload_does_not_use_up_the_services_time() {
    let peer = Peer::http(|received| Response::new(Body::from(received.body))).await;
    let pause = stream::once(async {
        tokio::time::sleep(Duration::from_millis(700)).await;
        Ok(Frame::data(Bytes::from_static(b"later")))
    });
    let first = stream::iter([Ok(Frame::data(Bytes::from_static(b"now ")))]);
    let mut request = HttpRequest::post("/");
    request.body = Body::stream(StreamBody::new(first.chain(Box::pin(pause))));
    assert_eq!(first_byte(&peer).call(request).await.unwrap().text().await.unwrap(), "now later");
}

#[tokio::test]
async fn a_reply_that_is_dropped_half_read_closes_its_connection() {
    let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
    let peer = Peer::raw(move |mut stream: TcpStream| {
        let tell = tell.clone();
        async move {
            head(&mut stream).await;
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\nabc").await.unwrap();
            assert_eq!(stream.read(&mut [0; 16]).await.unwrap_or(0), 0);
            tell.send("closed").unwrap();
        }
    })
    .await;
    let service = Service::of(&peer);
    drop(service.get("/").await.unwrap());
    let closed = timeout(Duration::from_secs(1), told.recv()).await;
    assert_eq!(closed.unwrap(), Some("closed"));
}
