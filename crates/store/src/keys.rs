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
///   under the new key. Stopped or cut off at any point, it is taken up by the next one, or by the next start; until
///   then both keys are needed, and both open what they seal.
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
    /// `store_unavailable` when something cannot be written: repeating goes on from there. While another program
    /// holds the database, it waits.
    fn rotate(&self) -> BoxFuture<'_, Result<Rotation>>;

    /// How the move to the key that seals stands.
    ///
    /// # Errors
    ///
    /// `store_unavailable` when the store cannot be read.
    fn rotation(&self) -> BoxFuture<'_, Result<RotationState>>;

    /// Asks the rotation that is under way to stop, which it does once the few envelopes at hand are wrapped. Where none
    /// is, nothing happens.
    fn stop(&self);

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
    /// Whether it was asked to stop before it had come to its end.
    pub stopped: bool,
}

/// How the move of what is stored to the key that seals stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RotationState {
    /// All is sealed with it, but for what does not open.
    Done,
    /// A rotation is under way.
    Running(Progress),
    /// A rotation is under way, and ends in a moment since it was asked to stop.
    Stopping(Progress),
    /// The last rotation was stopped or failed: the next one goes on, and so does the next start.
    Unfinished,
}

/// How far a rotation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// How many envelopes it has wrapped anew.
    pub moved: u64,
    /// How many it had to wrap when it began. One that is written anew meanwhile need not be.
    pub of: u64,
}
