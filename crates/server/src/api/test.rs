//! `POST /api/v1/integrations/{id}/test`: tries a request and says how far it came.

use std::sync::Arc;

use axum::{
    Extension, Json,
    extract::{Request, State},
};
use serde_json::value::RawValue;
use trunkline::{Handle, Manager};

use super::{
    extract::{Id, Of},
    tested::{Step, Tested},
};
use crate::{app::App, call, connection, inbound, problem::Problem, wishes::Wishes};

pub(super) async fn test(
    State(manager): State<Manager>,
    Extension(app): Extension<Arc<App>>,
    Id(id): Id,
    request: Request,
) -> Result<Json<Tested>, Problem> {
    tested(&app, manager.get(&id)?, None, request).await
}

/// The same for the connection in the path.
pub(super) async fn test_connection(
    State(manager): State<Manager>,
    Extension(app): Extension<Arc<App>>,
    Of { id, connection }: Of,
    request: Request,
) -> Result<Json<Tested>, Problem> {
    tested(&app, manager.get(&id)?, Some(connection), request).await
}

async fn tested(
    app: &App,
    mut handle: Arc<Handle>,
    connection: Option<String>,
    request: Request,
) -> Result<Json<Tested>, Problem> {
    let (head, body) = request.into_parts();
    let bytes = inbound::json(&head.headers, body, app.body_limit, &mut app.room.hold()).await?;
    let (named, rest) = connection::take(&bytes)?;
    let header = Wishes::of(&head.headers)?.connection();
    if let Some(name) = connection::chosen([connection, header, named])? {
        handle = app.connection(&handle, &name).await?;
    }
    let raw = call::raw(&rest)?;
    let configuration = Step::new("configuration", handle.trouble().is_none());
    if is_empty(raw) {
        return Ok(Json(probed(&handle, configuration).await));
    }
    let mut call = match handle.ask(raw) {
        Ok(call) => call,
        Err(error) => return Ok(Json(Tested::failed(error).steps(vec![Step::new("configuration", false)]))),
    };
    let tested = Tested::call(&handle, &mut call).await;
    let credential = call.credential.is_some().then(|| Step::new("credential", true));
    let request = Step::new("request", tested.kind.is_none());
    Ok(Json(tested.steps([Some(configuration), credential, Some(request)].into_iter().flatten().collect())))
}

/// Whether a request is one that asks for the probe.
pub(super) fn is_empty(request: &RawValue) -> bool {
    request.get().chars().filter(|c| !c.is_whitespace()).eq("{}".chars())
}

/// An empty request asks for the probe.
async fn probed(handle: &Handle, configuration: Step) -> Tested {
    let tested = match handle.probe().await {
        Ok(proof) => Tested::proved(proof),
        Err(error) => Tested::failed(error.scrubbed(&handle.scrub(None))),
    };
    let probe = Step::new("probe", tested.kind.is_none());
    tested.steps(vec![configuration, probe])
}
