//! The JSON that a caller sends for `graphql`: `{query | name, variables, operation_name, extensions, files}` or
//! `{batch: […]}`.

use std::{borrow::Cow, collections::BTreeMap, sync::Arc};

use base64::{Engine, engine::general_purpose::STANDARD};
use serde::Deserialize;
use serde_json::value::RawValue;
use trunkline_core::{Error, File, Query, Result, Seconds, Statement, Wanted, parse};

use super::files::{self, MOST};
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
    variables: Option<&'a RawValue>,
    #[serde(borrow, default)]
    operation_name: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    extensions: Option<&'a RawValue>,
    #[serde(borrow, default)]
    batch: Option<Vec<Part<'a>>>,
    #[serde(borrow, default)]
    files: Option<BTreeMap<String, FileWire<'a>>>,
    #[serde(default)]
    timeout: Option<Seconds>,
    #[serde(default)]
    ttl: Option<Ttl>,
}

/// One request of a batch.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Part<'a> {
    #[serde(borrow, default)]
    query: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    name: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    variables: Option<&'a RawValue>,
    #[serde(borrow, default)]
    operation_name: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    extensions: Option<&'a RawValue>,
}

/// A file: its `text`, or `base64` for bytes.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileWire<'a> {
    name: String,
    #[serde(default)]
    media: Option<String>,
    #[serde(borrow, default)]
    text: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    base64: Option<Cow<'a, str>>,
}

/// Requests that one batch may hold.
const BATCH: usize = 100;

/// Documents with names, and whether callers may send no others.
#[derive(Debug, Default)]
pub(super) struct Named {
    pub(super) queries: BTreeMap<String, Arc<str>>,
    pub(super) only: bool,
}

/// Turns the JSON into a query. Whether it only reads is found when it is planned.
pub(super) fn parse(request: &RawValue, named: &Named) -> Result<Query> {
    // serde takes an array for the fields of a structure in their order.
    if !request.get().starts_with('{') {
        return Err(Error::invalid(
            "expected an object such as {\"query\": \"query($id: ID!) { order(id: $id) { total } }\", \
             \"variables\": {\"id\": 7}}",
        ));
    }
    let wire: Wire<'_> = match serde_json::from_str(request.get()) {
        Ok(wire) => wire,
        // Once more, for an error with the path of what is wrong.
        Err(_) => parse::text(request.get().as_bytes())?,
    };
    let one = Part {
        query: wire.query,
        name: wire.name,
        variables: wire.variables,
        operation_name: wire.operation_name,
        extensions: wire.extensions,
    };
    let files = wire.files.unwrap_or_default();
    let statements = match wire.batch {
        None => vec![one.statement(named)?],
        Some(_) if !one.is_empty() || !files.is_empty() => {
            return Err(Error::invalid(
                "batch: is a list of requests; leave out query, name, variables and files",
            ));
        }
        Some(batch) if batch.is_empty() || batch.len() > BATCH => {
            return Err(Error::invalid(format!("batch: holds from 1 to {BATCH} requests")));
        }
        Some(batch) => {
            let one = |(n, part): (usize, Part<'_>)| {
                part.statement(named).map_err(|error| error.at(&format!("batch.{n}")))
            };
            batch.into_iter().enumerate().map(one).collect::<Result<_>>()?
        }
    };
    let files = files.into_iter().map(|(path, file)| file.read(path)).collect::<Result<Vec<_>>>()?;
    if files.iter().map(|file| file.content.len()).sum::<usize>() > MOST {
        return Err(Error::invalid(format!("files: are longer than {MOST} bytes together")));
    }
    if !files.is_empty() {
        files::placed(statements.first().and_then(|statement| statement.params.as_deref()), &files)?;
    }
    let ttl = wire.ttl.map(Ttl::get);
    let timeout = wire.timeout.map(Seconds::get);
    Ok(Query { statements, files, read_only: false, timeout, ttl, wanted: Wanted::default() })
}

/// Turns the JSON of a subscription into a query.
pub(super) fn parse_stream(request: &RawValue, named: &Named) -> Result<Query> {
    let mut query = parse(request, named)?;
    if query.statements.len() != 1 {
        return Err(Error::invalid("batch: subscriptions are begun one at a time"));
    }
    if !query.files.is_empty() {
        return Err(Error::invalid("files: a subscription takes none"));
    }
    if query.ttl.is_some() {
        return Err(Error::invalid("ttl: what a subscription brings is not kept"));
    }
    query.wanted.events = true;
    Ok(query)
}

