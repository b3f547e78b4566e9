//! `Session`: one connection that is logged in, and the steps that every exchange with the server is made of.

use std::{fmt, sync::Arc, time::Duration};

use bytes::BytesMut;
use postgres_protocol::message::{backend, frontend};
use tokio::io::AsyncWriteExt;
use trunkline_core::{Egress, Result};

use super::{
    failure::Failure,
    refusal::Refusal,
    statements::{Prepared, Statements},
    target::Target,
    types::Catalog,
    wire::{Message, Wire, protocol},
};

/// How long stopping a statement may take: it is done in the background, for a caller who has left.
const STOP: Duration = Duration::from_secs(3);

/// No answer to what we ask for ourselves has a longer row.
const OWN_ROW: usize = 8 << 20;

/// One connection that is logged in.
pub(crate) struct Session {
    pub(super) wire: Wire,
    pub(super) target: Arc<Target>,
    pub(super) statements: Statements,
    /// Whether each transaction may run at another server connection, so that nothing outlives it.
    pub(super) pooled: bool,
    /// The version of the server, as it says.
    pub(super) version: String,
    /// Statements of the job under way; here so that its memory is used again.
    pub(super) window: Vec<Arc<Prepared>>,
    /// The types of values that were met.
    pub(super) catalog: Catalog,
    /// How often the server is still to say that it is ready.
    owed: usize,
    /// What it said of the transaction: none, in one, or in one that failed (`I`, `T`, `E`).
    state: u8,
    key: Option<(i32, i32)>,
    egress: Arc<Egress>,
}

impl Session {
    /// Takes over a wire that was logged in.
    pub(super) fn new(wire: Wire, target: Arc<Target>, egress: Arc<Egress>, pooled: bool) -> Self {
        Self {
            wire,
            target,
            statements: Statements::default(),
            pooled,
            version: String::new(),
            window: Vec::new(),
            catalog: Catalog::default(),
            owed: 0,
            state: b'I',
            key: None,
            egress,
        }
    }

    /// What stops a statement of this session.
    pub(super) fn keyed(mut self, key: Option<(i32, i32)>, version: String) -> Self {
        (self.key, self.version) = (key, version);
        self
    }

    /// Whether a transaction is open.
    pub(super) fn in_transaction(&self) -> bool {
        self.state != b'I'
    }

    /// How often the server is still to say that it is ready.
    pub(super) fn owes(&self) -> usize {
        self.owed
    }

    /// Where messages are written.
    pub(super) fn out(&mut self) -> &mut BytesMut {
        &mut self.wire.output
    }

    /// Adds a statement of our own that has neither parameters nor rows that matter.
    pub(super) fn put_command(&mut self, text: &str) {
        let out = &mut self.wire.output;
        let bound = frontend::parse("", text, [], out).is_ok()
            && frontend::bind("", "", [], [(); 0], |(), _| Ok(postgres_protocol::IsNull::Yes), [], out)
                .is_ok();
        debug_assert!(bound, "our own statements hold no NUL byte");
        let _ = frontend::execute("", 0, out);
    }

    /// Ends a group of messages: if one fails, the rest of its group is not run.
    pub(super) fn put_sync(&mut self) {
        frontend::sync(&mut self.wire.output);
        self.owed += 1;
    }

    /// Adds a statement that is run whatever became of those before it.
    pub(super) fn put_query(&mut self, text: &str) {
        let written = frontend::query(text, &mut self.wire.output);
        debug_assert!(written.is_ok(), "our own statements hold no NUL byte");
        self.owed += 1;
    }

    /// Reads as far as the end of a statement of our own, and says whether that did `what`.
    pub(super) async fn complete(&mut self, what: &str) -> Result<(), Failure> {
        loop {
            let Message { tag, body, .. } = self.wire.next(OWN_ROW).await?;
            match tag {
                backend::COMMAND_COMPLETE_TAG if body.starts_with(what.as_bytes()) => return Ok(()),
                // A transaction that failed is rolled back by a COMMIT, which is no error to the server.
                backend::COMMAND_COMPLETE_TAG => return Err(Failure::NotCommitted),
                backend::ERROR_RESPONSE_TAG => return Err(self.refused().await),
                b'1' | b'2' | b'3' | b'n' | b'T' | b'D' => {}
                _ => return Err(self.unexpected()),
            }
        }
    }

    /// Reads as far as the server being ready for the next group.
    pub(super) async fn ready(&mut self) -> Result<(), Failure> {
        loop {
            let Message { tag, body, .. } = self.wire.next(0).await?;
            match tag {
                backend::READY_FOR_QUERY_TAG => {
                    self.state = body.first().copied().unwrap_or(b'E');
                    self.owed = self.owed.saturating_sub(1);
                    return Ok(());
                }
                backend::ERROR_RESPONSE_TAG => return Err(self.refused().await),
                b'1' | b'2' | b'3' | b'n' | b'T' | b'D' | b'C' | b'I' | b's' => {}
                _ => return Err(self.unexpected()),
            }
        }
    }

    /// What is to be made of the error message that was read last. All that was asked for is read to its end.
    pub(super) async fn refused(&mut self) -> Failure {
        let refusal = Refusal::read(self.wire.last());
        if refusal.is_fatal() {
            self.wire.give_up();
        } else {
            // Where that fails the session is broken, and what was refused stays so.
            let _ = self.catch_up().await;
        }
        Failure::Refused(Box::new(refusal))
    }

