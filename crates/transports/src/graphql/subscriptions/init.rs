//! `Init`: what a connection of `graphql-transport-ws` begins with, and the credential in it.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};
use trunkline_core::{Credential, Error, Form, Result, parse};

use crate::websocket::{CREDENTIAL, filled};

/// Where the credential goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum CredentialIn {
    /// Into the handshake, as into every request over HTTP.
    Handshake,
    /// Into the payload of the first message: in the place of `{{credential}}`, or as `Authorization`.
    ConnectionInit,
}

/// The payload of the first message.
#[derive(Debug)]
pub(super) struct Init {
    payload: Option<Map<String, Value>>,
    /// Whether the credential is added by the name of its header.
    adds: bool,
    /// Whether the handshake has it.
    pub(super) handshake: bool,
}

impl Init {
    /// Checks what is configured, and reads references in it.
    ///
    /// # Errors
    ///
    /// `invalid_config`, naming the key.
    pub(super) fn open(payload: Option<&Value>, place: Option<CredentialIn>) -> Result<Self> {
        let payload = match payload.cloned().map(parse::resolved).transpose() {
            Ok(None) => None,
            Ok(Some(Value::Object(payload))) => Some(payload),
            Ok(Some(_)) => return Err(Error::invalid("connection_init: must be an object")),
            Err(error) => return Err(error.at("connection_init")),
        };
        let has_place = payload.as_ref().is_some_and(|payload| text(payload).contains(CREDENTIAL));
        let place = place.unwrap_or(match has_place {
            true => CredentialIn::ConnectionInit,
            false => CredentialIn::Handshake,
        });
        let handshake = place == CredentialIn::Handshake;
        Ok(Self { payload, adds: !handshake && !has_place, handshake })
    }

    /// The payload as JSON, for a connection that is made with this credential.
    ///
    /// # Errors
    ///
    /// `invalid_config` where the credential cannot be in it.
    pub(super) fn payload(&self, credential: Option<&Credential>) -> Result<Option<String>> {
        let Some(credential) = credential.filter(|_| self.adds) else {
            let text = self.payload.as_ref().map(text);
            let filled = text.map(|text| filled(&text, credential)).transpose();
            return filled.map_err(|error| error.at("subscriptions.connection_init"));
        };
        let mut payload = self.payload.clone().unwrap_or_default();
        let (name, value) = named(credential)?;
        payload.insert(name, value.into());
        Ok(Some(text(&payload)))
    }
}

fn text(payload: &Map<String, Value>) -> String {
    Value::Object(payload.clone()).to_string()
}

/// The credential as services look for it: by the name of the header, of which `Authorization` has a capital letter.
fn named(credential: &Credential) -> Result<(String, String)> {
    let none = || {
        Error::invalid(
            "subscriptions.credential_in: connection_init takes what can stand in a header; give connection_init with \
             {{credential}} in its place, or use handshake",
        )
    };
    if let Form::Cookie { .. } = credential.form() {
        return Err(none());
    }
    let (name, value) = credential.header()?.ok_or_else(none)?;
    let name = if *name == http::header::AUTHORIZATION { "Authorization" } else { name.as_str() };
    Ok((name.to_owned(), value.to_str().map_err(|_| none())?.to_owned()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use trunkline_core::Secret;

    use super::*;

    fn said(
        payload: Option<&Value>,
        place: Option<CredentialIn>,
        form: Option<Form>,
    ) -> Result<(Value, bool)> {
        let init = Init::open(payload, place)?;
        let said = init.payload(form.map(Credential::new).as_ref())?;
        Ok((said.map_or(Value::Null, |text| serde_json::from_str(&text).unwrap()), init.handshake))
    }

    fn bearer() -> Option<Form> {
        Some(Form::Bearer(Secret::new("t\"1")))
    }

    #[test]
    fn the_credential_is_where_the_configuration_says() {
        use CredentialIn::{ConnectionInit, Handshake};
        let filled = json!({"headers": {"auth": "Token {{credential}}"}});
        let key = Form::Header { name: "x-key".parse().unwrap(), value: Secret::new("k") };
        for (payload, place, form, expected, handshake) in [
            (None, None, bearer(), Value::Null, true),
            (Some(json!({"a": 1})), None, bearer(), json!({"a": 1}), true),
            (None, Some(ConnectionInit), bearer(), json!({"Authorization": "Bearer t\"1"}), false),
            (Some(json!({"a": 1})), Some(ConnectionInit), Some(key), json!({"a": 1, "x-key": "k"}), false),
            (Some(filled.clone()), None, bearer(), json!({"headers": {"auth": "Token t\"1"}}), false),
            (Some(filled), Some(Handshake), bearer(), json!({"headers": {"auth": "Token t\"1"}}), true),
            (None, Some(ConnectionInit), None, Value::Null, false),
        ] {
            assert_eq!(said(payload.as_ref(), place, form).unwrap(), (expected, handshake));
        }
    }

    #[test]
    fn what_cannot_be_said_is_an_error_that_names_the_key() {
        let query = Form::Query { name: "k".into(), value: Secret::new("hunter2") };
        for (payload, place, form, key) in [
            (Some(json!([])), None, None, "connection_init: "),
            (Some(json!({"a": "{{credential}}"})), None, None, "subscriptions.connection_init: "),
            (None, Some(CredentialIn::ConnectionInit), Some(query), "subscriptions.credential_in: "),
        ] {
            let error = said(payload.as_ref(), place, form).unwrap_err();
            assert!(error.message().starts_with(key) && !error.message().contains("hunter2"), "{error}");
        }
    }
}
