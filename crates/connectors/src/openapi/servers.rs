//! Where the service is: the base URL, and what an integration has to give for it.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{
    document::{Document, text},
    notes::{Notes, shown},
    operations::{Operation, Operations},
    variables::{chosen, templated, unknown},
};
use crate::Input;

/// Where the service is.
#[derive(Debug, Default)]
pub(super) struct Server {
    pub(super) base_url: String,
    pub(super) inputs: Vec<Input>,
    /// The base URL as the document has it.
    written: String,
}

impl Server {
    /// What stands before the path of an operation: something where its server is one below the base URL. `None` where it is
    /// another server.
    pub(super) fn before(
        &self,
        document: &Document,
        operation: &Operation<'_>,
        notes: &Notes,
    ) -> Option<String> {
        let own = urls(document, operation);
        if own.iter().any(|url| trimmed(url) == self.written) {
            return Some(String::new());
        }
        let own = own.first().copied().unwrap_or_default();
        match own.strip_prefix(&*self.written) {
            Some(below) if below.starts_with('/') && !below.contains(['{', '}', '?', '#']) => {
                Some(trimmed(below).to_owned())
            }
            _ => {
                let what = format!(
                    "is at another server, {}, which needs an integration of its own; the operation is left out",
                    shown(own)
                );
                notes.tell(&*operation.place, what);
                None
            }
        }
    }
}

/// The URLs of the servers of an operation: its own, or those of its path, or those of the document.
fn urls<'a>(document: &'a Document, operation: &Operation<'a>) -> Vec<&'a str> {
    let lists = [operation.value, operation.item, document.root()].map(list);
    lists
        .into_iter()
        .find(|list| !list.is_empty())
        .map_or_else(|| vec![""], |list| list.iter().filter_map(url).collect())
}

fn list(owner: &Value) -> &[Value] {
    owner.get("servers").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

/// The URL of a server.
pub(super) fn url(server: &Value) -> Option<&str> {
    text(Some(server), "url")
}

/// A URL without slashes at its end.
pub(super) fn trimmed(url: &str) -> &str {
    url.trim_end_matches('/')
}

/// Where most operations are.
pub(super) fn read(operations: &Operations<'_>, base_url: Option<&str>, notes: &Notes) -> Server {
    let document = operations.document;
    let servers = common(operations);
    let written = trimmed(servers.first().and_then(url).unwrap_or_default()).to_owned();
    if let Some(base_url) = base_url {
        return Server { base_url: trimmed(base_url).replace("{{", "{"), inputs: Vec::new(), written };
    }
    let absolute: Vec<_> = servers.iter().filter(|server| url(server).is_some_and(is_absolute)).collect();
    for server in servers.iter().filter(|server| !url(server).is_some_and(is_absolute)) {
        let said = shown(url(server).unwrap_or_default());
        notes.tell("servers", format!("`{said}` says no host; an integration has to"));
    }
    if document.root().get("servers").is_none() && servers.is_empty() {
        notes.tell("servers", "the document says of no server; an integration has to");
    }
    let (base_url, inputs) = match absolute.as_slice() {
        [] => unknown(&written),
        [one] => templated(one, notes),
        several if several.iter().any(|server| url(server).is_some_and(|url| url.contains('{'))) => {
            for other in &several[1..] {
                let said = shown(url(other).unwrap_or_default());
                notes.tell("servers", format!("`{said}` is not offered: the first server has variables"));
            }
            templated(several[0], notes)
        }
        several => chosen(several),
    };
    Server { base_url, inputs, written }
}

/// The servers that most operations are at: those of the document, unless none is there.
fn common<'a>(operations: &Operations<'a>) -> &'a [Value] {
    let root = operations.document.root();
    let mut counted: BTreeMap<String, (usize, &'a [Value])> = BTreeMap::new();
    for operation in &operations.list {
        let lists = [operation.value, operation.item, root].map(list);
        let list = lists.into_iter().find(|list| !list.is_empty()).unwrap_or_default();
        let key = list.first().and_then(url).unwrap_or_default().to_owned();
        counted.entry(key).or_insert((0, list)).0 += 1;
    }
    let of_root = list(root).first().and_then(url).is_some_and(|url| counted.contains_key(url));
    if of_root || counted.is_empty() {
        return list(root);
    }
    counted.into_values().rev().max_by_key(|(count, _)| *count).map(|(_, list)| list).unwrap_or_default()
}

fn is_absolute(url: &str) -> bool {
    url.split_once("://").is_some_and(|(scheme, rest)| {
        (scheme.eq_ignore_ascii_case("https")
            || scheme.eq_ignore_ascii_case("http")
            || scheme.starts_with('{'))
            && !rest.is_empty()
    })
}

/// An input of which only the names are known.
pub(super) fn input(name: &str, title: &str) -> Input {
    Input {
        name: name.to_owned(),
        title: title.to_owned(),
        help: String::new(),
        secret: false,
        optional: false,
        default: None,
        choices: Vec::new(),
        pattern: None,
        example: None,
    }
}
