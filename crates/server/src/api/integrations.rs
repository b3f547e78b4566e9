//! `/api/v1/integrations`: register, list, read, replace, change, remove, health.

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    Extension, Json,
    extract::State,
    response::{IntoResponse, Response},
};
use futures_util::{StreamExt, stream};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use trunkline::{
    Connector, ConsentState, Handle, Health, IntegrationConfig, Kind, Manager, Registered, Source, kept,
    unmask,
};

use super::{
    extract::{Document, Id, IfMatch, Params, STATE},
    oauth::standing,
};
use crate::{app::App, problem::Problem};

pub(super) type Answer<T> = Result<T, Problem>;

/// How many accounts are looked up in the store at the same time.
const READS: usize = 16;

/// Who owns an integration's configuration.
const SOURCE: HeaderName = HeaderName::from_static("trunkline-source");

/// Another where a secret was changed, which nobody sees in what is masked.
const SECRETS: HeaderName = HeaderName::from_static("trunkline-secrets");

#[derive(Serialize)]
struct Status<'a> {
    integration_id: &'a str,
    status: &'static str,
    /// Whether the providers of accounts that were connected were told.
    #[serde(skip_serializing_if = "Option::is_none")]
    revoked: Option<bool>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
}

#[derive(Serialize)]
pub(super) struct Listed {
    integration_id: String,
    name: String,
    r#type: String,
    /// The connector, and whose service it is for, where it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    connector: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    vendor: Option<String>,
    description: String,
    enabled: bool,
    source: Source,
    updated_at_ms: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    /// How the account that calls are made for stands, where somebody has to connect one.
    #[serde(skip_serializing_if = "Option::is_none")]
    account: Option<ConsentState>,
}

pub(super) async fn register(
    State(manager): State<Manager>,
    Document(document): Document,
) -> Answer<Response> {
    let config = manager.read(document)?;
    let registered = manager.register(config).await?;
    Ok((StatusCode::CREATED, told(&registered, "registered")).into_response())
}

pub(super) async fn list(State(manager): State<Manager>) -> Json<Vec<Listed>> {
    let handles = stream::iter(manager.list());
    Json(handles.map(listed).buffered(READS).collect().await)
}

