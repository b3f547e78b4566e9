//! What the tests of the other crates stand on: scripted transports for the layers, real peers on port 0 for
//! everything that speaks HTTP, a Redis, and what every transport is checked by.
#![allow(clippy::unwrap_used, reason = "a test helper that cannot go on should fail the test at once")]

pub mod conformance;
mod oidc;
mod peer;
mod redis;
mod script;
mod tls;

pub use oidc::OidcProvider;
pub use peer::{Peer, Received};
pub use redis::Redis;
pub use script::{Script, Step};
pub use tls::Authority;
