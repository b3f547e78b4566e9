//! The keys of a configuration that are `graphql`'s own.

use std::{collections::BTreeMap, sync::Arc};

use schemars::JsonSchema;
use serde::Deserialize;
use trunkline_core::{Context, Error, Result, Seconds};

use super::{
    GraphQl,
    ask::{Remembered, Sender},
    codes::Codes,
    limits::LimitsConfig,
    plans::Plans,
    request::Named,
    schema::SchemaConfig,
    subscriptions::SubscriptionsConfig,
};
use crate::{
    http::TlsConfig,
    rest::{HttpVersion, ProxyConfig, Redirects, RestConfig, Timeouts},
};

/// What an integration of type `graphql` is configured with.
#[derive(Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GraphQlConfig {
    /// Where the service takes requests, such as `https://api.example.com/graphql`.
    base_url: String,
    /// Headers sent with every request.
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
    /// Which redirects are followed.
    #[serde(default)]
    redirects: Redirects,
    /// Which HTTP version is spoken.
    #[serde(default)]
    http_version: HttpVersion,
    /// Whether queries go by `post` or by `get`, where their URL is at most 8 KiB long. Mutations always go by POST.
    #[serde(default)]
    queries_by: QueriesBy,
    /// Whether the service is first asked by the hash of a document alone, and given its text where it does not know it
    /// (automatic persisted queries).
    #[serde(default)]
    persisted_queries: bool,
    /// The schema that documents are checked against before they are sent.
    #[serde(default)]
    schema: Option<SchemaConfig>,
    /// Limits of what documents may ask for.
    #[serde(default)]
    limits: LimitsConfig,
    /// Documents with names, so that callers need not send them.
    #[serde(default)]
    queries: BTreeMap<String, String>,
    /// Whether callers may send nothing but `queries`.
    #[serde(default)]
    only_queries: bool,
    /// Codes of errors that the service has of its own, and the kinds of error that they are, such as
    /// `{"QUOTA_EXCEEDED": "rate_limited"}`.
    #[serde(default)]
    error_codes: BTreeMap<String, String>,
    /// How the service is subscribed to. Without it there is nothing to subscribe to.
    #[serde(default)]
    subscriptions: Option<SubscriptionsConfig>,
    /// Bytes of the longest answer that is taken, up to 64 MiB. 8 MiB unless set.
    #[serde(default)]
    max_bytes: Option<u64>,
}

/// How queries are sent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum QueriesBy {
    /// As the body of a POST.
    #[default]
    Post,
    /// In the URL of a GET, which caches on the way may answer.
    Get,
}

/// No answer is longer: it is in memory as a whole.
const MAX_BYTES: u64 = 64 << 20;

/// What is taken, the best first (GraphQL over HTTP, section 5.1).
const ACCEPT: &str = "application/graphql-response+json, application/json;q=0.9";

impl GraphQlConfig {
    /// Checks everything and makes the transport. Performs no I/O but reading references.
    pub(super) fn open(self, context: &Context) -> Result<GraphQl> {
        let max_bytes = self.max_bytes.unwrap_or(8 << 20);
        if !(1..=MAX_BYTES).contains(&max_bytes) {
            return Err(Error::invalid("max_bytes: must be from 1 to 67108864 (64 MiB)"));
        }
        let plans = Plans::new(self.limits.open()?);
        let schema =
            self.schema.as_ref().map(|schema: &SchemaConfig| schema.open(context)).transpose()?.map(Arc::new);
        let known = schema.as_ref().and_then(|source| source.known());
        let mut queries = BTreeMap::new();
        for (name, text) in &self.queries {
            let text: Arc<str> = text.as_str().into();
            let read = plans.of(&text).and_then(|document| match &known {
                Some(known) => document.validate(known),
                None => Ok(()),
            });
            read.map_err(|error| error.at(&format!("queries.{name}")))?;
            queries.insert(name.clone(), text);
        }
        if self.only_queries && queries.is_empty() {
            return Err(Error::invalid("only_queries: needs queries, or nothing can be called"));
        }
        let codes = Arc::new(Codes::open(&self.error_codes)?);
        let mut rest = RestConfig {
            base_url: self.base_url,
            headers: self.headers,
            timeout: self.timeout,
            timeouts: self.timeouts,
            tls: self.tls,
            proxy: self.proxy,
            redirects: self.redirects,
            http_version: self.http_version,
            probe: None,
        };
        let way = rest.clone();
        let headers = &mut rest.headers;
        if !headers.keys().any(|name| name.eq_ignore_ascii_case("accept")) {
            headers.insert("accept".to_owned(), ACCEPT.to_owned());
        }
        let sender = Sender {
            rest: rest.open(context)?,
            by_get: self.queries_by == QueriesBy::Get,
            remembered: Remembered::new(self.persisted_queries),
            max_bytes: usize::try_from(max_bytes).unwrap_or(usize::MAX),
            codes: codes.clone(),
        };
        // What is wrong with the way to the service was found above.
        let subscriptions = self.subscriptions.as_ref();
        let subscriptions = subscriptions.map(|config| config.open(&way, &codes, context)).transpose()?;
        let named = Named { queries, only: self.only_queries };
        Ok(GraphQl { sender: Arc::new(sender), plans, schema, named, subscriptions })
    }
}

impl std::fmt::Debug for GraphQlConfig {
    /// Nothing of it: URLs and headers that were not checked yet may hold passwords.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("GraphQlConfig").finish_non_exhaustive()
    }
}
