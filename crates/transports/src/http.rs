//! HTTP itself, for every transport that speaks it: URLs, TLS, connections, clients, replies.

mod classify;
mod client;
mod connector;
mod decode;
mod explain;
mod incoming;
pub(crate) mod multipart;
mod origin;
mod outgoing;
mod pool;
mod proxy;
pub(crate) mod query;
mod stream;
mod tls;
mod upgrade;
mod url;
mod verifier;

pub(crate) use classify::classify;
pub(crate) use client::{Client, Settings};
pub(crate) use decode::{ACCEPT_ENCODING, decode};
pub(crate) use incoming::reply;
pub(crate) use origin::Origin;
pub(crate) use outgoing::Outgoing;
pub(crate) use proxy::Proxy;
pub(crate) use tls::{Tls, TlsConfig};
pub(crate) use url::{Base, resolve_location};
pub(crate) use verifier::Whom;
