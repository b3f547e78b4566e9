//! `Output`: where an engine writes what a statement yields, straight as the bytes of the reply: one JSON document, or
//! NDJSON that is sent while rows come. It knows the caps, and says when they cut.

use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::mpsc;
use trunkline_core::{Error, Kind, Outcome, Result, Wanted};

use super::json;

/// A piece of a stream is sent once it is as large.
const PIECE: usize = 32 << 10;

/// No row may be larger, wherever it goes: it has to be in memory as a whole.
const LARGEST_ROW: u64 = 64 << 20;

/// The columns of a result, rendered once for a statement that is run often.
#[derive(Debug)]
pub(crate) struct Header {
    /// The column map: `[{"name":"id","type":"int8"}]`.
    columns: Vec<u8>,
    /// What stands before the value of each column in a row that is an object: `{"id":`, `,"name":`.
    keys: Vec<Box<[u8]>>,
}

impl Header {
    /// For columns by name and type, both as the engine has them. A name that has been there gets a key of its own,
    /// `id_2`, so that no value is lost; the column map tells both.
    pub(crate) fn new<'a>(columns: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let (mut map, mut keys, mut taken) = (b"[".to_vec(), Vec::new(), Vec::<String>::new());
        let columns: Vec<_> = columns.into_iter().collect();
        for (n, (name, r#type)) in columns.iter().enumerate() {
            let free = |key: &str| {
                !taken.iter().any(|taken| taken == key)
                    && !columns[n + 1..].iter().any(|(name, _)| name == &key)
            };
            let key = match taken.iter().any(|taken| taken == name) {
                false => (*name).to_owned(),
                true => {
                    (2..).map(|n| format!("{name}_{n}")).find(|key| free(key)).expect("numbers do not end")
                }
            };
            map.extend_from_slice(if n == 0 { br#"{"name":"# } else { br#",{"name":"# });
            json::text(&mut map, name);
            if key != *name {
                map.extend_from_slice(br#","key":"#);
                json::text(&mut map, &key);
            }
            map.extend_from_slice(br#","type":"#);
            json::text(&mut map, r#type);
            map.push(b'}');
            let mut prefix = vec![if n == 0 { b'{' } else { b',' }];
            json::text(&mut prefix, &key);
            prefix.push(b':');
            keys.push(prefix.into());
            taken.push(key);
        }
        map.push(b']');
        Self { columns: map, keys }
    }

    /// Of a statement that yields no rows.
    pub(crate) fn none() -> Self {
        Self::new([])
    }
}

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
            header: Arc::new(Header { columns: Vec::new(), keys: Vec::new() }),
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
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn header(names: &[&str]) -> Arc<Header> {
        Arc::new(Header::new(names.iter().map(|name| (*name, "int4"))))
    }

    /// Writes rows of numbers that count on, until it is enough.
    fn write(output: &mut Output, columns: usize, rows: usize) {
        for n in 0..rows {
            if !output.row() {
                break;
            }
            for column in 0..columns {
                json::integer(output.cell(), (n * columns + column) as i64);
            }
            if output.end_row() == Flow::Enough {
                break;
            }
        }
    }

    fn document(wanted: Wanted, names: &[&str], rows: usize) -> Value {
        let mut output = Output::document(wanted, false);
        output.begin(&header(names));
        write(&mut output, names.len(), rows);
        output.end(Done::default());
        serde_json::from_slice(&output.finish()).unwrap()
    }

    #[test]
    fn a_document_has_columns_rows_and_what_was_done() {
        assert_eq!(
            document(Wanted::default(), &["a", "b"], 2),
            json!({
                "columns": [{"name": "a", "type": "int4"}, {"name": "b", "type": "int4"}],
                "rows": [{"a": 0, "b": 1}, {"a": 2, "b": 3}],
                "row_count": 2, "affected_rows": null, "truncated": null,
            })
        );
        assert_eq!(document(Wanted::default(), &[], 1)["rows"], json!([{}]));
        let arrays = Wanted { arrays: true, ..Wanted::default() };
        assert_eq!(document(arrays, &["a", "b"], 2)["rows"], json!([[0, 1], [2, 3]]));
        assert_eq!(document(arrays, &[], 1)["rows"], json!([[]]));
    }

    #[test]
    fn columns_of_one_name_keep_their_values() {
        let found = document(Wanted::default(), &["id", "id", "id_2", "id", ""], 1);
        assert_eq!(found["rows"], json!([{"id": 0, "id_3": 1, "id_2": 2, "id_4": 3, "": 4}]));
        assert_eq!(found["columns"][1], json!({"name": "id", "key": "id_3", "type": "int4"}));
    }

    #[test]
    fn a_cap_cuts_and_says_so_and_what_fits_exactly_is_not_cut() {
        let rows = |max| document(Wanted { max_rows: Some(max), ..Wanted::default() }, &["a"], 3);
        assert_eq!((rows(3)["row_count"].clone(), rows(3)["truncated"].clone()), (json!(3), Value::Null));
        assert_eq!(
            (rows(2)["row_count"].clone(), rows(2)["truncated"].clone()),
            (json!(2), json!("max_rows"))
        );
        assert_eq!(rows(0)["rows"], json!([]));
        let bytes = document(Wanted { max_bytes: Some(60), ..Wanted::default() }, &["a"], 100);
        assert_eq!(bytes["truncated"], "max_bytes");
        assert!(bytes["row_count"].as_u64().unwrap() > 0 && bytes["rows"].as_array().unwrap().len() < 10);
    }

    #[test]
    fn several_statements_share_the_caps_and_are_in_a_list() {
        let mut output = Output::document(Wanted { max_rows: Some(3), ..Wanted::default() }, true);
        for _ in 0..2 {
            output.begin(&header(&["a"]));
            write(&mut output, 1, 2);
            output.end(Done { affected: Some(2), last_id: Some(7) });
        }
        let found: Value = serde_json::from_slice(&output.finish()).unwrap();
        let counts =
            |n: usize| (found["results"][n]["row_count"].as_u64(), found["results"][n]["truncated"].as_str());
        assert_eq!((counts(0), counts(1)), ((Some(2), None), (Some(1), Some("max_rows"))));
        assert_eq!(found["results"][1]["last_insert_id"], 7);
        let mut output = Output::document(Wanted { max_rows: Some(1), ..Wanted::default() }, true);
        for rows in [2, 0, 1] {
            output.begin(&header(&["a"]));
            write(&mut output, 1, rows);
            output.end(Done::default());
        }
        let found: Value = serde_json::from_slice(&output.finish()).unwrap();
        let cut = |n: usize| found["results"][n]["truncated"].as_str();
        assert_eq!((cut(0), cut(1), cut(2)), (Some("max_rows"), None, Some("max_rows")));
        assert_eq!(Output::document(Wanted::default(), true).finish(), r#"{"results":[]}"#);
    }

    #[tokio::test]
    async fn lines_go_out_as_they_come_and_no_faster_than_they_are_taken() {
        let (pipe, mut pieces) = mpsc::channel(1);
        let mut output = Output::lines(Wanted::default(), false, pipe);
        output.begin(&header(&["a"]));
        let mut flushed = 0;
        for n in 0..10_000 {
            assert!(output.row());
            json::integer(output.cell(), n);
            if output.end_row() == Flow::Flush {
                if flushed == 1 {
                    // Nobody has taken the first piece.
                    assert!(futures_util::poll!(Box::pin(output.flush())).is_pending());
                    break;
                }
                output.flush().await.unwrap();
                flushed += 1;
            }
        }
        let piece = pieces.recv().await.unwrap();
        let mut lines = piece.split(|byte| *byte == b'\n');
        assert_eq!(lines.next().unwrap(), br#"{"columns":[{"name":"a","type":"int4"}]}"#);
        assert_eq!(lines.next().unwrap(), br#"{"row":{"a":0}}"#);
        drop(pieces);
        output.flush().await.unwrap_err();
    }
}
