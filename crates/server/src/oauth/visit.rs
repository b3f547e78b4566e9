//! What a browser gets when it opens a link, and when the provider sends it back.

use std::{collections::BTreeMap, mem, sync::Arc};

use axum::{
    Extension,
    extract::{Request, State},
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use subtle::ConstantTimeEq;
use trunkline::{ConsentState, DEFAULT_CONNECTION, Error, IntegrationId, Kind, Manager, Result};

use super::{Account, Asked, Away, Consents, Version, cookie, pages};
use crate::{
    api::{extract::Id, oauth::standing},
    app::App,
    problem::Problem,
    random::digest,
};

/// Why what was begun cannot be ended.
const CHANGED: &str = "Its configuration has been changed meanwhile.";

/// What a browser says that opens a page before anybody wants to see it.
const PURPOSE: HeaderName = HeaderName::from_static("sec-purpose");

/// Opens a link.
pub(crate) async fn start(
    Extension(app): Extension<Arc<App>>,
    Id(ticket): Id,
    request: Request,
) -> Result<Response, Problem> {
    seen(&request)?;
    let Some(asked) = app.consents.links.take(&ticket) else {
        return Ok(pages::stale("This link has been opened already, or it is older than ten minutes."));
    };
    Ok(send_off(&app.consents, asked, request.headers())?)
}

/// Sends a browser to the provider.
///
/// # Errors
///
/// `internal`, where there is no randomness.
pub(crate) fn send_off(consents: &Consents, asked: Asked, headers: &HeaderMap) -> Result<Response> {
    let Asked { account, version, mut begun, state } = asked;
    let known = |value: &str| {
        let session = digest(value);
        consents.away.any(|away| away.session == session)
    };
    let (cookie, session) = cookie::give(headers, consents.public()?, known)?;
    let location = HeaderValue::try_from(mem::take(&mut begun.url))
        .map_err(|error| Error::new(Kind::Internal, "a URL is a header value").source(error))?;
    let session = digest(&session);
    consents.away.keep(&state, Away { account, version, begun, session });
    Ok((StatusCode::SEE_OTHER, [(header::LOCATION, location), (header::SET_COOKIE, cookie)]).into_response())
}

/// Takes what the provider sends a browser back with.
pub(crate) async fn callback(
    State(manager): State<Manager>,
    Extension(app): Extension<Arc<App>>,
    Id(id): Id,
    request: Request,
) -> Result<Response, Problem> {
    seen(&request)?;
    let query = request.uri().query().unwrap_or_default();
    let returned = parameters(query).and_then(|answer| {
        let away = recognised(&app.consents, &id, &answer, request.headers())?;
        Ok((away, answer))
    });
    match returned {
        Ok((away, answer)) => Ok(finish(&app.consents, &manager, away, answer).await),
        Err(why) => {
            // Nothing of what a stranger brings is shown.
            if let Ok(id) = IntegrationId::new(&id)
                && manager.get(&id).is_ok()
                && app.consents.strangers.take()
            {
                manager.note(&id, "connect", Some(Kind::Rejected));
            }
            Ok(pages::stale(why))
        }
    }
}

/// Refuses whoever only looks: a link must not be used up by that.
fn seen(request: &Request) -> Result<(), Problem> {
    let ahead =
        request.headers().get(PURPOSE).is_some_and(|purpose| purpose.as_bytes().starts_with(b"prefetch"));
    if *request.method() == Method::GET && !ahead {
        return Ok(());
    }
    Err(Problem::plain(
        StatusCode::METHOD_NOT_ALLOWED,
        "method_not_allowed",
        "this page is for a person who opens it, with GET",
    ))
}

/// The parameters of the answer. RFC 6749 section 3.1: none may be there twice.
fn parameters(query: &str) -> Result<BTreeMap<String, String>, &'static str> {
    let mut answer = BTreeMap::new();
    for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
        if answer.insert(name.into_owned(), value.into_owned()).is_some() {
            return Err("The address of this page has something in it twice.");
        }
    }
    Ok(answer)
}

/// The consent that this browser was sent off for. Its state is used up whatever comes of it.
fn recognised(
    consents: &Consents,
    id: &str,
    answer: &BTreeMap<String, String>,
    headers: &HeaderMap,
) -> Result<Away, &'static str> {
    let Some(away) = answer.get("state").and_then(|state| consents.away.take(state)) else {
        return Err("It has been used already, or more than ten minutes have passed since it was opened.");
    };
    if away.account.integration != id {
        return Err("The provider's answer belongs somewhere else.");
    }
    let session = cookie::shown(headers).map(digest).unwrap_or_default();
    if !bool::from(session.ct_eq(&away.session)) {
        return Err("It was begun in another browser, or this one keeps no cookies.");
    }
    Ok(away)
}

/// Whether the configuration was changed while a code was exchanged, and what that brought is of no use to the new one.
async fn is_lost(manager: &Manager, account: &Account, version: Version) -> bool {
    let Ok(handle) = account.handle(manager).await else { return true };
    let same = super::version(manager, &handle).is_ok_and(|now| now == version);
    !same && standing(&handle).await != Some(ConsentState::Connected)
}

/// Exchanges the code, also if the browser does not wait for that: a code can be used once.
async fn finish(
    consents: &Consents,
    manager: &Manager,
    away: Away,
    answer: BTreeMap<String, String>,
) -> Response {
    let Away { account, version, begun, .. } = away;
    let handle = match account.handle(manager).await {
        Ok(handle) if super::version(manager, &handle).is_ok_and(|now| now == version) => handle,
        _ => return pages::stale(CHANGED),
    };
    let name = if handle.name().is_empty() { handle.id().to_string() } else { handle.name().to_owned() };
    let place = format!("integrations/{}", handle.id());
    let (name, place) = match handle.connection() {
        DEFAULT_CONNECTION => (name, place),
        connection => (format!("{name} ({connection})"), format!("{place}/connections/{connection}")),
    };
    let redirect_uri = begun.redirect_uri.clone();
    let exchange = async move { handle.consent()?.finish(handle.context(), &begun, &answer).await };
    let finished = consents.exchanges.spawn(exchange).await;
    let mut finished = finished
        .unwrap_or_else(|error| Err(Error::new(Kind::Internal, "the exchange was cut off").source(error)));
    let lost = finished.is_ok() && is_lost(manager, &account, version).await;
    if lost {
        let message = "the configuration was changed while the account was being connected; connect it again";
        finished = Err(Error::new(Kind::Conflict, message));
    }
    consents.attempts.note(account.clone(), &finished);
    match finished {
        Ok(()) => pages::connected(&name, &place),
        Err(_) if lost => pages::stale(CHANGED),
        Err(error) => pages::failed(&name, &account.command(), &redirect_uri, &error),
    }
}