async fn listed(handle: Arc<Handle>) -> Listed {
    let known = handle.connector().map(Connector::manifest);
    Listed {
        integration_id: handle.id().to_string(),
        name: handle.name().to_owned(),
        r#type: handle.r#type().to_owned(),
        connector: known.map(|manifest| manifest.name.clone()),
        vendor: known.map(|manifest| manifest.title.clone()),
        description: handle.description().to_owned(),
        enabled: handle.enabled(),
        source: handle.source(),
        updated_at_ms: handle.updated_at_ms(),
        error: handle.trouble().map(|error| error.message().to_owned()),
        account: standing(&handle).await,
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct HealthQuery {
    #[serde(default)]
    details: bool,
}

/// `{id: true}` as in the original, or `{id: {state, …}}` with `?details=true`.
pub(super) async fn health_all(
    State(manager): State<Manager>,
    Params(query): Params<HealthQuery>,
) -> Response {
    let all = manager.health_all().await;
    if query.details {
        return Json(all).into_response();
    }
    let up: BTreeMap<_, _> = all.iter().map(|(id, health)| (id, health.is_up())).collect();
    Json(up).into_response()
}

pub(super) async fn health(State(manager): State<Manager>, Id(id): Id) -> Answer<Json<Health>> {
    Ok(Json(manager.health(&id).await?))
}

pub(super) async fn read(
    State(manager): State<Manager>,
    Extension(app): Extension<Arc<App>>,
    Id(id): Id,
) -> Answer<Response> {
    let handle = manager.get(&id)?;
    let config = handle.config()?;
    let mut shown = config.masked();
    let secrets = marked(&app, &config.expose(), &shown);
    if let (Value::Object(shown), Some(state)) = (&mut shown, handle.state()) {
        // Strings and numbers always serialise.
        let mut state = serde_json::to_value(state).unwrap_or_default();
        if let Some(account) = standing(&handle).await {
            state["account"] = serde_json::to_value(account).unwrap_or_default();
        }
        shown.insert(STATE.to_owned(), state);
    }
    Ok((versioned(&handle), secrets, Json(shown)).into_response())
}

pub(super) async fn replace(
    State(manager): State<Manager>,
    Id(id): Id,
    IfMatch(expected): IfMatch,
    Document(sent): Document,
) -> Answer<Response> {
    let handle = manager.get(&id)?;
    let mut document = sent.clone();
    unmask(&mut document, &handle.config()?.expose());
    if let Value::Object(document) = &mut document {
        document.entry("integration_id").or_insert_with(|| id.as_str().into());
    }
    store(&manager, document, &sent, expected, &handle).await
}

/// A merge patch (RFC 7396): null removes a key, everything else replaces it.
pub(super) async fn change(
    State(manager): State<Manager>,
    Id(id): Id,
    IfMatch(expected): IfMatch,
    Document(sent): Document,
) -> Answer<Response> {
    if !sent.is_object() {
        return Err(invalid("a patch is a JSON object"));
    }
    let handle = manager.get(&id)?;
    let mut document = handle.config()?.expose();
    let mut patch = sent.clone();
    unmask(&mut patch, &document);
    merge(&mut document, patch);
    store(&manager, document, &sent, expected, &handle).await
}

/// Replaces what `read` gave by `document`, which was made of what the client `sent`, unless it has changed
/// since.
async fn store(
    manager: &Manager,
    document: Value,
    sent: &Value,
    expected: Option<u64>,
    read: &Handle,
) -> Answer<Response> {
    let config = manager.read(document)?;
    let id = read.id();
    if config.id() != id {
        return Err(invalid(
            "integration_id: is not the one in the path; register a new integration to rename one",
        ));
    }
    if follows(&config, sent, read)? && !manager.connections(id, "", 1).await?.is_empty() {
        return Err(invalid(
            "base_url, proxy or an address in auth_config leads elsewhere than before, and the secrets of its connections would follow: \
             remove the connections first, or register another integration",
        ));
    }
    // What was merged belongs to the version that was read, even if the client named none.
    let registered = manager.replace(config, Some(expected.unwrap_or(read.generation()))).await;
    let registered = registered.map_err(|error| precondition(&error, expected))?;
    Ok(told(&registered, "updated"))
}

/// Whether a configuration that was made of what the client `sent` leads elsewhere than the stored one does that its
/// masked secrets are of. A secret that nobody can read must not follow an address that its reader may change.
pub(super) fn follows(config: &IntegrationConfig, sent: &Value, stored: &Handle) -> Answer<bool> {
    let elsewhere = config.addresses() != stored.config()?.addresses();
    match kept(config, sent).filter(|_| elsewhere) {
        None => Ok(elsewhere),
        Some(key) => Err(invalid(format!(
            "base_url, proxy or an address in auth_config leads elsewhere than before: send {key} again, in clear"
        ))),
    }
}

pub(super) async fn remove(
    State(manager): State<Manager>,
    Id(id): Id,
    IfMatch(expected): IfMatch,
) -> Answer<Response> {
    let removed = manager.remove(&id, expected).await.map_err(|error| precondition(&error, expected))?;
    let (status, revoked) = ("removed", removed.revoked);
    Ok(Json(Status { integration_id: &id, status, revoked, warnings: Vec::new() }).into_response())
}

pub(super) async fn clear_cache(State(manager): State<Manager>, Id(id): Id) -> Answer<Response> {
    manager.clear_cache(&id)?;
    let status = Status { integration_id: &id, status: "cleared", revoked: None, warnings: Vec::new() };
    Ok(Json(status).into_response())
}

pub(super) fn invalid(detail: impl Into<String>) -> Problem {
    Problem::plain(StatusCode::UNPROCESSABLE_ENTITY, "invalid_config", detail)
}

fn told(registered: &Registered, status: &'static str) -> Response {
    let handle = &registered.handle;
    let warnings = registered.warnings.clone();
    let status = Status { integration_id: handle.id(), status, revoked: None, warnings };
    (versioned(handle), Json(status)).into_response()
}

/// The version that `If-Match` takes.
pub(super) fn etag(generation: u64) -> HeaderMap {
    let etag = format!("\"{generation}\"");
    let etag = HeaderValue::from_str(&etag).expect("digits in quotes are a header value");
    HeaderMap::from_iter([(header::ETAG, etag)])
}

/// The same of an integration, and who owns it.
fn versioned(handle: &Handle) -> HeaderMap {
    let mut headers = etag(handle.generation());
    let source = match handle.source() {
        Source::Store => "store",
        Source::File => "file",
        Source::Demo => "demo",
    };
    headers.insert(SOURCE, HeaderValue::from_static(source));
    headers
}

/// What tells whether a secret of what is shown `masked` was changed.
pub(super) fn marked(app: &App, clear: &Value, masked: &Value) -> HeaderMap {
    let mark = HeaderValue::from_str(&app.marks.of(clear, masked)).expect("base64 is a header value");
    HeaderMap::from_iter([(SECRETS, mark)])
}

pub(super) fn precondition(error: &trunkline::Error, expected: Option<u64>) -> Problem {
    let problem = Problem::of(error);
    if expected.is_some() && error.kind() == Kind::Conflict {
        problem.status(StatusCode::PRECONDITION_FAILED)
    } else {
        problem
    }
}

pub(super) fn merge(document: &mut Value, patch: Value) {
    match (document, patch) {
        (Value::Object(document), Value::Object(patch)) => {
            for (key, value) in patch {
                if value.is_null() {
                    document.remove(&key);
                } else {
                    merge(document.entry(key).or_insert(Value::Null), value);
                }
            }
        }
        // RFC 7396 section 2: nulls in a new object are removed too.
        (document, patch @ Value::Object(_)) => {
            *document = Value::Object(serde_json::Map::new());
            merge(document, patch);
        }
        (document, patch) => *document = patch,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_examples_of_rfc_7396_appendix_a() {
        for (document, patch, merged) in [
            (json!({"a":"b"}), json!({"a":"c"}), json!({"a":"c"})),
            (json!({"a":"b"}), json!({"b":"c"}), json!({"a":"b","b":"c"})),
            (json!({"a":"b"}), json!({"a":null}), json!({})),
            (json!({"a":"b","b":"c"}), json!({"a":null}), json!({"b":"c"})),
            (json!({"a":["b"]}), json!({"a":"c"}), json!({"a":"c"})),
            (json!({"a":{"b":"c"}}), json!({"a":{"b":"d","c":null}}), json!({"a":{"b":"d"}})),
            (json!({"a":[{"b":"c"}]}), json!({"a":[1]}), json!({"a":[1]})),
            (json!({"e":null}), json!({"a":1}), json!({"e":null,"a":1})),
            (json!({}), json!({"a":{"bb":{"ccc":null}}}), json!({"a":{"bb":{}}})),
        ] {
            let mut result = document.clone();
            merge(&mut result, patch.clone());
            assert_eq!(result, merged, "{document} + {patch}");
        }
    }
}
