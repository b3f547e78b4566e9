//! `ConnectionConfig`: the JSON that describes a connection, checked: what one tenant has of its own.

use std::{collections::BTreeSet, fmt, sync::Arc};

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};
use trunkline_core::{Error, Result, Seconds, is_sensitive_name, parse};
use zeroize::Zeroizing;

use crate::{
    DEFAULT_CONNECTION, IntegrationConfig,
    catalog::Catalog,
    config::{Confidential, drop_nulls, yes},
    flow::schema,
    mask,
    placeholder::{self, Values},
    vendor::Vendor,
};

/// How a connection is configured: what one tenant has of its own, over what the integration has for all.
///
/// It keeps the document as it was given, with its secrets, so it prints masked.
#[derive(Clone)]
pub struct ConnectionConfig {
    document: Map<String, Value>,
    fields: Fields,
    name: Arc<str>,
    /// The names of the values that were found to be no secrets when the connection was stored: a change of the
    /// integration shows none that was one.
    open: Vec<String>,
}

/// Beside the document in the store; no client can send it.
const OPEN: &str = "open_values";

/// The keys of a connection.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Fields {
    /// The name of the connection: 1 to 128 of the characters A-Z a-z 0-9 . _ ~ -, and not `default`.
    connection: String,
    /// Whose it is.
    #[serde(default)]
    description: Option<String>,
    /// Whether it takes calls.
    #[serde(default = "yes")]
    enabled: bool,
    /// How it authenticates, if not as the integration does. Then nothing of the integration's `auth_config` holds.
    #[serde(default)]
    auth_type: Option<String>,
    /// The keys of the auth scheme that are its own; the others are the integration's.
    #[serde(default)]
    auth_config: Option<Confidential>,
    /// Where its service is, if not where the integration says. Secrets of the integration do not go there.
    #[serde(default)]
    base_url: Option<String>,
    /// How long a call of it may take with all its attempts and waits, if not as long as the integration says.
    #[serde(default)]
    #[expect(dead_code, reason = "checked and described here, merged from the document")]
    timeout: Option<Seconds>,
    /// What stands in the integration for `{{connection.NAME}}`. Taken as it is: no value can be a reference.
    #[serde(default)]
    values: Option<Confidential>,
    /// Whatever the owner wants to keep with it. Not for secrets: it is shown.
    #[serde(default)]
    #[expect(dead_code, reason = "checked and described here, shown from the document")]
    metadata: Option<Map<String, Value>>,
}

/// Checks the name of a connection that is to be added.
fn named(name: &str) -> Result<()> {
    if name == DEFAULT_CONNECTION {
        return Err(Error::invalid(
            "connection: `default` is the integration as it is configured; change that, or choose another name",
        ));
    }
    if !may_be_name(name) {
        return Err(Error::invalid("connection: use 1 to 128 of the characters A-Z a-z 0-9 . _ ~ -"));
    }
    Ok(())
}

/// Whether a connection can be called so: as integrations, by what needs no escape in a URL (RFC 3986 section 2.3).
pub(crate) fn may_be_name(name: &str) -> bool {
    let allowed = |c: u8| c.is_ascii_alphanumeric() || b"._~-".contains(&c);
    (1..=128).contains(&name.len()) && name.bytes().all(allowed) && !matches!(name, "." | "..")
}

