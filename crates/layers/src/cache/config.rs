//! The keys of `cache_config`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use trunkline_core::Seconds;

/// Caching of replies. The headers of an HTTP service are obeyed without any of it.
#[derive(Debug, Clone, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CacheConfig {
    /// Whether replies are kept at all; `true` unless set.
    #[serde(default)]
    pub enabled: Option<bool>,
    /// How long a reply is fresh of which the service does not say how long it may be kept: one to a GET, or to
    /// a query that only reads. Unless it is set, such a reply is not used again. The `ttl` of a query goes before it.
    /// What queries write makes no reply to others older: nobody knows what they read.
    #[serde(default)]
    pub ttl: Option<Seconds>,
    /// Bytes of a reply that is kept; longer ones pass through. 1 MiB unless set.
    #[serde(default)]
    pub max_body: Option<u32>,
    /// How long after it is no longer fresh a reply may be served while it is fetched anew (RFC 5861 section
    /// 3), where the service says nothing of it.
    #[serde(default)]
    pub stale_while_revalidate: Option<Seconds>,
    /// How long after it is no longer fresh a reply may be served when the service fails (RFC 5861 section 4),
    /// where the service says nothing of it.
    #[serde(default)]
    pub stale_if_error: Option<Seconds>,
}

impl CacheConfig {
    /// Whether replies are kept at all.
    pub fn is_on(&self) -> bool {
        self.enabled != Some(false)
    }
}
