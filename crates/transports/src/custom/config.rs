//! The keys of a configuration that are `custom`'s own.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value, value::to_raw_value};
use tokio::sync::watch;
use trunkline_core::{Context, Error, Result, Seconds, Secret, parse};

use super::Custom;
use crate::{
    http::TlsConfig,
    json::Marks,
    rest::{HttpVersion, ProxyConfig, Redirects, RestConfig, Timeouts},
};

/// What an integration of type `custom` is configured with.
#[derive(Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CustomConfig {
    /// Where the driver is, such as `http://127.0.0.1:9000`; `/call` and the others follow it.
    base_url: String,
    /// What the driver has to see before it does anything: `Authorization: Bearer …` of each question.
    #[serde(default)]
    driver_token: Option<Secret>,
    /// What the driver is told of the integration with each question. It may hold secrets.
    #[serde(default)]
    config: Map<String, Value>,
    /// What is in a request that only reads, by JSON pointer, such as `{"/action": ["get", "list"]}`; an array stands for
    /// any of its elements. Such requests are made again where others are not, and may be cached.
    #[serde(default)]
    read_only: BTreeMap<String, Value>,
    /// Headers of each question to the driver.
    #[serde(default)]
    headers: BTreeMap<String, String>,
    /// Total time of a call. It is used here only as the default of `timeouts.first_byte`.
    #[serde(default)]
    timeout: Option<Seconds>,
    /// Finer time limits.
    #[serde(default)]
    timeouts: Timeouts,
    /// TLS settings: a private authority, a client certificate.
    #[serde(default)]
    tls: TlsConfig,
    /// An HTTP proxy to go through. Proxies named in the environment are not used.
    #[serde(default)]
    proxy: Option<ProxyConfig>,
    /// Bytes of the longest answer of the driver, up to 64 MiB. 16 MiB unless set.
    #[serde(default)]
    max_bytes: Option<u64>,
}

/// No answer is longer: it is in memory as a whole.
const MAX_BYTES: u64 = 64 << 20;

impl CustomConfig {
    /// Checks everything and makes the transport. Performs no I/O but reading references.
    pub(super) fn open(self, context: &Context) -> Result<Custom> {
        let max_bytes = self.max_bytes.unwrap_or(16 << 20);
        if !(1..=MAX_BYTES).contains(&max_bytes) {
            return Err(Error::invalid("max_bytes: must be from 1 to 67108864 (64 MiB)"));
        }
        if self.headers.keys().any(|name| name.eq_ignore_ascii_case("authorization")) {
            return Err(Error::invalid("headers: authorization is the driver's own; give driver_token"));
        }
        let config = parse::resolved(Value::Object(self.config)).map_err(|error| error.at("config"))?;
        let config =
            to_raw_value(&config).map_err(|_| Error::invalid("config: cannot be written as JSON"))?;
        let read_only = Marks::open("read_only", &self.read_only)?;
        let rest = RestConfig {
            base_url: self.base_url,
            headers: self.headers,
            timeout: self.timeout,
            timeouts: self.timeouts,
            tls: self.tls,
            proxy: self.proxy,
            redirects: Redirects::None,
            http_version: HttpVersion::default(),
            probe: None,
        };
        Ok(Custom {
            rest: rest.open(context)?,
            token: self.driver_token,
            config,
            read_only: (!read_only.is_empty()).then_some(read_only),
            max_bytes: usize::try_from(max_bytes).unwrap_or(usize::MAX),
            open: watch::Sender::new(true),
        })
    }
}

impl std::fmt::Debug for CustomConfig {
    /// Nothing of it: URLs, headers and what drivers are told may hold passwords.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CustomConfig").finish_non_exhaustive()
    }
}
