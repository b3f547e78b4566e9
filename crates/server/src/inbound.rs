//! Bodies that clients send: read whole up to a limit, or streamed on.

use bytes::Bytes;
use http::{HeaderMap, StatusCode, header};
use http_body::Body as HttpBody;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use trunkline::{Body, Result};

use crate::{
    depth,
    problem::Problem,
    room::{Held, Takes},
    steady::Steady,
};

/// Bodies of known length up to this are read before they are sent on: then they can be sent again.
const SMALL: u64 = 64 << 10;

/// Reads a JSON body of at most `limit` bytes that is not nested beyond reason.
pub(crate) async fn json<B>(
    headers: &HeaderMap,
    body: B,
    limit: usize,
    held: &mut Held<'_>,
) -> Result<Bytes, Problem>
where
    B: HttpBody<Data = Bytes> + Unpin,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let media =
        headers.get(header::CONTENT_TYPE).map(|value| value.to_str().unwrap_or_default()).unwrap_or_default();
    let media = media.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    // A form that a page of another site posts arrives as text or as a form, never as JSON.
    if media != "application/json" && !media.ends_with("+json") {
        return Err(Problem::plain(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "unsupported_media_type",
            "send JSON with the header `content-type: application/json`",
        ));
    }
    let bytes = read(body, limit, held).await?;
    depth::check(&bytes)?;
    Ok(bytes)
}

/// Reads a body of at most `limit` bytes, as far as there is room for it.
pub(crate) async fn read<B>(body: B, limit: usize, held: &mut impl Takes) -> Result<Bytes, Problem>
where
    B: HttpBody<Data = Bytes> + Unpin,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let too_large = || {
        Problem::plain(
            StatusCode::PAYLOAD_TOO_LARGE,
            "payload_too_large",
            format!("the body is longer than {limit} bytes"),
        )
    };
    if body.size_hint().lower() > limit as u64 {
        return Err(too_large());
    }
    let mut body = Steady::new(body);
    let mut all = Vec::new();
    let mut first = Bytes::new();
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame?.into_data() else { continue };
        if first.len() + all.len() + data.len() > limit {
            return Err(too_large());
        }
        held.grow(data.len())?;
        if first.is_empty() && all.is_empty() {
            first = data;
        } else {
            if all.is_empty() {
                all.extend_from_slice(&std::mem::take(&mut first));
            }
            all.extend_from_slice(&data);
        }
    }
    Ok(if all.is_empty() { first } else { all.into() })
}

/// A body to be sent on: nothing, a small one in memory, or a stream.
pub(crate) async fn relay(incoming: Incoming, held: &mut Held<'_>) -> Result<Body, Problem> {
    if incoming.is_end_stream() {
        return Ok(Body::Empty);
    }
    if incoming.size_hint().exact().is_some_and(|length| length <= SMALL) {
        let limit = usize::try_from(SMALL).unwrap_or(usize::MAX);
        return read(incoming, limit, held).await.map(Body::from_bytes);
    }
    Ok(Body::stream(Steady::new(incoming).map_err(Into::into)))
}
