//! `Farewell`: what becomes of a connection that is over.

use crate::websocket::socket::Socket;

/// How it ends.
#[derive(Debug, Clone, Copy)]
pub(super) enum Farewell {
    /// It is closed with this code (RFC 6455 section 7.4.1).
    Close(u16),
    /// The service closed it.
    Closed,
    /// It has to be taken for broken.
    None,
}

impl Farewell {
    /// Ends it, in the background: nobody is to wait for a service that has nothing more to say.
    pub(super) fn bid(self, socket: Socket) {
        match self {
            Self::Close(code) => drop(tokio::spawn(socket.close(code, ""))),
            Self::Closed => drop(tokio::spawn(socket.closed())),
            Self::None => {}
        }
    }
}
