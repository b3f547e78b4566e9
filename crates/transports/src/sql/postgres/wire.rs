//! `Wire`: messages over a stream. What is to be sent is collected and leaves in one write, while answers are read,
//! so that neither side waits for the other to empty its buffers; and no message is longer in memory than its kind may be.

use std::{
    fmt,
    future::poll_fn,
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::{Buf, BytesMut};
use futures_util::FutureExt as _;
use postgres_protocol::message::backend::{self, Header};
use tokio::io::AsyncWrite;
use tokio_util::io::poll_read_buf;
use trunkline_core::{Error, Kind, Result};

use super::stream::Stream;

/// Before every message: its tag and how long it is.
const HEADER: usize = 5;

/// How much is read at once to begin with; a session that waits holds no more.
const SMALL: usize = 8 * 1024;

/// How much is read at once where much is coming.
const LARGE: usize = 64 * 1024;

/// The longest description of a statement that is taken: 1,664 columns (`MaxTupleAttributeNumber`) and 65,535
/// parameters are far from it.
const DESCRIPTION: usize = 1024 * 1024;

/// The longest of all other messages; what is longer of an error or a notice is dropped.
const OTHER: usize = 64 * 1024;

/// The messages of one connection.
pub(super) struct Wire {
    stream: Stream,
    /// What was read, beginning with the message handed out last.
    input: BytesMut,
    /// How much of `input` was handed out.
    taken: usize,
    /// How much is still to come of a message that was not wanted whole.
    unwanted: usize,
    /// How much is missing of a message that has begun.
    short: usize,
    /// How much a read asks for at least.
    chunk: usize,
    /// Whether there is more memory than a session that waits should hold.
    grown: bool,
    /// What is to be sent.
    pub(super) output: BytesMut,
    /// How much of `output` was written.
    written: usize,
    flushed: bool,
    /// Whether anything left since [`Wire::mark`].
    left: bool,
    broken: bool,
}

/// A message of the server.
#[derive(Debug)]
pub(super) struct Message<'a> {
    /// Its kind.
    pub(super) tag: u8,
    /// What it says.
    pub(super) body: &'a [u8],
    /// How long it is as the server sent it.
    pub(super) length: usize,
    /// Whether `body` is all of it. Of a row that is longer than it may be, nothing is there.
    pub(super) whole: bool,
}

/// Where in the input a message stands.
struct Place {
    tag: u8,
    end: usize,
    length: usize,
}

impl Wire {
    /// Speaks over `stream`.
    pub(super) fn new(stream: Stream) -> Self {
        Self {
            stream,
            input: BytesMut::new(),
            taken: 0,
            unwanted: 0,
            short: 0,
            chunk: SMALL,
            grown: false,
            output: BytesMut::new(),
            written: 0,
            flushed: true,
            left: false,
            broken: false,
        }
    }

    /// What carries it.
    pub(super) fn stream(&self) -> &Stream {
        &self.stream
    }

    /// Whether nothing more can come of it.
    pub(super) fn is_broken(&self) -> bool {
        self.broken
    }

    /// Says that nothing more is to come of it.
    pub(super) fn give_up(&mut self) {
        self.broken = true;
    }

    /// The same, with what carried it: it is open as long as that is kept.
    pub(super) fn give_up_with_stream(&mut self) -> Stream {
        self.give_up();
        std::mem::replace(&mut self.stream, Stream::Gone(tokio::io::empty()))
    }

    /// From here on, [`Wire::has_left`] tells whether the server can have got anything.
    pub(super) fn mark(&mut self) {
        self.left = false;
    }

    /// Whether anything left since the mark.
    pub(super) fn has_left(&self) -> bool {
        self.left
    }

