//! The trait that integrations, activity and the records of calls are kept behind.

use std::{fmt, time::Duration};

use trunkline_core::{BoxFuture, Error, Kind, Result};
use zeroize::Zeroizing;

use crate::{Events, Keys, Marks, Part, PartKind, Tokens};

/// Keeps integration documents, each under an id and a generation, their parts, segments of activity records, and records of
/// calls under their idempotency keys.
///
/// # Behavior
///
/// - Documents, segments and records are opaque bytes; what goes in comes out.
/// - A method that returned `Ok` is done: from a durable store it survives a kill and a power loss
///   (activity: a kill).
/// - A generation is larger than every one given out before, to whichever id, also after a delete. So it
///   can serve as an ETag that never returns.
/// - Of several writes that expect the same state, one succeeds; the others get `conflict`, or what the one
///   has begun.
/// - A write that fails changes nothing; where that is not known, the error's outcome is `unknown`. The
///   same holds when its future is dropped before it is ready: `load` tells.
/// - One damaged document does not keep the others from being read.
/// - Once [`close`](Store::close) has been called, every other method fails with `store_unavailable`.
pub trait Store: fmt::Debug + Send + Sync + 'static {
    /// What tells whoever has the store from all others, also after a restart, where nobody else can have it at the same time.
    fn instance(&self) -> Option<&str> {
        None
    }

    /// Every integration, in the order of the ids.
    ///
    /// # Errors
    ///
    /// `store_unavailable` when nothing can be read. A document that alone is damaged is an error in its
    /// [`Stored`], not here.
    fn load(&self) -> BoxFuture<'_, Result<Vec<Stored>>>;

    /// Stores `document` under `id` and returns its new generation. `expected` is the generation to
    /// replace; `None` says that the id must be free, and an integration that is new begins without parts.
    ///
    /// # Errors
    ///
    /// `conflict` when the id is taken or is at another generation (which the fact `generation` names),
    /// `unknown_integration` when the one to replace is missing, `store_unavailable` when it cannot be
    /// written.
    fn put<'a>(
        &'a self,
        id: &'a str,
        expected: Option<u64>,
        document: &'a [u8],
    ) -> BoxFuture<'a, Result<u64>>;

    /// Deletes `id` with its parts and its marks. `expected` is the generation to delete; `None` takes any.
    ///
    /// # Errors
    ///
    /// `conflict` when it is at another generation, `unknown_integration` when there is none,
    /// `store_unavailable` when it cannot be written.
    fn delete<'a>(&'a self, id: &'a str, expected: Option<u64>) -> BoxFuture<'a, Result<()>>;

    /// The part, if there is one.
    ///
    /// # Errors
    ///
    /// `store_unavailable` when it cannot be read. Where it alone is damaged, that is in its [`Stored`].
    fn part<'a>(&'a self, part: Part<'a>) -> BoxFuture<'a, Result<Option<Stored>>>;

    /// The parts of this kind that an integration has, in the order of their names, from the first one after
    /// `after` (which may be empty); at most `most` of them. The `id` of each is the connection's name.
    ///
    /// # Errors
    ///
    /// As [`part`](Store::part).
    fn parts<'a>(
        &'a self,
        kind: PartKind,
        integration: &'a str,
        after: &'a str,
        most: u32,
    ) -> BoxFuture<'a, Result<Vec<Stored>>>;

    /// Stores a part and returns its new generation; `expected` as in [`put`](Store::put). A connection that is new
    /// begins without a grant, and the first grant of a connection other than `default` needs that connection. Whether
    /// there is such an integration is not looked at.
    ///
    /// # Errors
    ///
    /// `conflict` when there is one already, or it is at another generation; `unknown_connection` when the one to
    /// replace is missing, or the connection of a grant is; `store_unavailable` when it cannot be written.
    fn put_part<'a>(
        &'a self,
        part: Part<'a>,
        expected: Option<u64>,
        document: &'a [u8],
    ) -> BoxFuture<'a, Result<u64>>;

    /// Deletes a part, and with a connection its grant; `expected` as in [`delete`](Store::delete).
    ///
    /// # Errors
    ///
    /// As [`put_part`](Store::put_part).
    fn delete_part<'a>(&'a self, part: Part<'a>, expected: Option<u64>) -> BoxFuture<'a, Result<()>>;

    /// Appends a segment of activity records and forgets all but the newest few. Segments are not
    /// sealed: secrets are masked before records come here.
    ///
    /// # Errors
    ///
    /// `store_unavailable` when it cannot be written.
    fn append_activity<'a>(&'a self, segment: &'a [u8]) -> BoxFuture<'a, Result<()>>;

    /// The segments that are kept, oldest first.
    ///
    /// # Errors
    ///
    /// `store_unavailable` when they cannot be read.
    fn load_activity(&self) -> BoxFuture<'_, Result<Vec<Vec<u8>>>>;

    /// Begins the call that `id`, an idempotency key, names: stores `record` under it, unless there is one that
    /// has not expired. Then nothing changes, and that is given back.
    ///
    /// # Errors
    ///
    /// `overloaded` when as many are kept as `term` allows, with the time until the first of them expires;
    /// `store_unavailable` when it cannot be written.
    fn begin_call<'a>(
        &'a self,
        id: &'a str,
        record: &'a [u8],
        term: CallTerm,
    ) -> BoxFuture<'a, Result<BegunCall>>;

    /// Ends the call that was begun at `generation`: `record` is kept for what is left of its time, or, with
    /// `None`, nothing is and the key is free.
    ///
    /// # Errors
    ///
    /// `conflict` when there is no record of this generation; `store_unavailable` when it cannot be written.
    fn end_call<'a>(
        &'a self,
        id: &'a str,
        generation: u64,
        record: Option<&'a [u8]>,
    ) -> BoxFuture<'a, Result<()>>;

    /// Where it is kept which calls of messages must not be made twice; `None` where it cannot be.
    fn marks(&self) -> Option<&dyn Marks> {
        None
    }

    /// Where webhooks are kept; `None` where they cannot be.
    fn events(&self) -> Option<&dyn Events> {
        None
    }

    /// Where API tokens are kept; `None` where they cannot be.
    fn tokens(&self) -> Option<&dyn Tokens> {
        None
    }

    /// The master keys that documents and records are sealed with; `None` where nothing is sealed.
    fn keys(&self) -> Option<&dyn Keys> {
        None
    }

    /// Reads as little as shows that the store answers, for a readiness check.
    ///
    /// # Errors
    ///
    /// `store_unavailable` when it does not.
    fn ping(&self) -> BoxFuture<'_, Result<()>>;

    /// Finishes what is being written and gives the files up. Calling it again does nothing.
    fn close(&self) -> BoxFuture<'_, ()>;
}

