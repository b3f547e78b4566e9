//! Schemas that refer to themselves without going deeper: what is checked by one would be checked for ever.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

/// What begins a reference to one of `$defs`.
pub(super) const DEFS: &str = "#/$defs/";

/// Keywords whose schemas are about the same value.
const SAME: [&str; 7] = ["allOf", "anyOf", "oneOf", "not", "if", "then", "else"];

/// Names of definitions that lead to themselves without going deeper into a value, one for each circle.
pub(super) fn circles(defs: &Map<String, Value>) -> Vec<String> {
    let mut state: BTreeMap<&str, State> = BTreeMap::new();
    let mut found = Vec::new();
    for start in defs.keys() {
        if state.contains_key(start.as_str()) {
            continue;
        }
        // The path so far, each with what is left to visit from there.
        let mut path = vec![(start.as_str(), same(&defs[start]))];
        state.insert(start, State::Open);
        while let Some((name, left)) = path.last_mut() {
            let name = *name;
            match left.pop() {
                None => {
                    state.insert(name, State::Done);
                    path.pop();
                }
                Some(next) => match (state.get(next), defs.get(next)) {
                    (Some(State::Open), _) => {
                        found.push(name.to_owned());
                    }
                    (None, Some(schema)) => {
                        state.insert(next, State::Open);
                        path.push((next, same(schema)));
                    }
                    _ => {}
                },
            }
        }
    }
    found
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Open,
    Done,
}

/// The definitions that a schema applies to the value it is about itself.
fn same(schema: &Value) -> Vec<&str> {
    let mut out = Vec::new();
    let mut left = vec![schema];
    while let Some(schema) = left.pop() {
        let Some(schema) = schema.as_object() else { continue };
        out.extend(schema.get("$ref").and_then(Value::as_str).and_then(|to| to.strip_prefix(DEFS)));
        for key in SAME {
            match schema.get(key) {
                Some(Value::Array(members)) => left.extend(members),
                Some(member) => left.push(member),
                None => {}
            }
        }
        left.extend(
            schema.get("dependentSchemas").and_then(Value::as_object).into_iter().flat_map(Map::values),
        );
    }
    out
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_circle_is_found_and_a_tree_is_none() {
        let defs = json!({
            "tree": {"type": "object", "properties": {"children": {"type": "array", "items": {"$ref": "#/$defs/tree"}}}},
            "a": {"allOf": [{"$ref": "#/$defs/tree"}, {"anyOf": [{"$ref": "#/$defs/b"}]}]},
            "b": {"$ref": "#/$defs/a"},
            "self": {"not": {"$ref": "#/$defs/self"}},
        });
        assert_eq!(circles(defs.as_object().unwrap()), ["b", "self"]);
    }
}
