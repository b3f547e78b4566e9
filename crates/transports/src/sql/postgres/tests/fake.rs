//! A server that follows a script, so that it can do what no server does.

use std::{
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use trunkline_testkit::Peer;

/// One connection of it.
pub(super) struct Fake {
    stream: TcpStream,
    /// Which connection it is, from 0.
    pub(super) number: usize,
}

/// Serves each connection with `script`.
pub(super) async fn serve<F, R>(script: F) -> Peer
where
    F: Fn(Fake) -> R + Send + Sync + 'static,
    R: Future<Output = Option<()>> + Send + 'static,
{
    let count = AtomicUsize::new(0);
    let script = Arc::new(script);
    Peer::raw(move |stream| {
        let (script, number) = (script.clone(), count.fetch_add(1, Ordering::SeqCst));
        async move {
            script(Fake { stream, number }).await;
        }
    })
    .await
}

/// Where it is, for a user with a password.
pub(super) fn url(peer: &Peer) -> String {
    format!("postgres://tester:hunter2@{}/db?sslmode=disable", peer.address())
}

/// A message of the server.
pub(super) fn message(tag: u8, body: &[u8]) -> Vec<u8> {
    let mut out = vec![tag];
    out.extend_from_slice(&u32::try_from(body.len() + 4).unwrap().to_be_bytes());
    out.extend_from_slice(body);
    out
}

/// An error of the server.
pub(super) fn error(severity: &str, code: &str, words: &str) -> Vec<u8> {
    message(b'E', format!("S{severity}\0V{severity}\0C{code}\0M{words}\0\0").as_bytes())
}

/// A row of one value.
pub(super) fn row(value: &[u8]) -> Vec<u8> {
    let mut body = vec![0, 1];
    body.extend_from_slice(&u32::try_from(value.len()).unwrap().to_be_bytes());
    body.extend_from_slice(value);
    message(b'D', &body)
}

pub(super) const READY: &[u8] = b"Z\0\0\0\x05I";
pub(super) const IN_TRANSACTION: &[u8] = b"Z\0\0\0\x05T";
pub(super) const BOUND: &[u8] = b"2\0\0\0\x04";
pub(super) const SELECTED: &[u8] = b"C\0\0\0\x0dSELECT 1\0";
pub(super) const BEGUN: &[u8] = b"1\0\0\0\x042\0\0\0\x04C\0\0\0\x0aBEGIN\0";

/// What a statement without parameters is that yields one text called `a`: parsed, parameters, columns.
pub(super) fn described() -> Vec<u8> {
    let mut out = message(b'1', b"");
    out.extend(message(b't', &[0, 0]));
    let mut column = b"\0\x01a\0".to_vec();
    column.extend_from_slice(&[0; 6]);
    column.extend_from_slice(&25_u32.to_be_bytes());
    column.extend_from_slice(&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0]);
    out.extend(message(b'T', &column));
    out
}

impl Fake {
    /// Reads a message that has no tag: the start of a session, or a request to stop a statement.
    pub(super) async fn untagged(&mut self) -> Option<Vec<u8>> {
        let length = self.stream.read_u32().await.ok()? as usize;
        let mut body = vec![0; length - 4];
        self.stream.read_exact(&mut body).await.ok()?;
        Some(body)
    }

    /// Lets in whoever comes.
    pub(super) async fn welcome(&mut self) -> Option<()> {
        self.untagged().await?;
        self.say(&[&message(b'R', &[0; 4]), &message(b'K', &[0, 0, 0, 7, 0, 0, 0, 8]), READY]).await
    }

    /// Reads messages until one of this tag was read; gives its body.
    pub(super) async fn hear(&mut self, wanted: u8) -> Option<Vec<u8>> {
        loop {
            let tag = self.stream.read_u8().await.ok()?;
            let body = self.untagged().await?;
            if tag == wanted {
                return Some(body);
            }
        }
    }

    /// Sends messages.
    pub(super) async fn say(&mut self, messages: &[&[u8]]) -> Option<()> {
        self.stream.write_all(&messages.concat()).await.ok()
    }

    /// Stays until the other side closes.
    pub(super) async fn stay(mut self) -> Option<()> {
        tokio::io::copy(&mut self.stream, &mut tokio::io::sink()).await.ok().map(drop)
    }
}
