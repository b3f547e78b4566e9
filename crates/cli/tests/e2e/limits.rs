//! Clients that are slow, loud or hostile: they are let go, and others do not notice.

use bytes::BufMut;
use futures_util::{StreamExt, stream::FuturesUnordered};
use http::Response;
use http_body_util::BodyExt;
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::{Duration, Instant},
};
use trunkline::Body;
use trunkline_testkit::Peer;

use crate::harness::{Server, connect, exchange, within};

/// Nobody else waits longer than this while somebody misbehaves.
const SOON: Duration = Duration::from_secs(2);

async fn serves(server: &Server) {
    let began = Instant::now();
    server.get("/api/v1/integrations/list").await.is(200);
    assert!(began.elapsed() < SOON, "{:?}", began.elapsed());
}

#[tokio::test]
async fn two_thousand_half_open_connections_do_not_keep_others_out() {
    let server = Server::begin().start().await;
    let mut slow = Vec::new();
    for n in 0..2_000 {
        let mut stream = connect(server.address).await;
        // In the middle of a request line, of a header, and of a body.
        let part: &[u8] = match n % 4 {
            0 => b"",
            1 => b"GET /healthz HT",
            2 => b"GET /healthz HTTP/1.1\r\nhost: localhost\r\nx: ",
            _ => b"POST /api/v1/integrations/register HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{",
        };
        stream.write_all(part).await.unwrap();
        slow.push(stream);
        if n % 500 == 499 {
            serves(&server).await;
        }
    }
    serves(&server).await;
    let ready = server.get("/readyz").await;
    ready.is(200);
}

#[tokio::test]
async fn a_body_that_stalls_is_given_up() {
    let server = Server::begin().start().await;
    let head = "POST /api/v1/integrations/register HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{";
    let answer = exchange(server.address, head).await;
    assert!(answer.starts_with("HTTP/1.1 408 ") && answer.contains("slow_body"), "{answer}");
}

#[tokio::test]
async fn heads_that_are_too_large_are_refused() {
    let server = Server::begin().start().await;
    let request =
        |rest: &str| format!("GET /healthz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n{rest}\r\n");
    let many: String = (0..101).map(|n| format!("x-{n}: 1\r\n")).collect();
    let few: String = (0..90).map(|n| format!("x-{n}: 1\r\n")).collect();
    let large = format!("x: {}\r\n", "y".repeat(100 << 10));
    for (rest, status) in [(&*few, "200"), (&*many, "431"), (&*large, "431")] {
        let answer = exchange(server.address, request(rest)).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{answer}");
    }
    let long =
        format!("GET /{} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n", "x".repeat(100 << 10));
    let answer = exchange(server.address, long).await;
    assert!(answer.starts_with("HTTP/1.1 414 ") || answer.starts_with("HTTP/1.1 431 "), "{answer}");
    serves(&server).await;
}

#[tokio::test]
async fn what_is_not_http_is_refused() {
    let peer = Peer::http(|_| Response::new(Body::Empty)).await;
    let server = Server::beside(&peer).await;
    server.has(&json!({"integration_id": "a", "type": "rest", "base_url": peer.url()})).await;
    let at = "/api/v1/integrations/a/proxy/";
    for request in [
        "\x16\x03\x01\x02\0\x01\0".to_owned(),
        "GET / HTTP/9.9\r\n\r\n".to_owned(),
        "get\r\n\r\n".to_owned(),
        format!("GET {at} HTTP/1.1\r\nhost: localhost\r\nx y: z\r\n\r\n"),
        format!("GET {at} HTTP/1.1\r\nhost: localhost\r\nx: a\0b\r\n\r\n"),
        format!("POST {at} HTTP/1.1\r\nhost: localhost\r\ncontent-length: -1\r\n\r\n"),
        format!("POST {at} HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab"),
        format!("POST {at} HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: gzip\r\n\r\n"),
        format!("POST {at} HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked, gzip\r\n\r\n"),
    ] {
        let answer = exchange(server.address, &request).await;
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "{request:?}: {answer}");
    }
    assert!(peer.received().is_empty(), "{:?}", peer.received());
}

