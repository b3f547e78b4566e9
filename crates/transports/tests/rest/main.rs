//! The REST transport against real sockets, through the public traits only.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should fail at once")]
#![allow(clippy::needless_pass_by_value, reason = "answers and configurations are written in place")]

mod common;
mod faults;
mod pool;
mod proxy;
mod redirects;
mod size;
mod streams;
mod timeouts;
mod tls;
mod wire;
