//! Schemas in which a keyword is misspelt, or something is required that can never be there: valid JSON Schemas that do not say
//! what was meant.

use serde_json::Value;
use trunkline_core::{Error, parse};

use crate::template::below;

/// Keywords whose value is a schema, or a list of them.
const ONE: [&str; 16] = [
    "items",
    "additionalItems",
    "prefixItems",
    "contains",
    "additionalProperties",
    "propertyNames",
    "unevaluatedItems",
    "unevaluatedProperties",
    "allOf",
    "anyOf",
    "oneOf",
    "not",
    "if",
    "then",
    "else",
    "contentSchema",
];
/// Keywords whose value has schemas by names that are anybody's.
const NAMED: [&str; 5] = ["properties", "patternProperties", "$defs", "definitions", "dependentSchemas"];
/// All others, with those that OpenAPI has beside them.
const OTHER: [&str; 46] = [
    "type",
    "enum",
    "const",
    "required",
    "multipleOf",
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "minLength",
    "maxLength",
    "pattern",
    "format",
    "minItems",
    "maxItems",
    "uniqueItems",
    "minContains",
    "maxContains",
    "minProperties",
    "maxProperties",
    "dependentRequired",
    "dependencies",
    "title",
    "description",
    "default",
    "examples",
    "deprecated",
    "readOnly",
    "writeOnly",
    "contentEncoding",
    "contentMediaType",
    "$id",
    "id",
    "$schema",
    "$ref",
    "$anchor",
    "$dynamicRef",
    "$dynamicAnchor",
    "$vocabulary",
    "$comment",
    "example",
    "nullable",
    "discriminator",
    "xml",
    "externalDocs",
    "collectionFormat",
];

/// What a schema that stands at `place` has of these. A keyword of one's own is none: what is near none of the known ones, or
/// begins with `x-`.
pub(crate) fn misspelt(schema: &Value, place: &str) -> Vec<Error> {
    let mut wrong = Vec::new();
    look(schema, place, true, &mut wrong);
    wrong
}

fn look(schema: &Value, place: &str, outermost: bool, wrong: &mut Vec<Error>) {
    match schema {
        Value::Array(schemas) => {
            for (n, schema) in schemas.iter().enumerate() {
                look(schema, &format!("{place}[{n}]"), false, wrong);
            }
        }
        Value::Object(keywords) => {
            for (key, value) in keywords {
                let place = below(place, key);
                if ONE.contains(&&**key) {
                    look(value, &place, false, wrong);
                } else if NAMED.contains(&&**key) {
                    for (name, schema) in value.as_object().into_iter().flatten() {
                        look(schema, &below(&place, name), false, wrong);
                    }
                } else if !OTHER.contains(&&**key)
                    && !key.starts_with("x-")
                    && let Some(near) = parse::nearest(key, ONE.into_iter().chain(NAMED).chain(OTHER))
                {
                    wrong.push(Error::invalid(format!("{place}: is not known, did you mean `{near}`?")));
                }
            }
            missing(schema, place, outermost, wrong);
        }
        _ => {}
    }
}

/// Names that are required of an object whose fields are all named, and that are none of them. What the outermost schema has
/// not named it might take all the same; but nothing is known of it, and nobody is asked for it.
fn missing(schema: &Value, place: &str, outermost: bool, wrong: &mut Vec<Error>) {
    let Some(properties) = schema.get("properties").and_then(Value::as_object) else { return };
    let more = ["patternProperties", "$ref", "allOf", "anyOf", "oneOf", "if", "dependentSchemas"];
    let closed = match schema.get("additionalProperties") {
        None => outermost,
        Some(more) => *more == Value::Bool(false),
    };
    if !closed || more.iter().any(|key| schema.get(key).is_some()) {
        return;
    }
    for name in schema.get("required").and_then(Value::as_array).into_iter().flatten() {
        let Some(name) = name.as_str().filter(|name| !properties.contains_key(*name)) else { continue };
        let near = parse::nearest(name, properties.keys().map(String::as_str));
        let near = near.map(|near| format!(", did you mean `{near}`?")).unwrap_or_default();
        wrong.push(Error::invalid(format!("{place}.required: `{name}` is none of its properties{near}")));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_nearly_a_keyword_is_found_and_a_name_or_a_keyword_of_ones_own_is_not() {
        let schema = json!({
            "type": "object", "requird": ["a"], "required": ["a", "zzz"], "x-tpye": 1, "hint": 1,
            "properties": {
                "a": {"tpye": "string"},
                "tpye": {"type": "array", "items": {"anyOf": [{"patern": "x"}, {"enum": [{"tpye": 1}]}]}},
                "open": {"type": "object", "properties": {}, "required": ["any"]},
                "shut": {"type": "object", "properties": {"x": {}}, "required": ["y"], "additionalProperties": false},
            },
        });
        let found: Vec<_> =
            misspelt(&schema, "input").iter().map(|error| error.message().to_owned()).collect();
        let mut expected = vec![
            "input.properties.a.tpye: is not known, did you mean `type`?",
            "input.properties.tpye.items.anyOf[0].patern: is not known, did you mean `pattern`?",
            "input.properties.shut.required: `y` is none of its properties",
            "input.required: `zzz` is none of its properties",
            "input.requird: is not known, did you mean `required`?",
        ];
        let mut found: Vec<_> = found.iter().map(String::as_str).collect();
        found.sort_unstable();
        expected.sort_unstable();
        assert_eq!(found, expected);
    }
}
