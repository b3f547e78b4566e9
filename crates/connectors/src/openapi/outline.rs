//! What is answered, in outline: which fields there are and of which types. Nothing is checked by it, and what services
//! answer often leads to all that they have, so it goes no deeper than a reader would.

use serde_json::{Map, Value, json};

use super::{
    document::{Document, text},
    fields::Fields,
};

/// Objects and lists within one another: an answer, its list of records, and each of these.
const DEPTH: usize = 3;
/// An outline with more parts is drawn again, one level less deep.
const MOST: usize = 150;
/// Longer lists of values are left away.
const VALUES: usize = 30;
/// A longer chain of choices of one leads in a circle.
const CHAIN: usize = 32;

/// The outline of a schema, as deep as it stays small.
pub(super) fn of(document: &Document, schema: &Value) -> Value {
    let draw = |depth| {
        let mut drawing = Drawing { document, parts: 0 };
        (drawing.schema(schema, depth), drawing.parts)
    };
    let fits = (2..=DEPTH).rev().map(draw).find(|(_, parts)| *parts <= MOST);
    fits.unwrap_or_else(|| draw(1)).0
}

struct Drawing<'a> {
    document: &'a Document,
    parts: usize,
}

impl<'a> Drawing<'a> {
    fn schema(&mut self, schema: &'a Value, depth: usize) -> Value {
        self.parts += 1;
        let Some((found, mut null)) = self.unwrapped(schema) else { return json!({}) };
        let mut out = match members(found, &["anyOf", "oneOf"]) {
            Some(members) => {
                let members: Vec<_> =
                    members.iter().filter_map(|member| self.document.resolve(member).ok()).collect();
                null |= members.iter().any(|member| is_null(member));
                self.several(&members)
            }
            None => {
                let (kind, or_null) = kind(found);
                null |= or_null;
                match kind {
                    Some("array") => self.list(found, depth),
                    Some("object") => self.object(found, depth),
                    None if self.document.shape(found).object => self.object(found, depth),
                    _ => plain(found, kind),
                }
            }
        };
        if null && let Some(kind) = out.get("type").and_then(Value::as_str) {
            out["type"] = json!([kind, "null"]);
        }
        out
    }

    /// What stands for a schema that is a reference, or a choice of one; and whether null may stand there too.
    fn unwrapped(&self, schema: &'a Value) -> Option<(&'a Value, bool)> {
        let (mut found, mut null) = (self.document.resolve(schema).ok()?, false);
        for _ in 0..CHAIN {
            null |= found.get("nullable") == Some(&Value::Bool(true));
            let Some(members) = members(found, &["anyOf", "oneOf", "allOf"]) else { break };
            let members = members.iter().filter_map(|member| self.document.resolve(member).ok());
            let (nulls, others): (Vec<_>, Vec<_>) = members.partition(|member| is_null(member));
            let [one] = others.as_slice() else { break };
            null |= !nulls.is_empty();
            found = one;
        }
        Some((found, null))
    }

    fn list(&mut self, schema: &'a Value, depth: usize) -> Value {
        match schema.get("items") {
            Some(items) if depth > 0 => json!({ "type": "array", "items": self.schema(items, depth - 1) }),
            _ => json!({ "type": "array" }),
        }
    }

    fn object(&mut self, schema: &'a Value, depth: usize) -> Value {
        if depth == 0 {
            return json!({ "type": "object" });
        }
        let Fields { fields, more, .. } = Fields::some(self.document, schema);
        let more = more.filter(|more| more.is_object());
        let shown =
            fields.into_iter().filter(|(_, field)| field.get("writeOnly") != Some(&Value::Bool(true)));
        let properties: Map<_, _> =
            shown.map(|(name, field)| (name.to_owned(), self.schema(field, depth - 1))).collect();
        match (properties.is_empty(), more) {
            (false, _) => json!({ "type": "object", "properties": properties }),
            (true, Some(more)) => {
                json!({ "type": "object", "additionalProperties": self.schema(more, depth - 1) })
            }
            (true, None) => json!({ "type": "object" }),
        }
    }

    /// What can be one of several things, by their types alone.
    fn several(&self, members: &[&'a Value]) -> Value {
        let mut kinds: Vec<&str> = members.iter().filter_map(|member| kind(member).0).collect();
        kinds.retain(|kind| *kind != "null");
        kinds.sort_unstable();
        kinds.dedup();
        match kinds.as_slice() {
            [] => json!({}),
            [one] => json!({ "type": one }),
            several => json!({ "type": several }),
        }
    }
}

/// The members of the first of these that a schema has, where it has no fields beside them.
fn members<'a>(schema: &'a Value, keys: &[&str]) -> Option<&'a Vec<Value>> {
    let alone = schema.get("properties").is_none();
    keys.iter().find_map(|key| schema.get(key)?.as_array()).filter(|_| alone)
}

fn is_null(schema: &Value) -> bool {
    text(Some(schema), "type") == Some("null") || schema.get("enum") == Some(&json!([null]))
}

/// The type of a value, unless it is null, and whether it may be that.
fn kind(schema: &Value) -> (Option<&str>, bool) {
    match schema.get("type") {
        Some(Value::String(kind)) => (Some(kind), false),
        Some(Value::Array(kinds)) => {
            let mut others = kinds.iter().filter_map(Value::as_str).filter(|kind| *kind != "null");
            let (first, second) = (others.next(), others.next());
            (first.filter(|_| second.is_none()), kinds.iter().any(|kind| kind == "null"))
        }
        _ if schema.get("properties").is_some() => (Some("object"), false),
        _ if schema.get("items").is_some() => (Some("array"), false),
        _ => (None, false),
    }
}

/// A value that is neither a list nor an object.
fn plain(schema: &Value, kind: Option<&str>) -> Value {
    let mut out = Map::new();
    let known = ["string", "integer", "number", "boolean", "null"];
    out.extend(kind.filter(|kind| known.contains(kind)).map(|kind| ("type".to_owned(), kind.into())));
    out.extend(text(Some(schema), "format").map(|format| ("format".to_owned(), format.into())));
    let values = schema.get("enum").filter(|values| values.as_array().is_some_and(|v| v.len() <= VALUES));
    out.extend(values.map(|values| ("enum".to_owned(), values.clone())));
    out.into()
}
