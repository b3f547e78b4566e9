//! `/metrics`, `/healthz`, `/readyz`, `/api/v1/version`, `/openapi.json`: for those who run the server.

use std::sync::Arc;

use axum::{
    Extension, Json,
    extract::State,
    response::{IntoResponse, Response},
};
use http::{StatusCode, header};
use serde::Serialize;
use trunkline::Manager;

use crate::{app::App, openapi, problem::Problem};

pub(super) async fn metrics(State(manager): State<Manager>) -> Response {
    let media = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    ([(header::CONTENT_TYPE, media)], manager.metrics().render()).into_response()
}

/// The process lives: nothing is touched, so that a slow disk does not get it killed.
pub(super) async fn alive() -> &'static str {
    "ok\n"
}

/// The server takes requests. The services behind it are none of this question.
pub(super) async fn ready(
    State(manager): State<Manager>,
    Extension(app): Extension<Arc<App>>,
) -> Result<&'static str, Problem> {
    if app.is_draining() {
        return Err(Problem::plain(
            StatusCode::SERVICE_UNAVAILABLE,
            "shutting_down",
            "the server is shutting down",
        ));
    }
    manager.ready().await?;
    Ok("ready\n")
}

/// What runs here.
#[derive(Serialize)]
pub(super) struct Version {
    version: &'static str,
    uptime_seconds: u64,
    /// Where browsers and services reach it; not there where nobody knows.
    #[serde(skip_serializing_if = "Option::is_none")]
    public_url: Option<String>,
}

pub(super) async fn version(Extension(app): Extension<Arc<App>>) -> Json<Version> {
    Json(Version {
        version: env!("CARGO_PKG_VERSION"),
        uptime_seconds: app.began.elapsed().as_secs(),
        public_url: app.public.as_ref().map(|public| public.at("")),
    })
}

pub(super) async fn openapi() -> Json<&'static serde_json::Value> {
    Json(openapi::document())
}
