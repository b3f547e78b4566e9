//! `ANY /api/v1/integrations/{id}/proxy/{path}`: a transparent, streaming HTTP proxy that adds the
//! credential. What the service answers comes back as it is, errors too, unless all pages of a list are asked for.

mod pages;

use std::sync::Arc;

use http::{Request, Response, StatusCode, header};
use hyper::body::Incoming;
use trunkline::{Body, Call, Handle, HttpRequest, Reply, Result};

use crate::{
    app::App,
    call::{self, pages::Lists},
    gate::Pass,
    headers, inbound,
    problem::Problem,
    trace::Trace,
    wishes::Wishes,
};

/// Passes a request on. `tail` is the path behind `/proxy`, with its slash if it has one.
pub(crate) async fn proxy(
    app: &App,
    handle: Result<Arc<Handle>>,
    tail: Tail,
    pass: Pass,
    request: Request<Incoming>,
) -> Result<Response<Body>, Problem> {
    let mut handle = handle?;
    let (mut head, body) = request.into_parts();
    if head.method == http::Method::CONNECT || head.method == http::Method::TRACE {
        return Err(Problem::plain(
            StatusCode::METHOD_NOT_ALLOWED,
            "method_not_allowed",
            "CONNECT and TRACE are not passed on",
        ));
    }
    let whole = head.uri.path_and_query().map(http::uri::PathAndQuery::as_str).unwrap_or_default();
    let endpoint = whole.get(tail.0..).unwrap_or_default();
    let wanted = pages::wanted(&head.method, &head.headers)?;
    let mut wishes = Wishes::of(&head.headers)?;
    if let Some(name) = wishes.connection() {
        handle = app.connection(&handle, &name).await?;
    }
    headers::strip_request(&mut head.headers);
    if pass == Pass::Spent {
        head.headers.remove(header::AUTHORIZATION);
    }
    if let Some(wanted) = wanted {
        let lists = Lists::new(handle, wishes, &mut head.headers);
        let walk = pages::walk(&lists, endpoint, &head.headers, &wanted)?;
        return Ok(Box::pin(call::pages::walked(walk, lists)).await);
    }
    let trace = Trace::take(&mut head.headers);
    let mut onward = HttpRequest::new(head.method, endpoint);
    onward.relay = true;
    onward.headers = head.headers;
    // Until the call has ended: an attempt that fails may be made again.
    let mut held = app.room.hold();
    onward.body = inbound::relay(body, &mut held).await?;

    let mut call = Call::new(handle.id().clone(), onward);
    wishes.onto(&mut call);
    if let Some(trace) = trace {
        trace.onto(&mut call);
    }
    let error = match handle.call(&mut call).await {
        Ok(reply) => return Ok(answer(reply, &call)),
        Err(error) => error,
    };
    // An answer of the service is an answer, whatever its status.
    let mut response = match error.into_reply() {
        Ok(reply) => answer(reply, &call),
        Err(error) => {
            let mut response = call::problem(error, &handle, &call).await.response();
            headers::tell(response.headers_mut(), &call);
            response
        }
    };
    headers::not_again(response.headers_mut());
    Ok(response)
}

/// Where in the request's path and query the part that is passed on begins.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tail(pub(crate) usize);

/// A reply as an answer.
pub(crate) fn answer(reply: Reply, call: &Call) -> Response<Body> {
    let mut response = Response::new(reply.body);
    *response.status_mut() = reply.status;
    *response.headers_mut() = reply.headers;
    let map = response.headers_mut();
    headers::strip(map);
    headers::tell(map, call);
    response
}
