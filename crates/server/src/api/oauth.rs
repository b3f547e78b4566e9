//! `/api/v1/integrations/{id}/oauth`: how somebody's consent stands, how to ask for it, and how to give it up.

use std::sync::Arc;

use axum::{
    Extension, Json,
    extract::{Request, State},
    response::{IntoResponse, Response},
};
use http::{HeaderMap, StatusCode, header};
use schemars::JsonSchema;
use serde::Serialize;
use trunkline::{ConsentState, DeviceCode, Handle, Manager, Standing};

use super::extract::Document;
use crate::{
    app::App,
    oauth::{Account, Attempt, KEPT, send_off},
    problem::Problem,
};

type Answer<T> = Result<T, Problem>;

/// How a consent stands, and what to register at the provider.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Shown {
    #[serde(flatten)]
    standing: Standing,
    /// The redirect URI to register at the provider; not there where `server.public_url` has to be set first.
    #[serde(skip_serializing_if = "Option::is_none")]
    redirect_uri: Option<String>,
    /// How the last person who was sent to the provider came back, since the server was started.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_attempt: Option<Attempt>,
}

/// A link for the person who is to agree.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Link {
    /// To be opened once, in that person's browser.
    url: String,
    /// For how many seconds it is good.
    expires_in: u64,
    /// The redirect URI that has to be registered at the provider.
    #[serde(skip_serializing_if = "Option::is_none")]
    redirect_uri: Option<String>,
}

/// A consent that was given up.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Disconnected {
    integration_id: String,
    status: &'static str,
    /// Whether the provider was told, so that its tokens are of no use to anybody else either.
    revoked: bool,
}

pub(super) async fn read(
    State(manager): State<Manager>,
    Extension(app): Extension<Arc<App>>,
    account: Account,
) -> Answer<Json<Shown>> {
    shown(&app, &account, &*account.handle(&manager).await?).await
}

async fn shown(app: &App, account: &Account, handle: &Handle) -> Answer<Json<Shown>> {
    let standing = handle.consent()?.standing().await?;
    let (redirect_uri, last_attempt) =
        (app.consents.redirect_uri(handle), app.consents.last_attempt(account));
    Ok(Json(Shown { standing, redirect_uri, last_attempt }))
}

/// A browser is sent on its way at once; everybody else gets a link for one.
pub(super) async fn authorize(
    State(manager): State<Manager>,
    Extension(app): Extension<Arc<App>>,
    account: Account,
    request: Request,
) -> Answer<Response> {
    let handle = account.handle(&manager).await?;
    let asked = app.consents.ask(account, &manager, &handle).await?;
    let headers = request.headers();
    if !is_browser(headers) {
        let (url, redirect_uri) = (app.consents.link(asked)?, app.consents.redirect_uri(&handle));
        return Ok(Json(Link { url, expires_in: KEPT.as_secs(), redirect_uri }).into_response());
    }
    // The cookie has to be there when the browser comes back, and that is to the public URL.
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let host = request.uri().authority().map(|authority| authority.as_str()).or(host);
    if host.is_some_and(|host| app.consents.is_at(host)) {
        return Ok(send_off(&app.consents, asked, headers)?);
    }
    let link = [(header::LOCATION, app.consents.link(asked)?)];
    Ok((StatusCode::SEE_OTHER, link).into_response())
}

fn is_browser(headers: &HeaderMap) -> bool {
    let mut accepted = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    accepted.any(|value| value.split(',').any(|media| media.trim().starts_with("text/html")))
}

pub(super) async fn device(State(manager): State<Manager>, account: Account) -> Answer<Json<DeviceCode>> {
    let handle = account.handle(&manager).await?;
    Ok(Json(handle.consent()?.begin_device(handle.context()).await?))
}

pub(super) async fn import(
    State(manager): State<Manager>,
    Extension(app): Extension<Arc<App>>,
    account: Account,
    Document(tokens): Document,
) -> Answer<Json<Shown>> {
    let handle = account.handle(&manager).await?;
    handle.consent()?.import(&tokens).await?;
    shown(&app, &account, &handle).await
}

pub(super) async fn revoke(State(manager): State<Manager>, account: Account) -> Answer<Json<Disconnected>> {
    let handle = account.handle(&manager).await?;
    let consent = handle.consent()?;
    let before = consent.standing().await.map(|standing| standing.state);
    let status = if let Ok(ConsentState::NotConnected) = before { "not_connected" } else { "disconnected" };
    let revoked = consent.revoke(handle.context()).await?;
    Ok(Json(Disconnected { integration_id: handle.id().to_string(), status, revoked }))
}

/// How the account of an integration stands, where it needs one and that can be read.
pub(crate) async fn standing(handle: &Handle) -> Option<ConsentState> {
    let consent = handle.consent().ok()?;
    consent.standing().await.ok().map(|standing| standing.state)
}
