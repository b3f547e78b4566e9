//! What the tests of the other crates stand on: scripted transports for the layers, real peers on port 0 for
//! everything that speaks HTTP, a Redis, servers of others, and what every transport is checked by.
#![allow(clippy::unwrap_used, reason = "a test helper that cannot go on should fail the test at once")]

pub mod conformance;
mod httpbin;
mod moto;
mod oidc;
mod peer;
mod python;
mod redis;
mod script;
mod tls;

pub use httpbin::Httpbin;
pub use moto::Moto;
pub use oidc::OidcProvider;
pub use peer::{Peer, Received};
pub use redis::Redis;
pub use script::{Script, Step};
pub use tls::Authority;
