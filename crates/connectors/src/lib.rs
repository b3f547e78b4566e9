//! What Trunkline knows of vendors. A [`Manifest`] says how a service is reached, what can be done with it and what its
//! answers mean: with it, connecting a service is naming the vendor and giving a key. It is data; adding a vendor is a
//! file, and no Rust.
//!
//! A [`Connector`] is a manifest that was checked. It does two things: it completes the configuration of an integration
//! ([`Connector::complete`]), and it turns the input of an action into the request that the integration's transport takes
//! ([`Connector::request`]). Neither performs any I/O.

mod action;
mod body;
mod catalog;
mod connector;
mod draft;
mod exchanges;
mod findings;
mod input;
mod keywords;
mod lines;
mod lint;
mod manifest;
mod mended;
mod merge;
mod openapi;
mod pages;
mod place;
mod published;
mod schema;
mod template;
mod words;
mod yaml;

pub use self::{
    action::{Action, Answer, Body, Repeats},
    catalog::{BUILT_IN, Catalog, EXCHANGES, manifests},
    connector::{Asked, Connector},
    draft::{Draft, lint, lint_exchanges},
    exchanges::{Exchange, Exchanges, Expected, Failure, Recorded, Turn},
    findings::{Finding, Places},
    input::Input,
    manifest::{Auth, Manifest},
    openapi::{Imported, LeftOut, Options, import},
    pages::{Next, Pages, Paging, Started},
    published::{exchanges_schema, manifest_schema},
    yaml::to_yaml,
};
