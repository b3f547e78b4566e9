//! `Fill`: takes a copy of a body as it passes, and keeps it if all of it came.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{HeaderMap, header};
use http_body::{Body as _, Frame, SizeHint};
use trunkline_core::{Body, BodyStream, Error, Result};

use super::{CacheScope, entry::Stored, flight::Lead, store::Key};

/// Where a response goes once its body is there.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) scope: Arc<CacheScope>,
    pub(super) key: Key,
    pub(super) stored: Stored,
    pub(super) asked: HeaderMap,
    pub(super) mark: u32,
    pub(super) lead: Option<Lead>,
    pub(super) max_body: usize,
}

impl Place {
    /// Keeps the response with this body, and gives the body back as it is to be passed on.
    pub(super) fn fill(self, body: Body) -> Body {
        let length = body.size_hint();
        let too_large = length.lower() > self.max_body as u64;
        match body {
            Body::Stream(stream) if !too_large => {
                if let Some(lead) = &self.lead {
                    lead.filling();
                }
                let expected = length.exact();
                Body::stream(Fill { stream, copy: Some(Copy { bytes: Vec::new(), expected, place: self }) })
            }
            body if too_large => {
                self.give_up();
                body
            }
            Body::Bytes(bytes) => {
                // What came from the wire is a slice of something larger, which would be kept with it.
                self.keep(Bytes::copy_from_slice(&bytes));
                Body::Bytes(bytes)
            }
            body => {
                self.keep(Bytes::new());
                body
            }
        }
    }

    fn keep(self, body: Bytes) {
        let Self { scope, key, mut stored, asked, mark, lead, .. } = self;
        // RFC 9111 section 3.3: what is incomplete is not kept.
        let said = stored.headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok());
        if said.is_none_or(|said| said.parse() == Ok(body.len())) {
            stored.body = body;
            scope.put(&key, stored, &asked, mark);
        }
        if let Some(lead) = lead {
            lead.landed();
        }
    }

    /// Others who wait for it go on by themselves.
    fn give_up(self) {
        if let Some(lead) = self.lead {
            lead.own();
        }
    }
}

/// A body of which a copy is taken.
struct Fill {
    stream: BodyStream,
    /// Dropped with what it waits for when the body breaks off, or its reader goes away.
    copy: Option<Copy>,
}

struct Copy {
    bytes: Vec<u8>,
    expected: Option<u64>,
    place: Place,
}

impl http_body::Body for Fill {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>>>> {
        let this = &mut *self;
        let frame = std::task::ready!(Pin::new(&mut this.stream).poll_frame(cx));
        let ended = match &frame {
            Some(Ok(frame)) => {
                if let Some((copy, data)) = this.copy.as_mut().zip(frame.data_ref()) {
                    if copy.bytes.len() + data.len() > copy.place.max_body {
                        this.copy.take().expect("it is there").place.give_up();
                    } else {
                        copy.bytes.extend_from_slice(data);
                    }
                }
                let got = this.copy.as_ref().map(|copy| (copy.bytes.len() as u64, copy.expected));
                // Whoever knows the length does not ask for the end.
                this.stream.is_end_stream() || got.is_some_and(|(got, expected)| Some(got) == expected)
            }
            Some(Err(_)) => {
                if let Some(lead) = this.copy.take().and_then(|copy| copy.place.lead) {
                    lead.failed();
                }
                false
            }
            None => true,
        };
        if ended && let Some(Copy { bytes, expected, place }) = this.copy.take() {
            if expected.is_none_or(|expected| expected == bytes.len() as u64) {
                place.keep(bytes.into());
            } else {
                place.give_up();
            }
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.stream.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.stream.size_hint()
    }
}
