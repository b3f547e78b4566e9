//! `websocket`, and the little of RFC 6455 that its service has to speak.

use std::io::{self, ErrorKind};

use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use trunkline_core::{Kind, Outcome};
use trunkline_testkit::{
    conformance::{Capability, Subject, check},
    shake_hands,
};
use trunkline_transports::WebSocket;

/// Replies are told apart by an id, so that calls share a connection.
struct ById;

/// One request at a time is under way on a connection.
struct InOrder;

/// What the two have in common.
macro_rules! frames {
    () => {
        type Transport = WebSocket;
        type Session = ();

        fn config(&self, authority: &str) -> Value {
            self.keys(&format!("ws://{authority}/socket"))
        }

        fn bad_configs(&self) -> Vec<(Value, &'static str)> {
            bad_configs()
        }

        fn read(&self, mark: &str) -> Value {
            json!({"message": {"op": "get", "mark": mark}})
        }

        fn write(&self, mark: &str) -> Value {
            json!({"message": {"op": "set", "mark": mark}, "wait_response": true})
        }

        fn bad_requests(&self) -> Vec<(Value, &'static str)> {
            vec![
                (json!({}), "message"),
                (json!({"message": 1, "text": "x"}), "message"),
                (json!({"base64": "%"}), "base64"),
                (json!({"message": 1, "timeout": 0}), "timeout"),
                (json!({"message": 1, "wait_respnse": true}), "wait_respnse"),
            ]
        }

        async fn greet(&self, stream: &mut TcpStream, (): &mut ()) -> io::Result<()> {
            shake_hands(stream, None).await.map(drop)
        }

        async fn take(&self, stream: &mut TcpStream, (): &mut ()) -> io::Result<Option<Vec<u8>>> {
            take(stream).await
        }

        fn answer(&self, request: &[u8]) -> Vec<u8> {
            let mut request: Value = serde_json::from_slice(request).unwrap();
            request["op"] = "done".into();
            frame(0x1, request.to_string().as_bytes())
        }

        fn refusal(&self, request: &[u8]) -> Vec<u8> {
            let mut request: Value = serde_json::from_slice(request).unwrap();
            request["error"] = "there is none".into();
            frame(0x1, request.to_string().as_bytes())
        }

        fn refused_as(&self) -> (Kind, Outcome) {
            (Kind::Rejected, Outcome::Rejected)
        }
    };
}

impl ById {
    fn keys(&self, url: &str) -> Value {
        json!({"base_url": url, "correlation": {"request": "/id"}, "failed_when": "/error"})
    }
}

impl InOrder {
    fn keys(&self, url: &str) -> Value {
        json!({"base_url": url, "failed_when": "/error", "connections": 2})
    }
}

impl Subject for ById {
    const LACKS: &'static [Capability] = &[Capability::OwnConnections];
    frames!();
}

impl Subject for InOrder {
    frames!();
}

fn bad_configs() -> Vec<(Value, &'static str)> {
    let url = "ws://h";
    vec![
        (json!({}), "base_url"),
        (json!({"base_url": "ftp://h"}), "base_url"),
        (json!({"base_url": "ws://"}), "base_url"),
        (json!({"base_url": url, "subprotocols": ["a b"]}), "subprotocols"),
        (json!({"base_url": url, "headers": {"a b": "c"}}), "headers"),
        (json!({"base_url": url, "connections": 0}), "connections"),
        (json!({"base_url": url, "correlation": {"request": "id"}}), "correlation.request"),
        (json!({"base_url": url, "correlation": "whichever"}), "correlation"),
        (json!({"base_url": url, "on_open": [{"op": "login"}]}), "replies_have"),
        (json!({"base_url": url, "buffer": {"messages": 0}}), "buffer.messages"),
        (json!({"base_url": url, "close_codes": {"1": "failed"}}), "close_codes.1"),
        (
            json!({"base_url": url, "replies_have": {}, "streams": {"a": {"match": {"x": 1}}}}),
            "streams.a.match",
        ),
        (json!({"base_url": url, "bas_url": url}), "bas_url"),
    ]
}

/// The next message. A ping is answered with a pong, a farewell with a farewell.
async fn take(stream: &mut TcpStream) -> io::Result<Option<Vec<u8>>> {
    loop {
        let Some((opcode, payload)) = client_frame(stream).await? else { return Ok(None) };
        match opcode {
            0x8 => {
                stream.write_all(&frame(0x8, &payload)).await?;
                return Ok(None);
            }
            0x9 => stream.write_all(&frame(0xA, &payload)).await?,
            0xA => {}
            _ => return Ok(Some(payload)),
        }
    }
}

/// A frame of the client, unmasked (RFC 6455 section 5.2); nothing where it has hung up between two.
async fn client_frame(stream: &mut TcpStream) -> io::Result<Option<(u8, Vec<u8>)>> {
    let first = match stream.read_u8().await {
        Ok(first) => first,
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(None),
        Err(error) => return Err(error),
    };
    let second = stream.read_u8().await?;
    assert_eq!(second & 0x80, 0x80, "a client masks its frames");
    let length = match second & 0x7F {
        126 => usize::from(stream.read_u16().await?),
        length => usize::from(length),
    };
    let mut mask = [0; 4];
    stream.read_exact(&mut mask).await?;
    let mut payload = vec![0; length];
    stream.read_exact(&mut payload).await?;
    payload.iter_mut().zip(mask.iter().cycle()).for_each(|(byte, mask)| *byte ^= mask);
    Ok(Some((first & 0x0F, payload)))
}

/// A frame of the server, which is not masked.
fn frame(opcode: u8, payload: &[u8]) -> Vec<u8> {
    let length = u8::try_from(payload.len()).ok().filter(|length| *length < 126);
    [&[0x80 | opcode, length.expect("a short message")], payload].concat()
}

#[tokio::test]
async fn websocket_with_ids_keeps_what_transports_promise() {
    check(ById).await;
}

#[tokio::test]
async fn websocket_with_one_request_at_a_time_keeps_it_too() {
    check(InOrder).await;
}
