//! Masking: a configuration without its secrets, and one that was sent back masked, with them again.

use serde_json::{Map, Value};
use trunkline_core::{MASK, is_sensitive_name};

use crate::{
    IntegrationConfig,
    catalog::{Catalog, properties},
    config::is_words,
    placeholder, url_parts,
};

/// The document with secrets masked. Shown is only what a schema knows to be no secret: what it calls
/// `writeOnly`, what it does not know, and what has another shape than it says are masked (a key in the
/// wrong place is a key all the same); so are headers whose names or values say that they carry a
/// credential, and credentials in URLs. References and placeholders stay readable: where a secret is kept is no secret.
pub(crate) fn masked(document: &Map<String, Value>, catalog: &Catalog) -> Value {
    let schema = |key: &str| document.get(key).and_then(Value::as_str);
    let own = schema("type").and_then(|name| catalog.type_schema(name));
    let auth = schema("auth_type").and_then(|name| catalog.auth_schema(name));
    let mut masked = document.clone();
    for (key, value) in &mut masked {
        if key == "auth_config" {
            mask(value, auth);
        } else if key == "webhooks" {
            mask(value, catalog.common_schema(key));
        } else if !catalog.is_common(key) {
            mask(value, own.and_then(|schema| properties(schema).get(key)));
        }
    }
    masked.get_mut("headers").into_iter().for_each(mask_headers);
    let below = masked.get_mut("subscriptions").and_then(|below| below.get_mut("headers"));
    below.into_iter().for_each(mask_headers);
    Value::Object(masked)
}

fn mask_headers(headers: &mut Value) {
    if let Value::Object(headers) = headers {
        let secret = |(name, value): &(&String, &mut Value)| is_sensitive_name(name) || is_credential(value);
        headers.iter_mut().filter(secret).for_each(|(_, value)| hide(value));
    }
}

/// Where a document holds the mask in the place of a value, if it does.
pub(crate) fn left_over(document: &Map<String, Value>) -> Option<String> {
    fn search(value: &Value, path: &mut Vec<String>) -> bool {
        let mut at = |key: String, value: &Value| {
            path.push(key);
            search(value, path) || {
                path.pop();
                false
            }
        };
        match value {
            Value::String(text) => text == MASK || url_parts::is_masked(text),
            Value::Array(values) => values.iter().enumerate().any(|(n, value)| at(n.to_string(), value)),
            Value::Object(fields) => fields
                .iter()
                .any(|(key, value)| at(key.chars().filter(|c| !c.is_control()).take(64).collect(), value)),
            _ => false,
        }
    }
    // Words of the owner's, which are never masked.
    let fields = document.iter().filter(|(key, _)| !is_words(key));
    fields.into_iter().find_map(|(key, value)| {
        let mut path = vec![key.clone()];
        search(value, &mut path).then(|| path.join("."))
    })
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
        // In a list that has grown or shrunk nobody knows which is which.
        (Value::Array(sent), Value::Array(stored)) if sent.len() == stored.len() => {
            sent.iter_mut().zip(stored).for_each(|(value, stored)| unmask(value, stored));
        }
        (sent @ Value::String(_), stored) if *sent == MASK => *sent = stored.clone(),
        (Value::String(sent), Value::String(stored)) if url_parts::is_masked(sent) => {
            if let Some(url) = url_parts::unmasked(sent, stored) {
                *sent = url;
            }
        }
        _ => {}
    }
}

/// The path of the first secret of `config` that `sent` does not spell out: it was kept from what was stored.
pub fn kept(config: &IntegrationConfig, sent: &Value) -> Option<String> {
    unsent(&config.expose(), &config.masked(), Some(sent))
}

pub(crate) fn unsent(exposed: &Value, masked: &Value, sent: Option<&Value>) -> Option<String> {
    match (exposed, masked) {
        (Value::Object(exposed), Value::Object(masked)) => exposed.iter().find_map(|(key, exposed)| {
            let path = unsent(exposed, masked.get(key)?, sent.and_then(|sent| sent.get(key)))?;
            Some(if path.is_empty() { key.clone() } else { format!("{key}.{path}") })
        }),
        // What a list holds counts as one.
        (exposed, masked) if exposed != masked => {
            let part = |sent: &Value| sent != exposed && sent.as_str().is_some_and(url_parts::is_masked);
            sent.is_none_or(|sent| sent == masked || part(sent)).then(String::new)
        }
        _ => None,
    }
}

