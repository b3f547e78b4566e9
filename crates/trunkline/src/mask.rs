//! Masking: a configuration without its secrets, and one that was sent back masked, with them again.

use serde_json::{Map, Value};
use trunkline_core::{MASK, is_sensitive_name};

use crate::catalog::{Catalog, properties};

/// The document with secrets masked: what a schema calls `writeOnly`, and headers whose names say that
/// they carry a credential. References stay readable: where a secret is kept is no secret.
pub(crate) fn masked(document: &Map<String, Value>, catalog: &Catalog) -> Value {
    let mut document = document.clone();
    let text = |key: &str| document.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let (r#type, auth_type) = (text("type"), text("auth_type"));
    match catalog.type_schema(&r#type) {
        Some(schema) => {
            for (key, value) in &mut document {
                if let Some(schema) = properties(schema).get(key) {
                    mask(value, schema);
                }
            }
        }
        // Nobody knows which keys of an unknown type are secret.
        None => {
            document.iter_mut().filter(|(key, _)| !catalog.is_common(key)).for_each(|(_, value)| hide(value))
        }
    }
    if let Some(config) = document.get_mut("auth_config") {
        match catalog.auth_schema(&auth_type) {
            Some(schema) => mask(config, schema),
            None => hide(config),
        }
    }
    if let Some(Value::Object(headers)) = document.get_mut("headers") {
        headers.iter_mut().filter(|(name, _)| is_sensitive_name(name)).for_each(|(_, value)| hide(value));
    }
    Value::Object(document)
}

/// Puts the secrets of `stored` back where `sent` has the mask at the same place: a client that reads a
/// configuration, changes a word and sends it back loses no secret.
pub fn unmask(sent: &mut Value, stored: &Value) {
    match (sent, stored) {
        (Value::Object(sent), Value::Object(stored)) => {
            for (key, value) in sent {
                if let Some(stored) = stored.get(key) {
                    unmask(value, stored);
                }
            }
        }
        (Value::Array(sent), Value::Array(stored)) => {
            sent.iter_mut().zip(stored).for_each(|(value, stored)| unmask(value, stored));
        }
        (sent @ Value::String(_), stored) if *sent == MASK => *sent = stored.clone(),
        _ => {}
    }
}

fn mask(value: &mut Value, schema: &Value) {
    if is_write_only(schema) {
        return hide(value);
    }
    if let Value::Object(fields) = value {
        let schemas = alternatives(schema);
        for (key, value) in fields {
            for schema in &schemas {
                if let Some(schema) = properties(schema).get(key) {
                    mask(value, schema);
                }
            }
        }
    }
}

/// The schema itself and what it may be instead: an `Option` of an object is written as `anyOf`.
fn alternatives(schema: &Value) -> Vec<&Value> {
    let inner = ["anyOf", "oneOf", "allOf"].iter().filter_map(|key| schema.get(key)?.as_array()).flatten();
    std::iter::once(schema).chain(inner).collect()
}

fn is_write_only(schema: &Value) -> bool {
    alternatives(schema).iter().any(|schema| schema.get("writeOnly").and_then(Value::as_bool) == Some(true))
}

fn hide(value: &mut Value) {
    match value {
        Value::String(text) if text.starts_with("${env:") || text.starts_with("${file:") => {}
        Value::Object(fields) => fields.values_mut().for_each(hide),
        Value::Array(values) => values.iter_mut().for_each(hide),
        Value::Null => {}
        value => *value = MASK.into(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn document() -> Value {
        json!({
            "integration_id": "a", "type": "rest", "base_url": "https://h",
            "auth_type": "api_key", "auth_config": {"key": "hunter2", "header": "X-K", "format": "Bearer hunter2"},
            "headers": {"accept": "text/plain", "X-Auth-Token": "hunter2"},
            "tls": {"client_cert": "hunter2", "client_key": "hunter2"},
            "proxy": {"url": "http://p", "username": "u", "password": "hunter2"},
        })
    }

    #[test]
    fn every_secret_is_masked_and_nothing_else() {
        let Value::Object(document) = document() else { unreachable!() };
        let masked = masked(&document, Catalog::get());
        assert!(!masked.to_string().contains("hunter2"), "{masked}");
        assert_eq!(masked["auth_config"]["header"], "X-K");
        assert_eq!(masked["headers"]["accept"], "text/plain");
        assert_eq!(masked["proxy"]["username"], "u");
        assert_eq!(masked["base_url"], "https://h");
    }

    #[test]
    fn what_an_unknown_type_or_scheme_holds_is_all_masked() {
        let Value::Object(document) = json!({"type": "x", "auth_type": "y", "auth_config": {"a": {"b": "hunter2"}}, "own": ["hunter2"]})
        else {
            unreachable!()
        };
        assert!(!masked(&document, Catalog::get()).to_string().contains("hunter2"));
    }

    #[test]
    fn a_reference_is_shown() {
        let Value::Object(document) =
            json!({"type": "rest", "auth_type": "bearer", "auth_config": {"token": "${env:T}"}})
        else {
            unreachable!()
        };
        assert_eq!(masked(&document, Catalog::get())["auth_config"]["token"], "${env:T}");
    }

    #[test]
    fn what_was_read_masked_and_sent_back_keeps_its_secrets() {
        let Value::Object(stored) = document() else { unreachable!() };
        let mut sent = masked(&stored, Catalog::get());
        sent["name"] = "New".into();
        sent["auth_config"]["key"] = "changed".into();
        unmask(&mut sent, &Value::Object(stored));
        assert_eq!(
            (&sent["auth_config"]["key"], &sent["tls"]["client_key"]),
            (&json!("changed"), &json!("hunter2"))
        );
        assert_eq!((&sent["headers"]["X-Auth-Token"], &sent["name"]), (&json!("hunter2"), &json!("New")));
    }
}
