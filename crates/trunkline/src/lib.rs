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

mod activity;
mod builder;
mod catalog;
mod config;
mod flow;
mod handle;
mod health;
mod manager;
mod mask;
mod order;
mod refuse;
mod registry;
mod site;

pub use activity::{Activity, Filter};
pub use builder::Builder;
pub use catalog::Catalog;
pub use config::IntegrationConfig;
pub use flow::FlowState;
pub use handle::{Handle, Source};
pub use health::{Evidence, Health, Seen, State};
pub use manager::Manager;
pub use mask::{kept, unmask};
pub use registry::Registered;
pub use site::DEFAULT_CONNECTION;

pub use trunkline_core::{
    Begun, Blame, Body, BoxFuture, BreakerEffect, CacheStatus, Call, Consent, ConsentState, Context, Counted,
    Credential, DeviceCode, Egress, Error, Form, Forward, HttpRequest, Idempotency, Idle, IntegrationId,
    Journal, Kept, Kind, Layer, MASK, Next, Operation, Outcome, Profile, Publish, Query, Receive, Reply,
    RequestId, Result, Retry, Row, Scheme, SchemeDyn, Seconds, Secret, SharedLimits, Sign, Site, Standing,
    TraceParent, Transport, TransportDyn, Vault, Web, WireRequest, Zone, egress, is_sensitive_name, parse,
    shared_limits,
};
pub use trunkline_layers::{
    BreakerConfig, BreakerState, CacheConfig, ConcurrencyConfig, ConcurrencyState, ExpiredWhen, HeaderNames,
    LimitConfig, LimitState, Metrics, RateLimitConfig, RateLimitState, Record, Recorder, RetryConfig,
    Sampler, Service, Span, SpanOf, Spans,
};
pub use trunkline_replicas::{RedisLimits, RedisOptions, WithoutRedis};
pub use trunkline_store::{
    Backup, BegunCall, CallTerm, KeySource, MemoryStore, Part, PartKind, SqliteOptions, SqliteStore, Store,
    Stored, Trouble, backup, restore,
};
