//! Services that break the protocol, or try what a client can take: each is closed with the code that says why
//! (RFC 6455 section 7.4.1), and little memory is spent on it.

use std::io;

use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpStream, tcp::OwnedWriteHalf},
    sync::mpsc,
};
use trunkline_core::{Kind, Outcome};
use trunkline_testkit::{Peer, shake_hands, shake_hands_with};

use crate::common::Client;

/// A frame of control of 126 bytes.
const LONG_PONG: [u8; 130] = {
    let mut frame = [0; 130];
    (frame[0], frame[1], frame[3]) = (0x8A, 0x7E, 126);
    frame
};

/// A service that does this when the first frame has come, and then tells the code that it is closed with.
async fn service<F, R>(does: F) -> (Peer, mpsc::UnboundedReceiver<u16>)
where
    F: Fn(OwnedWriteHalf) -> R + Clone + Send + Sync + 'static,
    R: Future<Output = io::Result<OwnedWriteHalf>> + Send + 'static,
{
    let (tell, codes) = mpsc::unbounded_channel();
    let peer = Peer::raw(move |mut stream: TcpStream| {
        let (does, tell) = (does.clone(), tell.clone());
        async move {
            shake_hands(&mut stream, None).await.unwrap();
            let (mut read, write) = stream.into_split();
            frame(&mut read).await.unwrap();
            // The client may have seen enough, and hung up.
            let _write = does(write).await;
            while let Some((opcode, payload)) = frame(&mut read).await {
                if opcode == 0x8 {
                    let _ = tell.send(u16::from_be_bytes([payload[0], payload[1]]));
                }
            }
        }
    })
    .await;
    (peer, codes)
}

/// A short frame of the client, unmasked.
pub(crate) async fn frame(read: &mut (impl AsyncReadExt + Unpin)) -> Option<(u8, Vec<u8>)> {
    let mut head = [0; 6];
    read.read_exact(&mut head).await.ok()?;
    let mut payload = vec![0; usize::from(head[1] & 0x7F)];
    read.read_exact(&mut payload).await.ok()?;
    payload.iter_mut().zip(head[2..].iter().cycle()).for_each(|(byte, mask)| *byte ^= mask);
    Some((head[0] & 0x0F, payload))
}

fn client(peer: &Peer, further: serde_json::Value) -> Client {
    Client::of(&format!("ws://{}", peer.address()), further)
}

/// The most memory that this process ever had, in MiB.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() >> 10
}

#[tokio::test]
async fn each_fault_is_closed_with_the_code_that_says_why() {
    const FAULTS: &[(&str, &[u8], u16)] = &[
        ("a frame of 2 GiB", &[0x82, 0x7F, 0, 0, 0, 0, 0x80, 0, 0, 0], 1009),
        ("a frame of 2^63 bytes and more", &[0x82, 0x7F, 0x80, 0, 0, 0, 0, 0, 0, 0], 1009),
        ("text that is no UTF-8", &[0x81, 2, 0xC3, 0x28], 1007),
        ("a reserved bit", &[0xA1, 1, b'x'], 1002),
        ("compression that nobody agreed to", &[0xC1, 1, b'x'], 1002),
        ("a reserved opcode", &[0x83, 1, b'x'], 1003),
        ("a reserved opcode of control", &[0x8B, 1, b'x'], 1003),
        ("a ping in fragments", &[0x09, 1, b'x'], 1002),
        ("a ping that is too long", &[0x89, 0x7E, 0, 200], 1002),
        ("a fragment of nothing", &[0x80, 1, b'x'], 1002),
        ("a message within another", &[0x01, 1, b'x', 0x81, 1, b'y'], 1002),
        ("a pong that is too long", &LONG_PONG, 1002),
        // The library's own word for whatever breaks below it.
        ("a masked frame", &[0x81, 0x81, 1, 2, 3, 4, b'x' ^ 1], 1011),
        ("a masked frame behind another", &[0x8A, 0, 0x81, 0x80, 1, 2, 3, 4], 1011),
    ];
    for (what, bytes, code) in FAULTS {
        let says = async move |mut write: OwnedWriteHalf| write.write_all(bytes).await.map(|()| write);
        let (peer, mut codes) = service(says).await;
        let error = client(&peer, json!({})).fails(&json!({ "message": 1 })).await;
        assert_eq!((error.kind(), error.outcome()), (Kind::Protocol, Outcome::Unknown), "{what}: {error}");
        assert_eq!(codes.recv().await, Some(*code), "{what}");
    }
}

