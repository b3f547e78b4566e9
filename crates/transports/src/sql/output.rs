//! `Output`: where an engine writes what a statement yields, straight as the bytes of the reply: one JSON document, or
//! NDJSON that is sent while rows come. It knows the caps, and says when they cut.

mod header;

use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::mpsc;
use trunkline_core::{Error, Kind, Outcome, Result, Wanted};

pub(crate) use self::header::Header;
use super::json;

/// A piece of a stream is sent once it is as large.
const PIECE: usize = 32 << 10;

/// No row may be larger, wherever it goes: it has to be in memory as a whole.
const LARGEST_ROW: u64 = 64 << 20;

/// What an engine has to do after a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub(crate) enum Flow {
    /// To go on.
    On,
    /// To [`Output::flush`], then to go on.
    Flush,
    /// To fetch no more rows: a cap is reached, and the reply says so.
    Enough,
}

/// What a statement did beside yielding rows.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Done {
    /// How many rows it inserted, changed or deleted; `None` for one that only reads.
    pub(crate) affected: Option<u64>,
    /// The id that the database gave to a row it inserted, where it tells.
    pub(crate) last_id: Option<u64>,
}

/// Where rows go.
#[derive(Debug)]
pub(crate) struct Output {
    buffer: Vec<u8>,
    header: Arc<Header>,
    arrays: bool,
    /// Of several statements: they are in a list.
    many: bool,
    max_rows: u64,
    max_bytes: u64,
    /// Results that have begun.
    results: usize,
    /// Rows of the current result, and of all before it.
    rows: u64,
    earlier: u64,
    /// The next column of the current row, and where the row begins in the buffer.
    column: usize,
    row: usize,
    /// Bytes that were sent already.
    sent: u64,
    /// The cap that has cut, if any; and the one that cut the current result.
    cut: Option<&'static str>,
    lost: Option<&'static str>,
    pipe: Option<mpsc::Sender<Bytes>>,
}

impl Output {
    /// One JSON document.
    pub(crate) fn document(wanted: Wanted, many: bool) -> Self {
        Self::new(wanted, many, None)
    }

    /// Lines of JSON that go into `pipe` as they come.
    pub(crate) fn lines(wanted: Wanted, many: bool, pipe: mpsc::Sender<Bytes>) -> Self {
        Self::new(wanted, many, Some(pipe))
    }

    fn new(wanted: Wanted, many: bool, pipe: Option<mpsc::Sender<Bytes>>) -> Self {
        Self {
            buffer: Vec::with_capacity(if pipe.is_some() { PIECE + PIECE / 8 } else { 512 }),
            header: Arc::default(),
            arrays: wanted.arrays,
            many,
            max_rows: wanted.max_rows.unwrap_or(u64::MAX),
            max_bytes: wanted.max_bytes.unwrap_or(u64::MAX),
            results: 0,
            rows: 0,
            earlier: 0,
            column: 0,
            row: 0,
            sent: 0,
            cut: None,
            lost: None,
            pipe,
        }
    }

    /// How many more rows are wanted; `None` where there is no bound. To learn whether there are more than that, an
    /// engine fetches one more.
    pub(crate) fn rows_left(&self) -> Option<u64> {
        (self.max_rows != u64::MAX).then(|| self.max_rows - (self.earlier + self.rows).min(self.max_rows))
    }

    /// How large the next row may be as the engine sends it. One that is larger is not to be read into memory:
    /// [`Output::too_large`] says what to do then.
    pub(crate) fn largest_row(&self) -> u64 {
        let left = self.max_bytes.saturating_sub(self.used());
        // As bytes go to base64 from hexadecimal digits they shrink; what has escapes grows.
        left.saturating_mul(2).saturating_add(64 << 10).min(LARGEST_ROW)
    }

