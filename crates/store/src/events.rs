//! `Events`: webhooks that were accepted, and how far each has come on its way to its targets.

mod again;
mod tried;

use std::{fmt, time::Duration};

use trunkline_core::{BoxFuture, Error, Kind, Result};
use zeroize::Zeroizing;

pub use self::{
    again::{Redelivered, Redelivery},
    tried::Tried,
};
pub(crate) use self::{
    again::{Standing, Step},
    tried::Tries,
};

/// Keeps webhooks until they are forwarded, and for a while longer, so that another delivery of one is known.
///
/// # Behavior
///
/// - What [`Store`](crate::Store) says of documents, of what is done when a method returns, and of a store that is closed.
/// - An event is there once for an integration and an id, whoever adds it at the same time.
/// - Events go with their integration.
/// - Times are in milliseconds of Unix time.
pub trait Events: fmt::Debug + Send + Sync {
    /// Adds an event that waits to be forwarded, unless it is there. Says whether it is new. Events whose time is over go,
    /// a few with each; so does the oldest one of the integration that waits for nothing, where there are as many as may be.
    ///
    /// # Errors
    ///
    /// `overloaded` where all of these wait; `store_unavailable` when it cannot be written.
    fn add_event<'a>(&'a self, event: NewEvent<'a>) -> BoxFuture<'a, Result<bool>>;

    /// Events of an integration, the newest first, at most `most`; those that came before the one of this number, if one is
    /// given.
    ///
    /// # Errors
    ///
    /// `store_unavailable` when they cannot be read.
    fn events<'a>(
        &'a self,
        integration: &'a str,
        before: Option<u64>,
        most: u32,
    ) -> BoxFuture<'a, Result<Vec<StoredEvent>>>;

    /// An event, and what came.
    ///
    /// # Errors
    ///
    /// `store_unavailable` when it cannot be read. Where what came is damaged, that is in the second of the two.
    fn event<'a>(&'a self, integration: &'a str, id: &'a str) -> BoxFuture<'a, Result<Option<WholeEvent>>>;

    /// The integrations and targets that deliveries wait for, with the time when the first of them is due.
    ///
    /// # Errors
    ///
    /// As [`Events::events`].
    fn lanes(&self) -> BoxFuture<'_, Result<Vec<Lane>>>;

    /// Deliveries that wait for a target, by the time when they are due; at most `most`.
    ///
    /// # Errors
    ///
    /// As [`Events::events`].
    fn waiting<'a>(
        &'a self,
        integration: &'a str,
        target: &'a str,
        most: u32,
    ) -> BoxFuture<'a, Result<Vec<Waiting>>>;

    /// Takes events whose time is over away, at most a few hundred. Says whether there may be more of them.
    ///
    /// # Errors
    ///
    /// As [`Events::attempted`].
    fn expire(&self, now_ms: i64) -> BoxFuture<'_, Result<bool>>;

    /// Says that an attempt at a delivery begins which must not be made again once it is `until_ms`, unless it was surely not
    /// done. It is known until it is said what became of it. Of one that was cut off before, what was said then holds too.
    ///
    /// # Errors
    ///
    /// As [`Events::attempted`].
    fn begins(&self, number: u64, until_ms: i64) -> BoxFuture<'_, Result<()>>;

    /// Says what became of an attempt at a delivery. Of one that is not there any more nothing is.
    ///
    /// # Errors
    ///
    /// `store_unavailable` when it cannot be written.
    fn attempted<'a>(&'a self, number: u64, attempted: Attempted<'a>) -> BoxFuture<'a, Result<()>>;

    /// Lets an event wait to be forwarded once more, from the beginning, as [`Redelivery`] says; `None` where there is no such
    /// event.
    ///
    /// # Errors
    ///
    /// As [`Events::attempted`].
    fn redeliver<'a>(
        &'a self,
        integration: &'a str,
        id: &'a str,
        asked: Redelivery<'a>,
    ) -> BoxFuture<'a, Result<Option<Redelivered>>>;
}