#[tokio::test]
async fn a_request_with_two_lengths_is_never_two_requests() {
    let peer = Peer::http(|_| Response::new(Body::Empty)).await;
    let server = Server::beside(&peer).await;
    server.has(&json!({"integration_id": "a", "type": "rest", "base_url": peer.url()})).await;
    let smuggled = "GET /smuggled HTTP/1.1\r\nhost: x\r\n\r\n";
    let request = format!(
        "POST /api/v1/integrations/a/proxy/x HTTP/1.1\r\nhost: localhost\r\ncontent-length: {}\r\n\
         transfer-encoding: chunked\r\nconnection: close\r\n\r\n0\r\n\r\n{smuggled}",
        smuggled.len() + 5
    );
    exchange(server.address, request).await;
    assert!(!peer.received().iter().any(|request| request.uri.path().contains("smuggled")));
}

/// An HTTP/2 frame.
fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let mut frame = Vec::with_capacity(9 + payload.len());
    frame.put_uint(payload.len() as u64, 3);
    frame.put_slice(&[kind, flags]);
    frame.put_u32(stream);
    frame.put_slice(payload);
    frame
}

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// `GET http://localhost/` in HPACK: three entries of the static table and a literal.
const GET: &[u8] = b"\x82\x86\x84\x41\x09localhost";
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const CONTINUATION: u8 = 9;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

/// Sends frames for as long as the server takes them, and says whether it hung up.
async fn flood(server: &Server, mut next: impl FnMut(u32) -> Vec<u8>) -> bool {
    let (mut reader, mut writer) = connect(server.address).await.into_split();
    writer.write_all(PREFACE).await.unwrap();
    writer.write_all(&frame(SETTINGS, 0, 0, &[])).await.unwrap();
    let reading = tokio::spawn(async move {
        let mut all = Vec::new();
        let _ = reader.read_to_end(&mut all).await;
    });
    for n in 0..50_000 {
        if writer.write_all(&next(n)).await.is_err() || reading.is_finished() {
            return true;
        }
    }
    let _ = writer.shutdown().await;
    within("the server to hang up", reading).await.unwrap();
    false
}

#[tokio::test]
async fn streams_that_are_reset_as_fast_as_they_come_end_the_connection_and_nobody_elses() {
    let server = Server::begin().start().await;
    let reset = |n: u32| {
        let stream = n * 2 + 1;
        let mut both = frame(HEADERS, END_HEADERS | END_STREAM, stream, GET);
        both.extend(frame(RST_STREAM, 0, stream, &8_u32.to_be_bytes()));
        both
    };
    let others = async {
        for _ in 0..20 {
            serves(&server).await;
        }
    };
    let (hung_up, ()) = tokio::join!(flood(&server, reset), others);
    assert!(hung_up, "fifty thousand streams were taken and reset");
    serves(&server).await;
}

#[tokio::test]
async fn a_head_without_end_ends_the_connection() {
    let server = Server::begin().start().await;
    // `x: …` without indexing, again and again.
    let more = [b"\x00\x01x\x7f\x01".as_slice(), &[b'y'; 128]].concat();
    let go_on = |n: u32| match n {
        0 => frame(HEADERS, END_STREAM, 1, GET),
        _ => frame(CONTINUATION, 0, 1, &more),
    };
    assert!(flood(&server, go_on).await, "a head of megabytes was taken");
    serves(&server).await;
}

#[tokio::test]
async fn the_bodies_of_all_calls_together_take_no_more_memory_than_there_is_for_them() {
    let (release, held) = tokio::sync::watch::channel(false);
    let peer = Peer::live(move |request| {
        let mut held = held.clone();
        async move {
            let _ = request.into_body().collect().await;
            let _ = held.wait_for(|released| *released).await;
            Response::new(Body::from("ok"))
        }
    })
    .await;
    let server = Server::beside(&peer).await;
    server.has(&json!({"integration_id": "a", "type": "rest", "base_url": peer.url(), "timeout": 60})).await;
    let large = json!({"method": "POST", "data": "x".repeat(4_000_000)});
    let mut calls: FuturesUnordered<_> = (0..24).map(|_| server.call("a", &large)).collect();
    // 64 MiB have room for sixteen of them; these are answered while all others hang.
    for _ in 0..8 {
        let refused = calls.next().await.unwrap();
        assert!(!refused.header("retry-after").is_empty());
        refused.problem(503, "overloaded");
    }
    release.send_replace(true);
    while let Some(sent) = calls.next().await {
        sent.is(200);
    }
    server.call("a", &large).await.is(200);
}