impl ConnectionConfig {
    /// Reads a configuration. Whether it opens shows only together with the integration's.
    ///
    /// # Errors
    ///
    /// `invalid_config`, naming the key.
    pub fn from_json(json: Value) -> Result<Self> {
        let Value::Object(mut document) = json else {
            return Err(Error::invalid("a connection is a JSON object with connection, and what is its own"));
        };
        document.retain(|_, value| !value.is_null());
        document.iter_mut().filter(|(key, _)| *key != "metadata").for_each(|(_, value)| drop_nulls(value));
        let fields: Fields = parse::value(Value::Object(document.clone()), "")?;
        named(&fields.connection)?;
        for (name, value) in fields.values.iter().flat_map(|values| &values.0) {
            placeholder::named(name).map_err(|error| error.at("values"))?;
            let wrong = match value.as_str() {
                None => "expected a string",
                Some(text) if text.contains("${") => "cannot be a reference; auth_config takes them",
                Some(_) => continue,
            };
            return Err(Error::invalid(wrong).at(&format!("values.{name}")));
        }
        if let Some(path) = mask::left_over(&document) {
            return Err(Error::invalid(format!("{path}: is the mask of a secret; send the secret itself")));
        }
        let name = fields.connection.as_str().into();
        Ok(Self { document, fields, name, open: Vec::new() })
    }

    /// Reads a configuration from JSON text.
    ///
    /// # Errors
    ///
    /// As [`ConnectionConfig::from_json`], and `invalid_config` with line and column for bad JSON.
    pub fn from_slice(json: &[u8]) -> Result<Self> {
        Self::from_json(parse::text(json)?)
    }

    /// Reads what was stored.
    pub(crate) fn from_stored(json: &[u8]) -> Result<Self> {
        let mut document: Map<String, Value> = parse::text(json)?;
        let open =
            document.remove(OPEN).map(|open| parse::value(open, OPEN)).transpose()?.unwrap_or_default();
        Ok(Self { open, ..Self::from_json(Value::Object(document))? })
    }

    /// Finds out which values are no secrets: those that the integration puts only where everybody may see them,
    /// unless they were secrets before.
    pub(crate) fn disclose(&mut self, integration: &IntegrationConfig, before: Option<&Self>) {
        let (values, held) = (self.values(), before.map(Self::values).unwrap_or_default());
        let mut open = shown_names(integration);
        open.retain(|name| {
            let Some(value) = values.get(name) else { return false };
            let known = before.is_some_and(|before| before.open.contains(name));
            (known || held.get(name) != Some(value)) && !is_sensitive_name(name)
        });
        open.sort_unstable();
        open.dedup();
        self.open = open;
    }

    /// The values that are secret wherever they are put.
    pub(crate) fn hidden(&self) -> impl Iterator<Item = String> {
        self.values().into_iter().filter(|(name, _)| !self.open.contains(name)).map(|(_, value)| value)
    }

    /// The name.
    pub fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// Whose it is.
    pub fn description(&self) -> &str {
        self.fields.description.as_deref().unwrap_or_default()
    }

    /// Whether it takes calls.
    pub fn enabled(&self) -> bool {
        self.fields.enabled
    }

