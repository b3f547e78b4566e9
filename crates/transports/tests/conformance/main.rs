//! Every transport of this crate against what `Transport` promises.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should fail at once")]

mod custom;
mod graphql;
mod http;
mod rest;
mod websocket;
