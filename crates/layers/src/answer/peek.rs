//! Looks into a reply's body, if that is JSON and short, and leaves it as it was for whoever reads it.

use std::{
    collections::VecDeque,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http::header;
use http_body::{Body as _, Frame, SizeHint};
use http_body_util::BodyExt;
use serde_json::Value;
use tokio::time::{Instant, timeout_at};
use trunkline_core::{Body, BodyStream, Error, Reply, Result};

/// No longer body is read.
const LONGEST: usize = 64 << 10;
/// A body that takes longer to come is passed on as it comes.
const WITHIN: Duration = Duration::from_secs(5);

/// What the body says. It is read no further than it has to be, and what was read is there as before.
pub(crate) async fn peek(reply: &mut Reply) -> Option<Value> {
    if !is_json(reply) || reply.body.size_hint().lower() > LONGEST as u64 {
        return None;
    }
    reply.body = match std::mem::take(&mut reply.body) {
        Body::Stream(stream) => read(stream).await,
        body => body,
    };
    match &reply.body {
        Body::Bytes(bytes) if bytes.len() <= LONGEST => serde_json::from_slice(bytes).ok(),
        _ => None,
    }
}

/// Whether a reply says that it is JSON (RFC 6839 section 3.1), and can be read as it came.
fn is_json(reply: &Reply) -> bool {
    let media = reply.media().unwrap_or_default().split(';').next().unwrap_or_default();
    let media = media.trim().to_ascii_lowercase();
    let json = matches!(&*media, "application/json" | "text/json") || media.ends_with("+json");
    let encoding = reply.headers.get(header::CONTENT_ENCODING);
    json && encoding.is_none_or(|encoding| encoding.as_bytes().eq_ignore_ascii_case(b"identity"))
}

/// All of a stream, if it is short; or the same stream, as if nothing had been read.
async fn read(mut stream: BodyStream) -> Body {
    let until = Instant::now() + WITHIN;
    let (mut read, mut length) = (VecDeque::new(), 0);
    loop {
        let frame = timeout_at(until, stream.frame()).await;
        let Ok(Some(frame)) = frame else {
            if frame.is_err() {
                break;
            }
            return Body::from_bytes(read.into_iter().filter_map(data).collect::<Vec<_>>().concat());
        };
        let plain = frame.as_ref().ok().and_then(Frame::data_ref).map(Bytes::len);
        length += plain.unwrap_or_default();
        read.push_back(frame);
        // An error and trailers are for whoever reads it.
        if plain.is_none() || length > LONGEST {
            break;
        }
    }
    Body::stream(Unread { read, stream })
}

fn data(frame: Result<Frame<Bytes>>) -> Option<Bytes> {
    frame.ok()?.into_data().ok()
}

/// A stream with its beginning put back.
struct Unread {
    read: VecDeque<Result<Frame<Bytes>>>,
    stream: BodyStream,
}

impl http_body::Body for Unread {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>>>> {
        match self.read.pop_front() {
            Some(frame) => Poll::Ready(Some(frame)),
            None => Pin::new(&mut self.stream).poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.read.is_empty() && self.stream.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let frames = self.read.iter().filter_map(|frame| frame.as_ref().ok()?.data_ref());
        let put_back = frames.map(|data| data.len() as u64).sum::<u64>();
        let rest = self.stream.size_hint();
        let mut hint = SizeHint::new();
        hint.set_lower(rest.lower().saturating_add(put_back));
        if let Some(upper) = rest.upper() {
            hint.set_upper(upper.saturating_add(put_back));
        }
        hint
    }
}
