//! The JSON Schema of manifests as editors are given it: with the keys of types and auth schemes, which the crate of connectors
//! does not know.

use serde_json::{Map, Value, json};
use trunkline_connectors::manifest_schema;

use super::{
    Catalog, properties,
    unknown::{USUAL_TYPE, is_closed, is_object, shapes},
};

impl Catalog {
    /// The JSON Schema of manifests (draft 2020-12), down to the keys of `integration` by its type and of `auth_config` by its
    /// scheme. Of these it knows names alone: any value can be an expression. What stands under a type or a scheme that is not
    /// there it does not judge.
    pub fn manifest_schema(&self) -> Value {
        let mut schema = manifest_schema();
        let common: Map<_, _> =
            properties(&self.common).iter().map(|(key, below)| (key.clone(), names(&[below]))).collect();
        let integration = &mut schema["properties"]["integration"];
        let of_types = self.types.iter().map(|(name, own)| {
            let mut known: Map<_, _> =
                properties(own).iter().map(|(key, below)| (key.clone(), names(&[below]))).collect();
            // What all have is described once.
            known.extend(common.keys().map(|key| (key.clone(), Value::Bool(true))));
            let required: &[&str] = if *name == USUAL_TYPE { &[] } else { &["type"] };
            json!({
                "if": { "properties": { "type": { "const": name } }, "required": required },
                "then": { "properties": known, "additionalProperties": false },
            })
        });
        integration["allOf"] = of_types.collect();
        integration["properties"] = common.into();
        if let Some(auth) = schema.pointer_mut("/properties/auth/items") {
            let of_schemes = self.auth_types.iter().map(|(name, own)| {
                json!({
                    "if": { "properties": { "auth_type": { "const": name } }, "required": ["auth_type"] },
                    "then": { "properties": { "auth_config": names(&[own]) } },
                })
            });
            auth["allOf"] = of_schemes.collect();
        }
        schema
    }
}

/// The names that any of the schemas know in an object, at any depth, with what is said of them.
fn names(schemas: &[&Value]) -> Value {
    let all: Vec<_> = schemas.iter().flat_map(|schema| shapes(schema)).collect();
    let mut out = Map::new();
    if let Some(said) = schemas.iter().find_map(|schema| schema.get("description")) {
        out.insert("description".to_owned(), said.clone());
    }
    let mut known: Map<String, Value> = Map::new();
    for key in all.iter().flat_map(|shape| properties(shape).keys()) {
        if !known.contains_key(key) {
            let below: Vec<_> = all.iter().filter_map(|shape| properties(shape).get(key)).collect();
            known.insert(key.clone(), names(&below));
        }
    }
    let objects: Vec<_> = schemas.iter().filter(|schema| is_object(schema)).collect();
    if !known.is_empty() {
        out.insert("properties".to_owned(), known.into());
    }
    if !objects.is_empty() && objects.iter().all(|schema| is_closed(schema)) {
        out.insert("additionalProperties".to_owned(), false.into());
    }
    let items: Vec<_> = all.iter().filter_map(|shape| shape.get("items")).collect();
    if !items.is_empty() {
        out.insert("items".to_owned(), names(&items));
    }
    if out.is_empty() { Value::Bool(true) } else { out.into() }
}

#[cfg(test)]
mod tests {
    use trunkline_connectors::BUILT_IN;

    use super::*;

    fn wrong(manifest: &Value) -> Vec<String> {
        let schema = jsonschema::draft202012::new(&Catalog::get().manifest_schema()).unwrap();
        schema.iter_errors(manifest).map(|error| error.instance_path().to_string()).collect()
    }

    #[test]
    fn a_misspelt_key_of_an_integration_or_a_scheme_is_refused_and_expressions_are_not() {
        let of = |integration: Value| json!({ "name": "a", "title": "A", "integration": integration });
        for (manifest, expected) in [
            (
                of(
                    json!({"base_url": "x", "timeout": "{{ inputs.t }}", "headers": {"any": "{{ inputs.h }}"}}),
                ),
                vec![],
            ),
            (of(json!({"base_url": "x", "retry_config": "{{ inputs.r }}"})), vec![]),
            (of(json!({"hedaers": {}})), vec!["/integration"]),
            (of(json!({"retry_config": {"max_atempts": 1}})), vec!["/integration/retry_config"]),
            (of(json!({"rate_limit": [{"requests": 1, "action": []}]})), vec!["/integration/rate_limit/0"]),
            (of(json!({"type": "graphql", "schema": {}, "probe": {}})), vec!["/integration"]),
            (of(json!({"type": "of_a_program", "anything": 1})), vec![]),
            (
                json!({"name": "a", "title": "A", "integration": {}, "auth": [
                    {"id": "a", "title": "A", "auth_type": "bearer", "auth_config": {"tokn": "x"}},
                    {"id": "b", "title": "B", "auth_type": "of_a_program", "auth_config": {"any": "x"}},
                ]}),
                vec!["/auth/0/auth_config"],
            ),
        ] {
            assert_eq!(wrong(&manifest), expected, "{manifest}");
        }
    }

    #[test]
    fn all_that_ships_is_valid_by_it() {
        for (name, text) in BUILT_IN {
            let manifest = trunkline_connectors::Connector::parse(text).unwrap();
            let manifest = serde_json::to_value(manifest.manifest()).unwrap();
            assert_eq!(wrong(&manifest), [""; 0], "{name}");
        }
    }

    #[test]
    fn the_schema_that_editors_are_given_is_this_one() {
        let path = format!("{}/../../docs/connector.schema.json", env!("CARGO_MANIFEST_DIR"));
        let text = serde_json::to_string_pretty(&Catalog::get().manifest_schema()).unwrap() + "\n";
        if std::env::var_os("UPDATE").is_some() {
            std::fs::write(&path, &text).unwrap();
        }
        let written = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(written == text, "{path} is not current; set UPDATE=1 and run this test again");
    }
}
