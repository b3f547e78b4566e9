//! The trait that the master keys of a running store are looked after through.

use std::fmt;

use trunkline_core::{BoxFuture, Result};

use crate::KeyId;

/// Lists, replaces and removes the master keys of a store that is in use.
///
/// # Behavior
///
/// - A key is durable in the key file before anything is sealed with it.
/// - A rotation wraps data keys anew, a few at a time, while others read and write; what is written meanwhile is
///   under the new key. Cut off at any point, it is taken up by the next one, or by the next start.
/// - No key that something stored needs is removed.
/// - No method gives away a key, only ids.
pub trait Keys: fmt::Debug + Send + Sync {
    /// The keys that are given, the one that seals first, and those that are missing.
    ///
    /// # Errors
    ///
    /// `store_unavailable` when the store cannot be read.
    fn list(&self) -> BoxFuture<'_, Result<Vec<KeyUse>>>;

    /// Puts a new key in front and wraps everything with it. Where the operator has put one in front of the file
    /// by hand, that one is taken; where the last rotation did not end, that one is ended.
    ///
    /// # Errors
    ///
    /// `unsupported`, saying what to do instead, where the keys are not in a file or it cannot be written;
    /// `conflict` while another rotation is under way, or when the file has lost a key that is needed;
    /// `store_unavailable` when something cannot be written: repeating goes on from there.
    fn rotate(&self) -> BoxFuture<'_, Result<Rotation>>;

    /// Forgets an older key and takes it out of the key file.
    ///
    /// # Errors
    ///
    /// `conflict` when it seals, or something is still sealed with it; `invalid_config` when there is no such key;
    /// `unsupported`, saying what to do instead, as [`Keys::rotate`]; `store_unavailable`.
    fn remove(&self, id: KeyId) -> BoxFuture<'_, Result<()>>;
}

/// What a master key is used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyUse {
    /// The key.
    pub id: KeyId,
    /// Whether it is the one that seals.
    pub primary: bool,
    /// Whether it is given; otherwise what is sealed with it does not open.
    pub given: bool,
    /// How many envelopes are sealed with it.
    pub envelopes: u64,
}

/// What a rotation has done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rotation {
    /// The key that seals now.
    pub primary: KeyId,
    /// Those that can be removed, unless a backup needs them.
    pub older: Vec<KeyId>,
    /// How many envelopes were wrapped anew.
    pub rewrapped: u64,
    /// How many were left as they are, since they do not open.
    pub left: u64,
}
