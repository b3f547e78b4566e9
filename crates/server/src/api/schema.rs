//! `GET /api/v1/integrations/{id}/schema`: what a service can be asked for, such as the tables of a database.

use std::sync::Arc;

use axum::{Extension, body::Body, extract::State, response::Response};
use http::HeaderMap;
use trunkline::{Handle, Manager};

use super::extract::{Id, Of};
use crate::{app::App, call, connection, problem::Problem, trace::Trace, wishes::Wishes};

pub(super) async fn schema(
    State(manager): State<Manager>,
    Extension(app): Extension<Arc<App>>,
    Id(id): Id,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    asked(&app, manager.get(&id)?, None, headers).await
}

/// The same for the connection in the path.
pub(super) async fn schema_of_connection(
    State(manager): State<Manager>,
    Extension(app): Extension<Arc<App>>,
    Of { id, connection }: Of,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    asked(&app, manager.get(&id)?, Some(connection), headers).await
}

async fn asked(
    app: &App,
    mut handle: Arc<Handle>,
    connection: Option<String>,
    mut headers: HeaderMap,
) -> Result<Response, Problem> {
    let mut wishes = Wishes::of(&headers)?;
    if let Some(name) = connection::chosen([connection, wishes.connection()])? {
        handle = app.connection(&handle, &name).await?;
    }
    let mut call = handle.schema_call();
    wishes.onto(&mut call);
    if let Some(trace) = Trace::take(&mut headers) {
        trace.onto(&mut call);
    }
    let result = handle.schema(&mut call).await;
    Ok(call::answered(result, &handle, &call).await.map(Body::new))
}
