//! `/api/v1/tokens`: the API tokens of programs. A token is in the answer that tells of its making, and in no other.

use std::sync::Arc;

use axum::{
    Extension, Json,
    response::{IntoResponse, Response},
};
use http::StatusCode;
use schemars::JsonSchema;
use serde::Serialize;
use trunkline::parse;

use super::{
    extract::{Document, Id},
    to_its_end,
};
use crate::{app::App, problem::Problem, tokens::Known};

type Answer<T> = Result<T, Problem>;

/// What is told to whoever makes a token that is of no use yet.
const OPEN: &str = "this server asks for no token: it was started without TRUNKLINE_API_TOKEN";

/// The tokens that there are.
#[derive(Serialize, JsonSchema)]
pub(crate) struct List {
    /// Whether the server asks for a token at all, which it does where it was started with `TRUNKLINE_API_TOKEN`.
    required: bool,
    /// In the order in which they were made.
    tokens: Vec<Known>,
}

#[derive(Serialize)]
pub(super) struct Revoked {
    id: String,
    status: &'static str,
}

pub(super) async fn list(Extension(app): Extension<Arc<App>>) -> Answer<Json<List>> {
    Ok(Json(List { required: app.gate.asks(), tokens: app.tokens.list().await? }))
}

pub(super) async fn make(
    Extension(app): Extension<Arc<App>>,
    Document(document): Document,
) -> Answer<Response> {
    let new = parse::value(document, "")?;
    let asks = app.gate.asks();
    let mut made = to_its_end(async move { app.tokens.make(new).await }).await?;
    if !asks {
        made.warnings.push(OPEN.to_owned());
    }
    Ok((StatusCode::CREATED, Json(made)).into_response())
}

pub(super) async fn revoke(Extension(app): Extension<Arc<App>>, Id(id): Id) -> Answer<Json<Revoked>> {
    let wanted = id.clone();
    if to_its_end(async move { app.tokens.revoke(&wanted).await }).await? {
        return Ok(Json(Revoked { id, status: "revoked" }));
    }
    let detail = "no such token; list them to see which there are";
    Err(Problem::plain(StatusCode::NOT_FOUND, "unknown_token", detail))
}
