//! Parameters as the document has them, and what the input of an action calls them.

use std::collections::BTreeSet;

use http::HeaderName;
use serde_json::Value;

use super::{
    document::{Document, text},
    keywords::named,
    names,
    notes::{Notes, shown},
};

/// Headers that are not for parameters to say (OpenAPI 3.1 section 4.8.12.1).
const OF_OTHERS: [&str; 3] = ["accept", "content-type", "authorization"];
/// Headers that belong to the connection, whoever asks for them.
const OF_CONNECTIONS: [&str; 9] = [
    "host",
    "connection",
    "content-length",
    "transfer-encoding",
    "te",
    "trailer",
    "upgrade",
    "expect",
    "keep-alive",
];

/// Where a parameter goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Into {
    Path,
    Query,
    Header,
}

impl Into {
    /// What the document calls it.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Path => "path",
            Self::Query => "query",
            Self::Header => "header",
        }
    }
}

/// A parameter.
#[derive(Debug)]
pub(super) struct Param<'a> {
    pub(super) name: &'a str,
    pub(super) into: Into,
    /// The parameter as the document has it.
    pub(super) value: &'a Value,
    pub(super) schema: Option<&'a Value>,
    /// What the input calls it.
    pub(super) input: String,
    pub(super) place: String,
}

impl Param<'_> {
    pub(super) fn is_of_path(&self) -> bool {
        self.into == Into::Path
    }

    /// Whether it has to be given, as all that are in the path.
    pub(super) fn is_required(&self) -> bool {
        self.is_of_path() || self.value.get("required") == Some(&Value::Bool(true))
    }

    /// Notes why it is not carried over.
    pub(super) fn left_out(&self, notes: &Notes, why: &str) {
        notes.tell(&*self.place, format!("{}{why}", needed(self.value)));
    }
}

/// The parameters of an operation, those of the path before those of the query. An operation's own win over those of its
/// path.
pub(super) fn read<'a>(
    document: &'a Document,
    item: &'a Value,
    operation: &'a Value,
    place: &str,
    notes: &Notes,
) -> Vec<Param<'a>> {
    let mut params: Vec<Param<'a>> = Vec::new();
    for list in [item, operation] {
        for value in list.get("parameters").and_then(Value::as_array).into_iter().flatten() {
            let value = match document.resolve(value) {
                Ok(value) => value,
                Err(what) => {
                    notes.tell(format!("{place}.parameters"), format!("{what}; passed over"));
                    continue;
                }
            };
            let Some(param) = param(value, place, notes) else { continue };
            params.retain(|known| (known.into, known.name) != (param.into, param.name));
            params.push(param);
        }
    }
    params.sort_by_key(|param| param.into);
    params
}

fn param<'a>(value: &'a Value, place: &str, notes: &Notes) -> Option<Param<'a>> {
    let (Some(name), Some(into)) = (text(Some(value), "name"), text(Some(value), "in")) else {
        notes.tell(format!("{place}.parameters"), "a parameter without name and in; passed over");
        return None;
    };
    let place = format!("{place}.parameters.{}", shown(name));
    notes.keys(value, &PARAMETER, &place);
    let lower = name.to_ascii_lowercase();
    let into = match into {
        "path" => Into::Path,
        "query" => Into::Query,
        "header" if OF_OTHERS.contains(&lower.as_str()) => {
            notes.tell(place, "says what the body and the credential say by themselves; passed over");
            return None;
        }
        "header" if OF_CONNECTIONS.contains(&lower.as_str()) || lower.starts_with("proxy-") => {
            notes.tell(place, "belongs to the connection; passed over");
            return None;
        }
        "header" if name.parse::<HeaderName>().is_err() => {
            notes.tell(place, "is not the name of a header; passed over");
            return None;
        }
        "header" => Into::Header,
        "cookie" => {
            notes.tell(place, format!("{}cookies are not carried over", needed(value)));
            return None;
        }
        _ => {
            notes.tell(place, "is in no place that is known; passed over");
            return None;
        }
    };
    let input = match into {
        Into::Header => names::identifier(&lower),
        _ => names::identifier(name),
    };
    Some(Param { name, into, value, schema: value.get("schema"), input, place })
}

/// What is said before what is left out.
fn needed(value: &Value) -> &'static str {
    if value.get("required") == Some(&Value::Bool(true)) { "is required, and left out: " } else { "" }
}

/// Gives each a name that no field of the body has, and no other parameter.
pub(super) fn name(params: &mut [Param<'_>], fields: BTreeSet<String>, notes: &Notes) {
    let mut taken = fields;
    for param in params {
        if taken.contains(&param.input) {
            let other = format!("{}_in_{}", param.input, param.into.word());
            let other = names::unique(other, &mut taken);
            notes.tell(
                &*param.place,
                format!(
                    "{} is the name of something else too; the input calls this one {}",
                    named(&param.input),
                    named(&other)
                ),
            );
            param.input = other;
        } else {
            taken.insert(param.input.clone());
        }
    }
}

/// The keys of a parameter. `allowEmptyValue` lets nothing through that would not go through by itself.
const PARAMETER: [&str; 13] = [
    "name",
    "in",
    "description",
    "required",
    "deprecated",
    "allowEmptyValue",
    "style",
    "explode",
    "allowReserved",
    "schema",
    "example",
    "examples",
    "content",
];
