//! The trait that the registry keeps its integrations and its activity behind.

use std::fmt;

use trunkline_core::{BoxFuture, Error, Result};
use zeroize::Zeroizing;

/// Keeps integration documents, each under an id and a generation, and segments of activity records.
///
/// # Behavior
///
/// - Documents and segments are opaque bytes; what goes in comes out.
/// - A method that returned `Ok` is done: from a durable store it survives a kill and a power loss
///   (activity: a kill).
/// - A generation is larger than every one given out before, to whichever id, also after a delete. So it
///   can serve as an ETag that never returns.
/// - Of several writes that expect the same state, one succeeds; the others get `conflict`.
/// - A write that fails changes nothing; where that is not known, the error's outcome is `unknown`. The
///   same holds when its future is dropped before it is ready: `load` tells.
/// - One damaged document does not keep the others from being read.
/// - Once [`close`](Store::close) has been called, every other method fails with `store_unavailable`.
pub trait Store: fmt::Debug + Send + Sync + 'static {
    /// Every integration, in the order of the ids.
    ///
    /// # Errors
    ///
    /// `store_unavailable` when nothing can be read. A document that alone is damaged is an error in its
    /// [`Stored`], not here.
    fn load(&self) -> BoxFuture<'_, Result<Vec<Stored>>>;

    /// Stores `document` under `id` and returns its new generation. `expected` is the generation to
    /// replace; `None` says that the id must be free.
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

    /// Deletes `id`. `expected` is the generation to delete; `None` takes any.
    ///
    /// # Errors
    ///
    /// `conflict` when it is at another generation, `unknown_integration` when there is none,
    /// `store_unavailable` when it cannot be written.
    fn delete<'a>(&'a self, id: &'a str, expected: Option<u64>) -> BoxFuture<'a, Result<()>>;

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

    /// Reads as little as shows that the store answers, for a readiness check.
    ///
    /// # Errors
    ///
    /// `store_unavailable` when it does not.
    fn ping(&self) -> BoxFuture<'_, Result<()>>;

    /// Finishes what is being written and gives the files up. Calling it again does nothing.
    fn close(&self) -> BoxFuture<'_, ()>;
}

/// One integration as it is stored.
pub struct Stored {
    /// The integration's id.
    pub id: String,
    /// The generation that [`Store::put`] returned for it; 0 when it is too damaged to say.
    pub generation: u64,
    /// When it was put, in milliseconds of Unix time.
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
    use trunkline_core::Kind;
    let error = match (at, expected) {
        (None, None) if create => return Ok(()),
        (None, _) => {
            Error::new(Kind::UnknownIntegration, "no such integration; list them to see which there are")
        }
        (Some(_), None) if !create => return Ok(()),
        (Some(at), Some(expected)) if at == expected => return Ok(()),
        (Some(at), None) => Error::new(Kind::Conflict, "the id is taken; replace it, or choose another")
            .with("generation", at.to_string()),
        (Some(at), Some(_)) => {
            Error::new(Kind::Conflict, "changed since it was read; read it again and repeat")
                .with("generation", at.to_string())
        }
    };
    Err(error.with("integration", id))
}

/// The present Unix time in milliseconds.
pub(crate) fn now_ms() -> i64 {
    std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}
