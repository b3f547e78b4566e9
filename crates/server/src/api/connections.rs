//! `/api/v1/integrations/{id}/connections`: add, list, read, replace, change, remove, health.

use std::sync::Arc;

use axum::{
    Extension, Json,
    extract::State,
    response::{IntoResponse, Response},
};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use trunkline::{
    Connected, Connection, ConnectionConfig, ConsentState, DEFAULT_CONNECTION, Health, Manager,
    kept_elsewhere, unmask,
};

use super::{
    extract::{Document, Id, IfMatch, Of, Params, STATE},
    integrations::{Answer, etag, invalid, marked, merge, precondition},
    oauth,
};
use crate::app::App;

/// How many are listed unless a client says otherwise, and at most.
const PAGE: (u32, u32) = (100, 1_000);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Page {
    #[serde(default)]
    after: String,
    limit: Option<u32>,
    /// Whether the accounts are asked about, which opens each connection.
    #[serde(default)]
    accounts: bool,
    /// Whether what is known of their health is told, which opens each connection too. No service is asked.
    #[serde(default)]
    health: bool,
}

#[derive(Serialize)]
pub(super) struct List {
    connections: Vec<Listed>,
    /// What to give as `after` for those that follow, if there are more.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

#[derive(Serialize)]
struct Listed {
    connection: String,
    description: String,
    enabled: bool,
    generation: u64,
    updated_at_ms: i64,
    /// How the account stands that it needs, where that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    account: Option<ConsentState>,
    /// What is known of how it is, where that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    health: Option<Health>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

#[derive(Serialize)]
struct Status<'a> {
    integration_id: &'a str,
    connection: &'a str,
    status: &'static str,
    /// Whether the provider of an account that was connected was told.
    #[serde(skip_serializing_if = "Option::is_none")]
    revoked: Option<bool>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
}

impl From<Connection> for Listed {
    fn from(connection: Connection) -> Self {
        Self {
            connection: connection.name.to_string(),
            description: connection.description,
            enabled: connection.enabled,
            generation: connection.generation,
            updated_at_ms: connection.updated_at_ms,
            account: None,
            health: None,
            error: connection.config.err().map(|error| error.message().to_owned()),
        }
    }
}

/// `default` is the first of the first page, beside as many others as were asked for.
pub(super) async fn list(
    State(manager): State<Manager>,
    Id(id): Id,
    Params(Page { after, limit, accounts, health }): Params<Page>,
) -> Answer<Json<List>> {
    let most = limit.unwrap_or(PAGE.0).clamp(1, PAGE.1);
    // One more shows whether there are more.
    let mut found = manager.connections(&id, &after, most + 1).await?;
    let more = found.len() > most as usize;
    found.truncate(most as usize);
    let next = found.last().filter(|_| more).map(|last| last.name.to_string());
    if after.is_empty() {
        found.insert(0, manager.connection_entry(&id, DEFAULT_CONNECTION).await?);
    }
    let mut connections: Vec<_> = found.into_iter().map(Listed::from).collect();
    for listed in connections.iter_mut().filter(|listed| listed.error.is_none()) {
        // One that does not open says so where it is read.
        if accounts && let Ok(handle) = manager.connection(&id, &listed.connection).await {
            listed.account = oauth::standing(&handle).await;
        }
        if health {
            listed.health = manager.known_connection_health(&id, &listed.connection).await.ok();
        }
    }
    Ok(Json(List { connections, next }))
}

pub(super) async fn add(
    State(manager): State<Manager>,
    Id(id): Id,
    Document(document): Document,
) -> Answer<Response> {
    let added = manager.add_connection(&id, ConnectionConfig::from_json(document)?).await?;
    Ok((StatusCode::CREATED, told(&id, added, "added")).into_response())
}

pub(super) async fn read(
    State(manager): State<Manager>,
    Extension(app): Extension<Arc<App>>,
    of: Of,
) -> Answer<Response> {
    let Of { id, connection: name } = of;
    let handle = manager.get(&id)?;
    let entry = manager.connection_entry(&id, &name).await?;
    let generation = entry.generation;
    let mut headers = etag(generation);
    let mut shown = match entry.config? {
        Some(config) => {
            let masked = config.masked(&handle.config()?);
            headers.extend(marked(&app, &config.expose(), &masked));
            masked
        }
        None => json!({ "connection": name, "description": entry.description, "enabled": entry.enabled }),
    };
    if let (Value::Object(shown), Some(state)) = (&mut shown, manager.connection_state(&id, &name)) {
        // Strings and numbers always serialise.
        shown.insert(STATE.to_owned(), serde_json::to_value(state).unwrap_or_default());
    }
    Ok((headers, Json(shown)).into_response())
}

pub(super) async fn replace(
    State(manager): State<Manager>,
    of: Of,
    IfMatch(expected): IfMatch,
    Document(sent): Document,
) -> Answer<Response> {
    let stored = Read::of(&manager, &of).await?;
    let mut document = sent.clone();
    unmask(&mut document, &stored.config.expose());
    if let Value::Object(document) = &mut document {
        document.entry("connection").or_insert_with(|| of.connection.as_str().into());
    }
    store(&manager, &of, document, &sent, expected, &stored).await
}

/// A merge patch (RFC 7396): null removes a key, everything else replaces it.
pub(super) async fn change(
    State(manager): State<Manager>,
    of: Of,
    IfMatch(expected): IfMatch,
    Document(sent): Document,
) -> Answer<Response> {
    if !sent.is_object() {
        return Err(invalid("a patch is a JSON object"));
    }
    let stored = Read::of(&manager, &of).await?;
    let (mut document, mut patch) = (stored.config.expose(), sent.clone());
    unmask(&mut patch, &document);
    merge(&mut document, patch);
    store(&manager, &of, document, &sent, expected, &stored).await
}

pub(super) async fn remove(
    State(manager): State<Manager>,
    of: Of,
    IfMatch(expected): IfMatch,
) -> Answer<Response> {
    let Of { id, connection } = &of;
    let removed = manager.remove_connection(id, connection, expected).await;
    let revoked = removed.map_err(|error| precondition(&error, expected))?.revoked;
    let (status, warnings) = ("removed", Vec::new());
    let status = Status { integration_id: id, connection, status, revoked, warnings };
    Ok(Json(status).into_response())
}

pub(super) async fn health(State(manager): State<Manager>, of: Of) -> Answer<Json<Health>> {
    Ok(Json(manager.connection_health(&of.id, &of.connection).await?))
}

/// A connection as it was read to be changed.
struct Read {
    config: ConnectionConfig,
    generation: u64,
}

impl Read {
    async fn of(manager: &Manager, of: &Of) -> Answer<Self> {
        let entry = manager.connection_entry(&of.id, &of.connection).await?;
        let generation = entry.generation;
        match entry.config? {
            Some(config) => Ok(Self { config, generation }),
            None => {
                Err(invalid("the connection `default` is the integration as it is configured; change that"))
            }
        }
    }
}

/// Replaces what was read by `document`, which was made of what the client `sent`, unless it has changed since.
async fn store(
    manager: &Manager,
    of: &Of,
    document: Value,
    sent: &Value,
    expected: Option<u64>,
    stored: &Read,
) -> Answer<Response> {
    let config = ConnectionConfig::from_json(document)?;
    if **config.name() != *of.connection {
        return Err(invalid("connection: is not the one in the path; add a new connection to rename one"));
    }
    let integration = manager.get(&of.id)?.config()?;
    if let Some(key) = kept_elsewhere(&integration, &stored.config, &config, sent) {
        return Err(invalid(format!(
            "the connection leads elsewhere than before: send {key} again, in clear"
        )));
    }
    let replaced =
        manager.replace_connection(&of.id, config, Some(expected.unwrap_or(stored.generation))).await;
    let replaced = replaced.map_err(|error| precondition(&error, expected))?;
    Ok(told(&of.id, replaced, "updated"))
}

fn told(id: &str, connected: Connected, status: &'static str) -> Response {
    let Connected { name, generation, warnings } = connected;
    let told = Status { integration_id: id, connection: &name, status, revoked: None, warnings };
    (etag(generation), Json(told)).into_response()
}