    /// The document with every secret masked: what may be shown. Which those are follows from the integration too: a
    /// value is shown only if all that it is put into is, now and when the connection was stored.
    pub fn masked(&self, integration: &IntegrationConfig) -> Value {
        let mut shown = self.document.clone();
        // The auth scheme and the type are the integration's, unless the connection says otherwise.
        let mut whole = Map::new();
        whole.insert("type".to_owned(), integration.r#type().into());
        whole.insert("auth_type".to_owned(), self.auth_type(integration).into());
        for key in ["auth_config", "base_url"] {
            whole.extend(self.document.get(key).map(|value| (key.to_owned(), value.clone())));
        }
        if let Value::Object(masked) = mask::masked(&whole, integration.catalog()) {
            shown.extend(masked.into_iter().filter(|(key, _)| matches!(&**key, "auth_config" | "base_url")));
        }
        if let Some(Value::Object(values)) = shown.get_mut("values") {
            let shown = shown_names(integration);
            let secret = |(name, value): &(&String, &mut Value)| {
                mask::is_credential(value) || !self.open.contains(*name) || !shown.contains(*name)
            };
            values.iter_mut().filter(secret).for_each(|(_, value)| mask::hide(value));
        }
        Value::Object(shown)
    }

    /// The document with its secrets: for the store, which seals it, and for merging a change into it.
    pub fn expose(&self) -> Value {
        Value::Object(self.document.clone())
    }

    /// The same as text, as it is stored.
    pub(crate) fn text(&self) -> Zeroizing<String> {
        // Writing a map with text as keys cannot fail.
        let mut document = self.document.clone();
        document.insert(OPEN.to_owned(), self.open.clone().into());
        Zeroizing::new(serde_json::to_string(&document).unwrap_or_default())
    }

    /// The name of its auth scheme.
    pub(crate) fn auth_type<'a>(&'a self, integration: &'a IntegrationConfig) -> &'a str {
        self.fields.auth_type.as_deref().unwrap_or(&integration.common().auth_type)
    }

    /// Its own keys of the auth scheme.
    pub(crate) fn auth(&self) -> Map<String, Value> {
        self.fields.auth_config.as_ref().map(|auth| auth.0.clone()).unwrap_or_default()
    }

    pub(crate) fn base_url(&self) -> Option<&str> {
        self.fields.base_url.as_deref()
    }

    /// Its total time of a call, as it is written.
    pub(crate) fn timeout(&self) -> Option<&Value> {
        self.document.get("timeout")
    }

    pub(crate) fn values(&self) -> Values {
        let values = self.fields.values.iter().flat_map(|values| &values.0);
        values.filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned()))).collect()
    }

    /// What is in none of its integration's placeholders.
    pub(crate) fn unused(&self, integration: &IntegrationConfig) -> Vec<String> {
        let used = placeholder::all(integration.document()).unwrap_or_default().into_iter();
        // An input may be for actions alone.
        let asked = integration.vendor().into_iter().flat_map(Vendor::asked);
        let used: BTreeSet<_> = used.map(|(name, _)| name).chain(asked).collect();
        let mut unused = self.values();
        unused.retain(|name, _| !used.contains(name));
        unused.into_keys().collect()
    }

    /// Its JSON Schema.
    pub fn schema() -> Value {
        schema::<Fields>()
    }
}

/// The names of the values that an integration puts nowhere but where everybody may see them.
fn shown_names(integration: &IntegrationConfig) -> Vec<String> {
    let masked = mask::masked(&placeholder::disguised(integration.document()), Catalog::get());
    let mut names = placeholder::all(integration.document()).unwrap_or_default();
    let is_hidden = |path: &str| {
        let pointer = format!("/{}", path.replace('.', "/"));
        masked
            .pointer(&pointer)
            .and_then(Value::as_str)
            .is_none_or(|text| !placeholder::is_disguised_in(text))
    };
    let hidden: Vec<_> = names.extract_if(.., |(_, path)| is_hidden(path)).map(|(name, _)| name).collect();
    names.into_iter().map(|(name, _)| name).filter(|name| !hidden.contains(name)).collect()
}

impl fmt::Debug for ConnectionConfig {
    /// Without values: what of them is secret only the integration can say.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConnectionConfig")
            .field("name", &self.name)
            .field("enabled", &self.fields.enabled)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use trunkline_core::MASK;

    use super::*;

    fn integration() -> IntegrationConfig {
        IntegrationConfig::from_json(json!({
            "integration_id": "a", "type": "rest", "base_url": "https://{{connection.shop}}.example.com",
            "headers": {"x-account": "{{connection.account}}", "x-auth-token": "{{connection.code}}", "x-plain": "{{connection.code}}"},
            "auth_type": "api_key", "auth_config": {"header": "X-Key", "key": "{{connection.pass}}"},
        }))
        .unwrap()
    }

    fn message(json: Value) -> String {
        ConnectionConfig::from_json(json).unwrap_err().message().to_owned()
    }