    /// Reads until nothing is owed.
    pub(super) async fn catch_up(&mut self) -> Result<()> {
        while self.owed > 0 {
            let Message { tag, body, .. } = self.wire.next(0).await?;
            match tag {
                backend::READY_FOR_QUERY_TAG => {
                    self.state = body.first().copied().unwrap_or(b'E');
                    self.owed -= 1;
                }
                backend::COPY_IN_RESPONSE_TAG | b'W' => {
                    self.wire.give_up();
                    return Err(protocol("the database wants data that nobody has"));
                }
                backend::ERROR_RESPONSE_TAG if Refusal::read(body).is_fatal() => {
                    self.wire.give_up();
                    return Err(protocol("the database ended the connection"));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Ends a transaction that was left open.
    pub(super) async fn roll_back(&mut self) {
        if self.wire.is_broken() || self.catch_up().await.is_err() || !self.in_transaction() {
            return;
        }
        self.put_query("ROLLBACK");
        if self.catch_up().await.is_err() || self.in_transaction() {
            self.wire.give_up();
        }
    }

    /// The server says what has no place here.
    pub(super) fn unexpected(&mut self) -> Failure {
        self.wire.give_up();
        Failure::Lost(protocol("the database answers as its protocol does not know"))
    }

    /// Asks something of ours in one round trip, and gives the rows as text.
    pub(super) async fn ask(&mut self, text: &str) -> Result<Vec<Vec<Option<String>>>, Failure> {
        self.put_query(text);
        let mut rows = Vec::new();
        loop {
            let Message { tag, body, whole, .. } = self.wire.next(OWN_ROW).await?;
            match tag {
                backend::DATA_ROW_TAG if whole => match Cells::of(body).map(text_of).collect() {
                    Some(row) => rows.push(row),
                    None => return Err(self.unexpected()),
                },
                backend::ERROR_RESPONSE_TAG => return Err(self.refused().await),
                backend::COMMAND_COMPLETE_TAG => break,
                b'T' => {}
                _ => return Err(self.unexpected()),
            }
        }
        self.ready().await?;
        Ok(rows)
    }

    /// Stops what the server is running for this session, in the background, and gives the connection up.
    pub(super) fn stop(&mut self) {
        self.stop_with(());
    }

    /// The same; `place` is dropped when it has stopped, as far as that is waited for.
    pub(super) fn stop_with<P: Send + 'static>(&mut self, place: P) {
        // A pooler forgets whose statement it was once this is closed, and then stops nothing.
        let held = self.wire.give_up_with_stream();
        let (Some((process, secret)), Ok(runtime)) = (self.key, tokio::runtime::Handle::try_current()) else {
            return;
        };
        let (target, egress) = (self.target.clone(), self.egress.clone());
        runtime.spawn(tokio::time::timeout(STOP, async move {
            let mut stream = target.connect(&egress).await?;
            let mut request = BytesMut::new();
            frontend::cancel_request(process, secret, &mut request);
            stream.write_all(&request).await?;
            stream.flush().await?;
            // The server closes once it has passed the request on. A pooler forgets it if this closes first, by half
            // even.
            tokio::io::copy(&mut stream, &mut tokio::io::sink()).await?;
            drop((held, place));
            Ok::<_, Box<dyn std::error::Error + Send + Sync>>(())
        }));
    }

    /// Says good-bye as far as that needs no waiting.
    pub(super) fn leave(&mut self) {
        use futures_util::FutureExt as _;
        // What was not sent until now must not be sent any more.
        if !self.wire.is_broken() && self.wire.output.is_empty() {
            frontend::terminate(&mut self.wire.output);
            let _ = self.wire.send().now_or_never();
        }
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { wire, pooled, version, .. } = self;
        let mut session = f.debug_struct("Session");
        session.field("wire", wire).field("pooled", pooled).field("version", version).finish_non_exhaustive()
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // A server that is told does not log a connection that was lost.
        self.leave();
    }
}

fn text_of(cell: Option<Option<&[u8]>>) -> Option<Option<String>> {
    cell.map(|cell| cell.map(|bytes| String::from_utf8_lossy(bytes).into_owned()))
}

/// The values of a row, in place. Yields `None` where the row is not what its lengths say, and then no more.
pub(super) struct Cells<'a> {
    left: u16,
    rest: &'a [u8],
    bad: bool,
}

impl<'a> Cells<'a> {
    /// Of the body of a message.
    pub(super) fn of(body: &'a [u8]) -> Self {
        match body.split_first_chunk() {
            Some((count, rest)) => Self { left: u16::from_be_bytes(*count), rest, bad: false },
            None => Self { left: 0, rest: b"?", bad: false },
        }
    }

    /// How many are left.
    pub(super) fn len(&self) -> usize {
        self.left.into()
    }

    fn cell(&mut self) -> Option<Option<&'a [u8]>> {
        let (length, rest) = self.rest.split_first_chunk()?;
        match i32::from_be_bytes(*length) {
            -1 => {
                self.rest = rest;
                Some(None)
            }
            length => {
                let (cell, rest) = rest.split_at_checked(length.try_into().ok()?)?;
                self.rest = rest;
                Some(Some(cell))
            }
        }
    }
}

impl<'a> Iterator for Cells<'a> {
    type Item = Option<Option<&'a [u8]>>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.bad {
            return None;
        }
        if self.left == 0 {
            self.bad = true;
            return (!self.rest.is_empty()).then_some(None);
        }
        self.left -= 1;
        let cell = self.cell();
        self.bad = cell.is_none();
        Some(cell)
    }
}
