//! `POST /api/v1/integrations/{id}/test`: tries a request and says how far it came.

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    Extension, Json,
    extract::{Request, State},
};
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};
use trunkline::{Call, Error, Handle, Manager, Proof, Reply};

use super::extract::{Id, Of};
use crate::{app::App, call, connection, inbound, problem::Problem, wishes::Wishes};

/// The outcome of a test: the original's two shapes, and the steps.
#[derive(Default, Serialize)]
pub(super) struct Tested {
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<Box<RawValue>>,
    /// What the service said of itself, such as its `version`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    service: BTreeMap<&'static str, String>,
    /// What somebody should know though it works.
    #[serde(skip_serializing_if = "Option::is_none")]
    warning: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<Problem>,
    steps: Vec<Step>,
}

#[derive(Serialize)]
struct Step {
    step: &'static str,
    ok: bool,
}

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
    let mut steps = vec![Step { step: "configuration", ok: handle.trouble().is_none() }];
    if raw.get().chars().filter(|c| !c.is_whitespace()).eq("{}".chars()) {
        return Ok(Json(probed(&handle, steps).await));
    }
    let call = match handle.ask(raw) {
        Ok(call) => call,
        Err(error) => return Ok(Json(failed(error, steps, "configuration"))),
    };
    Ok(Json(requested(&handle, call, &mut steps).await))
}

/// An empty request asks for the probe.
async fn probed(handle: &Handle, mut steps: Vec<Step>) -> Tested {
    match handle.probe().await {
        Ok(proof) => {
            steps.push(Step { step: "probe", ok: true });
            let Proof { reason, facts, warning } = proof;
            let (result, service) = (to_raw_value(reason).ok(), facts.into_iter().collect());
            Tested { status: "success", result, service, warning, steps, ..Tested::default() }
        }
        Err(error) => failed(error.scrubbed(&handle.scrub(None)), steps, "probe"),
    }
}

async fn requested(handle: &Handle, mut call: Call, steps: &mut Vec<Step>) -> Tested {
    // A reply that was kept proves nothing of the service as it is now.
    call.uncached = true;
    let result = match handle.call(&mut call).await {
        Ok(reply) => result(reply, handle, &call).await,
        Err(error) => Err(error),
    };
    if call.credential.is_some() {
        steps.push(Step { step: "credential", ok: true });
    }
    let mut steps = std::mem::take(steps);
    match result {
        Ok(result) => {
            steps.push(Step { step: "request", ok: true });
            Tested { status: "success", result: Some(result), steps, ..Tested::default() }
        }
        Err(error) => {
            let text = handle.scrub(Some(&call)).hide(error.to_string());
            let problem = call::problem(error, handle, &call).await;
            steps.push(Step { step: "request", ok: false });
            Tested { status: "error", error: Some(text), problem: Some(problem), steps, ..Tested::default() }
        }
    }
}

fn failed(error: Error, mut steps: Vec<Step>, step: &'static str) -> Tested {
    steps.retain(|held| held.step != step);
    steps.push(Step { step, ok: false });
    let text = error.to_string();
    let problem = Some(error.into());
    Tested { status: "error", error: Some(text), problem, steps, ..Tested::default() }
}

/// JSON as it is, text as a string, nothing as null.
async fn result(reply: Reply, handle: &Handle, call: &Call) -> Result<Box<RawValue>, Error> {
    let bytes = reply.bytes().await?;
    if bytes.is_empty() {
        return Ok(RawValue::NULL.to_owned());
    }
    let text = handle.scrub(Some(call)).hide(String::from_utf8_lossy(&bytes).into_owned());
    RawValue::from_string(text.clone())
        .or_else(|_| to_raw_value(&text))
        .map_err(|error| Error::invalid("the reply cannot be shown").source(error))
}
