//! `Marks`: what is written down of messages before their calls, where a call must not be made twice.

use std::{fmt, ops::Range};

use trunkline_core::{BoxFuture, Result};

use crate::{CallTerm, Stored};

/// Keeps marks: of each message whose call begins one, until it is known what became of it.
///
/// # Behavior
///
/// - What [`Store`](crate::Store) says of records, of generations, of what is done when a method returns, and of a store that is
///   closed.
/// - A name is what a message is known by. There may be several marks of one name: messages that are the same have one each.
/// - Marks go with their integration.
/// - They are counted apart from the calls with an idempotency key.
pub trait Marks: fmt::Debug + Send + Sync {
    /// Writes several things down at once, in this order: all of them, or none where this fails. What became of each is said in
    /// the same order.
    ///
    /// # Errors
    ///
    /// `store_unavailable` when it cannot be written. Of single ones `overloaded`, where as many are kept as `term` allows, with
    /// the time until the first of them expires.
    fn write<'a>(
        &'a self,
        marks: &'a [MarkWrite<'a>],
        term: CallTerm,
    ) -> BoxFuture<'a, Result<Vec<Result<Marked>>>>;

    /// Forgets all marks of an integration.
    ///
    /// # Errors
    ///
    /// `store_unavailable` when it cannot be written.
    fn forget<'a>(&'a self, integration: &'a str) -> BoxFuture<'a, Result<()>>;
}

/// Something that is written down.
#[derive(Clone, Copy)]
pub enum MarkWrite<'a> {
    /// A call begins: a mark is added, unless there are others of the name. Then nothing is added and those are given back, with
    /// at least half of the time before them that a new one would have.
    Begin {
        /// The integration that the message came to.
        integration: &'a str,
        /// What the message is known by, without a slash.
        name: &'a str,
        /// What is written down.
        record: &'a [u8],
        /// Whether it is added though there are others.
        beside: bool,
    },
    /// What became of a call is known: `record` is kept for what is left of the time of its mark, or nothing is. Of a mark that is
    /// not there any more nothing is.
    End {
        /// The id of the mark.
        id: &'a str,
        /// What is written down.
        record: Option<&'a [u8]>,
    },
}

impl fmt::Debug for MarkWrite<'_> {
    /// Without what is written down.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Begin { integration, name, .. } => f
                .debug_struct("Begin")
                .field("integration", integration)
                .field("name", name)
                .finish_non_exhaustive(),
            Self::End { id, .. } => f.debug_struct("End").field("id", id).finish_non_exhaustive(),
        }
    }
}

/// What became of it.
#[derive(Debug)]
pub enum Marked {
    /// The call begins, and its mark has this id.
    Now(String),
    /// There are marks of its name. One that is damaged says so in its document, and can be ended all the same.
    Before(Vec<Stored>),
    /// It is ended.
    Ended,
}

/// No idempotency key of a caller has a space in it.
const PREFIX: &str = "forward ";

/// The ids of all marks.
pub(crate) fn all() -> Range<String> {
    // What follows the space.
    PREFIX.to_owned().."forward!".to_owned()
}

/// The ids of the marks of an integration, of which none has a slash in its id.
pub(crate) fn of(integration: &str) -> Range<String> {
    // `0` is what follows the slash.
    format!("{PREFIX}{integration}/")..format!("{PREFIX}{integration}0")
}

/// The ids of the marks of a name.
pub(crate) fn named(integration: &str, name: &str) -> Range<String> {
    format!("{PREFIX}{integration}/{name}/")..format!("{PREFIX}{integration}/{name}0")
}

/// The id that a mark of this name had before it told the integration.
pub(crate) fn once_named(name: &str) -> String {
    format!("{PREFIX}{name}")
}

/// The id of a new mark, whose generation no other has.
pub(crate) fn id(integration: &str, name: &str, generation: u64) -> String {
    format!("{PREFIX}{integration}/{name}/{generation}")
}

/// Whether a mark that expires then has less than half of the time before it that a new one would have.
pub(crate) fn is_short(until_ms: i64, term: CallTerm) -> bool {
    until_ms.saturating_sub(term.now_ms) < term.until_ms.saturating_sub(term.now_ms) / 2
}

/// What there are too many of.
pub(crate) const FULL: &str = "messages whose calls must not be made twice";
