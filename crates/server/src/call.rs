//! `POST /api/v1/integrations/{id}/call`: a call of any type. The reply's body comes back unparsed;
//! an error is a problem that says what the service answered.

mod action;
pub(crate) mod pages;

use std::sync::Arc;

use http::{Request, Response, header};
use hyper::body::Incoming;
use serde_json::value::RawValue;
use trunkline::{Body, Call, Error, Handle, Operation, Reply, Scrub, Walk};

use self::pages::Lists;
use crate::{
    app::App, connection, headers, idempotency, inbound, ndjson, problem::Problem, proxy::answer,
    trace::Trace, wishes::Wishes,
};

/// Makes a call; one with an idempotency key only once. What is sent for an action is its input.
pub(crate) async fn call(
    app: &App,
    handle: Result<Arc<Handle>, Error>,
    action: Option<&str>,
    request: Request<Incoming>,
) -> Result<Response<Body>, Problem> {
    let mut handle = handle?;
    let (mut head, body) = request.into_parts();
    let mut wishes = Wishes::of(&head.headers)?;
    let key = idempotency::key(&head.headers)?;
    // Until the call has ended: an attempt that fails may be made again.
    let mut held = app.room.hold();
    let bytes = inbound::json(&head.headers, body, app.body_limit, &mut held).await?;
    let (named, rest) = match action {
        None => connection::take(&bytes)?,
        Some(name) => (None, action::request(name, head.uri.query(), &bytes)?.into()),
    };
    if let Some(name) = connection::chosen([wishes.connection(), named])? {
        handle = app.connection(&handle, &name).await?;
    }
    if let Some(walk) = Walk::of(&handle, raw(&rest)?)? {
        let lists = Lists::new(handle, wishes, &mut head.headers);
        return match key {
            None => Ok(Box::pin(pages::walked(walk, lists)).await),
            Some(_) => Err(Error::invalid("idempotency-key: a list only reads; leave the key out").into()),
        };
    }
    let mut call = handle.ask(raw(&rest)?)?;
    if let Operation::Query(query) = &mut call.operation {
        query.wanted.stream |= ndjson::is_asked(&head.headers);
        if query.wanted.stream && key.is_some() {
            return Err(Error::invalid(
                "idempotency-key: an answer that is streamed is not kept, and cannot be given again; leave the key out, \
                 or ask for application/json",
            )
            .into());
        }
    }
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
