//! What is to be written under a key that is missing, in the words of the schema that describes it.

use schemars::{JsonSchema, generate::SchemaSettings};
use serde_json::Value;
use serde_path_to_error::{Path, Segment};

/// The hint for a key below a place in a `T`; `None` where its schema says nothing of it.
pub(super) fn hint<T: JsonSchema>(place: &Path, key: &str) -> Option<String> {
    let settings = SchemaSettings::draft2020_12().with(|settings| settings.inline_subschemas = true);
    let whole = settings.into_generator().into_root_schema_for::<T>().to_value();
    let mut at = vec![&whole];
    for segment in place {
        at = at.into_iter().flat_map(shapes).filter_map(|shape| below(shape, segment)).collect();
    }
    let found = at.into_iter().flat_map(shapes).find_map(|shape| shape.get("properties")?.get(key))?;
    let parts =
        [shapes(found).find_map(what), found.get("description").and_then(Value::as_str).map(sentence)];
    let parts: Vec<_> = parts.into_iter().flatten().collect();
    (!parts.is_empty()).then(|| parts.join(": "))
}

/// A schema, and all that its alternatives consist of.
fn shapes(schema: &Value) -> Box<dyn Iterator<Item = &Value> + '_> {
    let alternatives = ["anyOf", "oneOf", "allOf"].into_iter().filter_map(|key| schema.get(key)?.as_array());
    Box::new(std::iter::once(schema).chain(alternatives.flatten().flat_map(shapes)))
}

/// The schema of a part.
fn below<'a>(schema: &'a Value, segment: &Segment) -> Option<&'a Value> {
    match segment {
        Segment::Map { key } => match schema.get("properties").and_then(|own| own.get(key)) {
            Some(own) => Some(own),
            None => schema.get("additionalProperties"),
        },
        Segment::Seq { .. } => schema.get("items"),
        Segment::Enum { .. } | Segment::Unknown => Some(schema),
    }
}

/// What its value has to have, where that is not plain.
fn what(schema: &Value) -> Option<String> {
    let required = schema.get("required").and_then(Value::as_array)?;
    let keys: Vec<_> = required.iter().filter_map(|key| Some(format!("`{}`", key.as_str()?))).collect();
    (!keys.is_empty()).then(|| format!("an object with {}", keys.join(", ")))
}

/// The first sentence of a description, to go on after a colon.
fn sentence(text: &str) -> String {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let first = text.split(". ").next().unwrap_or_default().trim_end_matches('.');
    let mut chars = first.chars();
    match (chars.next(), chars.clone().next()) {
        // Not a name such as URL.
        (Some(head), Some(next)) if !next.is_uppercase() => {
            format!("{}{}", head.to_lowercase(), chars.as_str())
        }
        _ => first.to_owned(),
    }
}
