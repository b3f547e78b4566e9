//! The JSON that a caller sends for a database: `{query, params}`, `{name, params}`, `{query, batch}` or
//! `{transaction: […]}`.

use std::{borrow::Cow, sync::Arc};

use serde::Deserialize;
use serde_json::value::RawValue;
use trunkline_core::{Error, Query, Result, Seconds, Statement, Wanted, parse};

use super::config::Rules;
use crate::ttl::Ttl;

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
    let mut asked = Asked { rules, read_only: true, ttl: None, all: true };
    let statements = match (&wire.transaction, &wire.batch) {
        (None, None) => vec![asked.statement(wire.query, wire.name, wire.params)?],
        (None, Some(batch)) if wire.params.is_none() => {
            let one = asked.statement(wire.query, wire.name, None)?;
            let each = |params: &&RawValue| Statement { params: Some((**params).to_owned()), ..one.clone() };
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
        Some(ttl) => Some(ttl.get()),
        None => asked.ttl.filter(|_| asked.all).map(Seconds::get),
    };
    Ok(Query {
        statements,
        files: Vec::new(),
        read_only,
        timeout: wire.timeout.map(Seconds::get),
        ttl,
        wanted: Wanted {
            max_rows: wire.max_rows,
            max_bytes: wire.max_bytes,
            arrays: wire.rows == Rows::Arrays,
            stream: false,
            events: false,
            read_only,
        },
    })
}

/// What the named queries among the statements say.
struct Asked<'a> {
    rules: &'a Rules,
    /// Whether all are named, and to be read only.
    read_only: bool,
    /// The shortest time that a reply may be kept, and whether all of them have one.
    ttl: Option<Seconds>,
    all: bool,
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
                (self.read_only, self.all) = (false, false);
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
                match (self.ttl, query.cache_ttl) {
                    (Some(a), Some(b)) => self.ttl = Some(a.min(b)),
                    (None, Some(ttl)) => self.ttl = Some(ttl),
                    (_, None) => self.all = false,
                }
                query.query.as_str().into()
            }
            (None, None) => {
                return Err(Error::invalid("query: is missing; send SQL, or the name of a query"));
            }
            (Some(_), Some(_)) => return Err(Error::invalid("name: goes without query; send one of them")),
        };
        Ok(Statement { params, ..Statement::new(text) })
    }

    fn known(&self) -> String {
        self.rules.queries.keys().map(|name| &**name).collect::<Vec<_>>().join(", ")
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::{Value, json, value::to_raw_value};

    use super::{super::config::NamedQuery, *};

    fn rules(only_queries: bool) -> Rules {
        let queries: BTreeMap<String, NamedQuery> = serde_json::from_value(json!({
            "orders": { "query": "select * from orders", "read_only": true, "cache_ttl": 60 },
            "users": { "query": "select * from users", "read_only": true, "cache_ttl": 5 },
            "pay": { "query": "update orders set paid = true" },
        }))
        .unwrap();
        Rules { read_only: false, hurries: false, max_rows: 10, max_bytes: 1000, only_queries, queries }
    }

    fn parsed(request: &Value, only_queries: bool) -> Result<Query> {
        parse(&to_raw_value(request).unwrap(), &rules(only_queries))
    }

    #[test]
    fn a_request_is_a_statement_or_a_list_of_them() {
        for (request, statements) in [
            (json!({ "query": "select 1" }), vec![("select 1", None)]),
            (json!({ "query": "select :a", "params": { "a": 1 } }), vec![("select :a", Some(r#"{"a":1}"#))]),
            (
                json!({ "query": "select ?", "batch": [[1], [2]] }),
                vec![("select ?", Some("[1]")), ("select ?", Some("[2]"))],
            ),
            (json!({ "query": "select ?", "batch": [] }), vec![]),
            (
                json!({ "transaction": [{ "query": "a", "params": [1] }, { "name": "pay" }] }),
                vec![("a", Some("[1]")), ("update orders set paid = true", None)],
            ),
        ] {
            let found = parsed(&request, false).unwrap();
            let found: Vec<_> = found
                .statements
                .iter()
                .map(|statement| (&*statement.text, statement.params.as_deref().map(RawValue::get)))
                .collect();
            assert_eq!(found, statements, "{request}");
        }
    }

    #[test]
    fn what_is_no_request_is_refused_by_the_key() {
        for (request, word) in [
            (json!([]), "an object"),
            (json!({}), "query: is missing"),
            (json!({ "qery": "a" }), "query"),
            (json!({ "query": "a", "name": "pay" }), "name"),
            (json!({ "name": "pya" }), "orders, pay, users"),
            (json!({ "query": "a", "params": [], "batch": [] }), "batch"),
            (json!({ "query": "a", "transaction": [] }), "transaction"),
            (json!({ "transaction": [{ "query": "a" }, {}] }), "transaction.1"),
            (json!({ "query": "a", "rows": "lists" }), "rows"),
        ] {
            let error = parsed(&request, false).unwrap_err();
            assert!(error.to_string().contains(word), "{request}: {error}");
        }
        assert!(parsed(&json!({ "query": "a" }), true).unwrap_err().to_string().contains("takes no SQL"));
        parsed(&json!({ "name": "pay" }), true).unwrap();
    }

    #[test]
    fn named_queries_that_are_read_only_and_may_be_kept_say_so_for_all_of_the_request() {
        for (request, read_only, seconds) in [
            (json!({ "name": "orders" }), true, Some(60)),
            (json!({ "name": "pay" }), false, None),
            (json!({ "transaction": [{ "name": "orders" }, { "name": "users" }] }), true, Some(5)),
            (json!({ "transaction": [{ "name": "users" }, { "name": "pay" }] }), false, None),
            (json!({ "transaction": [{ "query": "a" }, { "name": "users" }] }), false, None),
            (json!({ "name": "orders", "cache_ttl": 0 }), true, Some(0)),
            (json!({ "query": "a", "cache_ttl": 7, "read_only": true }), true, Some(7)),
        ] {
            let found = parsed(&request, false).unwrap();
            assert_eq!((found.read_only, found.wanted.read_only), (read_only, read_only), "{request}");
            assert_eq!(found.ttl.map(|ttl| ttl.as_secs()), seconds, "{request}");
        }
    }
}
