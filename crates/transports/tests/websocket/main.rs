//! `websocket` against services: one that a script in Python behaves as, and one that breaks the protocol.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should fail at once")]
#![allow(clippy::needless_pass_by_value, reason = "a configuration is written where it is used")]

mod alone;
mod common;
mod frames;
mod handshake;
mod keeping;
mod sockets;
mod tls;
