//! `Tenant`: an integration and one of its connections made into the one configuration that is opened.

use std::sync::Arc;

use serde_json::{Map, Value};
use trunkline_core::{Error, Result};
use zeroize::Zeroizing;

use crate::{
    ConnectionConfig, IntegrationConfig,
    addresses::{self, Addresses, origin},
    catalog::Catalog,
    config::host_and_port,
    mask, placeholder,
};

/// For whom a handle is opened, where that is not the default connection.
#[derive(Clone)]
pub(crate) struct Tenant {
    /// The connection's name.
    pub(crate) name: Arc<str>,
    /// Whether it is the connection, and not the integration, that takes no calls.
    pub(crate) is_off: bool,
    /// Where its service is, as metrics say it: they are the integration's, and so must what they are labelled with be.
    pub(crate) address: Option<(Box<str>, u16)>,
    /// Values that are secret wherever they are put: an echo of them is hidden.
    pub(crate) hidden: Box<[Zeroizing<Box<str>>]>,
}

/// The configuration of a connection, merged over that of its integration.
///
/// # Errors
///
/// `invalid_config`, naming the key: where a value is missing or cannot stand where it is to, or where a secret of the
/// integration would go to an address that the connection has chosen.
pub(crate) fn merged(
    integration: &IntegrationConfig,
    connection: &ConnectionConfig,
) -> Result<(IntegrationConfig, Tenant)> {
    let mut document = integration.document().clone();
    let own = own(integration, connection);
    own.iter().for_each(|(path, _)| drop(take(&mut document, path)));
    stays_home(integration, &document, connection, &own)?;
    placeholder::fill(&mut document, &connection.values())?;
    for (path, value) in own {
        put(&mut document, &path, value);
    }
    document.insert("auth_type".to_owned(), connection.auth_type(integration).into());
    document.insert("enabled".to_owned(), (integration.enabled() && connection.enabled()).into());
    let tenant = Tenant {
        name: connection.name().clone(),
        is_off: integration.enabled() && !connection.enabled(),
        address: host_and_port(integration),
        hidden: connection.hidden().map(|value| Zeroizing::new(value.into())).collect(),
    };
    let config = IntegrationConfig::from_json(Value::Object(document))?;
    Ok(match integration.vendor() {
        None => (config, tenant),
        Some(vendor) => {
            (config.with_vendor(vendor.filled(integration.given(), &connection.values())?), tenant)
        }
    })
}

/// The path of the first secret of a connection that `sent`, which was made of what was read before, does not spell
/// out, if secrets go elsewhere now: one that nobody can read must not follow an address that its reader may change.
pub fn kept_elsewhere(
    integration: &IntegrationConfig,
    before: &ConnectionConfig,
    after: &ConnectionConfig,
    sent: &Value,
) -> Option<String> {
    let led = |connection| merged(integration, connection).ok().map(|(config, _)| config.addresses());
    let (was, is) = (led(before), led(after));
    if was.is_some() && was == is {
        return None;
    }
    mask::unsent(&after.expose(), &after.masked(integration), Some(sent))
}

/// What a connection has of its own, by the paths in the integration.
fn own(integration: &IntegrationConfig, connection: &ConnectionConfig) -> Vec<(Vec<String>, Value)> {
    let auth = "auth_config".to_owned();
    let mut own: Vec<_> = if connection.auth_type(integration) == integration.common().auth_type {
        let keys = connection.auth().into_iter();
        keys.map(|(key, value)| (vec![auth.clone(), key], value)).collect()
    } else {
        vec![(vec![auth], Value::Object(connection.auth()))]
    };
    own.extend(connection.base_url().map(|url| (vec!["base_url".to_owned()], url.into())));
    own.extend(connection.timeout().map(|timeout| (vec!["timeout".to_owned()], timeout.clone())));
    own
}

/// Secrets of the integration do not go where only the connection says. Where its placeholders ask for the whole
/// address, it says itself that they may.
fn stays_home(
    integration: &IntegrationConfig,
    rest: &Map<String, Value>,
    connection: &ConnectionConfig,
    own: &[(Vec<String>, Value)],
) -> Result<()> {
    let base = integration.document().get("base_url").and_then(Value::as_str).unwrap_or_default();
    let moved =
        connection.base_url().is_some_and(|url| !base.starts_with("{{") && origin(url) != origin(base));
    let mut asked = Addresses::new();
    for (path, value) in own.iter().filter(|(path, _)| path[0] == "auth_config") {
        addresses::below(value, &mut path.clone(), &mut asked);
    }
    let asks = !asked.is_empty() && {
        let home = integration.addresses();
        asked.iter().any(|(place, origin)| home.get(place) != Some(origin))
    };
    if !moved && !asks {
        return Ok(());
    }
    let mut secrets = rest.clone();
    if !moved {
        secrets.retain(|key, _| matches!(&**key, "type" | "auth_type" | "auth_config"));
    }
    // What webhooks are checked with goes nowhere.
    secrets.remove("webhooks");
    without_tenants_own(&mut secrets);
    let masked = mask::masked(&secrets, Catalog::get());
    match mask::unsent(&Value::Object(secrets), &masked, None) {
        None => Ok(()),
        Some(path) => {
            let key = if moved { "base_url" } else { "auth_config" };
            Err(Error::invalid(format!(
                "{key}: leads elsewhere than the integration, whose {path} must not go there; \
                 give the connection its own, or let the integration's base_url have a placeholder"
            )))
        }
    }
}

