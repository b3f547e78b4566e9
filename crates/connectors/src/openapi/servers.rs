//! Where the service is: the base URL, and what an integration has to give for it.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{
    document::{Document, members, text},
    names,
    notes::{Notes, shown},
    operations::{Operation, Operations},
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

fn url(server: &Value) -> Option<&str> {
    text(Some(server), "url")
}

fn trimmed(url: &str) -> &str {
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

/// A base URL whose host nobody said.
fn unknown(written: &str) -> (String, Vec<Input>) {
    let path = if written.starts_with('/') && !written.contains(['{', '}', '?', '#']) { written } else { "" };
    let input = Input {
        help: "The host that the service is at, and its port where it is not 443".to_owned(),
        example: Some("api.example.com".to_owned()),
        pattern: Some("^[A-Za-z0-9.:-]+$".to_owned()),
        ..input("host", "Host")
    };
    (format!("https://{{{{ inputs.host }}}}{path}"), vec![input])
}

/// One of several base URLs.
fn chosen(servers: &[&Value]) -> (String, Vec<Input>) {
    let mut choices: Vec<String> = Vec::new();
    let mut help = Vec::new();
    for server in servers {
        let Some(url) = url(server).map(|url| without_query(trimmed(url))) else { continue };
        if choices.iter().any(|known| known == url) {
            continue;
        }
        choices.push(url.to_owned());
        let said = text(Some(server), "description").map(|said| format!("{url}: {}", said.trim()));
        help.extend(said);
    }
    let input = Input {
        help: help.join("\n"),
        default: choices.first().cloned(),
        choices,
        ..input("server", "Server")
    };
    ("{{ inputs.server }}".to_owned(), vec![input])
}

/// A base URL with an input for each of its variables.
fn templated(server: &Value, notes: &Notes) -> (String, Vec<Input>) {
    let whole = trimmed(url(server).unwrap_or_default());
    let mut rest = without_query(whole);
    if rest != whole {
        notes.tell("servers", "what follows the ? of its URL is not carried over");
    }
    let (mut base_url, mut inputs) = (String::new(), Vec::<Input>::new());
    while let Some((plain, after)) = rest.split_once('{') {
        let Some((name, after)) = after.split_once('}') else { break };
        base_url.push_str(plain);
        rest = after;
        let variable =
            members(server, "variables").find(|(known, _)| *known == name).map(|(_, variable)| variable);
        match variable_of(name, variable) {
            Ok(input) => {
                base_url.push_str(&format!("{{{{ inputs.{} }}}}", input.name));
                if !inputs.iter().any(|known| known.name == input.name) {
                    inputs.push(input);
                }
            }
            Err(value) => {
                let name = shown(name);
                notes.tell(
                    format!("servers.variables.{name}"),
                    format!(
                        "can have values that no expression in a URL can; it is always `{}`",
                        shown(&value)
                    ),
                );
                base_url.push_str(value.trim_matches('/'));
            }
        }
    }
    base_url.push_str(&rest.replace(['{', '}'], ""));
    (base_url.replace("//", "/").replacen(":/", "://", 1), inputs)
}

/// The input for a variable; its one value where others cannot stand in a URL.
fn variable_of(name: &str, variable: Option<&Value>) -> Result<Input, String> {
    let default = scalar(variable.and_then(|variable| variable.get("default")));
    let listed = variable.and_then(|variable| variable.get("enum")).and_then(Value::as_array);
    let mut choices: Vec<String> =
        listed.into_iter().flatten().filter_map(|choice| scalar(Some(choice))).collect();
    let fits = |value: &String| {
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_' | ':');
        !value.trim_matches('.').is_empty() && value.chars().all(allowed)
    };
    if let Some(default) = &default {
        if !fits(default) || !choices.iter().all(fits) {
            return Err(default.replace(['{', '}', '?', '#'], ""));
        }
        if !choices.is_empty() && !choices.contains(default) {
            choices.insert(0, default.clone());
        }
    }
    choices.retain(fits);
    let help = text(variable, "description").unwrap_or_default().trim().to_owned();
    Ok(Input { help, default, choices, ..input(&names::identifier(name), &names::title(name)) })
}

fn scalar(value: Option<&Value>) -> Option<String> {
    match value? {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

fn without_query(url: &str) -> &str {
    trimmed(url.split(['?', '#']).next().unwrap_or_default())
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
