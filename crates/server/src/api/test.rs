//! `POST /api/v1/integrations/{id}/test`: tries a request and says how far it came.

use std::sync::Arc;

use axum::{
    Extension, Json,
    extract::{Request, State},
};
use serde_json::value::RawValue;
use tokio::time::Instant;
use trunkline::{Error, Handle, Manager};

use super::{
    extract::{Id, Of},
    tested::{Step, Tested},
    trial,
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
        if handle.trouble().is_none() && !handle.needs_connection() {
            return trial::of_stored(app, &handle).await.map(Json);
        }
        // What cannot be asked says why.
        let error = handle.probe().await.err().map(|error| error.scrubbed(&handle.scrub(None)));
        let error = error.unwrap_or_else(|| Error::invalid("the integration cannot be asked"));
        return Ok(Json(Tested::failed(error).steps(vec![configuration])));
    }
    let mut call = match handle.ask(raw) {
        Ok(call) => call,
        Err(error) => return Ok(Json(Tested::failed(error).steps(vec![Step::new("configuration", false)]))),
    };
    let began = Instant::now();
    let tested = Tested::call(&handle, &mut call).await;
    let credential = call.credential.is_some().then(|| Step::new("credential", true));
    let request = Step::new("request", tested.kind.is_none()).took(began.elapsed());
    let request = match tested.error() {
        Some(why) => request.detail(why),
        None => request,
    };
    Ok(Json(tested.steps([Some(configuration), credential, Some(request)].into_iter().flatten().collect())))
}

/// Whether a request is one that asks for the probe.
pub(super) fn is_empty(request: &RawValue) -> bool {
    request.get().chars().filter(|c| !c.is_whitespace()).eq("{}".chars())
}
