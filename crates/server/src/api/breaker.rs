//! `/api/v1/integrations/{id}/breaker`: what an operator does by hand.

use axum::{Json, extract::State};
use trunkline::{FlowState, Handle, Kind, Manager, Result};

use super::extract::Id;
use crate::problem::Problem;

pub(super) async fn reset(State(manager): State<Manager>, Id(id): Id) -> Result<Json<FlowState>, Problem> {
    switched(&*manager.get(&id)?, Handle::reset_breaker)
}

pub(super) async fn open(State(manager): State<Manager>, Id(id): Id) -> Result<Json<FlowState>, Problem> {
    switched(&*manager.get(&id)?, Handle::force_breaker_open)
}

fn switched(handle: &Handle, switch: fn(&Handle) -> Result<()>) -> Result<Json<FlowState>, Problem> {
    switch(handle)?;
    let state = handle.state();
    Ok(Json(state.ok_or_else(|| trunkline::Error::new(Kind::Internal, "what was switched has a state"))?))
}
