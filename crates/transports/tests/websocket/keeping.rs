//! How connections are made, how many there are, and for how long they are kept.

use std::sync::{Arc, Mutex};

use futures_util::{StreamExt, future::join_all, stream::FuturesUnordered};
use serde_json::{Value, json};
use tokio::{
    io::AsyncWriteExt,
    net::TcpStream,
    sync::{Barrier, mpsc},
};
use trunkline_core::{Kind, Outcome, Transport};
use trunkline_testkit::{Feed, Peer, agree, head_of, shake_hands};

use crate::{common::Client, frames::frame};

const TEXT: u8 = 0x81;
const CLOSE: u8 = 8;

fn client_of(peer: &Peer, further: Value) -> Client {
    Client::of(&format!("ws://{}", peer.address()), further)
}

/// A short text as a frame of a service.
fn text(payload: &[u8]) -> Vec<u8> {
    [&[TEXT, payload.len() as u8], payload].concat()
}

#[tokio::test]
async fn headers_and_the_credential_are_in_the_handshake() {
    let feed = Feed::start().await;
    let headers = json!({ "headers": { "X-Tenant": "acme", "User-Agent": "ours/1" } });
    let client = Client::of(&feed.url(), headers).with_tokens(&["good"]);
    let _reader = client.listen(&json!({})).await.unwrap();
    let head = feed.heads()[0].to_lowercase();
    for line in ["x-tenant: acme\r\n", "user-agent: ours/1\r\n", "authorization: bearer good\r\n"] {
        assert_eq!(head.matches(line).count(), 1, "{line}: {head}");
    }
}

#[tokio::test]
async fn a_connection_that_nobody_uses_is_closed_and_the_next_call_makes_another() {
    let (closed, mut closes) = mpsc::unbounded_channel();
    let peer = Peer::raw(move |mut stream: TcpStream| {
        let closed = closed.clone();
        async move {
            shake_hands(&mut stream, None).await.unwrap();
            let (mut read, mut write) = stream.split();
            while let Some((opcode, payload)) = frame(&mut read).await {
                if opcode == CLOSE {
                    let _ = closed.send(payload);
                    return;
                }
                write.write_all(&text(&payload)).await.unwrap();
            }
        }
    })
    .await;
    let client = client_of(&peer, json!({ "idle": "200ms" }));
    for n in 1..4 {
        assert_eq!(client.call(&json!({ "message": n })).await.unwrap(), n);
        assert_eq!(closes.recv().await.unwrap(), 1000_u16.to_be_bytes());
        assert_eq!(client.transport.occupancy().unwrap().opened, n);
    }
}

#[tokio::test]
async fn requests_have_as_many_connections_as_they_may_and_each_has_one() {
    // Nobody is answered before so many wait.
    let together = Arc::new(Barrier::new(3));
    let peer = Peer::raw(move |mut stream: TcpStream| {
        let together = together.clone();
        async move {
            shake_hands(&mut stream, None).await.unwrap();
            let (mut read, mut write) = stream.split();
            while let Some((_, payload)) = frame(&mut read).await {
                together.wait().await;
                write.write_all(&text(&payload)).await.unwrap();
            }
        }
    })
    .await;
    let client = client_of(&peer, json!({ "connections": 3 }));
    let asks: Vec<_> = (0..30).map(|n| json!({ "message": n })).collect();
    let replies = join_all(asks.iter().map(|ask| client.call(ask))).await;
    for (ask, reply) in asks.iter().zip(replies) {
        assert_eq!(reply.unwrap(), ask["message"]);
    }
    let occupancy = client.transport.occupancy().unwrap();
    assert_eq!((occupancy.opened, peer.connections()), (3, 3));
}

#[tokio::test]
async fn what_waits_for_a_service_that_reads_nothing_is_bounded() {
    let peer = Peer::raw(async move |mut stream: TcpStream| {
        shake_hands(&mut stream, None).await.unwrap();
        std::future::pending::<()>().await;
    })
    .await;
    let client = client_of(&peer, json!({}));
    let message = json!({ "text": "x".repeat(1 << 20), "wait_response": false });
    let mut calls: FuturesUnordered<_> = (0..64).map(|_| client.call(&message)).collect();
    let error = loop {
        // Those that the system has taken are sent.
        match calls.next().await.expect("64 MiB are more than anybody keeps") {
            Ok(_) => {}
            Err(error) => break error,
        }
    };
    assert_eq!((error.kind(), error.outcome()), (Kind::Throttled, Outcome::NotSent), "{error}");
    assert!(calls.len() > 1, "the others wait");
}

