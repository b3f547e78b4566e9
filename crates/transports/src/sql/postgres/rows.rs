//! Reading what a statement yields: rows from the buffer they were read into straight to the reply.

use postgres_protocol::message::{backend, frontend};
use trunkline_core::{Error, Kind, Outcome};

use super::{
    failure::{Failure, Progress},
    session::{Cells, Session},
    statements::Prepared,
    wire::{Message, protocol},
};
use crate::sql::output::{Done, Flow, Output};

/// So much that nobody wants is read so as to keep a connection: more than is on its way anyhow. For more than that a
/// new one costs less.
const UNWANTED: usize = 1024 * 1024;

/// What the rows of a statement are read for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wish {
    /// The statement only reads.
    pub(super) reads: bool,
    /// It can be stopped when there is enough: nothing else of the job comes after it.
    pub(super) last: bool,
}

/// How the rows of a statement ended.
#[derive(Debug, PartialEq)]
pub(super) enum Ended {
    /// All that the server sent was read.
    Read,
    /// The connection was given up: there was enough, and more was coming.
    Stopped,
}

impl Session {
    /// Reads what one statement yields into `output`.
    pub(super) async fn rows(
        &mut self,
        prepared: &Prepared,
        wish: Wish,
        output: &mut Output,
        progress: &mut Progress,
    ) -> Result<Ended, Failure> {
        output.begin(&prepared.header);
        let (mut unwanted, mut too_large) = (0, None);
        loop {
            let cut = output.is_cut() || too_large.is_some();
            let limit = if cut { 0 } else { usize::try_from(output.largest_row()).unwrap_or(usize::MAX) };
            let Message { tag, body, length, whole } = self.wire.next(limit).await?;
            match tag {
                backend::DATA_ROW_TAG if cut || !whole => {
                    if !cut {
                        too_large = output.too_large(length as u64).err();
                    }
                    unwanted += length;
                    if unwanted > UNWANTED && wish.reads && wish.last {
                        self.stop();
                        if let Some(error) = too_large {
                            return Err(Failure::Ours(error.outcome_is(Outcome::Rejected)));
                        }
                        output.end(Done::default());
                        return Ok(Ended::Stopped);
                    }
                }
                backend::DATA_ROW_TAG => match write(body, prepared, output) {
                    Some(Flow::On | Flow::Enough) => {}
                    Some(Flow::Flush) => {
                        if let Err(gone) = output.flush().await {
                            self.stop();
                            return Err(Failure::Ours(gone));
                        }
                    }
                    None => {
                        self.wire.give_up();
                        return Err(Failure::Lost(protocol("the database sent a row that is none")));
                    }
                },
                backend::BIND_COMPLETE_TAG => progress.begun = true,
                backend::COMMAND_COMPLETE_TAG => {
                    let affected =
                        if wish.reads { None } else { affected(body, !prepared.writers.is_empty()) };
                    if let Some(error) = too_large {
                        let _ = self.catch_up().await;
                        return Err(Failure::Ours(error.outcome_is(self.took_effect(wish, *progress))));
                    }
                    output.end(Done { affected, last_id: None });
                    return Ok(Ended::Read);
                }
                backend::PORTAL_SUSPENDED_TAG | backend::EMPTY_QUERY_RESPONSE_TAG => {
                    output.end(Done::default());
                    return Ok(Ended::Read);
                }
                backend::ERROR_RESPONSE_TAG => return Err(self.refused().await),
                backend::COPY_OUT_RESPONSE_TAG | backend::COPY_IN_RESPONSE_TAG | b'W' => {
                    return Err(self.copy(tag).await);
                }
                b'1' | b'3' => {}
                _ => return Err(self.unexpected()),
            }
        }
    }

    /// A row was too large for what was already done.
    fn took_effect(&self, wish: Wish, progress: Progress) -> Outcome {
        match progress.exposed && !wish.reads {
            true if self.wire.is_broken() => Outcome::Unknown,
            true => Outcome::Applied,
            false => Outcome::Rejected,
        }
    }

    /// `COPY` from or to the client, which no reply has a place for.
    async fn copy(&mut self, tag: u8) -> Failure {
        if tag == backend::COPY_IN_RESPONSE_TAG && !self.in_transaction() && self.owes() == 1 {
            // The server took what stood behind the statement for data, and passed it over.
            let failed = frontend::copy_fail("there is no data", self.out());
            debug_assert!(failed.is_ok(), "it holds no NUL byte");
            frontend::sync(self.out());
            let _ = self.catch_up().await;
        } else if tag == backend::COPY_OUT_RESPONSE_TAG {
            let _ = self.catch_up().await;
        } else {
            self.wire.give_up();
        }
        let message = "COPY from or to the client is not supported; use INSERT, or SELECT as a stream";
        Failure::Ours(Error::new(Kind::Unsupported, message).outcome_is(Outcome::Rejected))
    }
}

/// Writes a row. `None` where the row is not what was announced.
fn write(body: &[u8], prepared: &Prepared, output: &mut Output) -> Option<Flow> {
    let mut cells = Cells::of(body);
    if cells.len() != prepared.writers.len() {
        return None;
    }
    if !output.row() {
        return Some(Flow::Enough);
    }
    for writer in &prepared.writers {
        match cells.next()?? {
            Some(value) => writer.write(value, output.cell()),
            None => output.cell().extend_from_slice(b"null"),
        }
    }
    cells.next().is_none().then(|| output.end_row())
}

/// How many rows a statement inserted, changed or deleted, by what the server calls it when it is done
/// (documentation of PostgreSQL, "CommandComplete").
fn affected(tag: &[u8], has_columns: bool) -> Option<u64> {
    let tag = std::str::from_utf8(tag).ok()?.trim_end_matches('\0');
    let count = tag.rsplit(' ').next().and_then(|count| count.parse().ok());
    match tag.split(' ').next()? {
        "INSERT" | "UPDATE" | "DELETE" | "MERGE" | "COPY" => count,
        // CREATE TABLE AS; one with columns reads.
        "SELECT" if !has_columns => count,
        _ if has_columns => None,
        _ => Some(0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_affected_stands_in_the_tag() {
        for (tag, has_columns, expected) in [
            (&b"INSERT 0 5\0"[..], false, Some(5)),
            (b"UPDATE 3\0", true, Some(3)),
            (b"DELETE 0\0", false, Some(0)),
            (b"MERGE 2\0", false, Some(2)),
            (b"COPY 7\0", false, Some(7)),
            (b"SELECT 5\0", false, Some(5)),
            (b"SELECT 5\0", true, None),
            (b"CREATE TABLE\0", false, Some(0)),
            (b"CALL\0", true, None),
            (b"\xff", false, None),
        ] {
            assert_eq!(affected(tag, has_columns), expected);
        }
    }

    #[test]
    fn a_row_is_taken_apart_only_if_it_is_whole() {
        let row = b"\0\x03\0\0\0\x01a\xff\xff\xff\xff\0\0\0\0";
        let cells: Option<Vec<_>> = Cells::of(row).collect();
        assert_eq!(cells, Some(vec![Some(&b"a"[..]), None, Some(&b""[..])]));
        for end in 0..row.len() {
            assert_eq!(Cells::of(&row[..end]).collect::<Option<Vec<_>>>(), None, "{end}");
        }
        let odd: Option<Vec<_>> = Cells::of(b"\0\x01\x80\0\0\0").collect();
        assert_eq!(odd, None);
        let longer: Option<Vec<_>> = Cells::of(b"\0\x01\0\0\0\x01ab").collect();
        assert_eq!(longer, None);
    }
}
