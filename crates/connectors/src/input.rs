//! `Input`: something that an integration gives its connector.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// Something that an integration gives. Together they draw a form.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// Its name in expressions: `inputs.NAME`.
    pub name: String,
    /// The name for people.
    pub title: String,
    /// Where it is found, and what it looks like.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub help: String,
    /// Whether it is shown to nobody once it is stored.
    #[serde(default, skip_serializing_if = "is_false")]
    pub secret: bool,
    /// Whether it may be left out, though there is no default.
    #[serde(default, skip_serializing_if = "is_false")]
    pub optional: bool,
    /// What it is unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<String>,
    /// What it may be, where it is one of a few.
    #[serde(default, rename = "enum", skip_serializing_if = "Vec::is_empty")]
    pub choices: Vec<String>,
    /// The regular expression that it matches.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pattern: Option<String>,
    /// What one looks like, for the form. Never a real one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub example: Option<String>,
}

fn is_false(value: &bool) -> bool {
    !value
}

impl Input {
    /// Whether something is missing where it is not given.
    pub fn is_required(&self) -> bool {
        !self.optional && self.default.is_none()
    }

    fn schema(&self) -> Value {
        let mut schema = json!({ "type": "string", "title": self.title });
        let mut put = |key: &str, value: Value| schema[key] = value;
        if !self.help.is_empty() {
            put("description", json!(self.help));
        }
        if self.secret {
            put("writeOnly", json!(true));
        }
        if let Some(default) = &self.default {
            put("default", json!(default));
        }
        if !self.choices.is_empty() {
            put("enum", json!(self.choices));
        }
        if let Some(pattern) = &self.pattern {
            put("pattern", json!(pattern));
        }
        if let Some(example) = &self.example {
            put("examples", json!([example]));
        }
        schema
    }
}

/// The JSON Schema of an object with these inputs, in their order.
pub(crate) fn schema<'a>(inputs: impl Iterator<Item = &'a Input> + Clone) -> Value {
    let properties: Map<_, _> = inputs.clone().map(|input| (input.name.clone(), input.schema())).collect();
    let required: Vec<_> =
        inputs.clone().filter(|input| input.is_required()).map(|input| &*input.name).collect();
    let order: Vec<_> = inputs.map(|input| &*input.name).collect();
    json!({
        "type": "object", "properties": properties, "required": required, "additionalProperties": false,
        // Objects of JSON have no order; forms do.
        "x-order": order,
    })
}

/// The same, of which none has to be there.
pub(crate) fn lenient<'a>(inputs: impl Iterator<Item = &'a Input> + Clone) -> Value {
    let mut schema = schema(inputs);
    schema["required"] = json!([]);
    schema
}
