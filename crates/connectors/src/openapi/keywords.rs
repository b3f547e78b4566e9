//! The keywords of a schema, translated to JSON Schema 2020-12, and kept only where they have a value that they can have.

use serde_json::{Map, Value, json};

use super::{notes::shown, schemas::Schemas, words};

/// The types that there are.
const TYPES: [&str; 7] = ["null", "boolean", "object", "array", "number", "string", "integer"];
/// Examples that are larger, in characters of JSON, are left out.
const EXAMPLE: usize = 500;

/// Patterns that are longer, in bytes, take long to compile.
const PATTERN: usize = 1_000;

impl<'a> Schemas<'a, '_> {
    /// A schema of the document, as one of 2020-12.
    pub(super) fn schema(&mut self, schema: &'a Value) -> Value {
        let fields = match schema {
            Value::Object(fields) => fields,
            Value::Bool(all) => return (*all).into(),
            _ => {
                self.tell("is no schema; anything goes there");
                return json!({});
            }
        };
        if !self.take(1) {
            return json!({});
        }
        if !self.enter() {
            return json!({});
        }
        let mut out = Map::new();
        for (key, value) in fields {
            self.path.push(key);
            if !self.keyword(key, value, fields, &mut out) && !self.shop.notes.extension(key) {
                self.tell("has a value that it cannot have, or is not known; passed over");
            }
            self.path.pop();
        }
        self.leave();
        let null = fields.get("nullable") == Some(&Value::Bool(true)) && self.shop.document.old;
        let mut out = if null { or_null(out) } else { out };
        given(fields, &mut out);
        out.into()
    }

    /// A description, as long as it is of use.
    pub(super) fn described(&self, text: &str) -> String {
        let (short, is_cut) = words::description(text);
        if is_cut {
            self.shop.notes.often(&*self.place, words::CUT);
        }
        short
    }

    /// Puts a keyword into `out`; `false` where it cannot be.
    fn keyword(
        &mut self,
        key: &'a str,
        value: &'a Value,
        fields: &'a Map<String, Value>,
        out: &mut Map<String, Value>,
    ) -> bool {
        let kept = match key {
            "$ref" => {
                let Some(to) = value.as_str() else { return false };
                self.reference(to).map(Value::from)
            }
            "type" => return types(value).map(|types| out.insert(key.to_owned(), types)).is_some(),
            "properties" | "patternProperties" | "dependentSchemas" => {
                let Some(members) = value.as_object() else { return false };
                let mut made = Map::new();
                for (name, member) in members {
                    if self.is_full() {
                        break;
                    }
                    self.path.push(name);
                    if key != "patternProperties" || name.len() <= PATTERN && self.shop.is_pattern(name) {
                        made.insert(name.clone(), self.schema(member));
                    } else {
                        self.tell("is no regular expression; passed over");
                    }
                    self.path.pop();
                }
                Some(made.into())
            }
            "items"
            | "additionalProperties"
            | "not"
            | "contains"
            | "propertyNames"
            | "if"
            | "then"
            | "else"
            | "unevaluatedItems"
            | "unevaluatedProperties"
                if value.is_object() || value.is_boolean() =>
            {
                Some(self.schema(value))
            }
            "allOf" | "anyOf" | "oneOf" | "prefixItems" => match value.as_array() {
                Some(members) if !members.is_empty() => {
                    Some(members.iter().map(|member| self.schema(member)).collect())
                }
                _ => return false,
            },
            "required" => match strings(value) {
                // A boolean there is what JSON Schema of long ago had.
                None => return false,
                Some(names) => Some(names).filter(|names| !names.is_empty()).map(Value::from),
            },
            "dependentRequired" => match value.as_object() {
                Some(members) if members.values().all(|member| strings(member).is_some()) => {
                    Some(value.clone())
                }
                _ => return false,
            },
            "enum" => match value.as_array() {
                Some(values) if !values.is_empty() => self.take(values.len() / 4).then(|| value.clone()),
                _ => return false,
            },
            "minLength" | "maxLength" | "minItems" | "maxItems" | "minProperties" | "maxProperties"
            | "minContains" | "maxContains" => match whole(value) {
                Some(number) => Some(number.into()),
                None => return false,
            },
            "multipleOf" if value.as_f64().is_some_and(|number| number > 0.0) => Some(value.clone()),
            "minimum" | "maximum" if value.is_number() => {
                let exclusive = if key == "minimum" { "exclusiveMinimum" } else { "exclusiveMaximum" };
                let is_exclusive = fields.get(exclusive) == Some(&Value::Bool(true));
                out.insert(if is_exclusive { exclusive } else { key }.to_owned(), value.clone());
                None
            }
            // It belongs to its neighbour, as 3.0 has it.
            "exclusiveMinimum" | "exclusiveMaximum" if value.is_boolean() => None,
            "exclusiveMinimum" | "exclusiveMaximum" if value.is_number() => Some(value.clone()),
            "uniqueItems" | "deprecated" if value.is_boolean() => Some(value.clone()),
            "pattern" => match value.as_str() {
                Some(pattern) if pattern.len() > PATTERN => {
                    self.tell("is too long to be checked; passed over");
                    None
                }
                Some(pattern) if self.shop.is_pattern(pattern) => Some(value.clone()),
                _ => return false,
            },
            "description" => match value.as_str() {
                Some(text) => Some(self.described(text).into()),
                None => return false,
            },
            "format" | "title" | "contentEncoding" | "contentMediaType" if value.is_string() => {
                Some(value.clone())
            }
            "const" | "default" => Some(value.clone()),
            "examples" | "example" => {
                let short = value.to_string().len() <= EXAMPLE;
                let several = key == "examples" && value.is_array();
                let kept = short.then(|| if several { value.clone() } else { json!([value]) });
                out.extend(kept.map(|kept| ("examples".to_owned(), kept)));
                None
            }
            "discriminator" => {
                self.tell("does not choose among schemas: they are tried");
                None
            }
            // These say nothing of which values there are, or are seen elsewhere.
            "xml" | "externalDocs" | "$defs" | "definitions" | "$comment" | "$schema" | "readOnly"
            | "writeOnly" => None,
            "nullable" => return value.is_boolean(),
            _ => return false,
        };
        out.extend(kept.map(|kept| (key.to_owned(), kept)));
        true
    }
}

