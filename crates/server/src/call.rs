//! `POST /api/v1/integrations/{id}/call`: a call of any type. The reply's body comes back unparsed;
//! an error is a problem that says what the service answered.

use std::sync::Arc;

use http::{Request, Response, header};
use hyper::body::Incoming;
use serde_json::value::RawValue;
use trunkline::{Body, Call, Error, Handle, Operation, Reply, Scrub};

use crate::{
    app::App, connection, headers, idempotency, inbound, ndjson, problem::Problem, proxy::answer,
    trace::Trace, wishes::Wishes,
};

/// Makes a call; one with an idempotency key only once.
pub(crate) async fn call(
    app: &App,
    handle: Result<Arc<Handle>, Error>,
    request: Request<Incoming>,
) -> Result<Response<Body>, Problem> {
    let mut handle = handle?;
    let (mut head, body) = request.into_parts();
    let mut wishes = Wishes::of(&head.headers)?;
    let key = idempotency::key(&head.headers)?;
    // Until the call has ended: an attempt that fails may be made again.
    let mut held = app.room.hold();
    let bytes = inbound::json(&head.headers, body, app.body_limit, &mut held).await?;
    let (named, rest) = connection::take(&bytes)?;
    if let Some(name) = connection::chosen([wishes.connection(), named])? {
        handle = app.connection(&handle, &name).await?;
    }
    let mut operation = handle.parse(raw(&rest)?)?;
    if let Operation::Query(query) = &mut operation {
        query.wanted.stream |= ndjson::is_asked(&head.headers);
        if query.wanted.stream && key.is_some() {
            return Err(Error::invalid(
                "idempotency-key: an answer that is streamed is not kept, and cannot be given again; leave the key out, \
                 or ask for application/json",
            )
            .into());
        }
    }
    let mut call = Call::new(handle.id().clone(), operation);
    wishes.onto(&mut call);
    if let Some(trace) = Trace::take(&mut head.headers) {
        trace.onto(&mut call);
    }
    if let Some(key) = key {
        // Boxed, so that calls without a key do not carry its room.
        return Box::pin(app.once.call(key, &bytes, held.keep(), handle, call)).await;
    }
    let result = handle.call(&mut call).await;
    Ok(answered(result, &handle, &call).await)
}

/// What a call that has ended is answered with.
pub(crate) async fn answered(result: Result<Reply, Error>, handle: &Handle, call: &Call) -> Response<Body> {
    match result {
        Ok(reply) => {
            let mut response = answer(reply, call);
            // A cookie of the service is none of ours to set.
            response.headers_mut().remove(header::SET_COOKIE);
            response
        }
        Err(error) => {
            let mut response = problem(error, handle, call).await.response();
            headers::tell(response.headers_mut(), call);
            headers::not_again(response.headers_mut());
            response
        }
    }
}

/// The problem of a call that failed, with secrets hidden where the service echoes them. Of one that was refused
/// before anything was sent there is no echo: that may happen as often as callers ask, and costs nothing here.
pub(crate) async fn problem(error: Error, handle: &Handle, call: &Call) -> Problem {
    let heard = error.attempts() > 0 || error.reply().is_some();
    let scrub = if heard { handle.scrub(Some(call)) } else { Scrub::default() };
    Problem::of_call(error, handle.id(), call.request_id, &scrub).await
}

/// The body as JSON that was checked and not taken apart.
pub(crate) fn raw(bytes: &[u8]) -> Result<&RawValue, Error> {
    serde_json::from_slice(bytes).or_else(|_| trunkline::parse::text(bytes))
}

#[cfg(test)]
mod tests;
