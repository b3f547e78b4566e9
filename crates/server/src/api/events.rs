//! `/api/v1/integrations/{id}/events`: webhooks that came, and how far they are on their way.

use axum::{
    Json,
    extract::{FromRequestParts, Path, State},
};
use http::request::Parts;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use trunkline::{Error, Kind, Manager, Redelivered, WebhookEvent, parse};

use super::extract::{Id, IfAny, Params};
use crate::problem::Problem;

/// How many are listed unless asked for, and at most.
const USUAL: u32 = 100;
const MOST: u32 = 1_000;

/// Which ones to list.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wire {
    /// Those that came before the one of this number.
    before: Option<u64>,
    limit: Option<u32>,
}

/// The integration and the event in the path.
pub(super) struct Of {
    id: String,
    event: String,
}

impl<S: Send + Sync> FromRequestParts<S> for Of {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        match Path::from_request_parts(parts, state).await {
            Ok(Path((id, event))) => Ok(Self { id, event }),
            Err(_) => Err(Error::new(Kind::UnknownEvent, "no such event; an id is plain ASCII").into()),
        }
    }
}

/// What becomes of an event that is forwarded once more.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Again {
    integration_id: String,
    event: String,
    /// `pending`.
    status: &'static str,
    #[serde(flatten)]
    redelivered: Redelivered,
}

pub(super) async fn list(
    State(manager): State<Manager>,
    Id(id): Id,
    Params(Wire { before, limit }): Params<Wire>,
) -> Result<Json<Vec<WebhookEvent>>, Problem> {
    Ok(Json(manager.events(&id, before, limit.unwrap_or(USUAL).min(MOST)).await?))
}

pub(super) async fn read(
    State(manager): State<Manager>,
    Of { id, event }: Of,
) -> Result<Json<WebhookEvent>, Problem> {
    Ok(Json(manager.event(&id, &event).await?))
}

pub(super) async fn redeliver(
    State(manager): State<Manager>,
    Of { id, event }: Of,
    IfAny(document): IfAny,
) -> Result<Json<Again>, Problem> {
    let asked = document.map(|document| parse::value(document, "")).transpose()?.unwrap_or_default();
    let redelivered = manager.redeliver(&id, &event, asked).await?;
    Ok(Json(Again { integration_id: id, event, status: "pending", redelivered }))
}
