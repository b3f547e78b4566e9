//! The JSON that a caller sends for a database: `{query, params}`, `{name, params}`, `{query, batch}` or
//! `{transaction: […]}`.

use std::{borrow::Cow, sync::Arc};

use serde::Deserialize;
use serde_json::value::RawValue;
use trunkline_core::{Error, Query, Result, Seconds, Statement, Wanted, parse};

use super::config::Rules;

/// A request as callers write it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire<'a> {
    #[serde(borrow, default)]
    query: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    name: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    params: Option<&'a RawValue>,
    #[serde(borrow, default)]
    batch: Option<Vec<&'a RawValue>>,
    #[serde(borrow, default)]
    transaction: Option<Vec<Part<'a>>>,
    #[serde(default)]
    read_only: Option<bool>,
    #[serde(default)]
    max_rows: Option<u64>,
    #[serde(default)]
    max_bytes: Option<u64>,
    #[serde(default)]
    rows: Rows,
    #[serde(default)]
    timeout: Option<Seconds>,
    #[serde(default)]
    cache_ttl: Option<Ttl>,
}

/// One statement of a transaction.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Part<'a> {
    #[serde(borrow, default)]
    query: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    name: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    params: Option<&'a RawValue>,
}

#[derive(Default, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Rows {
    #[default]
    Objects,
    Arrays,
}

/// Seconds, of which there may be none.
#[derive(Deserialize)]
#[serde(untagged)]
enum Ttl {
    Time(Seconds),
    #[allow(dead_code, reason = "only that it is a number that is no time says something")]
    None(u8),
}

/// Turns the JSON into a query. Its `read_only` is what the caller or the configuration says; what the text says is
/// found when it is planned.
pub(super) fn parse(request: &RawValue, rules: &Rules) -> Result<Query> {
    // serde takes an array for the fields of a structure in their order.
    if !request.get().starts_with('{') {
        return Err(Error::invalid(
            "expected an object such as {\"query\": \"select :id\", \"params\": {\"id\": 7}}",
        ));
    }
    let wire: Wire<'_> = match serde_json::from_str(request.get()) {
        Ok(wire) => wire,
        // Once more, for an error with the path of what is wrong.
        Err(_) => parse::text(request.get().as_bytes())?,
    };
    let mut asked = Asked { rules, read_only: true, ttl: None };
    let statements = match (&wire.transaction, &wire.batch) {
        (None, None) => vec![asked.statement(wire.query, wire.name, wire.params)?],
        (None, Some(batch)) if wire.params.is_none() => {
            let one = asked.statement(wire.query, wire.name, None)?;
            let each = |params: &&RawValue| Statement {
                text: one.text.clone(),
                params: Some((**params).to_owned()),
            };
            batch.iter().map(each).collect()
        }
        (Some(_), None) if wire.query.is_none() && wire.name.is_none() && wire.params.is_none() => {
            let parts = wire.transaction.into_iter().flatten().enumerate();
            let one = |(n, part): (usize, Part<'_>)| {
                let found = asked.statement(part.query, part.name, part.params);
                found.map_err(|error| error.at(&format!("transaction.{n}")))
            };
            parts.map(one).collect::<Result<_>>()?
        }
        (None, Some(_)) => {
            return Err(Error::invalid("batch: has the parameters of each run; leave out params"));
        }
        _ => {
            return Err(Error::invalid(
                "transaction: is a list of statements; leave out query, name, params and batch",
            ));
        }
    };
    let read_only = wire.read_only.unwrap_or(false) || asked.read_only && !statements.is_empty();
    let ttl = match wire.cache_ttl {
        Some(Ttl::Time(time)) => Some(time.get()),
        Some(Ttl::None(_)) => Some(std::time::Duration::ZERO),
        None => asked.ttl.map(Seconds::get),
    };
    Ok(Query {
        statements,
        operation_name: None,
        read_only,
        timeout: wire.timeout.map(Seconds::get),
        ttl,
        wanted: Wanted {
            max_rows: wire.max_rows,
            max_bytes: wire.max_bytes,
            arrays: wire.rows == Rows::Arrays,
            stream: false,
            read_only,
        },
    })
}

/// What the named queries among the statements say.
struct Asked<'a> {
    rules: &'a Rules,
    /// Whether all are named, and to be read only.
    read_only: bool,
    ttl: Option<Seconds>,
}

impl Asked<'_> {
    fn statement(
        &mut self,
        query: Option<Cow<'_, str>>,
        name: Option<Cow<'_, str>>,
        params: Option<&RawValue>,
    ) -> Result<Statement> {
        let params = params.map(ToOwned::to_owned);
        let text: Arc<str> = match (query, name) {
            (Some(text), None) if !self.rules.only_queries => {
                self.read_only = false;
                text.into()
            }
            (Some(_), None) => {
                return Err(Error::invalid(format!(
                    "query: this integration takes no SQL from callers; send name, one of {}",
                    self.known()
                )));
            }
            (None, Some(name)) => {
                let Some(query) = self.rules.queries.get(&*name) else {
                    let message = match self.rules.queries.is_empty() {
                        true => "name: this integration has no queries; send query with SQL".to_owned(),
                        false => format!("name: there is no query of this name, only {}", self.known()),
                    };
                    return Err(Error::invalid(message));
                };
                self.read_only &= query.read_only;
                self.ttl = query.cache_ttl;
                query.query.as_str().into()
            }
            (None, None) => {
                return Err(Error::invalid("query: is missing; send SQL, or the name of a query"));
            }
            (Some(_), Some(_)) => return Err(Error::invalid("name: goes without query; send one of them")),
        };
        Ok(Statement { text, params })
    }

    fn known(&self) -> String {
        self.rules.queries.keys().map(|name| &**name).collect::<Vec<_>>().join(", ")
    }
}
