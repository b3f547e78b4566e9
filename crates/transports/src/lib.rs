//! Transports, one protocol a file. [`TRANSPORTS`] names them all; adding one is a file and a line.
//! This is the only crate that names a wire library.

mod access;
mod again;
mod custom;
mod dial;
mod entry;
mod graphql;
mod http;
mod json;
mod queue;
mod rest;
mod sql;
mod ttl;
mod web;
mod websocket;

pub use again::pause;
pub use custom::{Custom, CustomConfig};
pub use dial::dial;
pub use entry::{Entry, Of};
pub use graphql::{GraphQl, GraphQlConfig};
pub use queue::{ForwardConfig, MessageQueue, QueueConfig};
pub use rest::{Rest, RestConfig};
pub use sql::{AnyDatabase, Database, DatabaseConfig, Named, OnlyMySql, OnlyPostgres, OnlySqlite};
pub use web::HttpPort;
pub use websocket::{WebSocket, WebSocketConfig};

/// Every transport that a configuration can name as `type`.
pub const TRANSPORTS: &[&dyn Entry] = &[
    &Of::<Rest>::NEW,
    &Of::<GraphQl>::NEW,
    &Of::<WebSocket>::NEW,
    &Of::<Database<AnyDatabase>>::NEW,
    &Of::<Database<OnlyPostgres>>::NEW,
    &Of::<Database<OnlyMySql>>::NEW,
    &Of::<Database<OnlySqlite>>::NEW,
    &Of::<MessageQueue>::NEW,
    &Of::<Custom>::NEW,
];
