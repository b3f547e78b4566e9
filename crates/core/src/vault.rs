//! `Vault`: where a scheme keeps what it was granted, so that it outlives the process and can be shared.

use std::fmt;

use futures_util::future::BoxFuture;
use zeroize::Zeroizing;

use crate::Result;

/// One document of a scheme: what was granted to one connection of an integration.
///
/// # Behavior
///
/// - What was saved survives a kill and a power loss, and is sealed wherever it is kept.
/// - Of several who save at the same generation one succeeds; the others get `conflict`. So whoever writes down that
///   it is about to exchange a grant has a lease on it: others read that, and wait for what comes of it.
/// - When the connection or its integration is removed, the document goes with it, and [`save`](Vault::save) at its
///   generation fails with `unknown_connection`.
pub trait Vault: fmt::Debug + Send + Sync + 'static {
    /// What is kept, if anything is.
    ///
    /// # Errors
    ///
    /// `store_unavailable` when nothing can be read.
    fn load(&self) -> BoxFuture<'_, Result<Option<Kept>>>;

    /// Keeps `document` in the place of what is at generation `expected`, or of nothing, and says its generation.
    ///
    /// # Errors
    ///
    /// `conflict`, `unknown_connection`, `store_unavailable`.
    fn save<'a>(&'a self, expected: Option<u64>, document: &'a [u8]) -> BoxFuture<'a, Result<u64>>;

    /// Whether other processes may save too. Otherwise what another one has begun ended with it.
    fn is_shared(&self) -> bool {
        false
    }
}

/// What a [`Vault`] keeps.
pub struct Kept {
    /// Which version it is; it never comes back.
    pub generation: u64,
    /// What was saved, or why that alone cannot be read: it can still be replaced.
    pub document: Result<Zeroizing<Vec<u8>>>,
}

impl fmt::Debug for Kept {
    /// Without the document: it holds secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Kept").field("generation", &self.generation).finish_non_exhaustive()
    }
}
