//! `/api/v1/activity`: what happened lately.

use axum::{Json, extract::State};
use serde::Deserialize;
use trunkline::{Filter, Manager, Record};

use super::extract::Params;

/// The filter as query parameters.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wire {
    integration: Option<String>,
    connection: Option<String>,
    kind: Option<String>,
    status: Option<u16>,
    request_id: Option<String>,
    since_ms: Option<u64>,
    until_ms: Option<u64>,
    limit: Option<usize>,
}

pub(super) async fn query(State(manager): State<Manager>, Params(wire): Params<Wire>) -> Json<Vec<Record>> {
    let Wire { integration, connection, kind, status, request_id, since_ms, until_ms, limit } = wire;
    let filter = Filter { integration, connection, kind, status, request_id, since_ms, until_ms, limit };
    Json(manager.activity().query(&filter))
}