/// Masks what `schema` does not say is harmless; without a schema, all of it.
fn mask(value: &mut Value, schema: Option<&Value>) {
    let schemas = schema.map(alternatives).unwrap_or_default();
    if schemas.iter().any(|schema| schema.get("writeOnly").and_then(Value::as_bool) == Some(true)) {
        return hide(value);
    }
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                let known = schemas.iter().find_map(|schema| properties(schema).get(key));
                let any = || schemas.iter().find_map(|schema| schema.get("additionalProperties"));
                mask(value, known.or_else(any));
            }
        }
        Value::Array(values) => {
            let items = schemas.iter().find_map(|schema| schema.get("items"));
            values.iter_mut().for_each(|value| mask(value, items));
        }
        scalar if !schemas.iter().any(|schema| is_scalar(schema)) => hide(scalar),
        Value::String(text) => {
            if let Some(shown) = url_parts::masked(text) {
                *text = shown;
            }
        }
        _ => {}
    }
}

/// The schema itself and what it may be instead: an `Option` of an object is written as `anyOf`.
fn alternatives(schema: &Value) -> Vec<&Value> {
    let inner = ["anyOf", "oneOf", "allOf"].iter().filter_map(|key| schema.get(key)?.as_array()).flatten();
    std::iter::once(schema).chain(inner.flat_map(alternatives)).collect()
}

/// Whether a schema speaks of text, numbers or fixed words.
fn is_scalar(schema: &Value) -> bool {
    let is = |name: &Value| name.as_str().is_some_and(|name| !matches!(name, "object" | "array" | "null"));
    let named = schema.get("type").is_some_and(|name| match name {
        Value::Array(names) => names.iter().any(is),
        name => is(name),
    });
    named || schema.get("enum").is_some() || schema.get("const").is_some()
}

/// Whether a header's value begins as `Authorization` does.
pub(crate) fn is_credential(value: &Value) -> bool {
    const SCHEMES: [&str; 5] = ["bearer", "basic", "token", "digest", "negotiate"];
    let first = value.as_str().and_then(|text| text.trim_start().split_once(' '));
    first.is_some_and(|(first, _)| SCHEMES.iter().any(|scheme| scheme.eq_ignore_ascii_case(first)))
}

pub(crate) fn hide(value: &mut Value) {
    match value {
        Value::String(text) if is_shown(text) => {}
        Value::Object(fields) => fields.values_mut().for_each(hide),
        Value::Array(values) => values.iter_mut().for_each(hide),
        Value::Null => {}
        value => *value = MASK.into(),
    }
}

/// Whether the text says no more than where a secret is kept.
pub(crate) fn is_shown(text: &str) -> bool {
    is_reference(text) || placeholder::is_one(text)
}

