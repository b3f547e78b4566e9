//! `Ready`: an action that was checked, with its templates compiled.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};
use trunkline_core::Result;

use crate::{
    Action, Repeats,
    schema::Checker,
    template::{Template, below},
};

/// An action that was checked.
#[derive(Debug)]
pub(super) struct Ready {
    pub(super) input: Checker,
    pub(super) path: Option<Template>,
    /// Everything else of the request.
    pub(super) rest: Template,
    /// What is in the body; all of the input that is used nowhere else, where nothing is said.
    pub(super) send: Option<Template>,
    used: BTreeSet<String>,
}

impl Action {
    /// Whether its method has a body that means something (RFC 9110 section 9.3).
    pub(super) fn takes_body(&self) -> bool {
        !matches!(self.method.as_deref(), None | Some("GET" | "HEAD" | "DELETE" | "OPTIONS"))
    }

    /// Whether it gets something, which does no harm however often, and that may have a list at this JSON pointer.
    pub(super) fn may_list(&self, items: &str) -> bool {
        let harmless = self.repeats.is_none_or(|repeats| repeats == Repeats::Safely);
        let reads = self.method.as_deref() == Some("GET") && harmless;
        let there = match (&self.returns, &self.output) {
            // What it says of its answer is said of this part alone.
            (Some(part), _) => part == items,
            (None, output) => output.as_ref().is_none_or(|schema| may_have_list(schema, items)),
        };
        reads && there
    }
}

/// Whether something that suits a schema may have a list at this JSON pointer.
fn may_have_list(schema: &Value, items: &str) -> bool {
    let steps = items.split('/').skip(1).map(|step| step.replace("~1", "/").replace("~0", "~"));
    let mut schema = schema;
    for step in steps {
        match schema.get("properties").and_then(Value::as_object) {
            Some(known) => match known.get(&step) {
                Some(below) => schema = below,
                None => return false,
            },
            None => return may_be(schema, "object"),
        }
    }
    may_be(schema, "array")
}

/// Whether a schema leaves room for a value of this type.
fn may_be(schema: &Value, kind: &str) -> bool {
    match schema.get("type") {
        Some(Value::String(one)) => one == kind,
        Some(Value::Array(kinds)) => kinds.iter().any(|one| one == kind),
        _ => true,
    }
}

impl Ready {
    /// Checks it; it stands at `place`.
    pub(super) fn new(action: &Action, place: &str) -> Result<Self> {
        let none = || json!({ "type": "object", "properties": {}, "additionalProperties": false });
        let input = Checker::new(action.input.clone().unwrap_or_else(none));
        let text = |key: &str, text: &String| Template::text(text, &below(place, key));
        let path = action.path.as_ref().map(|path| text("path", path)).transpose()?;
        let rest = match &action.request {
            Some(request) => Template::object(request.iter(), &below(place, "request"))?,
            None => Template::parse(&action.head(), place)?,
        };
        let send =
            action.send.as_ref().map(|send| Template::parse(send, &below(place, "send"))).transpose()?;
        let mut used: BTreeSet<_> = rest.names();
        used.extend(path.iter().flat_map(Template::names));
        let used = used
            .iter()
            .filter_map(|name| name.strip_prefix("input.")?.split('.').next().map(ToOwned::to_owned));
        Ok(Self { used: used.collect(), input, path, rest, send })
    }

    /// What of the input is in neither path nor query nor headers.
    pub(super) fn unused(&self, input: Value) -> Value {
        match input {
            Value::Object(mut fields) => {
                fields.retain(|key, _| !self.used.contains(key));
                fields.into()
            }
            input => input,
        }
    }
}

impl Action {
    /// Method, query and headers of its request.
    fn head(&self) -> Value {
        let mut head = Map::new();
        head.extend(self.method.clone().map(|method| ("method".to_owned(), method.into())));
        if !self.query.is_empty() {
            head.insert("params".to_owned(), json!(self.query));
        }
        if !self.headers.is_empty() {
            head.insert("headers".to_owned(), json!(self.headers));
        }
        head.into()
    }
}
