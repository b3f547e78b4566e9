//! Keys of a manifest that nothing reads: found in the schemas of types and schemes, so before anybody gives an input.

use serde_json::{Map, Value, json};
use trunkline_connectors::Manifest;
use trunkline_core::{Error, parse};

use super::{Catalog, properties};

/// The type of an integration whose manifest names none.
pub(super) const USUAL_TYPE: &str = "rest";

impl Catalog {
    /// The keys of a manifest that neither its type nor its auth schemes know, as errors that begin with their places and
    /// name the nearest key that is known. What is under a type or a scheme that is not there is not judged.
    pub fn unknown_keys(&self, manifest: &Manifest) -> Vec<Error> {
        let mut wrong = Vec::new();
        let integration = Value::Object(manifest.integration.clone());
        let r#type = integration["type"].as_str().unwrap_or(USUAL_TYPE);
        if let Some(own) = self.type_schema(r#type) {
            let mut known = properties(own).clone();
            known.extend(properties(&self.common).clone());
            let schema = json!({ "type": "object", "properties": known, "additionalProperties": false });
            find("integration", &integration, &[&schema], &mut wrong);
        }
        for auth in &manifest.auth {
            if let Some(schema) = self.auth_schema(&auth.auth_type) {
                let config = Value::Object(auth.auth_config.clone());
                find(&format!("auth.{}.auth_config", auth.id), &config, &[schema], &mut wrong);
            }
        }
        wrong
    }
}

/// Finds them in a value that any of the schemas may describe.
fn find(place: &str, value: &Value, schemas: &[&Value], wrong: &mut Vec<Error>) {
    let shapes: Vec<_> = schemas.iter().flat_map(|schema| shapes(schema)).collect();
    match value {
        Value::Object(fields) => find_in_object(place, fields, schemas, &shapes, wrong),
        Value::Array(items) => {
            let of_items: Vec<_> = shapes.iter().filter_map(|shape| shape.get("items")).collect();
            for (n, item) in items.iter().enumerate() {
                find(&format!("{place}[{n}]"), item, &of_items, wrong);
            }
        }
        _ => {}
    }
}

fn find_in_object(
    place: &str,
    fields: &Map<String, Value>,
    schemas: &[&Value],
    shapes: &[&Value],
    wrong: &mut Vec<Error>,
) {
    let is_closed = schemas.iter().filter(|schema| is_object(schema)).all(|schema| is_closed(schema));
    for (key, value) in fields {
        let place = format!("{place}.{key}");
        let mut below: Vec<_> = shapes.iter().filter_map(|shape| properties(shape).get(key)).collect();
        if below.is_empty() && is_closed && schemas.iter().any(|schema| is_object(schema)) {
            let known = shapes.iter().flat_map(|shape| properties(shape).keys()).map(String::as_str);
            let near = parse::nearest(key, known).map(|near| format!(", did you mean `{near}`?"));
            wrong.push(Error::invalid(format!("{place}: is not known{}", near.unwrap_or_default())));
            continue;
        }
        if below.is_empty() {
            below.extend(shapes.iter().filter_map(|shape| shape.get("additionalProperties")));
        }
        find(&place, value, &below, wrong);
    }
}

/// The alternatives that a schema consists of, itself among them.
fn alternatives(schema: &Value) -> impl Iterator<Item = &Value> {
    ["anyOf", "oneOf", "allOf"].into_iter().filter_map(|key| schema.get(key)?.as_array()).flatten()
}

/// A schema, and all that its alternatives consist of.
pub(super) fn shapes(schema: &Value) -> Vec<&Value> {
    std::iter::once(schema).chain(alternatives(schema).flat_map(shapes)).collect()
}

/// Whether it describes objects, beside what else.
pub(super) fn is_object(schema: &Value) -> bool {
    let says = |kind: &Value| {
        kind == "object" || kind.as_array().is_some_and(|kinds| kinds.contains(&"object".into()))
    };
    schema.get("type").is_some_and(says) || alternatives(schema).any(is_object)
}

/// Whether objects have no keys but those that it names.
pub(super) fn is_closed(schema: &Value) -> bool {
    let none = |key: &str| schema.get(key) == Some(&Value::Bool(false));
    let mut objects = alternatives(schema).filter(|schema| is_object(schema)).peekable();
    none("additionalProperties")
        || none("unevaluatedProperties")
        || (objects.peek().is_some() && objects.all(is_closed))
}

#[cfg(test)]
mod tests {
    use trunkline_connectors::{BUILT_IN, lint};

    use super::*;

    fn unknown(text: &str) -> Vec<String> {
        let connector = lint(text).unwrap();
        let wrong = Catalog::get().unknown_keys(connector.manifest());
        wrong.iter().map(|error| error.message().to_owned()).collect()
    }

    #[test]
    fn a_key_that_nothing_reads_is_found_at_any_depth_with_the_nearest_that_is_read() {
        let text = "
name: acme
title: Acme
auth:
  - {id: key, title: Key, auth_type: bearer, auth_config: {token: x, tokn: x}}
  - id: oauth
    title: OAuth
    auth_type: oauth2
    auth_config: {grant_type: client_credentials, toke_url: 'https://acme.example', authorization_params: {any: thing}}
  - {id: own, title: Of a program, auth_type: own, auth_config: {any: thing}}
integration:
  base_url: https://acme.example
  hedaers: {any: thing}
  headers: {any: thing}
  metadata: {any: {thing: 1}}
  retry_config: {max_atempts: 1}
  rate_limit: [{requests: 1, per: 1, action: [list]}]
  errors: {rules: [{when: {body: {pointer: /a, equal: 1}}, kind: rejected}]}
";
        assert_eq!(
            unknown(text),
            [
                "integration.errors.rules[0].when.body.equal: is not known, did you mean `equals`?",
                "integration.hedaers: is not known, did you mean `headers`?",
                "integration.rate_limit[0].action: is not known, did you mean `actions`?",
                "integration.retry_config.max_atempts: is not known, did you mean `max_attempts`?",
                "auth.key.auth_config.tokn: is not known, did you mean `token`?",
                "auth.oauth.auth_config.toke_url: is not known, did you mean `token_url`?",
            ]
        );
    }

    #[test]
    fn all_that_is_in_the_catalog_is_read() {
        for (name, text) in BUILT_IN {
            assert_eq!(unknown(text), [""; 0], "{name}");
        }
    }
}
