//! The Trunkline server: the REST API, the streaming proxy, metrics and documentation, over one
//! [`trunkline::Manager`].
//!
//! A request comes in at `edge`, which lets `gate` judge it and then takes one of two roads: calls and
//! proxied requests go straight down the pipeline; everything else goes to the router of `api`.

mod api;
mod app;
mod call;
mod clock;
mod connection;
mod demo;
mod depth;
mod docs;
mod edge;
mod gate;
mod headers;
mod hooks;
mod idempotency;
mod inbound;
mod ndjson;
mod oauth;
mod openapi;
mod places;
mod problem;
mod proxy;
mod public;
mod random;
mod room;
mod run;
mod settings;
mod steady;
mod stream;
mod telemetry;
mod timer;
mod tokens;
mod trace;
mod ui;
mod watch;
mod wishes;

pub use demo::demo;
pub use run::{Running, start};
pub use settings::{EgressSettings, File, ServerSettings, Settings, TelemetrySettings, document};
