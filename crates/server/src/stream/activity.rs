//! `/api/v1/activity/stream`: records of calls as they end, as server-sent events whose ids are their numbers.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use http::{HeaderName, HeaderValue, Request, Response, StatusCode, header};
use http_body::Frame;
use http_body_util::StreamBody;
use hyper::body::Incoming;
use trunkline::{Body, Event, Events, Followed};

use super::{Seat, keep, lasting::lasting};
use crate::{api::activity::endless, app::App, problem::Problem, tokens::issued::Token};

/// The id of the last event that a client has seen (HTML standard, section 9.2.4).
const LAST: HeaderName = HeaderName::from_static("last-event-id");

/// Follows what happens for as long as `token` holds, from the event on that the client names as its last.
pub(crate) fn activity(
    app: &App,
    request: &Request<Incoming>,
    token: Option<Arc<Token>>,
    seat: Arc<Seat>,
) -> Result<Response<Body>, Problem> {
    let filter = endless(request.uri())?;
    let after = match request.headers().get(LAST) {
        None => None,
        Some(last) => {
            Some(last.to_str().ok().and_then(|last| last.trim().parse().ok()).ok_or_else(|| {
                Problem::plain(
                    StatusCode::UNPROCESSABLE_ENTITY,
                    "invalid_config",
                    "Last-Event-ID is not the id of an event; leave it out to begin with what comes next",
                )
            })?)
        }
    };
    // So that the head goes out at once, also while nothing happens.
    let hello = stream::once(async { Bytes::from_static(b":\n\n") });
    let events = hello.chain(app.manager.activity().follow(filter, after).map(|followed| frame(&followed)));
    let body = Body::stream(StreamBody::new(events.map(|bytes| Ok(Frame::data(bytes)))));
    let mut response = Response::new(Body::Empty);
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(Events::MEDIA));
    keep(&mut response, lasting(body, token), app, request.version(), seat);
    Ok(response)
}

fn frame(followed: &Followed) -> Bytes {
    match followed {
        Followed::Record(record) => {
            let json = serde_json::to_vec(record).unwrap_or_default();
            [format!("id: {}\n", record.number).as_bytes(), &Event::message(json).frame()].concat().into()
        }
        Followed::Missed(records) => Event::named("missed", format!("{{\"records\":{records}}}")).frame(),
        _ => Bytes::from_static(b":\n\n"),
    }
}
