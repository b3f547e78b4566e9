//! What the owner of a configuration should know that is valid: what was probably meant otherwise.

use serde_json::Value;
use trunkline_core::Secret;
use trunkline_layers::RetryConfig;

use super::{IntegrationConfig, is_words, nearest};

impl IntegrationConfig {
    /// What a user should know of a configuration that is valid.
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings: Vec<_> = self.unresolved().collect();
        // A connection has them: what it is merged of was completed before, and has none to be given any more.
        let asks = self.vendor.iter().zip(&self.given);
        warnings.extend(asks.flat_map(|(vendor, given)| vendor.missing(&given.0)));
        self.document.0.iter().filter(|(key, _)| !is_words(key)).for_each(|(key, value)| {
            slips(value, key, &mut warnings);
        });
        if self.common.retry_config.as_ref().is_some_and(RetryConfig::is_capped) {
            warnings.push("retry_config.max_retries: no call is attempted more than 5 times".to_owned());
        }
        warnings
    }

    /// References of the auth scheme that lead nowhere, as far as this process can see. They are read when the
    /// credential is used, so that is no error yet.
    fn unresolved(&self) -> impl Iterator<Item = String> {
        let mut found = Vec::new();
        let auth = self.common.auth_config.iter().flat_map(|auth| &auth.0);
        auth.for_each(|(key, value)| unresolved(value, &format!("auth_config.{key}"), &mut found));
        found.into_iter()
    }
}

/// What below `place` was probably meant to be a placeholder or a reference, and is sent as it is.
fn slips(value: &Value, place: &str, found: &mut Vec<String>) {
    match value {
        Value::String(text) => {
            for part in text.split("{{").skip(1).filter_map(|part| part.split_once("}}")) {
                let Some((word, name)) = part.0.split_once('.') else { continue };
                let (word, name) = (word.trim(), name.trim());
                if part.0 != format!("connection.{name}")
                    && nearest(word, ["connection"].into_iter()).is_some()
                {
                    found.push(format!(
                        "{place}: {{{{{}}}}} is no placeholder; did you mean {{{{connection.{name}}}}}?",
                        part.0
                    ));
                }
            }
            if text.starts_with("${") && text.ends_with('}') && !Secret::new(text.as_str()).is_reference() {
                found.push(format!("{place}: is no reference; one is ${{env:NAME}} or ${{file:PATH}}"));
            }
        }
        Value::Object(fields) => {
            fields.iter().for_each(|(key, value)| slips(value, &format!("{place}.{key}"), found));
        }
        Value::Array(values) => values.iter().for_each(|value| slips(value, place, found)),
        _ => {}
    }
}

/// The references below `place` that lead nowhere.
fn unresolved(value: &Value, place: &str, found: &mut Vec<String>) {
    match value {
        Value::String(text) => {
            let error = Secret::new(text).expose().err();
            found.extend(error.map(|error| error.at(place).message().to_owned()));
        }
        Value::Object(fields) => {
            fields.iter().for_each(|(key, value)| unresolved(value, &format!("{place}.{key}"), found));
        }
        Value::Array(values) => values.iter().for_each(|value| unresolved(value, place, found)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_was_meant_to_be_a_placeholder_or_a_reference_is_pointed_out() {
        for (key, warns) in [
            ("{{conection.key}}", true),
            ("{{ connection.key }}", true),
            ("Bearer {{Connection.key}}", true),
            ("${env.KEY}", true),
            ("${envv:KEY}", true),
            ("{{connection.key}}", false),
            ("{{user.name}}", false),
            ("${plain", false),
        ] {
            let config = json!({
                "integration_id": "a", "type": "rest", "base_url": "https://h", "auth_type": "api_key",
                "auth_config": { "key": key },
            });
            let warnings = IntegrationConfig::from_json(config).unwrap().warnings();
            assert_eq!(!warnings.is_empty(), warns, "{key}: {warnings:?}");
            assert!(warnings.iter().all(|warning| warning.starts_with("auth_config.key: ")), "{warnings:?}");
        }
    }
}