#[tokio::test]
async fn a_million_fragments_take_no_more_memory_than_what_is_in_them() {
    let before = peak();
    // Of one byte each, and so just what a message may have; and of none at all.
    let (peer, _) = service(async |mut write: OwnedWriteHalf| {
        write.write_all(&[0x01, 1, b'x']).await?;
        let ones = [0x00, 1, b'x'].repeat(1000);
        for _ in 0..999 {
            write.write_all(&ones).await?;
        }
        write.write_all(&[0x80, 1, b'x']).await.map(|()| write)
    })
    .await;
    let reply = client(&peer, json!({})).call(&json!({ "message": 1 })).await.unwrap();
    assert_eq!(reply.as_str().unwrap().len(), 999_002);
    let (peer, _) = service(async |mut write: OwnedWriteHalf| {
        write.write_all(&[0x01, 1, b'x']).await?;
        let none = [0x00, 0].repeat(1000);
        for _ in 0..1000 {
            write.write_all(&none).await?;
        }
        write.write_all(&[0x80, 0]).await.map(|()| write)
    })
    .await;
    // Whether it is taken or not: it is over, and it was cheap.
    let _ = client(&peer, json!({})).call(&json!({ "message": 1 })).await;
    let after = peak();
    assert!(after < before + 64, "{before} MiB, then {after}");
}

#[tokio::test]
async fn a_message_that_unpacks_to_a_gigabyte_is_not_unpacked() {
    let before = peak();
    let peer = Peer::raw(async |mut stream: TcpStream| {
        let agreed = "sec-websocket-extensions: permessage-deflate\r\n";
        let head = shake_hands_with(&mut stream, agreed).await.unwrap();
        assert!(head.contains("sec-websocket-extensions: permessage-deflate"), "{head}");
        frame(&mut stream).await.unwrap();
        // 1,024 times a block that stands for a mebibyte of zeros: a fixed code (RFC 1951 section 3.2.6) of one zero and
        // matches of 258 bytes at distance 1.
        let block = zeros();
        let payload = block.repeat(1024);
        let mut message = vec![0xC2, 0x7F];
        message.extend_from_slice(&(payload.len() as u64).to_be_bytes());
        let _ = stream.write_all(&message).await;
        let _ = stream.write_all(&payload).await;
        let _ = stream.read_to_end(&mut Vec::new()).await;
    })
    .await;
    let client = client(&peer, json!({ "compression": true, "max_message": 8 << 20 }));
    let error = client.fails(&json!({ "message": 1 })).await;
    assert_eq!(error.kind(), Kind::Protocol, "{error}");
    let after = peak();
    assert!(after < before + 64, "{before} MiB, then {after}");
}

/// A deflate block of about a mebibyte of zeros, which ends on a byte.
fn zeros() -> Vec<u8> {
    let mut bits = Vec::new();
    // Not the last block, of the fixed code.
    bits.extend([false, true, false]);
    // The literal 0.
    code(&mut bits, 0b0011_0000, 8);
    for _ in 0..(1 << 20) / 258 {
        // Length 258, distance 1.
        code(&mut bits, 0b1100_0101, 8);
        code(&mut bits, 0, 5);
    }
    // The end; then an empty block that is stored, which begins at a byte.
    code(&mut bits, 0, 7);
    bits.extend([false, false, false]);
    while bits.len() % 8 != 0 {
        bits.push(false);
    }
    let mut bytes: Vec<u8> = bits
        .chunks(8)
        .map(|byte| byte.iter().rev().fold(0, |byte, bit| byte << 1 | u8::from(*bit)))
        .collect();
    bytes.extend([0, 0, 0xFF, 0xFF]);
    bytes
}

/// Huffman codes stand in a stream with their first bit first.
fn code(bits: &mut Vec<bool>, code: u32, length: u32) {
    bits.extend((0..length).rev().map(|bit| code >> bit & 1 == 1));
}

