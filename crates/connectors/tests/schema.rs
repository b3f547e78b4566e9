//! The published schemas: current, right for everything that ships, and refusing nothing that is read.

#![allow(clippy::unwrap_used, reason = "in tests outside of test functions too")]

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
    let manifests = jsonschema::draft202012::new(&manifest_schema()).unwrap();
    let exchanges = jsonschema::draft202012::new(&exchanges_schema()).unwrap();
    let manifest = |text: &str| Connector::parse(text).is_err();
    let exchange = |text: &str| Exchanges::parse(text).is_err();
    let kinds: [(_, _, Refuses<'_>); 2] =
        [(manifests, BUILT_IN, &manifest), (exchanges, EXCHANGES, &exchange)];
    for (schema, files, refuses) in kinds {
        let mut refused = 0;
        for (name, text) in files {
            for changed in changes(&tree(text)) {
                if let Some(error) = schema.iter_errors(&changed).next() {
                    refused += 1;
                    assert!(refuses(&changed.to_string()), "{name}: {error} at {}", error.instance_path());
                }
            }
        }
        assert!(refused > 100, "{refused}");
    }
}

/// The document with one thing changed: a key too many, a key too few, or a value of another type; here and there.
fn changes(document: &Value) -> Vec<Value> {
    let mut places = Vec::new();
    walk(document, String::new(), &mut places);
    let few = places.iter().step_by(places.len().div_ceil(150).max(1));
    let mut changed = Vec::new();
    for place in few {
        let mut with = |change: &dyn Fn(&mut Value)| {
            let mut copy = document.clone();
            change(copy.pointer_mut(place).unwrap());
            changed.push(copy);
        };
        for value in [json!(null), json!(7), json!([]), json!({}), json!("?")] {
            with(&|at| *at = value.clone());
        }
        with(&|at| drop(at.as_object_mut().map(|fields| fields.insert("nmae".to_owned(), json!(1)))));
        with(&|at| {
            if let Some(fields) = at.as_object_mut()
                && let Some(first) = fields.keys().next().cloned()
            {
                fields.remove(&first);
            }
        });
    }
    changed
}

/// The JSON pointers of all that is in a value.
fn walk(value: &Value, place: String, places: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            for (key, below) in fields {
                walk(below, format!("{place}/{}", key.replace('~', "~0").replace('/', "~1")), places);
            }
        }
        Value::Array(items) => {
            for (n, below) in items.iter().enumerate() {
                walk(below, format!("{place}/{n}"), places);
            }
        }
        _ => {}
    }
    places.push(place);
}
