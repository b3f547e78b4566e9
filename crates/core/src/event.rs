//! `Event`: what a subscription brings, and its form on the wire: server-sent events, as the HTML standard describes
//! them in section 9.2.

use std::borrow::Cow;

use bytes::{Buf, Bytes, BytesMut};
use http_body::Body as _;
use http_body_util::BodyExt;

use crate::{Body, Error, Kind, Outcome, Result};

/// One event. What a service sends as text is an event without a name of its own, `message`; what else there can be is
/// said where a transport describes its streams.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Its name; `message` where nothing is said.
    pub name: Cow<'static, str>,
    /// What it says.
    pub data: Bytes,
}

impl Event {
    /// The name of an event that has none.
    pub const MESSAGE: &'static str = "message";

    /// The name of the last event of a stream that failed.
    pub const ERROR: &'static str = "error";

    /// The last event of a stream that failed: `{"kind", "message"}`.
    pub fn error(error: &Error) -> Self {
        let json = serde_json::json!({ "kind": error.kind().code(), "message": error.message() });
        Self::named(Self::ERROR, json.to_string())
    }

    /// A message.
    pub fn message(data: impl Into<Bytes>) -> Self {
        Self::named(Self::MESSAGE, data)
    }

    /// An event with a name, which has no line break in it.
    pub fn named(name: impl Into<Cow<'static, str>>, data: impl Into<Bytes>) -> Self {
        Self { name: name.into(), data: data.into() }
    }

    /// The event as it stands on the wire. Each line of its data is a line there, so a carriage return does not outlive
    /// the way.
    pub fn frame(&self) -> Bytes {
        let mut out = BytesMut::with_capacity(self.name.len() + self.data.len() + 24);
        if self.name != Self::MESSAGE {
            out.extend_from_slice(b"event: ");
            out.extend_from_slice(self.name.as_bytes());
            out.extend_from_slice(b"\n");
        }
        for line in self.data.split(|&byte| byte == b'\n') {
            out.extend_from_slice(b"data: ");
            out.extend_from_slice(line);
            out.extend_from_slice(b"\n");
        }
        out.extend_from_slice(b"\n");
        out.freeze()
    }
}

/// Reads a stream of events.
#[derive(Debug)]
pub struct Events {
    body: Body,
    parser: Parser,
}

impl Events {
    /// The media type of such a stream.
    pub const MEDIA: &'static str = "text/event-stream";

    /// The events of a body.
    pub fn new(body: Body) -> Self {
        Self { body, parser: Parser::default() }
    }

    /// The next event; `None` when the stream has ended.
    ///
    /// # Errors
    ///
    /// What became of the stream; `protocol` for an event of more than 16 MiB.
    pub async fn next(&mut self) -> Option<Result<Event>> {
        loop {
            match self.parser.next() {
                Ok(None) => {}
                Ok(Some(event)) => return Some(Ok(event)),
                Err(error) => return Some(Err(error)),
            }
            if self.body.is_end_stream() {
                return None;
            }
            match self.body.frame().await? {
                Ok(frame) => self.parser.push(&frame.into_data().unwrap_or_default()),
                Err(error) => return Some(Err(error)),
            }
        }
    }
}

/// An event may be so long.
const LONGEST: usize = 16 << 20;

/// Finds events in bytes as they come.
#[derive(Debug, Default)]
struct Parser {
    bytes: BytesMut,
    /// Up to here the bytes have no end of a line.
    seen: usize,
    /// Whether the last line ended in a carriage return: a line feed that follows belongs to it.
    returned: bool,
    name: Option<String>,
    data: Option<BytesMut>,
}

impl Parser {
    fn push(&mut self, more: &[u8]) {
        self.bytes.extend_from_slice(more);
    }

