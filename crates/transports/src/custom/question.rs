//! `Question`: what is posted to a driver.

use bytes::Bytes;
use serde::Serialize;
use serde_json::value::RawValue;
use tokio::time::Instant;
use trunkline_core::{Call, Credential, Error, Form, Kind, Result};

/// The version of the protocol.
const PROTOCOL: u32 = 1;

/// A question, put together from what the caller wrote and what is known of the call.
pub(super) struct Question<'a> {
    pub(super) request: Option<&'a RawValue>,
    pub(super) config: &'a RawValue,
    pub(super) call: &'a Call,
}

#[derive(Serialize)]
struct Wire<'a> {
    protocol: u32,
    request: Option<&'a RawValue>,
    config: &'a RawValue,
    credential: Option<Handed<'a>>,
    call: About,
}

/// What a driver is told of the call.
#[derive(Serialize)]
struct About {
    integration: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    connection: Option<String>,
    /// The same for all attempts of a call.
    id: String,
    attempt: u32,
    /// How much time is left.
    #[serde(skip_serializing_if = "Option::is_none")]
    deadline_ms: Option<u64>,
}

/// The credential, in the form that its scheme gave it.
#[derive(Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum Handed<'a> {
    Bearer { token: String },
    Basic { username: &'a str, password: String },
    Header { name: &'a str, value: String },
    Query { name: &'a str, value: String },
    Cookie { name: &'a str, value: String },
}

impl Question<'_> {
    /// All of it as JSON.
    ///
    /// # Errors
    ///
    /// `unsupported` for a credential that signs requests; whatever reading a secret says.
    pub(super) fn json(&self) -> Result<Bytes> {
        let Call { integration, connection, request_id, attempt, deadline, credential, .. } = self.call;
        let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()).as_millis());
        let wire = Wire {
            protocol: PROTOCOL,
            request: self.request,
            config: self.config,
            credential: credential.as_deref().map(handed).transpose()?,
            call: About {
                integration: integration.to_string(),
                connection: connection.as_deref().map(str::to_owned),
                id: request_id.to_string(),
                attempt: *attempt,
                deadline_ms: left.map(|left| u64::try_from(left).unwrap_or(u64::MAX)),
            },
        };
        let json = serde_json::to_vec(&wire)
            .map_err(|error| Error::new(Kind::Internal, "a question is always JSON").source(error))?;
        Ok(json.into())
    }
}

fn handed(credential: &Credential) -> Result<Handed<'_>> {
    Ok(match credential.form() {
        Form::Bearer(token) => Handed::Bearer { token: token.expose()?.into_owned() },
        Form::Basic { user, password } => {
            Handed::Basic { username: user, password: password.expose()?.into_owned() }
        }
        Form::Header { name, value } => {
            Handed::Header { name: name.as_str(), value: value.expose()?.into_owned() }
        }
        Form::Query { name, value } => Handed::Query { name, value: value.expose()?.into_owned() },
        Form::Cookie { name, value } => Handed::Cookie { name, value: value.expose()?.into_owned() },
        _ => {
            let what =
                "auth_type: signs HTTP requests, which a driver makes by itself; give it the key in config";
            return Err(Error::new(Kind::Unsupported, what));
        }
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::{Value, json};
    use trunkline_core::{IntegrationId, Query, Secret};

    use super::*;

    #[test]
    fn a_question_has_the_request_as_it_was_written_and_the_credential_as_it_is() {
        let mut call = Call::new(IntegrationId::new("a").unwrap(), Query::new("{}"));
        let basic = Form::Basic { user: "u".to_owned(), password: Secret::new("p") };
        call.credential = Some(Arc::new(Credential::new(basic)));
        let raw = |text: &str| RawValue::from_string(text.to_owned()).unwrap();
        let (request, config) = (raw("{\"n\": 1.50}"), raw("{}"));
        let json = Question { request: Some(&request), config: &config, call: &call }.json().unwrap();
        let text = std::str::from_utf8(&json).unwrap();
        assert!(text.starts_with(r#"{"protocol":1,"request":{"n": 1.50},"config":{},"#), "{text}");
        let value: Value = serde_json::from_str(text).unwrap();
        assert_eq!(value["credential"], json!({"kind": "basic", "username": "u", "password": "p"}));
        assert_eq!(value["call"]["integration"], "a");
        assert_eq!(value["call"]["id"], call.request_id.to_string());
    }
}
