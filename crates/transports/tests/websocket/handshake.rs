//! Answers to the handshake that are no agreement (RFC 6455 section 4.1).

use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use trunkline_core::{Kind, Outcome};
use trunkline_testkit::Peer;

use crate::common::Client;

/// A service that answers every handshake with this.
async fn answers(answer: &'static str) -> Peer {
    Peer::raw(async move |mut stream: TcpStream| {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            if stream.read_buf(&mut head).await.unwrap_or(0) == 0 {
                return;
            }
        }
        let _ = stream.write_all(answer.as_bytes()).await;
        let _ = stream.read_buf(&mut head).await;
    })
    .await
}

#[tokio::test]
async fn who_does_not_agree_as_the_protocol_has_it_is_not_spoken_to() {
    for (answer, kind, outcome, word) in [
        (
            "HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-accept: AAAA\r\n\r\n",
            Kind::Protocol,
            Outcome::NotSent,
            "sec-websocket-accept",
        ),
        (
            "HTTP/1.1 101 Switching Protocols\r\nupgrade: h2c\r\nconnection: upgrade\r\n\r\n",
            Kind::Protocol,
            Outcome::NotSent,
            "another protocol",
        ),
        ("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi", Kind::Protocol, Outcome::Rejected, "200"),
        (
            "HTTP/1.1 401 Unauthorized\r\ncontent-length: 2\r\n\r\nno",
            Kind::Unauthenticated,
            Outcome::Rejected,
            "",
        ),
        ("HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n", Kind::Forbidden, Outcome::Rejected, ""),
        (
            "HTTP/1.1 429 Too Many Requests\r\nretry-after: 7\r\ncontent-length: 0\r\n\r\n",
            Kind::RateLimited,
            Outcome::Rejected,
            "",
        ),
    ] {
        let peer = answers(answer).await;
        let client = Client::of(&format!("ws://{}", peer.address()), json!({}));
        let error = client.fails(&json!({ "message": 1 })).await;
        assert_eq!((error.kind(), error.outcome()), (kind, outcome), "{answer}: {error}");
        assert!(error.to_string().contains(word), "{answer}: {error}");
        assert_eq!(error.wait().is_some(), kind == Kind::RateLimited, "{error}");
        assert_eq!(peer.connections(), 1);
    }
}