/// Whether the text is one reference and nothing else: what stands around it could be a secret.
fn is_reference(text: &str) -> bool {
    let name = text.strip_prefix("${env:").or_else(|| text.strip_prefix("${file:"));
    name.and_then(|name| name.strip_suffix('}')).is_some_and(|name| !name.contains('}'))
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
    fn what_subscriptions_begin_with_is_masked_and_how_they_are_made_is_not() {
        let document = json!({
            "integration_id": "a", "type": "graphql", "base_url": "https://h",
            "subscriptions": {
                "protocol": "websocket", "url": "wss://h/live", "connection_init": {"auth": {"token": "hunter2"}},
                "headers": {"X-Auth-Token": "hunter2", "x-plain": "p"}, "close_codes": {"4001": "failed"},
            },
        });
        let masked = masked(document.as_object().unwrap(), Catalog::get());
        assert!(!masked.to_string().contains("hunter2"), "{masked}");
        let shown = &masked["subscriptions"];
        assert_eq!((&shown["url"], &shown["headers"]["x-plain"]), (&json!("wss://h/live"), &json!("p")));
        assert_eq!(
            (&shown["protocol"], &shown["close_codes"]["4001"]),
            (&json!("websocket"), &json!("failed"))
        );
    }

    #[test]
    fn every_auth_type_masks_its_secrets_and_shows_how_they_are_used() {
        for (auth_type, auth_config, shows) in [
            (
                "jwt",
                json!({
                    "algorithm": "HS256", "key": "hunter2", "key_encoding": "utf8", "key_id": "k", "issuer": "me", "audience": ["a"],
                    "claims": {"scope": "read"}, "lifetime": 60,
                }),
                &[
                    "/algorithm",
                    "/key_encoding",
                    "/key_id",
                    "/issuer",
                    "/audience/0",
                    "/claims/scope",
                    "/lifetime",
                ][..],
            ),
            (
                "hmac",
                json!({
                    "secret": "hunter2", "secret_encoding": "utf8", "output": "base64url", "key_id": "hunter2", "values": {"pass": "hunter2"}, "sign": "{body}",
                    "headers": {"X-Signature": "v1={signature}"}, "query": {"t": "{timestamp}"},
                }),
                &["/sign", "/secret_encoding", "/output", "/headers/X-Signature", "/query/t"],
            ),
            (
                "aws_sigv4",
                json!({
                    "access_key_id": "hunter2", "secret_access_key": "hunter2", "session_token": "hunter2",
                    "region": "eu-central-1", "service": "s3",
                }),
                &["/region", "/service"],
            ),
            ("digest", json!({"username": "hunter2", "password": "hunter2"}), &[]),
        ] {
            let masked = shown(json!({"type": "rest", "auth_type": auth_type, "auth_config": auth_config}));
            assert!(!masked.to_string().contains("hunter2"), "{masked}");
            for place in shows {
                assert_eq!(masked["auth_config"].pointer(place), auth_config.pointer(place), "{masked}");
            }
        }
    }

    fn shown(document: Value) -> Value {
        let Value::Object(document) = document else { unreachable!() };
        masked(&document, Catalog::get())
    }

    #[test]
    fn what_no_schema_knows_is_masked() {
        for document in [
            json!({"type": "x", "auth_type": "y", "auth_config": {"a": {"b": "hunter2"}}, "own": ["hunter2"]}),
            json!({"type": "rest", "auth_config": {"key": "hunter2"}}),
            json!({"type": "rest", "api_key": "hunter2"}),
            json!({"type": "rest", "auth_type": "api_key", "auth_config": {"kye": "hunter2", "key": ["hunter2"]}}),
            json!({"type": "rest", "tls": "hunter2"}),
            json!({"type": "rest", "tls": ["hunter2"], "proxy": {"pasword": "hunter2"}}),
            json!({"type": "rest", "headers": "Authorization: hunter2"}),
            json!({"type": "rest", "headers": ["hunter2", {"a": "hunter2"}]}),
            json!({"type": "rest", "headers": {"x-odd": {"a": "hunter2"}}}),
            json!({"type": "rest", "base_url": ["hunter2"]}),
        ] {
            assert!(!shown(document.clone()).to_string().contains("hunter2"), "{document}");
        }
    }

    #[test]
    fn a_credential_is_known_by_its_value_too() {
        for document in [
            json!({"type": "rest", "headers": {"X-Odd": "Bearer hunter2"}}),
            json!({"type": "rest", "base_url": "https://u:hunter2@h/v1"}),
            json!({"type": "rest", "base_url": "https://hunter2@h/v1"}),
            json!({"type": "rest", "base_url": "https://u:a/hunter2@h/v1"}),
            json!({"type": "rest", "base_url": "https://h/v1?a=1&api_key=hunter2&b=2"}),
            json!({"type": "rest", "proxy": {"url": "http://u:hunter2@p"}}),
        ] {
            assert!(!shown(document.clone()).to_string().contains("hunter2"), "{document}");
        }
        for url in
            ["https://h/@me", "https://h:8443/@me", "https://[::1]/@me", "https://h?a=1&b", "${env:BASE}"]
        {
            assert_eq!(shown(json!({"type": "rest", "base_url": url}))["base_url"], url);
        }
        let shown = shown(json!({"type": "rest", "base_url": "https://u:p@h:1/v1?a=1&token=x&b=2"}));
        assert_eq!(shown["base_url"], "https://********@h:1/v1?a=1&token=********&b=2");
    }

    #[test]
    fn a_reference_is_shown_and_what_stands_beside_one_is_not() {
        let token = |token: &str| {
            shown(json!({"type": "rest", "auth_type": "bearer", "auth_config": {"token": token}}))["auth_config"]
                ["token"]
                .clone()
        };
        assert_eq!(token("${env:T}"), "${env:T}");
        assert_eq!(token("${file:/run/secrets/t}"), "${file:/run/secrets/t}");
        for text in
            ["${env:T}hunter2", "${env:hunter2", "${env:A}hunter2${env:B}", "hunter2${env:T}", "${x:y}"]
        {
            assert_eq!(token(text), MASK, "{text}");
        }
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

    #[test]
    fn a_mask_that_stands_for_nothing_is_found() {
        let left = |document: Value| left_over(document.as_object().unwrap());
        assert_eq!(left(json!({"auth_config": {"key": MASK}})).as_deref(), Some("auth_config.key"));
        assert_eq!(left(json!({"a": [{"b": 1}, {"b": MASK}]})).as_deref(), Some("a.1.b"));
        assert_eq!(left(json!({"base_url": "postgres://u:********@h/db"})).as_deref(), Some("base_url"));
        assert_eq!(left(json!({"name": MASK, "description": MASK, "metadata": {"a": MASK}, "a": "b"})), None);
    }
}
