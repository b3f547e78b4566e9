//! `/api/v1/keys`: the master keys of the store, by their ids. No key itself is ever in an answer.

use axum::{Json, extract::State};
use serde::Serialize;
use trunkline::{Error, KeyId, Keys, Kind, Manager, Progress, Result, RotationState};

use super::{extract::Id, to_its_end};
use crate::problem::Problem;

/// A key as it is listed.
#[derive(Serialize)]
pub(super) struct Key {
    id: String,
    primary: bool,
    given: bool,
    envelopes: u64,
}

/// What a rotation has done.
#[derive(Serialize)]
pub(super) struct Rotated {
    primary: String,
    older: Vec<String>,
    rewrapped: u64,
    left: u64,
    stopped: bool,
}

/// How far a rotation is, where one is under way.
#[derive(Serialize)]
pub(super) struct Rotation {
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    moved: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    of: Option<u64>,
}

#[derive(Serialize)]
pub(super) struct Removed {
    id: String,
    status: &'static str,
}

pub(super) async fn list(State(manager): State<Manager>) -> Result<Json<Vec<Key>>, Problem> {
    let keys = of(&manager)?.list().await?.into_iter();
    let key = |key: trunkline::KeyUse| Key {
        id: key.id.to_string(),
        primary: key.primary,
        given: key.given,
        envelopes: key.envelopes,
    };
    Ok(Json(keys.map(key).collect()))
}

pub(super) async fn rotate(State(manager): State<Manager>) -> Result<Json<Rotated>, Problem> {
    let done = to_its_end(async move { of(&manager)?.rotate().await }).await?;
    Ok(Json(Rotated {
        primary: done.primary.to_string(),
        older: done.older.iter().map(ToString::to_string).collect(),
        rewrapped: done.rewrapped,
        left: done.left,
        stopped: done.stopped,
    }))
}

pub(super) async fn rotation(State(manager): State<Manager>) -> Result<Json<Rotation>, Problem> {
    Ok(Json(of(&manager)?.rotation().await?.into()))
}

/// Answers how the rotation stands then. One that has ended meanwhile needs no stopping.
pub(super) async fn stop(State(manager): State<Manager>) -> Result<Json<Rotation>, Problem> {
    let keys = of(&manager)?;
    keys.stop();
    Ok(Json(keys.rotation().await?.into()))
}

pub(super) async fn remove(State(manager): State<Manager>, Id(id): Id) -> Result<Json<Removed>, Problem> {
    let id = KeyId::parse(&id)?;
    to_its_end(async move { of(&manager)?.remove(id).await }).await?;
    Ok(Json(Removed { id: id.to_string(), status: "removed" }))
}

impl From<RotationState> for Rotation {
    fn from(state: RotationState) -> Self {
        let (state, progress) = match state {
            RotationState::Done => ("done", None),
            RotationState::Running(progress) => ("running", Some(progress)),
            RotationState::Stopping(progress) => ("stopping", Some(progress)),
            RotationState::Unfinished => ("unfinished", None),
        };
        let (moved, of) = progress.map(|Progress { moved, of }| (moved, of)).unzip();
        Self { state, moved, of }
    }
}

fn of(manager: &Manager) -> Result<&dyn Keys> {
    manager.keys().ok_or_else(|| Error::new(Kind::Unsupported, "the store of this server seals nothing"))
}