/// Takes out what is the tenant's alone: a placeholder, with no more before it than the name of a scheme of HTTP. What
/// else stands around one is the integration's.
fn without_tenants_own(document: &mut Map<String, Value>) {
    document.retain(|_, value| {
        let scheme = mask::is_credential(value);
        let text = value.as_str().unwrap_or_default();
        let rest = text.trim_start().split_once(' ').filter(|_| scheme).map_or(text, |(_, rest)| rest);
        !placeholder::is_one(rest)
    });
    for value in document.values_mut() {
        if let Value::Object(fields) = value {
            without_tenants_own(fields);
        }
    }
}

fn take(document: &mut Map<String, Value>, path: &[String]) -> Option<Value> {
    match path {
        [] => None,
        [key] => document.remove(key),
        [key, rest @ ..] => take(document.get_mut(key)?.as_object_mut()?, rest),
    }
}

fn put(document: &mut Map<String, Value>, path: &[String], value: Value) {
    match path {
        [] => {}
        [key] => drop(document.insert(key.clone(), value)),
        [key, rest @ ..] => {
            if let Value::Object(fields) = document.entry(key.clone()).or_insert_with(|| Map::new().into()) {
                put(fields, rest, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn integration(own: &Value) -> IntegrationConfig {
        let mut document = json!({
            "integration_id": "a", "type": "rest", "base_url": "https://api.example.com/v1", "timeout": 3,
            "auth_type": "api_key", "auth_config": {"header": "X-Key", "key": "of-all"},
        });
        document.as_object_mut().unwrap().extend(own.as_object().unwrap().clone());
        IntegrationConfig::from_json(document).unwrap()
    }

    fn with(integration: &IntegrationConfig, mut own: Value) -> Result<Value> {
        own["connection"] = "acme".into();
        merged(integration, &ConnectionConfig::from_json(own)?).map(|(config, _)| config.expose())
    }

    #[test]
    fn keys_of_the_auth_scheme_are_merged_one_by_one() {
        let merged = with(&integration(&json!({})), json!({"auth_config": {"key": "of-acme"}})).unwrap();
        assert_eq!(merged["auth_config"], json!({"header": "X-Key", "key": "of-acme"}));
        assert_eq!((&merged["timeout"], &merged["integration_id"]), (&json!(3), &json!("a")));
        let own = json!({"auth_type": "bearer", "auth_config": {"token": "t"}});
        let merged = with(&integration(&json!({})), own).unwrap();
        assert_eq!(
            (&merged["auth_type"], &merged["auth_config"]),
            (&json!("bearer"), &json!({"token": "t"}))
        );
    }

    #[test]
    fn what_a_connection_has_of_its_own_needs_no_value() {
        let integration = integration(&json!({
            "base_url": "https://{{connection.shop}}.example.com",
            "auth_config": {"key": "{{connection.key}}"}, "headers": {"x-account": "{{connection.account}}"},
        }));
        let own =
            json!({"auth_config": {"key": "k {{connection.x}}"}, "values": {"shop": "s1", "account": "17"}});
        let merged = with(&integration, own).unwrap();
        assert_eq!(merged["base_url"], "https://s1.example.com");
        assert_eq!(merged["auth_config"]["key"], "k {{connection.x}}", "a secret is not looked into");
        assert_eq!(merged["headers"]["x-account"], "17");
    }

    #[test]
    fn a_connection_is_on_where_both_are() {
        for (both, one, two) in
            [(true, true, true), (false, true, false), (false, false, true), (false, false, false)]
        {
            let integration = integration(&json!({"enabled": one}));
            let connection = ConnectionConfig::from_json(json!({"connection": "a", "enabled": two})).unwrap();
            let (config, tenant) = merged(&integration, &connection).unwrap();
            assert_eq!((config.enabled(), tenant.is_off), (both, one && !two));
        }
    }

    #[test]
    fn secrets_of_the_integration_do_not_go_where_only_the_connection_says() {
        let plain = integration(&json!({}));
        let error = with(&plain, json!({"base_url": "https://evil.example"})).unwrap_err();
        assert!(
            error.message().starts_with("base_url: ") && error.message().contains("auth_config.key"),
            "{error}"
        );
        // Elsewhere on the same host, or with a key of its own.
        with(&plain, json!({"base_url": "https://API.example.com/v2"})).unwrap();
        with(&plain, json!({"base_url": "https://other.example", "auth_config": {"key": "k"}})).unwrap();
        let header = integration(&json!({"headers": {"x-token": "of-all"}}));
        with(&header, json!({"base_url": "https://other.example", "auth_config": {"key": "k"}})).unwrap_err();
        // Where the integration asks for it.
        let asking = integration(&json!({"base_url": "{{connection.instance}}/v1"}));
        with(&asking, json!({"base_url": "https://other.example"})).unwrap();
        with(&asking, json!({"values": {"instance": "https://other.example"}})).unwrap();
        let part = integration(&json!({"base_url": "https://{{connection.shop}}.example.com"}));
        with(&part, json!({"base_url": "https://other.example"})).unwrap_err();
    }

    #[test]
    fn nor_to_those_whom_only_the_connection_asks_for_tokens() {
        let integration = integration(&json!({
            "auth_type": "oauth2",
            "auth_config": {"token_url": "https://id.example/token", "client_id": "c", "client_secret": "of-all"},
        }));
        let error =
            with(&integration, json!({"auth_config": {"token_url": "https://evil.example"}})).unwrap_err();
        assert!(
            error.message().starts_with("auth_config: ") && error.message().contains("client_secret"),
            "{error}"
        );
        with(&integration, json!({"auth_config": {"client_id": "of-acme"}})).unwrap();
    }

    #[test]
    fn nor_to_an_address_however_deep_it_is_and_however_it_is_written() {
        let integration = integration(&json!({
            "auth_type": "custom", "auth_config": {
                "secrets": {"password": "of-all"}, "token": {"pointer": "/t"}, "values": {"x": "https://shop.example.com/"},
                "request": {"url": "https://id.example.com/login", "json": {"p": "{{password}}"}},
            },
        }));
        let asks = |url: &str| {
            let request = json!({"url": url, "json": {"p": "{{password}}"}});
            with(&integration, json!({"auth_config": {"request": request}}))
        };
        for url in [
            "https://evil.example/login",
            "https:/evil.example/login",
            "HTTPS:evil.example",
            "https:\\\\evil.example",
            "\thttps:/evil.example",
            "https:///evil.example",
            "https://id.example.com:444/login",
            "https://id.example.com@evil.example",
            // Another's place.
            "https://shop.example.com/login",
        ] {
            let error = asks(url).unwrap_err();
            let message = error.message();
            assert!(
                message.starts_with("auth_config: ") && message.contains("auth_config.secrets.password"),
                "{url}: {error}"
            );
        }
        asks("https://ID.example.com:443/other").unwrap();
        let own = json!({"secrets": {"password": "of-acme"}, "request": {"url": "https://other.example"}});
        with(&integration, json!({"auth_config": own})).unwrap();
    }

    #[test]
    fn what_stands_around_a_placeholder_is_the_integrations() {
        for (key, follows) in [
            ("SECRET-{{connection.x}}", false),
            ("{{connection.x}}{{connection.x}}", false),
            ("Bearer SECRET-{{connection.x}}", false),
            ("{{connection.x}}", true),
            ("Bearer {{connection.x}}", true),
        ] {
            let integration = integration(&json!({"auth_config": {"key": key}}));
            let own = json!({"base_url": "https://other.example", "values": {"x": "1"}});
            let merged = with(&integration, own);
            assert_eq!(merged.is_ok(), follows, "{key}: {merged:?}");
        }
    }

    #[test]
    fn a_secret_that_was_kept_does_not_follow_another_address() {
        let integration = integration(&json!({"base_url": "https://{{connection.shop}}.example.com"}));
        let config = |json: Value| ConnectionConfig::from_json(json).unwrap();
        let before =
            config(json!({"connection": "a", "values": {"shop": "s1"}, "auth_config": {"key": "of-acme"}}));
        let kept = |after: Value, sent: Value| kept_elsewhere(&integration, &before, &config(after), &sent);
        let moved = json!({"connection": "a", "values": {"shop": "s2"}, "auth_config": {"key": "of-acme"}});
        assert_eq!(
            kept(moved.clone(), json!({"values": {"shop": "s2"}})).as_deref(),
            Some("auth_config.key")
        );
        assert_eq!(kept(moved.clone(), moved), None);
        let renamed = json!({"connection": "a", "description": "x", "values": {"shop": "s1"}, "auth_config": {"key": "of-acme"}});
        assert_eq!(kept(renamed, json!({"description": "x"})), None);
        // An address that stays in one place hides none that changes in another.
        let before = config(
            json!({"connection": "a", "values": {"shop": "s1"}, "auth_type": "custom", "auth_config": {
                "secrets": {"p": "of-acme"}, "values": {"x": "https://a.example"}, "request": {"url": "https://b.example"},
            }}),
        );
        for url in ["https:/evil.example", "https://a.example"] {
            let mut after = before.expose();
            after["auth_config"]["request"]["url"] = url.into();
            after["auth_config"]["values"]["x"] = "https://b.example".into();
            let sent =
                json!({"auth_config": {"values": {"x": "https://b.example"}, "request": {"url": url}}});
            let kept = kept_elsewhere(&integration, &before, &config(after), &sent);
            assert_eq!(kept.as_deref(), Some("auth_config.secrets.p"), "{url}");
        }
    }
}