/// Takes out the properties that the service alone says.
fn given(fields: &Map<String, Value>, out: &mut Map<String, Value>) {
    let properties = fields.get("properties").and_then(Value::as_object).into_iter().flatten();
    let gone: Vec<_> = properties.filter(|(_, member)| is_of_answers(member)).map(|(name, _)| name).collect();
    if gone.is_empty() {
        return;
    }
    if let Some(Value::Object(properties)) = out.get_mut("properties") {
        properties.retain(|name, _| !gone.contains(&name));
    }
    if let Some(Value::Array(required)) = out.get_mut("required") {
        required.retain(|name| !gone.iter().any(|gone| name == gone.as_str()));
    }
}

/// Whether only the service says it.
pub(super) fn is_of_answers(field: &Value) -> bool {
    field.get("readOnly") == Some(&Value::Bool(true))
}

/// The types that a value names; `None` where it names none, or others.
fn types(value: &Value) -> Option<Value> {
    let known = |name: &Value| name.as_str().is_some_and(|name| TYPES.contains(&name));
    match value {
        Value::String(_) if known(value) => Some(value.clone()),
        Value::Array(names) if !names.is_empty() && names.iter().all(known) => {
            let mut once: Vec<&Value> = Vec::new();
            names.iter().for_each(|name| {
                if !once.contains(&name) {
                    once.push(name);
                }
            });
            Some(json!(once))
        }
        _ => None,
    }
}

/// A list of texts, once each.
pub(super) fn strings(value: &Value) -> Option<Vec<&str>> {
    let mut once = Vec::new();
    for word in value.as_array()? {
        let word = word.as_str()?;
        if !once.contains(&word) {
            once.push(word);
        }
    }
    Some(once)
}

/// A whole number, not below zero, however it is written.
fn whole(value: &Value) -> Option<u64> {
    let as_float = || value.as_f64().filter(|number| number.fract() == 0.0 && (0.0..1e15).contains(number));
    value.as_u64().or_else(|| as_float().map(|number| number as u64))
}

/// A schema that lets null through as well.
fn or_null(mut schema: Map<String, Value>) -> Map<String, Value> {
    let combined = ["$ref", "allOf", "anyOf", "oneOf", "const"].iter().any(|key| schema.contains_key(*key));
    if !combined {
        if let Some(Value::String(kind)) = schema.get("type") {
            let kinds = json!([kind, "null"]);
            schema.insert("type".to_owned(), kinds);
        }
        if let Some(Value::Array(values)) = schema.get_mut("enum")
            && !values.contains(&Value::Null)
        {
            values.push(Value::Null);
        }
        return schema;
    }
    let mut out = Map::new();
    for key in ["title", "description", "default", "examples", "deprecated"] {
        out.extend(schema.remove(key).map(|value| (key.to_owned(), value)));
    }
    out.insert("anyOf".to_owned(), json!([schema, { "type": "null" }]));
    out
}

/// What is told of a name that the document made up.
pub(super) fn named(name: &str) -> String {
    format!("`{}`", shown(name))
}
