//! `Pending`: requests that were sent on one connection and are not answered yet.

use std::collections::{HashMap, VecDeque};

use bytes::Bytes;
use trunkline_core::{Error, Kind, Outcome, Reply, Result};

use super::{
    correlation::{Correlation, Ids, Order, Slot, restored},
    socket::Message,
    waiter::Waiter,
};
use crate::json::{Found, range};

/// Requests without an answer.
pub(super) enum Pending {
    /// By an id: the number of a request on this connection.
    Id {
        /// The number of the first, and of the next.
        first: u64,
        next: u64,
        /// What stands before the number in ids that are texts.
        prefix: Option<String>,
        waiting: HashMap<u64, (Waiter<Reply>, Option<Box<str>>)>,
    },
    /// In their order; none for a message whose answer nobody wants.
    Order { waiting: VecDeque<Option<Waiter<Reply>>>, pipelined: bool },
}

/// What a message turns out to be.
pub(super) enum Answer {
    /// The answer to a request.
    To(Waiter<Reply>, Message),
    /// The same, which turned out to be JSON.
    Json(Waiter<Reply>, Bytes),
    /// The answer to a request that nobody waits for any more.
    Late,
    /// The answer to a message whose answer nobody wants.
    Unwanted,
    /// No answer.
    None(Message),
}

/// Where the numbers of a connection begin. There is room above for those of a service that has 32 bits for them.
const FIRST: std::ops::Range<u64> = 1_000_000..1_000_000_000;
/// No connection lives to see so many.
const AHEAD: u64 = 1_000_000_000;
/// No more than so many requests are under way on a connection.
const MOST: usize = 10_000;

impl Pending {
    /// None, on a new connection.
    pub(super) fn new(correlation: &Correlation) -> Self {
        match correlation {
            Correlation::Order(order) => {
                Self::Order { waiting: VecDeque::new(), pipelined: *order == Order::Pipelined }
            }
            Correlation::Id { ids, .. } => {
                // Another one on each connection: nobody takes an answer for one that was asked for on another.
                let prefix = (*ids == Ids::Text).then(|| format!("{:016x}-", fastrand::u64(..)));
                // Services count their own requests from 1: theirs are not to be taken for answers to ours.
                let first = fastrand::u64(FIRST);
                Self::Id { first, next: first, prefix, waiting: HashMap::new() }
            }
        }
    }

    /// Whether one more request can be sent.
    pub(super) fn takes(&self) -> bool {
        match self {
            Self::Id { waiting, .. } => waiting.len() < MOST,
            Self::Order { waiting, pipelined: true } => waiting.len() < MOST,
            Self::Order { waiting, pipelined: false } => waiting.is_empty(),
        }
    }

    /// A request is sent; gives the message as it goes out.
    pub(super) fn ask(&mut self, message: Message, slot: Option<Slot>, waiter: Waiter<Reply>) -> Message {
        match self {
            Self::Order { waiting, .. } => {
                waiting.push_back(Some(waiter));
                message
            }
            Self::Id { next, prefix, waiting, .. } => {
                let number = *next;
                *next += 1;
                let (Some(slot), Message::Text(text)) = (slot, &message) else { return message };
                // It was found in this very text, which is UTF-8.
                let text = std::str::from_utf8(text).unwrap_or_default();
                let filled = match prefix {
                    None => slot.fill(text, number),
                    Some(prefix) => slot.fill(text, format_args!("\"{prefix}{number}\"")),
                };
                waiting.insert(number, (waiter, slot.own));
                Message::Text(filled.into())
            }
        }
    }

    /// A message is sent whose answer nobody wants.
    ///
    /// # Errors
    ///
    /// `invalid_config` where its answer could be taken for that of a request.
    pub(super) fn say(&mut self, message: &Message, correlation: &Correlation) -> Result<()> {
        match self {
            Self::Order { waiting, pipelined: true } => waiting.push_back(None),
            Self::Order { .. } => {}
            Self::Id { first, prefix, .. } => {
                let (Correlation::Id { request, .. }, Message::Text(text)) = (correlation, message) else {
                    return Ok(());
                };
                let found = std::str::from_utf8(text).map(|text| request.find(text));
                if let Ok(Found::Value(id)) = found
                    && number(id, prefix.as_deref())
                        .is_some_and(|number| (*first..*first + AHEAD).contains(&number))
                {
                    return Err(Error::invalid(
                        "message: its id is one of those that Trunkline gives requests; use another",
                    ));
                }
            }
        }
        Ok(())
    }

    /// Finds out what a message answers.
    pub(super) fn answer(&mut self, message: Message, correlation: &Correlation) -> Answer {
        let (ours, prefix, waiting) = match self {
            Self::Order { waiting, .. } => {
                return match waiting.pop_front() {
                    Some(Some(waiter)) => Answer::To(waiter, message),
                    Some(None) => Answer::Unwanted,
                    None => Answer::None(message),
                };
            }
            Self::Id { first, next, prefix, waiting } => (*first..*next, prefix.as_deref(), waiting),
        };
        let (Correlation::Id { reply, .. }, Message::Text(text)) = (correlation, &message) else {
            return Answer::None(message);
        };
        let Ok(json) = std::str::from_utf8(text) else { return Answer::None(message) };
        let Found::Value(id) = reply.find(json) else { return Answer::None(message) };
        // Another's id is no id of ours.
        let Some(number) = number(id, prefix).filter(|number| ours.contains(number)) else {
            return Answer::None(message);
        };
        match waiting.remove(&number) {
            Some((waiter, own)) => {
                let range = range(json, id);
                let Message::Text(text) = message else { return Answer::None(message) };
                Answer::Json(waiter, restored(text, range, own.as_deref()))
            }
            None => Answer::Late,
        }
    }

    /// Somebody who waited may have gone away.
    ///
    /// # Errors
    ///
    /// `unavailable` where the answer to come could be taken for that of another request.
    pub(super) fn tend(&mut self) -> Result<()> {
        match self {
            Self::Id { waiting, .. } => waiting.retain(|_, (waiter, _)| !waiter.is_gone()),
            Self::Order { waiting, .. } => {
                if waiting.iter().flatten().any(Waiter::is_gone) {
                    let message = "another request on the connection was not answered in time, and the connection was given up with it: \
                        nobody could tell its answer from the next one's";
                    return Err(Error::new(Kind::Unavailable, message).outcome_is(Outcome::Unknown));
                }
            }
        }
        Ok(())
    }

    /// Whether nobody waits.
    pub(super) fn is_empty(&self) -> bool {
        match self {
            Self::Id { waiting, .. } => waiting.is_empty(),
            Self::Order { waiting, .. } => waiting.iter().all(Option::is_none),
        }
    }

    /// All who wait.
    pub(super) fn drain(&mut self) -> impl Iterator<Item = Waiter<Reply>> + use<> {
        let waiting: Vec<_> = match self {
            Self::Id { waiting, .. } => waiting.drain().map(|(_, (waiter, _))| waiter).collect(),
            Self::Order { waiting, .. } => waiting.drain(..).flatten().collect(),
        };
        waiting.into_iter()
    }
}

/// The number in an id, which services write as they like: as a text, or with a point.
fn number(id: &str, prefix: Option<&str>) -> Option<u64> {
    let Some(prefix) = prefix else {
        let (whole, rest) = id.trim_matches('"').split_once('.').unwrap_or((id.trim_matches('"'), ""));
        return whole.parse().ok().filter(|_| rest.bytes().all(|digit| digit == b'0'));
    };
    id.strip_prefix('"')?.strip_prefix(prefix)?.strip_suffix('"')?.parse().ok()
}