/// For how long a record of a call, or a mark, is kept, and how many there may be. Times are in milliseconds of Unix time.
#[derive(Debug, Clone, Copy)]
pub struct CallTerm {
    /// The present: what expires now is not there any more.
    pub now_ms: i64,
    /// When the record expires.
    pub until_ms: i64,
    /// As many records there may be, this one among them.
    pub most: u32,
}

/// What became of a call that was to begin.
#[derive(Debug)]
pub enum BegunCall {
    /// It begins now, at this generation.
    Now(u64),
    /// It was begun before: this was stored.
    Before(Stored),
}

/// One integration, part of one, record of a call, mark, or API token, as it is stored.
pub struct Stored {
    /// The integration's id, the connection's, the call's, the mark's, or the token's.
    pub id: String,
    /// The generation that it was stored at; 0 when it is too damaged to say.
    pub generation: u64,
    /// When it was stored, in milliseconds of Unix time.
    pub updated_at_ms: i64,
    /// What was put, or why it cannot be read.
    pub document: Result<Zeroizing<Vec<u8>>, Error>,
}

impl fmt::Debug for Stored {
    /// Without the document's content: it holds secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stored")
            .field("id", &self.id)
            .field("generation", &self.generation)
            .field("updated_at_ms", &self.updated_at_ms)
            .field("document", &self.document.as_ref().map(|document| format!("{} bytes", document.len())))
            .finish()
    }
}

/// The outcome of a compare-and-swap for a write of `id`, the same in every store. `at` is the stored
/// generation; a write with `create` needs a free id, one with `expected` that very generation.
pub(crate) fn compare(id: &str, at: Option<u64>, expected: Option<u64>, create: bool) -> Result<()> {
    let unknown =
        || Error::new(Kind::UnknownIntegration, "no such integration; list them to see which there are");
    swap(at, expected, create, unknown).map_err(|error| error.with("integration", id))
}

/// The same for a part.
pub(crate) fn compare_part(
    part: Part<'_>,
    at: Option<u64>,
    expected: Option<u64>,
    create: bool,
) -> Result<()> {
    let unknown =
        || Error::new(Kind::UnknownConnection, "no such connection; list them to see which there are");
    swap(at, expected, create, unknown).map_err(|error| named(error, part))
}

/// There is no connection of the name for which something was granted.
pub(crate) fn no_connection(part: Part<'_>) -> Error {
    let message = "no such connection any more: what was granted to it is not kept";
    named(Error::new(Kind::UnknownConnection, message), part)
}

fn named(error: Error, part: Part<'_>) -> Error {
    error.with("integration", part.integration).with("connection", part.connection)
}

fn swap(at: Option<u64>, expected: Option<u64>, create: bool, unknown: impl Fn() -> Error) -> Result<()> {
    let error = match (at, expected) {
        (None, None) if create => return Ok(()),
        (None, _) => return Err(unknown()),
        (Some(_), None) if !create => return Ok(()),
        (Some(at), Some(expected)) if at == expected => return Ok(()),
        (Some(at), None) => Error::new(Kind::Conflict, "the id is taken; replace it, or choose another")
            .with("generation", at.to_string()),
        (Some(at), Some(_)) => {
            Error::new(Kind::Conflict, "changed since it was read; read it again and repeat")
                .with("generation", at.to_string())
        }
    };
    Err(error)
}

/// What is kept of callers.
pub(crate) const CALLS: &str = "calls with an idempotency key";

/// There is no room for another one of `what`; the first to go expires at `oldest`.
pub(crate) fn full(what: &str, term: CallTerm, oldest: Option<i64>) -> Error {
    let wait = oldest.map_or(0, |oldest| oldest.saturating_sub(term.now_ms));
    let message = format!(
        "{} {what} are remembered, and no more can be; wait until older ones are forgotten",
        term.most
    );
    Error::new(Kind::Overloaded, message).retry_after(Duration::from_millis(u64::try_from(wait).unwrap_or(0)))
}

/// The record of a call that was to be ended is another by now.
pub(crate) fn superseded() -> Error {
    Error::new(Kind::Conflict, "the record of the call was forgotten, or is another's by now")
}
