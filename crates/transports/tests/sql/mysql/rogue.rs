//! A server that means harm.

use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::mpsc,
};
use trunkline_core::{Kind, Outcome};
use trunkline_testkit::{MariaDb, Peer};

use super::Db;

async fn packet(stream: &mut TcpStream, sequence: u8, payload: &[u8]) {
    let length = u32::try_from(payload.len()).unwrap().to_le_bytes();
    let mut bytes = vec![length[0], length[1], length[2], sequence];
    bytes.extend_from_slice(payload);
    stream.write_all(&bytes).await.unwrap();
}

async fn read(stream: &mut TcpStream) -> Option<Vec<u8>> {
    let mut head = [0; 4];
    stream.read_exact(&mut head).await.ok()?;
    let mut payload = vec![0; u32::from_le_bytes([head[0], head[1], head[2], 0]) as usize];
    stream.read_exact(&mut payload).await.ok()?;
    Some(payload)
}

/// The head of a handshake of protocol 10 with `mysql_native_password`, without TLS.
fn handshake() -> Vec<u8> {
    let capabilities: u32 =
        0x0000_0001 | 0x0000_0008 | 0x0000_0200 | 0x0000_8000 | 0x0008_0000 | 0x0000_0080 | 0x0001_0000;
    let mut greeting = vec![10];
    greeting.extend_from_slice(b"8.0.36\0\x01\0\0\0abcdefgh\0");
    greeting.extend_from_slice(&capabilities.to_le_bytes()[..2]);
    greeting.extend_from_slice(&[45, 2, 0]);
    greeting.extend_from_slice(&capabilities.to_le_bytes()[2..]);
    greeting.push(21);
    greeting.extend_from_slice(&[0; 10]);
    greeting.extend_from_slice(b"ijklmnopqrst\0mysql_native_password\0");
    greeting
}

const OK: &[u8] = &[0, 0, 0, 2, 0, 0, 0];
const EOF: &[u8] = &[0xfe, 0, 0, 2, 0];

fn column(name: &str, r#type: u8) -> Vec<u8> {
    let mut bytes = Vec::new();
    for text in ["def", "", "", "", name, ""] {
        bytes.push(u8::try_from(text.len()).unwrap());
        bytes.extend_from_slice(text.as_bytes());
    }
    bytes.extend_from_slice(&[12, 45, 0, 0, 1, 0, 0, r#type, 0, 0, 0, 0, 0]);
    bytes
}

/// Lets a client log in and set its session up.
async fn begin(stream: &mut TcpStream) {
    packet(stream, 0, &handshake()).await;
    read(stream).await.unwrap();
    packet(stream, 2, OK).await;
    let question = read(stream).await.unwrap();
    assert!(String::from_utf8_lossy(&question).contains("CONNECTION_ID"));
    packet(stream, 1, &[3]).await;
    for (n, name) in ["id", "server", "mode"].into_iter().enumerate() {
        packet(stream, u8::try_from(n).unwrap() + 2, &column(name, 253)).await;
    }
    packet(stream, 5, EOF).await;
    packet(stream, 6, b"\x011\x01a\x00").await;
    packet(stream, 7, EOF).await;
    let set_up = read(stream).await.unwrap();
    assert!(String::from_utf8_lossy(&set_up).contains("SET NAMES utf8mb4"));
    packet(stream, 1, OK).await;
}

/// What a statement becomes where the server answers it in this way, and what it got in return.
async fn against(answers: &'static [&'static [&'static [u8]]]) -> (trunkline_core::Error, Vec<u8>) {
    let (heard, mut hears) = mpsc::channel(1);
    let peer = Peer::raw(move |mut stream| {
        let heard = heard.clone();
        async move {
            begin(&mut stream).await;
            for answer in answers {
                if read(&mut stream).await.is_none() {
                    break;
                }
                for (n, payload) in answer.iter().enumerate() {
                    packet(&mut stream, u8::try_from(n).unwrap() + 1, payload).await;
                }
            }
            let mut rest = Vec::new();
            let _ = stream.read_to_end(&mut rest).await;
            let _ = heard.try_send(rest);
        }
    })
    .await;
    let db = Db::new(&format!("mysql://a:b@{}/d", peer.address()), json!({}));
    let error = db.fails("select 1 from t").await;
    drop(db);
    (error, hears.recv().await.unwrap())
}

/// What a server says when a statement without parameters that yields one column was prepared.
const PREPARED: &[&[u8]] = &[&[0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]];

#[tokio::test]
async fn a_server_that_asks_for_a_file_gets_none() {
    let (error, rest) = against(&[PREPARED, &[b"\xfb/etc/passwd"]]).await;
    assert_eq!((error.kind(), error.outcome()), (Kind::Protocol, Outcome::Rejected), "{error}");
    assert!(error.message().contains("a file of this machine"), "{error}");
    assert!(!rest.windows(5).any(|bytes| bytes == b"root:"), "{rest:?}");
    // The same where it asks instead of preparing.
    let (error, rest) = against(&[&[b"\xfb/etc/passwd"]]).await;
    assert_eq!(error.kind(), Kind::Protocol, "{error}");
    assert!(!rest.windows(5).any(|bytes| bytes == b"root:"), "{rest:?}");
}

#[tokio::test]
async fn a_server_that_breaks_the_protocol_breaks_nothing_else() {
    const ANSWERS: &[&[&[&[u8]]]] = &[
        &[PREPARED, &[b"\x01", b"nonsense"]],
        &[PREPARED, &[b""]],
        &[&[b""]],
        &[&[b"\x00"]],
        &[PREPARED, &[b"\xff"]],
    ];
    for answers in ANSWERS {
        let (error, _) = against(answers).await;
        assert!(matches!(error.kind(), Kind::Protocol | Kind::Unavailable), "{error}");
        assert_ne!(error.outcome(), Outcome::Unknown, "it reads");
    }
}

#[tokio::test]
async fn no_statement_sends_a_file_of_this_machine() {
    let Some(server) = MariaDb::start().await else { return };
    server.sql("create table t (a text)");
    let db = Db::of(&server);
    for (sql, kind) in [
        ("load data local infile '/etc/passwd' into table t", Kind::Unsupported),
        ("load data /* */ local/**/infile '/etc/passwd' into table t", Kind::Protocol),
    ] {
        let error = db.fails(sql).await;
        assert_eq!(error.kind(), kind, "{error}");
        assert_eq!(db.rows("select count(*) from t").await, json!([[0]]));
    }
}