#[tokio::test]
async fn a_service_that_is_there_and_says_nothing_is_given_up() {
    let (peer, _) = service(async |_write: OwnedWriteHalf| std::future::pending().await).await;
    let client = client(&peer, json!({ "ping": "100ms" }));
    let error = client.fails(&json!({ "message": 1 })).await;
    assert_eq!((error.kind(), error.outcome()), (Kind::Unavailable, Outcome::Unknown), "{error}");
    assert!(error.message().contains("silent"), "{error}");
}

#[tokio::test]
async fn a_service_that_closes_is_answered_in_kind() {
    let (peer, mut codes) = service(async |mut write: OwnedWriteHalf| {
        write.write_all(&[0x88, 2, 0x03, 0xF4]).await.map(|()| write)
    })
    .await;
    let error = client(&peer, json!({})).fails(&json!({ "message": 1 })).await;
    assert_eq!((error.kind(), error.outcome()), (Kind::Unavailable, Outcome::Unknown), "{error}");
    assert_eq!(codes.recv().await, Some(1012));
}

#[tokio::test]
async fn a_service_that_pings_and_does_not_read_takes_no_memory() {
    let before = peak();
    let (peer, _) = service(async |mut write: OwnedWriteHalf| {
        let pings = [&[0x89, 125][..], &[b'x'; 125]].concat().repeat(1000);
        for _ in 0..2000 {
            write.write_all(&pings).await?;
        }
        std::future::pending().await
    })
    .await;
    let error = client(&peer, json!({ "ping": "500ms" })).fails(&json!({ "message": 1 })).await;
    assert_eq!((error.kind(), error.outcome()), (Kind::Unavailable, Outcome::Unknown), "{error}");
    let after = peak();
    assert!(after < before + 64, "{before} MiB, then {after}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_that_never_pauses_keeps_nobody_from_speaking() {
    let (said, mut hears) = mpsc::unbounded_channel();
    let peer = Peer::raw(move |mut stream: TcpStream| {
        let said = said.clone();
        async move {
            shake_hands(&mut stream, None).await.unwrap();
            let (mut read, mut write) = stream.into_split();
            let _ = frame(&mut read).await;
            let messages = [0x81, 1, b'x'].repeat(20_000);
            let flood = async { while write.write_all(&messages).await.is_ok() {} };
            tokio::select! {
                () = flood => {}
                heard = frame(&mut read) => drop(said.send(heard)),
            }
        }
    })
    .await;
    let client = client(&peer, json!({ "subscribe": [1], "correlation": { "request": "/id" } }));
    let mut reader = client.listen(&json!({})).await.unwrap();
    reader.next().await.unwrap();
    client.call(&json!({ "message": 2, "wait_response": false })).await.unwrap();
    assert_eq!(hears.recv().await.unwrap(), Some((1, b"2".to_vec())));
}

#[tokio::test]
async fn a_service_quotes_what_it_was_shown_whatever_commands_bring_later() {
    let peer = Peer::raw(async |mut stream: TcpStream| {
        shake_hands(&mut stream, None).await.unwrap();
        let (_, key) = frame(&mut stream).await.unwrap();
        let _ = frame(&mut stream).await;
        let mut goodbye = vec![0x88, key.len() as u8 + 2, 0x0F, 0xA2];
        goodbye.extend_from_slice(&key);
        let _ = stream.write_all(&goodbye).await;
        let _ = frame(&mut stream).await;
    })
    .await;
    let further =
        json!({ "on_open": ["{{credential}}"], "replies_have": {}, "close_codes": { "4002": "forbidden" } });
    let client = client(&peer, further).with_tokens(&["hunter2-0123456789", "another-0123456789"]);
    let mut reader = client.listen(&json!({})).await.unwrap();
    client.next_token();
    let error = client.fails(&json!({ "message": 1 })).await.to_string();
    assert!(error.contains("4002") && !error.contains("hunter2"), "{error}");
    let (name, data) = reader.next().await.unwrap();
    assert!(name == "error" && data.contains("4002") && !data.contains("hunter2"), "{data}");
}