#[tokio::test]
async fn who_reconnects_shows_the_token_that_is_good_then() {
    let feed = Feed::start().await;
    let client = Client::of(&feed.url(), json!({})).with_tokens(&["first", "second", "third"]);
    let mut reader = client.listen(&json!({})).await.unwrap();
    for token in ["second", "third"] {
        client.next_token();
        feed.hang_up();
        assert_eq!(reader.next().await.unwrap().0, "reconnected");
        let heads = feed.heads();
        let last = heads.last().unwrap();
        assert!(last.contains(&format!("authorization: Bearer {token}\r\n")), "{last}");
    }
}

#[tokio::test]
async fn a_token_that_is_refused_while_somebody_listens_is_replaced() {
    let close = [&[0x88, 2], &4401_u16.to_be_bytes()[..]].concat();
    let refusal = b"HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\n\r\n";
    // The first is good for a single connection, which does not last. Another time it is refused in the handshake, or later.
    for (refused, shown) in [(Some(refusal), vec!["old", "old", "new"]), (None, vec!["old", "new"])] {
        let tokens = Arc::new(Mutex::new(Vec::<String>::new()));
        let (seen, close) = (tokens.clone(), close.clone());
        let peer = Peer::raw(move |mut stream: TcpStream| {
            let (seen, close) = (seen.clone(), close.clone());
            async move {
                let head = head_of(&mut stream).await.unwrap();
                let token = head.lines().find_map(|line| line.strip_prefix("authorization: Bearer "));
                let token = token.unwrap().to_owned();
                let first = seen.lock().unwrap().is_empty();
                seen.lock().unwrap().push(token.clone());
                if let Some(refusal) = refused.filter(|_| token == "old" && !first) {
                    return stream.write_all(refusal).await.unwrap();
                }
                agree(&mut stream, &head, "").await.unwrap();
                stream.write_all(&text(b"hi")).await.unwrap();
                match (first, refused) {
                    (true, Some(_)) => {}
                    (true, None) => stream.write_all(&close).await.unwrap(),
                    (false, _) => std::future::pending().await,
                }
            }
        })
        .await;
        let client = client_of(&peer, json!({})).with_tokens(&["old", "new"]);
        let mut reader = client.listen(&json!({})).await.unwrap();
        assert_eq!(reader.message().await, "hi");
        assert_eq!(reader.next().await.unwrap().0, "reconnected");
        assert_eq!(reader.message().await, "hi");
        assert_eq!(*tokens.lock().unwrap(), shown);
    }
}

#[tokio::test]
async fn what_nobody_asked_for_is_not_taken_for_the_next_reply() {
    // Says something after each reply, as a service does that nobody said so of.
    let (gave_up, mut given_up) = mpsc::unbounded_channel();
    let peer = Peer::raw(move |mut stream: TcpStream| {
        let gave_up = gave_up.clone();
        async move {
            shake_hands(&mut stream, None).await.unwrap();
            let (mut read, mut write) = stream.split();
            while let Some((opcode, payload)) = frame(&mut read).await {
                if opcode == CLOSE {
                    let _ = gave_up.send(());
                    return;
                }
                write.write_all(&text(&payload)).await.unwrap();
                // It comes when the reply has been taken.
                tokio::task::yield_now().await;
                write.write_all(&text(b"\"push\"")).await.unwrap();
            }
        }
    })
    .await;
    let client = client_of(&peer, json!({}));
    for n in 0..3 {
        assert_eq!(client.call(&json!({ "message": n })).await.unwrap(), n);
        given_up.recv().await.unwrap();
    }
    // Where it is said what replies have, what has not is for those who listen.
    let client = client_of(&peer, json!({ "replies_have": { "/n": [1, 2] } }));
    for n in 1..3 {
        assert_eq!(client.call(&json!({ "message": { "n": n } })).await.unwrap(), json!({ "n": n }));
    }
    assert_eq!(client.transport.occupancy().unwrap().opened, 1);
}
