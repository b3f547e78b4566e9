//! What is wrong with a value or a schema, in words that show no value unless it is nearly a known one.

use jsonschema::{ValidationError, error::TypeKind};
use serde_json::Value;
use trunkline_core::{Error, parse};

use crate::template::below;

/// The types of JSON Schema.
const TYPES: [&str; 7] = ["array", "boolean", "integer", "null", "number", "object", "string"];

/// The types that were expected.
pub(super) fn expected(kind: &TypeKind) -> String {
    let article = |name: &str| match name {
        "null" => name.to_owned(),
        name if name.starts_with(['a', 'i', 'o']) => format!("an {name}"),
        name => format!("a {name}"),
    };
    let kinds: Vec<_> = match kind {
        TypeKind::Single(kind) => vec![article(&kind.to_string())],
        TypeKind::Multiple(kinds) => kinds.iter().map(|kind| article(&kind.to_string())).collect(),
    };
    format!("expected {}", kinds.join(" or "))
}

/// Whether a text is among them.
pub(super) fn takes_text(kind: &TypeKind) -> bool {
    match kind {
        TypeKind::Single(kind) => kind.as_str() == "string",
        TypeKind::Multiple(kinds) => kinds.iter().any(|kind| kind.as_str() == "string"),
    }
}

/// The texts that a list of values, or of schemas with one value each, consists of.
pub(super) fn words(list: &Value) -> Option<Vec<&str>> {
    let word = |item: &'_ Value| match item {
        Value::String(_) => true,
        Value::Object(_) => item.get("const").is_some_and(Value::is_string),
        _ => false,
    };
    let list = list.as_array().filter(|list| list.iter().all(word))?;
    Some(list.iter().filter_map(|item| item.as_str().or_else(|| item["const"].as_str())).collect())
}

/// A value that is none of these: shown only where it is nearly one of them, as it may be anything.
pub(super) fn unknown(value: &Value, known: &[&str]) -> String {
    let near = value.as_str().and_then(|value| Some((value, parse::nearest(value, known.iter().copied())?)));
    let near = near.map(|(value, near)| format!(" `{value}`, did you mean `{near}`?")).unwrap_or_default();
    format!("unknown value{near}; known: {}", known.join(", "))
}

/// What makes a schema none.
#[derive(Debug)]
pub(crate) struct Broken {
    /// The path to it, with dots.
    pub(crate) path: String,
    what: String,
}

impl Broken {
    pub(super) fn new(error: &ValidationError<'_>) -> Self {
        let pointer = error.instance_path().as_str();
        let is_type = pointer.ends_with("/type") && !pointer.ends_with("/properties/type");
        let what = match is_type {
            true => unknown(error.instance(), &TYPES).replacen("unknown value", "is no type", 1),
            false => format!("is no JSON Schema: {}", error.masked()),
        };
        Self { path: pointer.trim_start_matches('/').replace('/', "."), what }
    }

    /// The error that it is where what is wrong stands at `place`.
    pub(crate) fn what_at(&self, place: &str) -> Error {
        Error::invalid(self.what.clone()).at(place)
    }

    /// The error that it is where the schema stands at `place`.
    pub(crate) fn at(&self, place: &str) -> Error {
        let path = if self.path.is_empty() { place.to_owned() } else { below(place, &self.path) };
        let error = Error::invalid(self.what.clone());
        if path.is_empty() { error } else { error.at(&path) }
    }
}
