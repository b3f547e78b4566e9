//! `Socket`: the messages of one WebSocket connection (RFC 6455), and when something was last heard on it.

use std::{
    collections::VecDeque,
    io,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Bytes;
use futures_util::Sink;
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::Instant,
};
use trunkline_core::{Error, Kind, Outcome, Result};
use yawc::{Frame, OpCode, Options, Role, WebSocket, WebSocketError, close::CloseCode};

use super::heads::Heads;

/// How large messages may be.
#[derive(Debug, Clone)]
pub(crate) struct SocketRules {
    /// Bytes of a message that comes, decompressed and with all its fragments.
    pub(crate) max_message: usize,
}

/// A message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Message {
    /// Text, which is UTF-8.
    Text(Bytes),
    /// Bytes.
    Binary(Bytes),
}

/// Why nothing more comes.
#[derive(Debug)]
pub(crate) enum End {
    /// The service closed the connection, and said why.
    Closed(Option<u16>, String),
    /// It broke, or broke the protocol; with the code that it is then closed with (RFC 6455 section 7.4.1).
    Broken(u16, Error),
}

/// A connection.
pub(crate) struct Socket {
    io: WebSocket<Heard>,
    subprotocol: Option<String>,
    heard: Clock,
    /// Whether something was written that was not flushed.
    dirty: bool,
    /// Pings whose answers may not be on their way yet.
    pings: usize,
}

impl Socket {
    /// The connection that a handshake led to, with the extension that was agreed on.
    ///
    /// # Errors
    ///
    /// `protocol` where the extension cannot be.
    pub(super) fn new(
        io: Upgraded,
        extension: Option<&str>,
        subprotocol: Option<String>,
        rules: &SocketRules,
    ) -> Result<Self> {
        let heard = Clock::default();
        let io = Heard { io: TokioIo::new(io), clock: heard.clone(), heads: Heads::default(), masked: false };
        // The library's limits are the first size that is too much.
        let limit = rules.max_message.saturating_add(1);
        let options = Options::default().with_limits(limit, limit).with_utf8();
        let options = if extension.is_some() { options.with_balanced_compression() } else { options };
        let io = WebSocket::from_stream_with_extensions(io, Role::Client, extension, options);
        let io = io.map_err(|error| {
            Error::new(Kind::Protocol, "the service agreed to an extension that cannot be")
                .source(error.to_string())
                .outcome_is(Outcome::NotSent)
        })?;
        Ok(Self { io, subprotocol, heard, dirty: false, pings: 0 })
    }

    /// The subprotocol that the service chose.
    pub(crate) fn subprotocol(&self) -> Option<&str> {
        self.subprotocol.as_deref()
    }

    /// When something was last heard, be it a part of a message.
    pub(super) fn heard(&self) -> Instant {
        self.heard.read()
    }

    /// The next message. Pings are answered on the way.
    pub(super) fn poll_message(&mut self, cx: &mut Context<'_>) -> Poll<Result<Message, End>> {
        loop {
            let frame = match ready!(self.poll_frame(cx)) {
                Ok(frame) => frame,
                Err(error) => {
                    let (code, error) = explain(&error);
                    return Poll::Ready(Err(End::Broken(code, error)));
                }
            };
            match frame.opcode() {
                opcode if opcode.is_control() && frame.payload().len() > CONTROL => {
                    return Poll::Ready(Err(End::Broken(1002, broken("a control frame is too long"))));
                }
                OpCode::Text => return Poll::Ready(Ok(Message::Text(frame.into_payload()))),
                OpCode::Binary => return Poll::Ready(Ok(Message::Binary(frame.into_payload()))),
                OpCode::Close => {
                    let code = frame.close_code().map(u16::from);
                    let reason = frame.close_reason().ok().flatten().unwrap_or_default().to_owned();
                    return Poll::Ready(Err(End::Closed(code, reason)));
                }
                _ => {}
            }
        }
    }

    /// The next frame. The library answers pings, and keeps the answers for as long as they cannot be written: whoever
    /// sends pings and does not read is not read any more either.
    fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Result<Frame, WebSocketError>> {
        if self.pings >= PINGS {
            ready!(Pin::new(&mut self.io).poll_ready(cx))?;
            self.pings = 0;
        }
        let frame = ready!(self.io.poll_next_frame(cx))?;
        self.pings += usize::from(frame.opcode() == OpCode::Ping);
        Poll::Ready(Ok(frame))
    }

