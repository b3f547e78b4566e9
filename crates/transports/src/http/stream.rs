//! `Stream`: a connection in clear or over TLS, and its place among those that are open.

use std::{
    io::IoSlice,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};
use tokio_rustls::client::TlsStream;

/// Connections of one client that are kept for reuse, over all hosts. Those beyond it are closed after
/// their request: ten thousand integrations must not hold ten thousand idle sockets.
const KEPT: usize = 1024;

/// A place among the connections that are open; given back on drop.
pub(super) struct Place {
    open: Arc<AtomicUsize>,
    keep: bool,
}

impl Place {
    pub(super) fn new(open: &Arc<AtomicUsize>) -> Self {
        let keep = open.fetch_add(1, Ordering::Relaxed) < KEPT;
        Self { open: open.clone(), keep }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.open.fetch_sub(1, Ordering::Relaxed);
    }
}

pub(super) enum Wire {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

/// A connection, in clear or over TLS.
pub(super) struct Stream {
    pub(super) wire: Wire,
    pub(super) place: Place,
}

impl Stream {
    /// Whether the connection may wait for another request after its first.
    pub(super) fn is_kept(&self) -> bool {
        self.place.keep
    }

    /// Whether HTTP/2 was agreed on.
    pub(super) fn is_http2(&self) -> bool {
        matches!(&self.wire, Wire::Tls(stream) if stream.get_ref().1.alpn_protocol() == Some(b"h2"))
    }
}

macro_rules! on_wire {
    ($self:ident, $stream:ident => $call:expr) => {
        match &mut $self.wire {
            Wire::Plain($stream) => {
                let $stream = Pin::new($stream);
                $call
            }
            Wire::Tls($stream) => {
                let $stream = Pin::new($stream);
                $call
            }
        }
    };
}

impl AsyncRead for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        on_wire!(self, stream => stream.poll_read(cx, buf))
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        on_wire!(self, stream => stream.poll_write(cx, buf))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        on_wire!(self, stream => stream.poll_flush(cx))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        on_wire!(self, stream => stream.poll_shutdown(cx))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<std::io::Result<usize>> {
        on_wire!(self, stream => stream.poll_write_vectored(cx, bufs))
    }

    fn is_write_vectored(&self) -> bool {
        match &self.wire {
            Wire::Plain(stream) => stream.is_write_vectored(),
            Wire::Tls(stream) => stream.is_write_vectored(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_beyond_the_cap_are_not_kept_until_others_close() {
        let open = Arc::default();
        let mut kept: Vec<_> = (0..KEPT).map(|_| Place::new(&open)).collect();
        assert!(kept.iter().all(|place| place.keep));
        let beyond = Place::new(&open);
        assert!(!beyond.keep);
        kept.pop();
        assert!(!Place::new(&open).keep, "one beyond the cap is still open");
        drop(beyond);
        assert!(Place::new(&open).keep);
    }
}
