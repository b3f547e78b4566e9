//! Databases, spoken to as callers do, through the public traits only.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should fail at once")]
#![allow(clippy::needless_pass_by_value, reason = "requests and configurations are written in place")]

mod common;
mod mysql;
mod postgres;
mod sqlite;
