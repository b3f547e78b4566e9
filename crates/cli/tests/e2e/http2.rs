//! HTTP/2 as an attacker speaks it: such a connection is ended, and others do not notice.
#![allow(clippy::print_stderr, reason = "figures that depend on the machine are shown, not asserted")]

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU64, Ordering},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::{Duration, Instant},
};

use crate::harness::{Server, connect, within};

// Frames of RFC 9113 section 6.
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const GOAWAY: u8 = 7;
const CONTINUATION: u8 = 9;

const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

/// `GET /healthz` of `localhost` (RFC 7541): indexed method and scheme, literal path and authority.
const REQUEST: &[u8] = b"\x82\x86\x04\x08/healthz\x01\x09localhost";

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

fn preface() -> Vec<u8> {
    [b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", &*frame(SETTINGS, 0, 0, b"")].concat()
}

/// Requests that are taken back as soon as they are made (CVE-2023-44487).
fn rapid_resets(connection: u32) -> Vec<u8> {
    let begin = connection * 2_000;
    let streams = (begin..begin + 1_000).map(|n| 2 * n + 1);
    let taken_back = |stream| {
        let request = frame(HEADERS, END_STREAM | END_HEADERS, stream, REQUEST);
        [request, frame(RST_STREAM, 0, stream, &8_u32.to_be_bytes())].concat()
    };
    streams.flat_map(taken_back).collect()
}

/// A head that never ends (CVE-2024-27316 and its kin).
fn continuations(connection: u32) -> Vec<u8> {
    let never = frame(CONTINUATION, 0, 1, b"\x00\x01a\x01b");
    if connection == 0 {
        [frame(HEADERS, END_STREAM, 1, REQUEST), never.repeat(500)].concat()
    } else {
        never.repeat(500)
    }
}

/// Floods one connection until the server ends it, and says whether it said GOAWAY and how much it took.
async fn flood(server: &Server, part: fn(u32) -> Vec<u8>) -> (bool, usize) {
    let (mut read, mut write) = connect(server.address).await.into_split();
    let writing = tokio::spawn(async move {
        let mut sent = 0;
        let mut part = (0..100_000).map(part);
        let mut next = Some(preface());
        while let Some(bytes) = next {
            if write.write_all(&bytes).await.is_err() {
                break;
            }
            sent += bytes.len();
            next = part.next();
        }
        sent
    });
    let mut answer = Vec::new();
    // It may be reset while we still write.
    let _ = within("the end of the connection", read.read_to_end(&mut answer)).await;
    let sent = within("the end of the flood", writing).await.unwrap();
    let mut rest = &answer[..];
    let mut goaway = false;
    while let [a, b, c, kind, _, _, _, _, _, ..] = rest {
        let length = u32::from_be_bytes([0, *a, *b, *c]) as usize;
        goaway |= *kind == GOAWAY;
        rest = rest.get(9 + length..).unwrap_or_default();
    }
    (goaway, sent)
}

/// How long others wait, at the most, in a hundred requests.
async fn slowest(server: &Server) -> Duration {
    let mut slowest = Duration::ZERO;
    for _ in 0..100 {
        let began = Instant::now();
        server.get("/api/v1/integrations/list").await.is(200);
        slowest = slowest.max(began.elapsed());
    }
    slowest
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn floods_over_http2_end_their_connection_and_others_are_served() {
    for (name, part) in
        [("rapid resets", rapid_resets as fn(u32) -> Vec<u8>), ("continuations", continuations)]
    {
        let server = Arc::new(Server::begin().start().await);
        let alone = slowest(&server).await;
        let (stop, floods) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let attackers: Vec<_> = (0..4)
            .map(|_| {
                let (server, stop, floods) = (server.clone(), stop.clone(), floods.clone());
                tokio::spawn(async move {
                    while !stop.load(Ordering::Relaxed) {
                        let (goaway, sent) = flood(&server, part).await;
                        floods.fetch_add(1, Ordering::Relaxed);
                        // Where the socket is reset with much unread, its last words can be lost.
                        assert!(goaway || sent < 64 << 20, "{name}: {sent} bytes were taken");
                    }
                })
            })
            .collect();
        let beside = slowest(&server).await;
        stop.store(true, Ordering::Relaxed);
        for attacker in attackers {
            attacker.await.unwrap();
        }
        let (goaway, sent) = flood(&server, part).await;
        eprintln!(
            "{name}: {} connections ended, the last after {sent} bytes (GOAWAY seen: {goaway}); others waited \
             {beside:?} at most, {:.1} times as long as without",
            floods.load(Ordering::Relaxed),
            beside.as_secs_f64() / alone.as_secs_f64()
        );
        server.get("/readyz").await.is(200);
    }
}
