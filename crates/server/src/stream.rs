//! `/api/v1/integrations/{id}/stream`: what a service sends by itself, as server-sent events or over a WebSocket, for as
//! long as the client stays; and the same of the server's own activity.

mod activity;
mod kept;
mod lasting;
mod query;
mod seat;
mod upgrade;
mod websocket;

use std::sync::Arc;

use http::{HeaderName, HeaderValue, Method, Request, Response, StatusCode, Version, header};
use hyper::body::Incoming;
use trunkline::{Body, Call, Error, Handle};

pub(crate) use self::{activity::activity, seat::Seat};
use self::{kept::Kept, lasting::lasting, upgrade::Upgrade};
use crate::{
    app::App,
    call::{answered, raw},
    connection, depth, inbound,
    problem::Problem,
    tokens::issued::Token,
    trace::Trace,
    wishes::Wishes,
};

/// Asks proxies of the nginx kind not to collect what they pass on.
const BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

/// Subscribes, for as long as `token` holds. The request is the JSON of a POST, or the query of a GET.
pub(crate) async fn stream(
    app: &App,
    handle: Result<Arc<Handle>, Error>,
    mut request: Request<Incoming>,
    token: Option<Arc<Token>>,
    seat: Arc<Seat>,
) -> Result<Response<Body>, Problem> {
    let mut handle = handle?;
    let upgrade = Upgrade::asked(&mut request)?;
    let (mut head, body) = request.into_parts();
    let mut wishes = Wishes::of(&head.headers)?;
    let operation = {
        let mut held = app.room.hold();
        let bytes = match head.method {
            Method::GET => query::json(head.uri.query().unwrap_or_default())?.into(),
            _ => inbound::json(&head.headers, body, app.body_limit, &mut held).await?,
        };
        depth::check(&bytes)?;
        let (named, rest) = connection::take(&bytes)?;
        if let Some(name) = connection::chosen([wishes.connection(), named])? {
            handle = app.connection(&handle, &name).await?;
        }
        handle.parse_stream(raw(&rest)?)?
    };
    let mut call = Call::new(handle.id().clone(), operation);
    wishes.onto(&mut call);
    if let Some(trace) = Trace::take(&mut head.headers) {
        trace.onto(&mut call);
    }
    let result = handle.call(&mut call).await;
    let began = result.is_ok();
    let mut response = answered(result, &handle, &call).await;
    if !began {
        return Ok(response);
    }
    let body = lasting(std::mem::take(response.body_mut()), token);
    match upgrade {
        None => keep(&mut response, body, app, head.version, seat),
        Some(upgrade) => {
            *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
            let headers = response.headers_mut();
            headers.remove(header::CONTENT_TYPE);
            upgrade.agree(headers);
            let served = websocket::serve(upgrade, body, app.stop.clone());
            app.sockets.spawn(async move {
                served.await;
                drop(seat);
            });
        }
    }
    Ok(response)
}

/// Makes `events` the body of a response to a request that came in this version of HTTP.
fn keep(response: &mut Response<Body>, events: Body, app: &App, version: Version, seat: Arc<Seat>) {
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(BUFFERING, HeaderValue::from_static("no"));
    let kept = Kept::new(events, app.stop.clone());
    *response.body_mut() = Body::stream(match version {
        // Others may be under way over the same connection.
        Version::HTTP_2 => kept,
        _ => kept.over(seat),
    });
}