/// An event that came.
#[derive(Clone, Copy)]
pub struct NewEvent<'a> {
    /// Where it came.
    pub integration: &'a str,
    /// What tells it from all others of the integration.
    pub id: &'a str,
    /// Its type, where that is known.
    pub r#type: Option<&'a str>,
    /// What came.
    pub document: &'a [u8],
    /// Where it is to be forwarded.
    pub targets: &'a [&'a str],
    /// The present.
    pub now_ms: i64,
    /// Until then it is remembered.
    pub until_ms: i64,
    /// So many of the integration there may be, this one among them.
    pub most: u32,
}

impl fmt::Debug for NewEvent<'_> {
    /// Without what came.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewEvent")
            .field("integration", &self.integration)
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

/// What is known of an event.
#[derive(Debug, Clone)]
pub struct StoredEvent {
    /// In the order in which they came.
    pub number: u64,
    /// What tells it from all others of the integration.
    pub id: String,
    /// Its type, where that is known.
    pub r#type: Option<String>,
    /// When it came.
    pub received_ms: i64,
    /// How far it has come on its way to each target.
    pub deliveries: Vec<Delivery>,
}

/// An event and what came.
pub struct WholeEvent {
    /// What is known of it.
    pub event: StoredEvent,
    /// What came, or why it cannot be read.
    pub document: Result<Zeroizing<Vec<u8>>>,
}

impl fmt::Debug for WholeEvent {
    /// Without what came.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WholeEvent").field("event", &self.event).finish_non_exhaustive()
    }
}

/// An event on its way to a target.
#[derive(Debug, Clone)]
pub struct Delivery {
    /// The target.
    pub target: String,
    /// How far it has come.
    pub state: DeliveryState,
    /// How often it was tried.
    pub attempts: u32,
    /// When it is tried next, where it waits.
    pub due_ms: i64,
    /// Its attempts, the oldest first; of many only the latest.
    pub tries: Vec<Tried>,
}

impl Delivery {
    /// Why the last attempt was in vain, if it was.
    pub fn reason(&self) -> Option<&str> {
        self.tries.last()?.reason.as_deref()
    }
}

/// How far an event has come on its way to a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeliveryState {
    /// It is tried when it is due.
    Waits,
    /// It has arrived.
    Forwarded,
    /// It is tried no more.
    PutAside,
}

impl DeliveryState {
    /// As it is stored.
    pub(crate) fn number(self) -> i64 {
        match self {
            Self::Waits => 0,
            Self::Forwarded => 1,
            Self::PutAside => 2,
        }
    }

    /// What is stored. A number that is none is tried no more.
    pub(crate) fn of(number: i64) -> Self {
        match number {
            0 => Self::Waits,
            1 => Self::Forwarded,
            _ => Self::PutAside,
        }
    }
}

/// Where deliveries wait.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lane {
    /// Where the events came.
    pub integration: String,
    /// Where they go.
    pub target: String,
    /// When the first of them is due.
    pub due_ms: i64,
}

/// A delivery that waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// The delivery.
    pub number: u64,
    /// The id of the event.
    pub event: String,
    /// How often it was tried.
    pub attempts: u32,
    /// When it is tried next.
    pub due_ms: i64,
    /// How often somebody had it made anew.
    pub round: u32,
    /// Until when it may be made again, where what became of an attempt of this round is not known.
    pub until_ms: Option<i64>,
    /// Whether [`Events::begins`] was said of it, and nothing since: that attempt was cut off.
    pub begun: bool,
}

/// What became of an attempt at a delivery.
#[derive(Debug, Clone, Copy)]
pub struct Attempted<'a> {
    /// How far it has come by that.
    pub state: DeliveryState,
    /// When it is tried next, where it waits.
    pub due_ms: i64,
    /// When it was made, and why it was in vain if it was.
    pub tried: &'a Tried,
    /// Whether it may have been done though it was in vain.
    pub doubtful: bool,
    /// Whether the service refused it under a key by which it knows a repetition: then no attempt of its round was done either.
    pub refused: bool,
}

/// As many events of an integration wait as there may be.
pub(crate) fn full(most: u32) -> Error {
    let message = format!(
        "{most} events of the integration wait to be forwarded, and no more can be kept; see where they go, or set webhooks.keep"
    );
    Error::new(Kind::Overloaded, message).retry_after(Duration::from_secs(60))
}