    /// Begins the result of a statement.
    pub(crate) fn begin(&mut self, header: &Arc<Header>) {
        self.header = header.clone();
        (self.earlier, self.rows) = (self.earlier + self.rows, 0);
        self.lost = None;
        let first = self.results == 0;
        self.results += 1;
        if self.pipe.is_some() {
            self.put(br#"{"columns":"#);
            self.buffer.extend_from_slice(&header.columns);
            return self.put(b"}\n");
        }
        match (self.many, first) {
            (true, true) => self.put(br#"{"results":["#),
            (true, false) => self.put(b","),
            _ => {}
        }
        self.put(br#"{"columns":"#);
        self.buffer.extend_from_slice(&header.columns);
        self.put(br#","rows":["#);
    }

    /// Begins a row. `false` if no further one is wanted: then there is nothing to write, and nothing more to fetch.
    #[must_use]
    pub(crate) fn row(&mut self) -> bool {
        if self.earlier + self.rows >= self.max_rows {
            self.cut.get_or_insert("max_rows");
        }
        if self.cut.is_some() {
            self.lost = self.cut;
            return false;
        }
        self.row = self.buffer.len();
        self.column = 0;
        if self.pipe.is_some() {
            self.put(br#"{"row":"#);
        } else if self.rows > 0 {
            self.put(b",");
        }
        if self.arrays {
            self.put(b"[");
        } else if self.header.keys.is_empty() {
            self.put(b"{");
        }
        true
    }

    /// Where the value of the next column of the row is written, as JSON.
    pub(crate) fn cell(&mut self) -> &mut Vec<u8> {
        if !self.arrays {
            self.buffer.extend_from_slice(&self.header.keys[self.column]);
        } else if self.column > 0 {
            self.buffer.push(b',');
        }
        self.column += 1;
        &mut self.buffer
    }

    /// Ends a row.
    pub(crate) fn end_row(&mut self) -> Flow {
        debug_assert_eq!(self.column, self.header.keys.len(), "a row has a value for each column");
        self.put(if self.arrays { b"]" } else { b"}" });
        if self.pipe.is_some() {
            self.put(b"}\n");
        }
        if self.used() > self.max_bytes {
            self.buffer.truncate(self.row);
            (self.cut, self.lost) = (Some("max_bytes"), Some("max_bytes"));
            return Flow::Enough;
        }
        self.rows += 1;
        if self.pipe.is_some() && self.buffer.len() >= PIECE { Flow::Flush } else { Flow::On }
    }

    /// The next row is too large to be read.
    ///
    /// # Errors
    ///
    /// Where no cap of the caller's is the reason, which the reply would have to tell.
    pub(crate) fn too_large(&mut self, bytes: u64) -> Result<Flow> {
        if self.max_bytes == u64::MAX {
            return Err(Error::new(
                Kind::Unsupported,
                format!("a row of {bytes} bytes is more than the {LARGEST_ROW} that fit; select less of it"),
            ));
        }
        (self.cut, self.lost) = (Some("max_bytes"), Some("max_bytes"));
        Ok(Flow::Enough)
    }

    /// Another result of the same statement is left out; the reply says so.
    pub(crate) fn leave_out(&mut self) {
        self.lost = self.lost.or(Some("more_results"));
    }

    /// Whether a cap has cut: no row that comes now is wanted.
    pub(crate) fn is_cut(&self) -> bool {
        self.cut.is_some()
    }

    /// Sends what is there on to the caller, as soon as they take it.
    ///
    /// # Errors
    ///
    /// When the caller is gone: then the statement should end too.
    pub(crate) async fn flush(&mut self) -> Result<()> {
        let Some(pipe) = self.pipe.clone() else { return Ok(()) };
        pipe.send(self.piece()).await.map_err(|_| gone())
    }

    /// The same on a thread that may be blocked.
    ///
    /// # Errors
    ///
    /// As there.
    pub(crate) fn flush_blocking(&mut self) -> Result<()> {
        let Some(pipe) = self.pipe.clone() else { return Ok(()) };
        pipe.blocking_send(self.piece()).map_err(|_| gone())
    }

    fn piece(&mut self) -> Bytes {
        let piece = std::mem::replace(&mut self.buffer, Vec::with_capacity(PIECE + PIECE / 8));
        self.sent += piece.len() as u64;
        piece.into()
    }

    /// Takes it away, to be written somewhere else and put back.
    pub(crate) fn take(&mut self) -> Self {
        let none = Self { buffer: Vec::new(), header: self.header.clone(), pipe: None, ..*self };
        std::mem::replace(self, none)
    }

    /// Ends the result of a statement.
    pub(crate) fn end(&mut self, done: Done) {
        self.put(if self.pipe.is_some() { br#"{"end":{"row_count":"# } else { br#"],"row_count":"# });
        json::unsigned(&mut self.buffer, self.rows);
        self.put(br#","affected_rows":"#);
        self.number(done.affected);
        if done.last_id.is_some() {
            self.put(br#","last_insert_id":"#);
            self.number(done.last_id);
        }
        self.put(br#","truncated":"#);
        match self.lost {
            Some(cap) => json::text(&mut self.buffer, cap),
            None => self.put(b"null"),
        }
        self.put(if self.pipe.is_some() { b"}}\n" } else { b"}" });
    }

    /// What is left to be sent, once all has been written.
    pub(crate) fn finish(mut self) -> Bytes {
        if self.pipe.is_none() && self.many {
            self.put(if self.results == 0 { br#"{"results":[]}"# } else { b"]}" });
        }
        self.buffer.into()
    }

    /// Forgets what was written, for a statement that is run once more. `false` if some of it was sent already.
    #[must_use]
    pub(crate) fn restart(&mut self) -> bool {
        if self.sent > 0 {
            return false;
        }
        self.buffer.clear();
        (self.results, self.rows, self.earlier) = (0, 0, 0);
        (self.cut, self.lost) = (None, None);
        true
    }

    fn used(&self) -> u64 {
        self.sent + self.buffer.len() as u64
    }

    fn put(&mut self, text: &[u8]) {
        self.buffer.extend_from_slice(text);
    }

    fn number(&mut self, number: Option<u64>) {
        match number {
            Some(number) => json::unsigned(&mut self.buffer, number),
            None => self.put(b"null"),
        }
    }
}

fn gone() -> Error {
    Error::new(Kind::Internal, "the caller went away").outcome_is(Outcome::Unknown)
}

#[cfg(test)]
mod tests;