    fn next(&mut self) -> Result<Option<Event>> {
        while let Some(line) = self.line() {
            if line.is_empty() {
                let (name, data) = (self.name.take(), self.data.take());
                // Browsers pass over what has a name and no data. Here it is an event: some services end a stream so.
                if name.is_some() || data.is_some() {
                    let name = name.map_or(Cow::Borrowed(Event::MESSAGE), Cow::Owned);
                    return Ok(Some(Event { name, data: data.unwrap_or_default().freeze() }));
                }
                continue;
            }
            let colon = line.iter().position(|&byte| byte == b':').unwrap_or(line.len());
            let value = line.get(colon + 1..).unwrap_or_default();
            let value = value.strip_prefix(b" ").unwrap_or(value);
            match &line[..colon] {
                b"event" => self.name = Some(String::from_utf8_lossy(value).into_owned()),
                b"data" => match &mut self.data {
                    None => self.data = Some(value.into()),
                    Some(data) => {
                        data.extend_from_slice(b"\n");
                        data.extend_from_slice(value);
                    }
                },
                _ => {}
            }
        }
        match self.bytes.len() + self.data.as_ref().map_or(0, BytesMut::len) > LONGEST {
            true => Err(Error::new(Kind::Protocol, format!("an event is longer than {LONGEST} bytes"))
                .outcome_is(Outcome::Applied)),
            false => Ok(None),
        }
    }

    /// The next line that has ended, without its end.
    fn line(&mut self) -> Option<BytesMut> {
        if self.returned && self.bytes.first() == Some(&b'\n') {
            self.bytes.advance(1);
        }
        self.returned &= self.bytes.is_empty();
        let end = self.bytes[self.seen..].iter().position(|byte| matches!(byte, b'\n' | b'\r'));
        let Some(end) = end.map(|end| self.seen + end) else {
            self.seen = self.bytes.len();
            return None;
        };
        self.seen = 0;
        let line = self.bytes.split_to(end);
        self.returned = self.bytes.get_u8() == b'\r';
        Some(line)
    }
}

#[cfg(test)]
mod tests {
    use futures_util::stream;
    use http_body::Frame;
    use http_body_util::StreamBody;

    use super::*;

    /// What is read of a stream that comes in pieces of `size` bytes.
    async fn read(text: &str, size: usize) -> Vec<(String, String)> {
        let pieces: Vec<_> = text
            .as_bytes()
            .chunks(size)
            .map(|piece| Ok(Frame::data(Bytes::copy_from_slice(piece))))
            .collect();
        let mut events = Events::new(Body::stream(StreamBody::new(stream::iter(pieces))));
        let mut all = Vec::new();
        while let Some(event) = events.next().await {
            let event = event.unwrap();
            all.push((event.name.into_owned(), String::from_utf8(event.data.into()).unwrap()));
        }
        all
    }

    #[tokio::test]
    async fn events_are_read_whichever_way_their_lines_end_and_come() {
        let text = ": hello\n\ndata: a\n\nevent: next\r\ndata:b\r\ndata:  c\r\nid: 1\r\n\r\nevent:done\r\rdata\n\ndata: cut";
        let expected = [("message", "a"), ("next", "b\n c"), ("done", ""), ("message", "")]
            .map(|(a, b)| (a.to_owned(), b.to_owned()));
        for size in [1, 2, 3, 7, 1000] {
            assert_eq!(read(text, size).await, expected, "in pieces of {size}");
        }
    }

    #[tokio::test]
    async fn what_is_written_is_read() {
        for event in [
            Event::message("one"),
            Event::message(""),
            Event::message("{\n \"a\": 1\n}\n"),
            Event::named("dropped", "{\"messages\":3}"),
            Event::message(": no comment"),
        ] {
            let mut events = Events::new(Body::from(event.frame()));
            assert_eq!(events.next().await.unwrap().unwrap(), event);
            assert!(events.next().await.is_none());
        }
    }

    #[tokio::test]
    async fn an_event_without_end_is_an_error() {
        let endless = stream::repeat_with(|| Ok(Frame::data(Bytes::from(vec![b'x'; 1 << 20]))));
        let mut events = Events::new(Body::stream(StreamBody::new(endless)));
        assert_eq!(events.next().await.unwrap().unwrap_err().kind(), Kind::Protocol);
    }
}
