//! Answers to the handshake that are no agreement (RFC 6455 section 4.1).

use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use trunkline_core::{Kind, Outcome};
use trunkline_testkit::{Peer, shake_hands_with};

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

#[tokio::test]
async fn each_line_of_the_answer_counts() {
    for (lines, word) in [
        (
            "sec-websocket-extensions: permessage-deflate\r\nsec-websocket-extensions: x-other\r\n",
            "extension",
        ),
        ("sec-websocket-extensions: \r\nsec-websocket-extensions: x-other\r\n", "extension"),
        ("sec-websocket-extensions: permessage-deflate\r\nsec-websocket-extensions: \r\n", ""),
        ("sec-websocket-protocol: v1\r\nsec-websocket-protocol: v2\r\n", "subprotocol"),
        ("sec-websocket-protocol: v1\r\nconnection: keep-alive\r\n", ""),
    ] {
        let peer = Peer::raw(async move |mut stream: TcpStream| {
            shake_hands_with(&mut stream, lines).await.unwrap();
            // A close frame, to whoever agrees.
            let _ = stream.write_all(&[0x88, 0]).await;
            let _ = stream.read_to_end(&mut Vec::new()).await;
        })
        .await;
        let further = json!({ "compression": true, "subprotocols": ["v1", "v2"] });
        let client = Client::of(&format!("ws://{}", peer.address()), further);
        let error = client.fails(&json!({ "message": 1 })).await;
        let kind = if word.is_empty() { Kind::Unavailable } else { Kind::Protocol };
        assert_eq!(error.kind(), kind, "{lines}: {error}");
        assert!(error.message().contains(word), "{lines}: {error}");
    }
}
