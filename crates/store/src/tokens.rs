//! The trait that what is known of API tokens is kept behind.

use std::fmt;

use trunkline_core::{BoxFuture, Error, Kind, Result};

use crate::Stored;

/// Keeps a document for each API token, under the token's id.
///
/// # Behavior
///
/// - What [`Store`](crate::Store) says of documents, of what is done when a method returns, and of a store that is closed.
/// - A document is never replaced: a token is made once and removed once.
pub trait Tokens: fmt::Debug + Send + Sync {
    /// Every token, in the order in which they were added. The `updated_at_ms` of each is when that was.
    ///
    /// # Errors
    ///
    /// `store_unavailable` when nothing can be read. A document that alone is damaged is an error in its [`Stored`], not
    /// here.
    fn list(&self) -> BoxFuture<'_, Result<Vec<Stored>>>;

    /// Adds a token.
    ///
    /// # Errors
    ///
    /// `conflict` when the id is taken; `store_unavailable` when it cannot be written.
    fn add<'a>(&'a self, id: &'a str, document: &'a [u8]) -> BoxFuture<'a, Result<()>>;

    /// Removes a token, also one whose document is damaged. Says whether it was there.
    ///
    /// # Errors
    ///
    /// `store_unavailable` when it cannot be written.
    fn remove<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<bool>>;
}

/// Another token has the id.
pub(crate) fn taken() -> Error {
    Error::new(Kind::Conflict, "a token of this id exists")
}
