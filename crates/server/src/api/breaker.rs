//! `/api/v1/integrations/{id}/breaker`: what an operator does by hand.

use std::sync::Arc;

use axum::{Json, extract::State};
use http::HeaderMap;
use trunkline::{DEFAULT_CONNECTION, FlowState, Handle, Kind, Manager, Result};

use super::extract::Id;
use crate::{problem::Problem, wishes::Wishes};

pub(super) async fn reset(
    State(manager): State<Manager>,
    Id(id): Id,
    headers: HeaderMap,
) -> Result<Json<FlowState>, Problem> {
    switched(&*chosen(&manager, &id, &headers).await?, Handle::reset_breaker)
}

pub(super) async fn open(
    State(manager): State<Manager>,
    Id(id): Id,
    headers: HeaderMap,
) -> Result<Json<FlowState>, Problem> {
    switched(&*chosen(&manager, &id, &headers).await?, Handle::force_breaker_open)
}

/// The integration, or the connection of it that the request names.
async fn chosen(manager: &Manager, id: &str, headers: &HeaderMap) -> Result<Arc<Handle>> {
    let name = Wishes::of(headers)?.connection();
    manager.connection(id, name.as_deref().unwrap_or(DEFAULT_CONNECTION)).await
}

fn switched(handle: &Handle, switch: fn(&Handle) -> Result<()>) -> Result<Json<FlowState>, Problem> {
    switch(handle)?;
    let state = handle.state();
    Ok(Json(state.ok_or_else(|| trunkline::Error::new(Kind::Internal, "what was switched has a state"))?))
}