    #[test]
    fn a_name_needs_no_escape_and_is_not_the_default_one() {
        for name in ["acme", "A.b-c~9_", "health", &"x".repeat(128)] {
            assert_eq!(&**ConnectionConfig::from_json(json!({"connection": name})).unwrap().name(), name);
        }
        for name in ["", "default", ".", "..", "a/b", "a b", "é", &"x".repeat(129)] {
            assert!(message(json!({"connection": name})).starts_with("connection: "), "{name}");
        }
    }

    #[test]
    fn a_bad_key_or_value_is_named_and_not_said_back() {
        for (json, word) in [
            (json!({"connection": "a", "valeus": {"x": "hunter2"}}), "did you mean `values`?"),
            (json!({"connection": "a", "values": {"x": 1}}), "values.x: expected a string"),
            (json!({"connection": "a", "values": {"x y": "hunter2"}}), "values: the name"),
            (
                json!({"connection": "a", "values": {"x": "${env:HUNTER2}"}}),
                "values.x: cannot be a reference",
            ),
            (json!({"connection": "a", "values": {"x": MASK}}), "values.x: is the mask"),
            (json!({"connection": "a", "auth_config": {"key": MASK}}), "auth_config.key: is the mask"),
            (json!({"values": {}}), "connection"),
            (json!(["hunter2"]), "JSON object"),
        ] {
            let message = message(json);
            assert!(message.contains(word) && !message.to_lowercase().contains("hunter2"), "{message}");
        }
    }

    #[test]
    fn a_placeholder_is_no_secret_and_what_is_put_there_may_be() {
        let shown = integration().masked();
        assert_eq!(shown["auth_config"]["key"], "{{connection.pass}}");
        assert_eq!(shown["headers"]["x-auth-token"], "{{connection.code}}");
    }

    #[test]
    fn a_value_is_shown_where_all_that_it_is_put_into_is() {
        let json = json!({
            "connection": "acme", "description": "Acme", "auth_config": {"key": "hunter2", "header": "X-Other"},
            "values": {"shop": "acme", "account": "17", "code": "hunter2", "pass": "hunter2", "nowhere": "hunter2", "api_token": "hunter2"},
        });
        let mut config = ConnectionConfig::from_json(json.clone()).unwrap();
        config.disclose(&integration(), None);
        let config = ConnectionConfig::from_stored(config.text().as_bytes()).unwrap();
        let shown = config.masked(&integration());
        assert!(!shown.to_string().contains("hunter2"), "{shown}");
        assert_eq!((&shown["values"]["shop"], &shown["values"]["account"]), (&json!("acme"), &json!("17")));
        assert_eq!(
            (&shown["auth_config"]["header"], &shown["description"]),
            (&json!("X-Other"), &json!("Acme"))
        );
        let mut sent = shown;
        mask::unmask(&mut sent, &config.expose());
        assert_eq!(sent, json, "sent back, it is what it was");
        assert!(!format!("{config:?}").contains("hunter2"));
    }

    #[test]
    fn what_was_a_secret_is_shown_by_no_change_of_the_integration() {
        let with = |header: &str| {
            let json = json!({
                "integration_id": "a", "type": "rest", "base_url": "https://h", "headers": {header: "{{connection.code}}"},
            });
            IntegrationConfig::from_json(json).unwrap()
        };
        let (secret, plain) = (with("x-token"), with("x-plain"));
        let config = |code: &str| {
            ConnectionConfig::from_json(json!({"connection": "a", "values": {"code": code}})).unwrap()
        };
        let mut before = config("hunter2");
        before.disclose(&secret, None);
        assert_eq!(before.masked(&plain)["values"]["code"], MASK);
        // Stored again as it was, it stays one; another value is not.
        for (code, shown) in [("hunter2", MASK), ("17", "17")] {
            let mut after = config(code);
            after.disclose(&plain, Some(&before));
            assert_eq!(after.masked(&plain)["values"]["code"], shown);
            assert_eq!(after.masked(&secret)["values"]["code"], MASK);
        }
        assert!(ConnectionConfig::from_json(json!({"connection": "a", "open_values": ["code"]})).is_err());
    }
}
