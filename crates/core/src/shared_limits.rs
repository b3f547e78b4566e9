//! `SharedLimits`: the trait behind which several servers count together what they take of a limit.

use std::{fmt, time::Duration};

use futures_util::future::BoxFuture;
use schemars::JsonSchema;
use serde::Serialize;
use tokio::time::Instant;

use crate::Result;

/// Counts the attempts of several servers together.
///
/// # Behavior
///
/// - In no stretch of a limit's time is more taken of it than it says, by all servers together.
/// - An attempt takes from all the limits that it is asked about, or from none of them.
/// - [`standing`](Self::standing) is asked for every attempt: it waits for nothing.
/// - A counter that does not answer within a quarter of a second is given up: [`take`](Self::take) fails, the
///   standing says who counts instead, and it is the counter's own business to find out when it is back.
/// - A `take` whose future is dropped has taken what it asked for, or nothing.
pub trait SharedLimits: fmt::Debug + Send + Sync + 'static {
    /// Who counts now.
    fn standing(&self) -> Standing;

    /// Takes what an attempt weighs from all of these limits, if all of them have it. With `anyhow` it is taken even if
    /// they have not. `owner` is whose limits they are: an integration's id, followed by `/` and a connection's name
    /// where it is not the default one.
    ///
    /// # Errors
    ///
    /// `unavailable` when the counter cannot be asked; what was taken is then not known.
    fn take<'a>(&'a self, owner: &'a str, takes: &'a [Take], anyhow: bool) -> BoxFuture<'a, Result<Taken>>;

    /// Counts no more. Other servers learn that there is one less of them.
    fn close(&self) -> BoxFuture<'_, ()>;
}

/// Who counts, and since when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// Who counts.
    pub counted: Counted,
    /// How many servers there are, as was last known; at least one.
    pub servers: u32,
    /// How often it has changed who counts: what is known of one time holds no more in the next.
    pub change: u64,
    /// When it changed last.
    pub since: Instant,
}

/// Who counts what is taken of the limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Counted {
    /// This server, for itself.
    Here,
    /// All servers together.
    Shared,
    /// This server, its share of each limit: the shared counter is out of reach.
    LocalShare,
    /// This server, each limit whole: the shared counter is out of reach.
    Open,
    /// Nobody, and nothing passes: the shared counter is out of reach.
    Closed,
}

/// What an attempt takes of one limit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Take {
    /// Which limit of the integration it is. The length of its time is part of the name.
    pub limit: String,
    /// So much …
    pub requests: u32,
    /// … in any stretch of this time.
    pub per: Duration,
    /// So much of it at once.
    pub burst: u32,
    /// What the attempt takes.
    pub weight: u32,
    /// What was taken where the counter did not see it.
    pub unseen: Option<Unseen>,
}

/// What was taken of a limit before it came (back) to the counter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unseen {
    /// By this server, in the time of the limit.
    pub taken: u32,
    /// By others who have not said so yet, up to this.
    pub up_to: u32,
}

/// What a counter answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken {
    /// Zero if it was taken; else nothing was, and it can be in this time at the earliest.
    pub wait: Duration,
    /// How the limits stand now, in the order in which they were asked about.
    pub levels: Vec<Level>,
}

/// What all servers have taken of a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Level {
    /// In the stretch of time that ends now.
    pub recent: u32,
    /// How far ahead of an even pace that is.
    pub ahead: Duration,
}