    /// Writes all of these and flushes them.
    pub(super) fn poll_send(
        &mut self,
        frames: &mut VecDeque<Frame>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<()>> {
        let sent = |result: Result<(), WebSocketError>| result.map_err(|error| explain(&error).1);
        while !frames.is_empty() {
            sent(ready!(Pin::new(&mut self.io).poll_ready(cx)))?;
            let Some(frame) = frames.pop_front() else { break };
            self.dirty = true;
            sent(Pin::new(&mut self.io).start_send(frame))?;
        }
        if self.dirty {
            sent(ready!(Pin::new(&mut self.io).poll_flush(cx)))?;
            self.dirty = false;
        }
        Poll::Ready(Ok(()))
    }

    /// Sends a ping and waits for its pong.
    ///
    /// # Errors
    ///
    /// `timeout` when none comes within 5 seconds; why the connection broke.
    pub(super) async fn ping(mut self) -> Result<()> {
        let mut frames = VecDeque::from([Frame::ping(Bytes::from_static(b"trunkline"))]);
        let pong = async {
            std::future::poll_fn(|cx| self.poll_send(&mut frames, cx)).await?;
            loop {
                match std::future::poll_fn(|cx| self.poll_frame(cx)).await {
                    Ok(frame) if frame.opcode() == OpCode::Pong => return Ok(()),
                    Ok(_) => {}
                    Err(error) => return Err(explain(&error).1),
                }
            }
        };
        let answer = tokio::time::timeout(PONG, pong).await.unwrap_or_else(|_| {
            Err(Error::new(Kind::Timeout, format!("the service did not answer a ping within {PONG:?}")))
        });
        if answer.is_ok() {
            tokio::spawn(self.close(1000, ""));
        }
        answer
    }

    /// Lets the answer to a close frame out, which the library writes when it is asked for the frame after it, and hangs
    /// up.
    pub(super) async fn closed(mut self) {
        let answer = std::future::poll_fn(|cx| self.poll_frame(cx));
        let _ = tokio::time::timeout(FAREWELL, answer).await;
    }

    /// Says goodbye, waits a moment for the answer, and hangs up.
    pub(super) async fn close(mut self, code: u16, reason: &str) {
        let mut frames = VecDeque::from([Frame::close(CloseCode::from(code), reason)]);
        let farewell = async {
            std::future::poll_fn(|cx| self.poll_send(&mut frames, cx)).await.ok()?;
            while std::future::poll_fn(|cx| self.poll_message(cx)).await.is_ok() {}
            Some(())
        };
        let _ = tokio::time::timeout(FAREWELL, farewell).await;
    }
}

/// How long it has to answer a ping.
const PONG: Duration = Duration::from_secs(5);
/// How long the service has to answer a close frame.
const FAREWELL: Duration = Duration::from_secs(2);
/// So many pings may wait for their answers to be written.
const PINGS: usize = 16;
/// Bytes of the longest control frame (RFC 6455 section 5.5).
const CONTROL: usize = 125;

/// What the library says, in our words, and the code to close with.
fn explain(error: &WebSocketError) -> (u16, Error) {
    let of = |kind, message: &'static str| Error::new(kind, message).outcome_is(Outcome::Unknown);
    match error {
        WebSocketError::FrameTooLarge => {
            let message = "a message of the service is larger than max_message; raise it, or ask for less";
            (1009, of(Kind::Protocol, message))
        }
        WebSocketError::InvalidUTF8 => {
            (1007, of(Kind::Protocol, "a text message of the service is not UTF-8"))
        }
        WebSocketError::IoError(cause) if cause.get_ref().is_some_and(|cause| cause.is::<Masked>()) => {
            (1002, broken(Masked))
        }
        WebSocketError::IoError(cause) => {
            (1011, of(Kind::Unavailable, "the connection broke").source(cause.to_string()))
        }
        WebSocketError::ConnectionClosed => {
            let message = "the service hung up without closing the WebSocket connection";
            (1011, of(Kind::Unavailable, message))
        }
        other => (1002, broken(other)),
    }
}

fn broken(what: impl std::fmt::Display) -> Error {
    Error::new(Kind::Protocol, format!("the service broke the WebSocket protocol: {what}"))
        .outcome_is(Outcome::Unknown)
}

/// The service masked a frame.
#[derive(Debug)]
struct Masked;

impl std::fmt::Display for Masked {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a frame of the service is masked")
    }
}

impl std::error::Error for Masked {}

/// When something was last read.
#[derive(Debug, Clone)]
struct Clock(Arc<Mutex<Instant>>);

impl Default for Clock {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(Instant::now())))
    }
}

impl Clock {
    fn read(&self) -> Instant {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }
}

/// An upgraded connection that notes when bytes come, since a large message may take its time, and breaks at a frame that
/// is masked.
struct Heard {
    io: TokioIo<Upgraded>,
    clock: Clock,
    heads: Heads,
    masked: bool,
}

impl AsyncRead for Heard {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if !self.masked {
            let before = buf.filled().len();
            ready!(Pin::new(&mut self.io).poll_read(cx, buf))?;
            self.clock.set();
            let came = &buf.filled()[before..];
            let whole = self.heads.unmasked(came);
            if whole == came.len() {
                return Poll::Ready(Ok(()));
            }
            self.masked = true;
            // What came before it counts. Nothing at all would be the end.
            if whole > 0 {
                buf.set_filled(before + whole);
                return Poll::Ready(Ok(()));
            }
        }
        Poll::Ready(Err(io::Error::new(io::ErrorKind::InvalidData, Masked)))
    }
}

impl AsyncWrite for Heard {
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
