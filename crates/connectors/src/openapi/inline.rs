//! Definitions that are referred to once, put where that is: a reader need not look elsewhere for them.

use std::collections::{HashMap, HashSet};

use serde_json::{Map, Value};

use super::cycles::DEFS;

/// Keywords whose values are no schemas.
const PLAIN: [&str; 4] = ["enum", "const", "default", "examples"];

/// How many levels of JSON a schema has once they are there: a manifest that nests deeper is not read again.
const HEIGHT: usize = 50;

/// Puts them there, in a schema and in other definitions of it, where that makes nothing too deep.
pub(super) fn inline(schema: &mut Map<String, Value>, defs: &mut Map<String, Value>) {
    let mut counts = HashMap::new();
    schema.values().chain(defs.values()).for_each(|value| count(value, &mut counts));
    let once = counts.into_iter().filter(|(_, count)| *count == 1).map(|(name, _)| name).collect();
    schema.iter_mut().filter(|(key, _)| is_schema(key)).for_each(|(_, value)| put(value, defs, &once, 1));
    let names: Vec<_> = defs.keys().cloned().collect();
    for name in names {
        // One that was put somewhere meanwhile is gone.
        let Some(mut definition) = defs.remove(&name) else { continue };
        put(&mut definition, defs, &once, 2);
        defs.insert(name, definition);
    }
}

fn is_schema(key: &str) -> bool {
    !PLAIN.contains(&key)
}

/// Counts how often each definition is referred to.
fn count(value: &Value, counts: &mut HashMap<String, usize>) {
    match value {
        Value::Object(fields) => {
            if let Some(name) = target(fields) {
                *counts.entry(name.to_owned()).or_default() += 1;
            }
            fields.iter().filter(|(key, _)| is_schema(key)).for_each(|(_, value)| count(value, counts));
        }
        Value::Array(items) => items.iter().for_each(|item| count(item, counts)),
        _ => {}
    }
}

fn target(fields: &Map<String, Value>) -> Option<&str> {
    fields.get("$ref")?.as_str()?.strip_prefix(DEFS)
}

/// Puts definitions in the place of references to them, in a value that lies so deep.
fn put(value: &mut Value, defs: &mut Map<String, Value>, once: &HashSet<String>, depth: usize) {
    match value {
        Value::Object(fields) => {
            while let Some(name) = target(fields).map(ToOwned::to_owned)
                && once.contains(&name)
                && defs.get(&name).is_some_and(|found| depth + height(found) <= HEIGHT)
                && defs.get(&name).and_then(Value::as_object).is_some_and(|found| fits(fields, found))
                && let Some(Value::Object(mut found)) = defs.remove(&name)
            {
                fields.remove("$ref");
                // What is said beside a reference is meant for this place.
                found.append(fields);
                *fields = found;
            }
            fields
                .iter_mut()
                .filter(|(key, _)| is_schema(key))
                .for_each(|(_, value)| put(value, defs, once, depth + 1));
        }
        Value::Array(items) => items.iter_mut().for_each(|item| put(item, defs, once, depth + 1)),
        _ => {}
    }
}

/// How many levels a value has.
fn height(value: &Value) -> usize {
    let below = match value {
        Value::Object(fields) => fields.values().map(height).max(),
        Value::Array(items) => items.iter().map(height).max(),
        _ => return 0,
    };
    1 + below.unwrap_or_default()
}

/// Whether what stands beside a reference says nothing of values that the definition says otherwise.
fn fits(beside: &Map<String, Value>, found: &Map<String, Value>) -> bool {
    let of_words = ["$ref", "title", "description", "default", "examples", "deprecated"];
    beside.iter().all(|(key, value)| {
        of_words.contains(&key.as_str()) || found.get(key).is_none_or(|other| other == value)
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_referred_to_once_stands_there_and_what_leads_to_itself_stays() {
        let schema = json!({"properties": {
            "kind": {"$ref": "#/$defs/kind", "description": "of it"},
            "other": {"$ref": "#/$defs/other", "maxLength": 5},
            "tree": {"$ref": "#/$defs/tree"},
            "a": {"$ref": "#/$defs/twice"}, "b": {"$ref": "#/$defs/twice"},
        }});
        let defs = json!({
            "kind": {"$ref": "#/$defs/words", "description": "a kind"},
            "words": {"enum": ["x"]},
            "other": {"maxLength": 9},
            "tree": {"properties": {"children": {"items": {"$ref": "#/$defs/leaf"}}}},
            "leaf": {"anyOf": [{"$ref": "#/$defs/tree"}]},
            "twice": {"const": {"$ref": "#/$defs/leaf"}},
        });
        let (mut schema, mut defs) = (schema.as_object().unwrap().clone(), defs.as_object().unwrap().clone());
        inline(&mut schema, &mut defs);
        assert_eq!(schema["properties"]["kind"], json!({"enum": ["x"], "description": "of it"}));
        assert_eq!(schema["properties"]["other"], json!({"$ref": "#/$defs/other", "maxLength": 5}));
        assert_eq!(
            defs["tree"],
            json!({"properties": {"children": {"items": {"anyOf": [{"$ref": "#/$defs/tree"}]}}}})
        );
        assert_eq!(defs.keys().collect::<Vec<_>>(), ["other", "tree", "twice"]);
    }
}
