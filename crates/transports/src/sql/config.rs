//! The keys of a configuration that are the databases' own.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;
use trunkline_core::{Error, Result, Seconds, Wanted, parse};

use super::{
    address::{Address, System},
    plans::read,
    pool::PoolConfig,
    scan::Dialect,
};
use crate::http::TlsConfig;

/// What an integration of type `database`, `postgres`, `mysql` or `sqlite` is configured with.
#[derive(Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DatabaseConfig {
    /// The connection string: `postgres://user:password@host:5432/database`, `mysql://…`, `sqlite:shop.db`. A user and
    /// a password can be given in `auth_config` too, with `auth_type` `basic`: then no character of theirs needs an
    /// escape.
    pub(super) base_url: String,
    /// Whether statements that write are refused, by the database itself.
    #[serde(default)]
    pub(super) read_only: bool,
    /// How many connections there may be, and how long.
    #[serde(default)]
    pub(super) pool: PoolConfig,
    /// TLS settings: a private authority, a client certificate.
    #[serde(default)]
    pub(super) tls: TlsConfig,
    /// Total time of a call. It is used here only as the default of `statement_timeout`.
    #[serde(default)]
    pub(super) timeout: Option<Seconds>,
    /// When the server stops a statement by itself, whatever became of us. `timeout` unless set; statements whose rows
    /// are streamed are bounded only where it is set.
    #[serde(default)]
    pub(super) statement_timeout: Option<Seconds>,
    /// How long a statement may wait for a lock. 2 seconds unless set.
    #[serde(default)]
    pub(super) lock_timeout: Option<Seconds>,
    /// At most so many rows in a reply, which says when it was cut; callers may ask for fewer. 10,000 unless set.
    /// Rows that are streamed are not bounded unless the caller asks for it.
    #[serde(default)]
    pub(super) max_rows: Option<u64>,
    /// At most so many bytes in a reply that is not streamed, up to 64 MiB. 8 MiB unless set.
    #[serde(default)]
    pub(super) max_bytes: Option<u64>,
    /// Whether the text of one query may hold several statements, which are then run as one transaction.
    #[serde(default)]
    pub(super) multiple_statements: bool,
    /// Statements with names, so that callers need not send SQL.
    #[serde(default)]
    pub(super) queries: BTreeMap<String, NamedQuery>,
    /// Whether callers may run nothing but `queries`.
    #[serde(default)]
    pub(super) only_queries: bool,
    /// PostgreSQL: whether a pooler in transaction mode, such as PgBouncer, stands before the server. Found out when
    /// connecting unless set.
    #[serde(default)]
    pub(super) pooler: Option<bool>,
    /// None: databases take no headers.
    #[serde(default)]
    pub(super) headers: BTreeMap<String, String>,
}

/// A statement with a name.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NamedQuery {
    /// The statement, with `:name` for its parameters.
    pub(super) query: String,
    /// What it is for.
    #[serde(default)]
    #[expect(dead_code, reason = "checked and described here, shown from the document")]
    pub(super) description: Option<String>,
    /// Whether the database refuses it if it writes.
    #[serde(default)]
    pub(super) read_only: bool,
    /// How long a reply may be kept for others, if it only reads.
    #[serde(default)]
    pub(super) cache_ttl: Option<Seconds>,
}

/// What of the configuration is the same for all engines.
#[derive(Debug)]
pub(super) struct Rules {
    pub(super) read_only: bool,
    /// Whether statements whose rows are streamed are bounded by the server.
    pub(super) hurries: bool,
    pub(super) max_rows: u64,
    pub(super) max_bytes: u64,
    pub(super) only_queries: bool,
    pub(super) queries: BTreeMap<String, NamedQuery>,
}

/// No document is larger: it is in memory as a whole.
const MAX_BYTES: u64 = 64 << 20;

impl DatabaseConfig {
    /// The address, which must be of `system` if that is given.
    pub(super) fn address(&self, system: Option<System>) -> Result<Address> {
        let text = parse::resolve(&self.base_url).map_err(|error| error.at("base_url"))?;
        let address = Address::parse(&text).map_err(|error| error.at("base_url"))?;
        match system {
            Some(system) if system != address.system => Err(Error::invalid(format!(
                "base_url: is the address of another database than the type says; use type {} or database",
                match address.system {
                    System::Postgres => "postgres",
                    System::MySql => "mysql",
                    System::Sqlite => "sqlite",
                }
            ))),
            _ => Ok(address),
        }
    }

    /// What is the same for all engines, checked.
    pub(super) fn rules(&self, dialect: Dialect) -> Result<Rules> {
        if !self.headers.is_empty() {
            return Err(Error::invalid("headers: databases take none; remove them"));
        }
        if self.max_bytes.is_some_and(|bytes| bytes > MAX_BYTES) {
            return Err(Error::invalid(
                "max_bytes: must be at most 67108864 (64 MiB); stream what is larger",
            ));
        }
        for (name, query) in &self.queries {
            read(&query.query, dialect, self.multiple_statements)
                .map_err(|error| error.at(&format!("queries.{name}")))?;
        }
        if self.only_queries && self.queries.is_empty() {
            return Err(Error::invalid("only_queries: needs queries, or nothing can be called"));
        }
        Ok(Rules {
            read_only: self.read_only,
            hurries: self.statement_timeout.is_some(),
            max_rows: self.max_rows.unwrap_or(10_000),
            max_bytes: self.max_bytes.unwrap_or(8 << 20),
            only_queries: self.only_queries,
            queries: self.queries.clone(),
        })
    }
}

impl Rules {
    /// How much is wanted of a result, within what the integration allows.
    pub(super) fn bounded(&self, wanted: Wanted) -> Wanted {
        if wanted.stream {
            return wanted;
        }
        let least =
            |asked: Option<u64>, allowed: u64| Some(asked.map_or(allowed, |asked| asked.min(allowed)));
        Wanted {
            max_rows: least(wanted.max_rows, self.max_rows),
            max_bytes: least(wanted.max_bytes, self.max_bytes),
            ..wanted
        }
    }
}

impl std::fmt::Debug for DatabaseConfig {
    /// Nothing of it: the connection string holds a password.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DatabaseConfig").finish_non_exhaustive()
    }
}
