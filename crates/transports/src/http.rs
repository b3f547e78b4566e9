//! HTTP itself, for every transport that speaks it: URLs, TLS, connections, clients, replies.

mod classify;
mod client;
mod connector;
mod decode;
mod incoming;
mod tls;
mod url;

pub(crate) use classify::classify;
pub(crate) use client::{Client, Settings};
pub(crate) use connector::Proxy;
pub(crate) use decode::{ACCEPT_ENCODING, decode};
pub(crate) use incoming::body as incoming_body;
pub(crate) use tls::TlsConfig;
pub(crate) use url::{Base, resolve_location};
