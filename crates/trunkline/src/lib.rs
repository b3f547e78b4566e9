//! Trunkline: one place, one API and one pipeline for everything an application calls outside itself.
//!
//! A [`Manager`] holds integrations; each is a transport with the layers its configuration asks for.
//!
//! ```no_run
//! # async fn example() -> trunkline::Result<()> {
//! use trunkline::{HttpRequest, IntegrationConfig, Manager};
//!
//! let manager = Manager::builder().build().await?;
//! manager.register(IntegrationConfig::from_json(serde_json::json!({
//!     "integration_id": "billing", "type": "rest", "base_url": "https://api.example.com/v1",
//!     "auth_type": "api_key", "auth_config": { "key": "${env:BILLING_KEY}" },
//! }))?).await?;
//! let reply = manager.call("billing", HttpRequest::get("/invoices").param("limit", 10)).await?;
//! let invoices: serde_json::Value = reply.json().await?;
//! # Ok(()) }
//! ```
//!
//! An integration has a connection for each tenant that calls it: what is its own is merged over what all have in
//! common, and nothing of one is ever used for another.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> trunkline::Result<()> {
//! use serde_json::json;
//! use trunkline::{ConnectionConfig, IntegrationConfig, Manager};
//!
//! let manager = Manager::builder().build().await?;
//! manager.register(IntegrationConfig::from_json(json!({
//!     "integration_id": "shop", "type": "rest", "base_url": "https://{{connection.shop}}.example.com",
//!     "auth_type": "bearer", "auth_config": { "token": "{{connection.token}}" },
//! }))?).await?;
//! for (tenant, shop, token) in [("acme", "acme-1", "…"), ("globex", "globex-eu", "…")] {
//!     let json = json!({ "connection": tenant, "values": { "shop": shop, "token": token } });
//!     manager.add_connection("shop", ConnectionConfig::from_json(json)?).await?;
//! }
//! let acme = manager.connection("shop", "acme").await?;
//! assert_eq!(acme.config()?.expose()["base_url"], "https://acme-1.example.com");
//! // manager.call_for("shop", "acme", HttpRequest::get("/orders")).await?
//! # Ok(()) }
//! ```

mod action;
mod activity;
mod addresses;
mod bridge;
mod builder;
mod catalog;
pub mod clients;
mod config;
mod connection_config;
mod connection_entry;
mod connections;
mod echo;
mod files;
mod flow;
mod folder;
mod handle;
mod health;
mod hooks;
mod leaving;
mod manager;
mod mask;
mod opened;
mod order;
mod pages;
mod placeholder;
mod pools;
mod refuse;
mod registry;
mod removed;
mod shared;
mod site;
mod tenant;
mod trial;
mod url_parts;
mod vendor;
mod version;

pub use activity::{Activity, Counts, Figures, Filter, Followed, Period, Step, Summary};
pub use bridge::ForwardState;
pub use builder::Builder;
pub use catalog::Catalog;
pub use config::IntegrationConfig;
pub use connection_config::ConnectionConfig;
pub use connection_entry::Connection;
pub use connections::Connected;
pub use flow::{FlowState, schema};
pub use handle::Handle;
pub use health::{Evidence, Health, Seen, State};
pub use hooks::{
    Event as WebhookEvent, EventBody, EventDelivery, EventTry, Received, Redelivered, Redelivery, Refused,
};
pub use manager::Manager;
pub use mask::{kept, unmask};
pub use pages::Walk;
pub use registry::Registered;
pub use removed::Removed;
pub use site::DEFAULT_CONNECTION;
pub use tenant::kept_elsewhere;
pub use trial::{Asked, Trial};
pub use version::Source;

pub use trunkline_auth::Webhook;
pub use trunkline_connectors::{self as connectors, Connector};
pub use trunkline_core::{
    Ack, Begun, Blame, Body, BoxFuture, BreakerEffect, CacheStatus, Call, Consent, ConsentState, Context,
    Counted, Credential, DeviceCode, Egress, Error, Event, Events, File, Form, Forward, Hops, HttpRequest,
    Idempotency, Idle, IntegrationId, Journal, Kept, Kind, Lag, Layer, MASK, Message, Messages, Next,
    Occupancy, Operation, Outcome, Passage, Profile, Proof, Publish, Query, Receive, Reply, RequestId,
    Result, Retry, Row, Scheme, SchemeDyn, Scrub, Seconds, Secret, Settlement, SharedLimits, Sign, Site,
    Stage, Standing, Start, Statement, Streams, TraceParent, Transport, TransportDyn, Vault, Verdict, Wanted,
    Web, WireRequest, Witness, Zone, egress, exact, is_sensitive_name, parse, shared_limits,
};
pub use trunkline_layers::{
    BreakerConfig, BreakerState, CacheConfig, CacheState, ConcurrencyConfig, ConcurrencyState, ExpiredWhen,
    HeaderNames, LimitConfig, LimitState, Metrics, RateLimitConfig, RateLimitState, Record, Recorder,
    RetryConfig, Sampler, Service, Span, SpanOf, Spans,
};
pub use trunkline_replicas::{RedisLimits, RedisOptions, WithoutRedis};
pub use trunkline_store::{
    Attempted, Backup, BegunCall, CallTerm, Delivery, DeliveryState, Events as StoredEvents, KeyId,
    KeySource, KeyUse, Keys, Lane, MarkWrite, Marked, Marks, MemoryStore, NewEvent, Part, PartKind, Progress,
    Redelivered as StoredRedelivered, Redelivery as StoredRedelivery, Rotation, RotationState, SqliteOptions,
    SqliteStore, Store, Stored, StoredEvent, Tokens, Tried, Trouble, Waiting, WholeEvent, backup, restore,
};
pub use trunkline_transports::dial;
