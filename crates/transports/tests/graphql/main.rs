//! The type `graphql` against services on real sockets: what goes over the wire, and what is made of the answers.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should fail at once")]

mod answers;
mod common;
mod persisted;
mod schema;
mod subscriptions;
mod wire;
