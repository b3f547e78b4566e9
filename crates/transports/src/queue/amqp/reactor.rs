//! `Dialled`: the runtime of tokio for the library, but for sockets: it gets one that was dialled already.

use std::{
    future::{Future, ready},
    io::{self, Read, Write},
    net::SocketAddr,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll, ready as some},
    time::Duration,
};

use async_rs::{Runtime, Tokio, traits::Reactor, util::RuntimeParts};
use futures_util::Stream;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_util::compat::{Compat, TokioAsyncReadCompatExt};

use super::{frames::Frames, returns::Returns};
use crate::queue::net::Io;

/// What the library runs on.
pub(super) type Dialled = Runtime<RuntimeParts<Tokio, Sockets>>;

/// What the library reads and writes.
pub(super) type Socket = Compat<Listened>;

/// Timers of tokio, and no way to dial.
#[derive(Debug, Clone)]
pub(super) struct Sockets(Tokio);

/// The runtime that this is called in.
pub(super) fn dialled() -> Dialled {
    let tokio = Tokio::current();
    Runtime::new(RuntimeParts::new(tokio.clone(), Sockets(tokio)))
}

impl Reactor for Sockets {
    type TcpStream = Socket;
    type Sleep = <Tokio as Reactor>::Sleep;

    fn register<H: Read + Write + Send + 'static>(
        &self,
        _: H,
    ) -> io::Result<impl futures_util::AsyncRead + futures_util::AsyncWrite + Send + Unpin + 'static> {
        Err::<Socket, _>(no_dialling())
    }

    fn sleep(&self, time: Duration) -> Self::Sleep {
        self.0.sleep(time)
    }

    #[expect(clippy::disallowed_types, reason = "the library has it so")]
    fn interval(&self, time: Duration) -> impl Stream<Item = std::time::Instant> + Send + 'static {
        self.0.interval(time)
    }

    fn tcp_connect_addr(&self, _: SocketAddr) -> impl Future<Output = io::Result<Socket>> + Send + 'static {
        ready(Err(no_dialling()))
    }
}

fn no_dialling() -> io::Error {
    io::Error::other("connections are dialled through the egress guard")
}

/// A connection that is listened to: the library does not tell what the broker says first, nor which messages come back.
pub(super) struct Listened {
    io: Box<dyn Io>,
    greeting: Greeting,
    frames: Frames,
}

/// What the broker said first.
#[derive(Debug, Clone, Default)]
pub(super) struct Greeting(Arc<Mutex<Vec<u8>>>);

/// Connection.Start is the first frame; its properties fit in so much.
const GREETING: usize = 8 << 10;

impl Listened {
    pub(super) fn new(io: Box<dyn Io>) -> (Socket, Greeting, Returns) {
        let (greeting, returns) = (Greeting::default(), Returns::default());
        let frames = Frames::new(returns.clone());
        (Self { io, greeting: greeting.clone(), frames }.compat(), greeting, returns)
    }
}

impl Greeting {
    /// A text among the properties of the server (AMQP 0-9-1, section 4.2.5.5: the length and the name of a field, an `S`,
    /// the length and the text).
    pub(super) fn text(&self, name: &str) -> Option<String> {
        let bytes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut field = vec![name.len() as u8];
        field.extend_from_slice(name.as_bytes());
        field.push(b'S');
        let at = memchr::memmem::find(&bytes, &field)? + field.len();
        let length = u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?) as usize;
        let text = bytes.get(at + 4..at.checked_add(4)?.checked_add(length)?)?;
        Some(String::from_utf8_lossy(text).into_owned())
    }
}

impl AsyncRead for Listened {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        some!(Pin::new(&mut self.io).poll_read(cx, buf))?;
        let read = &buf.filled()[before..];
        self.frames.read(read);
        let mut kept = self.greeting.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() < GREETING {
            let room = GREETING - kept.len();
            kept.extend_from_slice(&read[..read.len().min(room)]);
        }
        drop(kept);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Listened {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_found_in_what_the_broker_says_first() {
        let greeting = Greeting::default();
        greeting
            .0
            .lock()
            .unwrap()
            .extend_from_slice(b"..\x07productS\0\0\0\x08RabbitMQ\x07versionS\0\0\0\x063.10.8..");
        assert_eq!(greeting.text("version").as_deref(), Some("3.10.8"));
        assert_eq!(greeting.text("product").as_deref(), Some("RabbitMQ"));
        assert_eq!(greeting.text("platform"), None);
        greeting.0.lock().unwrap().truncate(30);
        assert_eq!(greeting.text("version"), None);
    }
}
