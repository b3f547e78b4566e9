//! Subscriptions against services on real sockets.

mod common;
mod sse;
mod websocket;