impl Part<'_> {
    fn is_empty(&self) -> bool {
        let Part { query, name, variables, operation_name, extensions } = self;
        query.is_none()
            && name.is_none()
            && variables.is_none()
            && operation_name.is_none()
            && extensions.is_none()
    }

    fn statement(self, named: &Named) -> Result<Statement> {
        let known = || named.queries.keys().map(|name| &**name).collect::<Vec<_>>().join(", ");
        let text: Arc<str> = match (self.query, self.name) {
            (Some(text), None) if !named.only => text.into(),
            (Some(_), None) => {
                return Err(Error::invalid(format!(
                    "query: this integration takes no documents from callers; send name, one of {}",
                    known()
                )));
            }
            (None, Some(name)) => match named.queries.get(&*name) {
                Some(text) => text.clone(),
                None if named.queries.is_empty() => {
                    return Err(Error::invalid("name: this integration has no queries; send query"));
                }
                None => {
                    return Err(Error::invalid(format!(
                        "name: there is no query of this name, only {}",
                        known()
                    )));
                }
            },
            (None, None) => {
                return Err(Error::invalid("query: is missing; send a document, or the name of a query"));
            }
            (Some(_), Some(_)) => return Err(Error::invalid("name: goes without query; send one of them")),
        };
        let object = |key: &str, raw: Option<&RawValue>| match raw {
            Some(raw) if !raw.get().starts_with('{') => {
                Err(Error::invalid(format!("{key}: must be an object")))
            }
            raw => Ok(raw.map(ToOwned::to_owned)),
        };
        Ok(Statement {
            text,
            params: object("variables", self.variables)?,
            operation_name: self.operation_name.map(|name| name.into()),
            extensions: object("extensions", self.extensions)?,
        })
    }
}

impl FileWire<'_> {
    fn read(self, path: String) -> Result<File> {
        let bad = |what: &str| Error::invalid(format!("files.{path}: {what}"));
        let content = match (self.text, self.base64) {
            (Some(text), None) => text.into_owned().into(),
            (None, Some(text)) => STANDARD.decode(&*text).map_err(|_| bad("base64 is not base64"))?.into(),
            _ => return Err(bad("give text or base64")),
        };
        let media = self.media.unwrap_or_default();
        if media.chars().any(char::is_control) {
            return Err(bad("media has a control character"));
        }
        Ok(File { path, name: self.name, media, content })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::{Value, json, value::to_raw_value};

    use super::*;

    fn parsed(request: &Value, only: bool) -> Result<Query> {
        let queries = [("order".to_owned(), "{ order }".into())].into();
        parse(&to_raw_value(request).unwrap(), &Named { queries, only })
    }

    #[test]
    fn a_request_is_a_document_or_the_name_of_one_or_a_batch() {
        for (request, texts) in [
            (json!({"query": "{ a }", "variables": {"b": 1}}), vec!["{ a }"]),
            (json!({"name": "order"}), vec!["{ order }"]),
            (json!({"batch": [{"query": "{ a }"}, {"name": "order"}]}), vec!["{ a }", "{ order }"]),
        ] {
            let query = parsed(&request, false).unwrap();
            let found: Vec<_> = query.statements.iter().map(|statement| &*statement.text).collect();
            assert_eq!(found, texts, "{request}");
            assert!(!query.read_only && query.ttl.is_none());
        }
        let kept =
            parsed(&json!({"name": "order", "ttl": 5, "timeout": 2, "variables": null}), true).unwrap();
        assert_eq!((kept.ttl, kept.timeout), (Some(Duration::from_secs(5)), Some(Duration::from_secs(2))));
        assert!(kept.statements[0].params.is_none());
        assert_eq!(parsed(&json!({"name": "order", "ttl": 0}), true).unwrap().ttl, Some(Duration::ZERO));
    }

    #[test]
    fn a_file_is_text_or_bytes_in_the_place_of_a_variable() {
        let files = json!({"variables.a": {"name": "a.txt", "media": "text/plain", "text": "hi"},
            "variables.b.0": {"name": "b", "base64": "AAE="}});
        let query = parsed(&json!({"query": "{ a }", "files": files}), false).unwrap();
        let contents: Vec<_> = query.files.iter().map(|file| (&*file.path, &file.content[..])).collect();
        assert_eq!(contents, [("variables.a", &b"hi"[..]), ("variables.b.0", &b"\0\x01"[..])]);
    }

    #[test]
    fn bad_requests_name_the_key() {
        let file = json!({"name": "a", "text": "a"});
        for (request, word) in [
            (json!({}), "query: is missing"),
            (json!({"query": "{ a }", "name": "order"}), "name: "),
            (json!({"name": "no"}), "only order"),
            (json!({"query": "{ a }", "variables": []}), "variables: "),
            (json!({"query": "{ a }", "extensions": 1}), "extensions: "),
            (json!({"query": "{ a }", "variabels": {}}), "did you mean `variables`"),
            (json!({"query": 1}), "query"),
            (json!({"batch": []}), "batch: "),
            (json!({"batch": [{"query": "{ a }"}], "query": "{ a }"}), "batch: "),
            (json!({"batch": [{"query": "{ a }"}], "files": {"variables.a": file}}), "batch: "),
            (json!({"batch": [{"query": "{ a }"}, {}]}), "batch.1: query"),
            (json!({"query": "{ a }", "files": {"a": file}}), "files.a: "),
            (json!({"query": "{ a }", "files": {"variables.a": {"name": "a"}}}), "files.variables.a: "),
            (
                json!({"query": "{ a }", "files": {"variables.a": {"name": "a", "base64": "%"}}}),
                "files.variables.a: ",
            ),
            (
                json!({"query": "{ a }", "variables": {"a": 1}, "files": {"variables.a": file}}),
                "files.variables.a: ",
            ),
            (json!([]), "expected"),
        ] {
            let error = parsed(&request, false).unwrap_err();
            assert!(error.message().contains(word), "{request}: {error}");
        }
        assert!(parsed(&json!({"query": "{ a }"}), true).unwrap_err().message().contains("one of order"));
    }
}