    /// The next message, while what waits is sent. A row may be `row` bytes long. What a server says of its own
    /// accord is passed over.
    ///
    /// # Errors
    ///
    /// `unavailable` when the connection is gone, `protocol` when what comes is none of it. The wire is broken then.
    pub(super) async fn next(&mut self, row: usize) -> Result<Message<'_>> {
        let place = loop {
            let place = poll_fn(|cx| self.poll_next(cx, row)).await;
            match place.inspect_err(|_| self.broken = true)? {
                Place { tag: b'N' | b'A' | b'S', .. } => {}
                place => break place,
            }
        };
        Ok(self.at(&place))
    }

    /// As [`Wire::next`], with what a server says of its own accord.
    pub(super) async fn next_of_all(&mut self) -> Result<Message<'_>> {
        let place = poll_fn(|cx| self.poll_next(cx, 0)).await.inspect_err(|_| self.broken = true)?;
        Ok(self.at(&place))
    }

    /// What the message that was handed out last says.
    pub(super) fn last(&self) -> &[u8] {
        self.input.get(HEADER..self.taken).unwrap_or_default()
    }

    /// Sends what waits, and waits for no answer.
    pub(super) async fn send(&mut self) -> Result<()> {
        poll_fn(|cx| self.poll_send(cx)).await.map_err(|error| {
            self.broken = true;
            lost(error)
        })
    }

    /// Looks whether the server said anything while nobody asked: `Ok` when there is nothing but notices. Costs no
    /// system call where nothing came.
    ///
    /// # Errors
    ///
    /// As [`Wire::next`]; also when it took leave.
    pub(super) fn peek(&mut self) -> Result<()> {
        loop {
            let heard = poll_fn(|cx| self.poll_heard(cx, 0)).now_or_never();
            let failed = match heard {
                None => return Ok(()),
                Some(Ok(Place { tag: b'N' | b'A' | b'S', .. })) => continue,
                Some(Ok(Place { tag: backend::ERROR_RESPONSE_TAG, .. })) => {
                    Error::new(Kind::Unavailable, "the database ended the connection")
                }
                Some(Ok(_)) => protocol("the database answers what nobody asked"),
                Some(Err(error)) => error,
            };
            self.broken = true;
            return Err(failed);
        }
    }

    /// Gives back memory that only a large answer or a large parameter needed.
    pub(super) fn settle(&mut self) {
        self.input.advance(self.taken);
        self.taken = 0;
        self.chunk = SMALL;
        if self.grown {
            self.grown = false;
            self.input = BytesMut::from(&self.input[..]);
        }
        if self.output.capacity() > LARGE && self.output.is_empty() {
            self.output = BytesMut::new();
        }
    }

    /// Overwrites what was sent, which held a password.
    pub(super) fn wipe(&mut self) {
        let capacity = self.output.capacity();
        self.output.clear();
        self.output.resize(capacity, 0);
        self.output.clear();
    }

    fn at(&self, place: &Place) -> Message<'_> {
        let body = &self.input[HEADER..place.end];
        Message { tag: place.tag, body, length: place.length, whole: body.len() == place.length }
    }

    fn poll_next(&mut self, cx: &mut Context<'_>, row: usize) -> Poll<Result<Place>> {
        if let Some(place) = self.take(row)? {
            return Poll::Ready(Ok(place));
        }
        match self.poll_send(cx) {
            // A server that takes leave says why before it closes: what it said may be waiting here.
            Poll::Ready(Err(error)) => match self.poll_heard(cx, row) {
                Poll::Ready(Ok(place)) => Poll::Ready(Ok(place)),
                _ => Poll::Ready(Err(lost(error))),
            },
            _ => self.poll_heard(cx, row),
        }
    }

    fn poll_heard(&mut self, cx: &mut Context<'_>, row: usize) -> Poll<Result<Place>> {
        loop {
            if let Some(place) = self.take(row)? {
                return Poll::Ready(Ok(place));
            }
            match ready!(self.poll_read(cx)) {
                Ok(0) => return Poll::Ready(Err(closed())),
                Ok(_) => {}
                Err(error) => return Poll::Ready(Err(lost(error))),
            }
        }
    }

    /// The next message, if all that is wanted of it was read.
    fn take(&mut self, row: usize) -> Result<Option<Place>> {
        self.input.advance(self.taken);
        (self.taken, self.short) = (0, 0);
        let here = self.unwanted.min(self.input.len());
        self.input.advance(here);
        self.unwanted -= here;
        if self.unwanted > 0 {
            return Ok(None);
        }
        let header =
            Header::parse(&self.input).map_err(|_| protocol("a message of the database has no length"))?;
        let Some(header) = header else { return Ok(None) };
        let tag = header.tag();
        let body = usize::try_from(header.len()).unwrap_or_default() - 4;
        let (limit, kept) = match tag {
            backend::DATA_ROW_TAG => (row, 0),
            backend::COPY_DATA_TAG => (0, 0),
            backend::ROW_DESCRIPTION_TAG | backend::PARAMETER_DESCRIPTION_TAG => (DESCRIPTION, DESCRIPTION),
            _ => (OTHER, OTHER),
        };
        let wanted = if body <= limit { body } else { kept };
        if wanted < body && !may_be_cut(tag) {
            return Err(protocol("a message of the database is longer than any of its kind"));
        }
        let end = HEADER + wanted;
        if self.input.len() < end {
            self.short = end - self.input.len();
            return Ok(None);
        }
        self.taken = end;
        self.unwanted = body - wanted;
        Ok(Some(Place { tag, end, length: body }))
    }

    fn poll_send(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.written < self.output.len() {
            let stream = Pin::new(&mut self.stream);
            let count = ready!(stream.poll_write(cx, &self.output[self.written..]))?;
            if count == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.written += count;
            self.left = true;
            self.flushed = false;
        }
        self.output.clear();
        self.written = 0;
        if !self.flushed {
            ready!(Pin::new(&mut self.stream).poll_flush(cx))?;
            self.flushed = true;
        }
        Poll::Ready(Ok(()))
    }

    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        // Memory follows what arrived, not what was announced.
        let short = self.short.min(self.input.len().max(LARGE));
        if self.input.capacity() - self.input.len() < short.max(SMALL / 2) {
            self.input.reserve(short.max(self.chunk));
            self.grown |= short.max(self.chunk) > SMALL;
        }
        let room = self.input.capacity() - self.input.len();
        let count = ready!(poll_read_buf(Pin::new(&mut self.stream), cx, &mut self.input))?;
        if count == room {
            self.chunk = LARGE;
        }
        Poll::Ready(Ok(count))
    }
}

impl fmt::Debug for Wire {
    /// Nothing of what is in its buffers: they hold passwords and rows.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wire")
            .field("stream", &self.stream)
            .field("broken", &self.broken)
            .finish_non_exhaustive()
    }
}

/// Whether a message is worth something without its end, or nothing at all.
fn may_be_cut(tag: u8) -> bool {
    matches!(tag, backend::DATA_ROW_TAG | backend::COPY_DATA_TAG | backend::ERROR_RESPONSE_TAG | b'N' | b'A')
}

fn closed() -> Error {
    Error::new(Kind::Unavailable, "the database closed the connection before it had answered")
}

/// The connection is gone.
pub(super) fn lost(error: io::Error) -> Error {
    if error.get_ref().is_some_and(|inner| inner.is::<rustls::Error>()) {
        return Error::new(Kind::Protocol, "the database broke the TLS connection").source(error);
    }
    match error.kind() {
        io::ErrorKind::UnexpectedEof => closed(),
        _ => Error::new(Kind::Unavailable, "the connection with the database broke").source(error),
    }
}

/// The server says what its protocol does not know, or leaves out what it has to say.
pub(super) fn protocol(message: &'static str) -> Error {
    Error::new(Kind::Protocol, message)
}
