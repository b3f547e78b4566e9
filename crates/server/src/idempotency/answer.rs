//! What is kept of an answer, so that it can be given again: all of it, or that it was too large.

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};
use http_body::{Body as _, Frame};
use http_body_util::{BodyExt, BodyStream, StreamBody};
use trunkline::{Body, Outcome, Reply, Result};

use super::record::Record;

/// Says that an answer is one that was given before.
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");
/// Bytes of the body of an answer that is kept.
const LARGEST: usize = 1 << 20;

/// A reply with its body in memory, unless that is longer than what is kept.
///
/// # Errors
///
/// Whatever its body ends with; the service may have acted.
pub(super) async fn in_memory(mut reply: Reply) -> Result<Reply> {
    if reply.body.is_replayable() || reply.body.size_hint().lower() > LARGEST as u64 {
        return Ok(reply);
    }
    let mut read = Vec::new();
    while let Some(frame) = reply.body.frame().await {
        // It began to answer, so it was asked.
        let frame = frame.map_err(|error| error.outcome_is(Outcome::Unknown))?;
        read.extend_from_slice(frame.data_ref().map_or(&[], |data| data));
        if read.len() > LARGEST {
            let first = stream::iter([Ok(Frame::data(read.into()))]);
            reply.body = Body::stream(StreamBody::new(first.chain(BodyStream::new(reply.body))));
            return Ok(reply);
        }
    }
    reply.body = read.into();
    Ok(reply)
}

/// What is kept of an answer that is given for the first time.
pub(super) fn record(response: &mut Response<Body>) -> Record {
    // Whether it is a repetition is ours to say.
    response.headers_mut().remove(REPLAYED);
    let body = match response.body() {
        Body::Empty => Bytes::new(),
        Body::Bytes(bytes) if bytes.len() <= LARGEST => bytes.clone(),
        Body::Bytes(_) | Body::Stream(_) => return Record::TooLarge(response.status()),
    };
    Record::Answered(response.status(), response.headers().clone(), body)
}

/// An answer that was given before.
pub(super) fn replay(status: StatusCode, headers: HeaderMap, body: Bytes) -> Response<Body> {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
    response
}
