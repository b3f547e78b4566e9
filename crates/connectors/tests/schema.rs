//! The published schemas: current, right for everything that ships, and refusing nothing that is read.

#![allow(clippy::unwrap_used, reason = "in tests outside of test functions too")]

use std::collections::BTreeMap;

use serde_json::{Value, json};
use trunkline_connectors::{BUILT_IN, Connector, EXCHANGES, Exchanges, exchanges_schema, manifest_schema};

/// Whether a text is refused.
type Refuses<'a> = &'a dyn Fn(&str) -> bool;

/// The file that editors are given, and what it has to have. Written anew where `UPDATE` is set.
fn current(path: &str, schema: &Value) {
    let path = format!("{}/../../docs/{path}", env!("CARGO_MANIFEST_DIR"));
    let text = serde_json::to_string_pretty(schema).unwrap() + "\n";
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, &text).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(written == text, "{path} is not current; set UPDATE=1 and run this test again");
}

fn tree(yaml: &str) -> Value {
    serde_saphyr::from_str(yaml).unwrap()
}

#[test]
fn the_schema_of_exchanges_that_editors_are_given_is_that_of_the_types() {
    current("exchanges.schema.json", &exchanges_schema());
}

#[test]
fn what_ships_is_valid_by_the_schemas() {
    for (schema, files) in [(manifest_schema(), BUILT_IN), (exchanges_schema(), EXCHANGES)] {
        let validator = jsonschema::draft202012::new(&schema).unwrap();
        for (name, text) in files {
            let wrong: Vec<_> = validator.iter_errors(&tree(text)).map(|error| error.to_string()).collect();
            assert!(wrong.is_empty(), "{name}: {wrong:#?}");
        }
    }
}

#[test]
fn what_a_schema_refuses_is_not_read_either() {
    let manifest = |text: &str| Connector::parse(text).is_err();
    let exchange = |text: &str| Exchanges::parse(text).is_err();
    let kinds: [(_, _, Refuses<'_>); 2] =
        [(manifest_schema(), BUILT_IN, &manifest), (exchanges_schema(), EXCHANGES, &exchange)];
    for (schema, files, refuses) in kinds {
        let validator = jsonschema::draft202012::new(&schema).unwrap();
        let mut documents: Vec<_> =
            files.iter().map(|(name, text)| (*name, text.len(), tree(text))).collect();
        documents.sort_by_key(|(_, length, _)| *length);
        let mut places = BTreeMap::new();
        for (at, (.., document)) in documents.iter().enumerate() {
            walk(document, &schema, "", "", &mut |kind, place| {
                let of_kind: &mut Vec<_> = places.entry(kind.to_owned()).or_default();
                if of_kind.len() < OF_EACH_KIND {
                    of_kind.push((at, place.to_owned()));
                }
            });
        }
        let mut refused = 0;
        for (at, place) in places.values().flatten() {
            let (name, _, document) = &documents[*at];
            for changed in changes(document, place).into_iter().filter(|changed| !validator.is_valid(changed))
            {
                refused += 1;
                assert!(
                    refuses(&changed.to_string()),
                    "{name}: {:?}",
                    validator.iter_errors(&changed).next()
                );
            }
        }
        assert!(refused > 200, "{refused}");
    }
}

/// So many places of a kind are changed, in the shortest documents that have some.
const OF_EACH_KIND: usize = 2;

/// The document with one thing changed: a key too many, a key too few, or a value of another type.
fn changes(document: &Value, place: &str) -> Vec<Value> {
    let with = |change: &dyn Fn(&mut Value)| {
        let mut copy = document.clone();
        change(copy.pointer_mut(place).unwrap());
        copy
    };
    let others = [json!(null), json!(7), json!([]), json!({}), json!("?")];
    let mut changed: Vec<_> = others.iter().map(|value| with(&|at| *at = value.clone())).collect();
    changed
        .push(with(&|at| drop(at.as_object_mut().map(|fields| fields.insert("nmae".to_owned(), json!(1))))));
    changed.push(with(&|at| {
        if let Some(fields) = at.as_object_mut()
            && let Some(first) = fields.keys().next().cloned()
        {
            fields.remove(&first);
        }
    }));
    changed
}

/// Tells of all that is in a value where a schema knows what may be there: its kind, which is the steps to it with `*` for items
/// and for names that whoever writes it gives, and its JSON pointer.
fn walk(value: &Value, schema: &Value, kind: &str, place: &str, tell: &mut dyn FnMut(&str, &str)) {
    tell(kind, place);
    let steps: Vec<_> = match value {
        Value::Object(fields) => fields.iter().map(|(key, below)| (key.clone(), below)).collect(),
        Value::Array(items) => items.iter().enumerate().map(|(n, below)| (n.to_string(), below)).collect(),
        _ => Vec::new(),
    };
    for (step, value) in steps {
        // What is not known may be anything.
        let Some((schema, is_named)) = below(schema, &step) else { continue };
        let name = if is_named { &*step } else { "*" };
        let place = format!("{place}/{}", step.replace('~', "~0").replace('/', "~1"));
        walk(value, schema, &format!("{kind}/{name}"), &place, tell);
    }
}

/// What a schema says of a step below it, and whether by its name.
fn below<'a>(schema: &'a Value, step: &str) -> Option<(&'a Value, bool)> {
    if let Some(named) = schema.get("properties").and_then(|known| known.get(step)) {
        return Some((named, true));
    }
    let any = schema.get("items").or_else(|| schema.get("additionalProperties"));
    if let Some(any) = any.filter(|any| any.is_object()) {
        return Some((any, false));
    }
    let either = ["anyOf", "oneOf", "allOf"].iter().filter_map(|key| schema.get(key)?.as_array());
    either.flatten().find_map(|one| below(one, step))
}
