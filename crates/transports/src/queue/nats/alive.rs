//! `Alive`: what a server says of a connection by the way, rather than to a question: that it is lost, what the login may not
//! do, and how much of what was sent it has read.

use std::{
    collections::HashMap,
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
};

use tokio::sync::{Notify, watch};
use trunkline_core::{Error, Kind, Outcome};

/// Whether a connection is there, and what the server has said.
#[derive(Debug, Default)]
pub(super) struct Alive {
    ended: AtomicBool,
    bell: Notify,
    /// How many echoes were sent.
    sent: AtomicU64,
    /// The highest number of an echo that has come back.
    heard: watch::Sender<u64>,
    refused: watch::Sender<Refused>,
}

/// Subjects that the login may not use, each with the count of refusals when it was refused last.
#[derive(Debug, Default)]
struct Refused {
    count: u64,
    of: HashMap<String, u64>,
}

/// A moment: what is refused from then on is of interest.
#[derive(Debug, Clone, Copy)]
pub(super) struct Moment(u64);

/// So many subjects that were refused are remembered.
const REMEMBERED: usize = 1000;

impl Alive {
    /// It is lost.
    pub(super) fn end(&self) {
        self.ended.store(true, Ordering::Release);
        self.bell.notify_waiters();
    }

    /// Whether it is not lost, as far as is known.
    pub(super) fn is(&self) -> bool {
        !self.ended.load(Ordering::Acquire)
    }

    /// Waits until the connection is lost.
    pub(super) async fn ended(&self) {
        let rung = self.bell.notified();
        if self.is() {
            rung.await;
        }
    }

    /// The number of an echo that is about to be sent.
    pub(super) fn echo(&self) -> u64 {
        self.sent.fetch_add(1, Ordering::AcqRel) + 1
    }

    /// An echo has come back, so the server has read what was sent before it, and before those with a lower number.
    pub(super) fn echoed(&self, number: u64) {
        self.heard.send_if_modified(|heard| {
            let more = number > *heard;
            *heard = number.max(*heard);
            more
        });
    }

    /// Waits until an echo, or a later one, has come back.
    pub(super) async fn heard(&self, number: u64) {
        // It is never closed: its sender is here.
        let _ = self.heard.subscribe().wait_for(|heard| *heard >= number).await;
    }

    /// The server has said that something went wrong.
    pub(super) fn says(&self, error: &str) {
        let Some(subject) = forbidden(error) else { return };
        self.refused.send_modify(|refused| {
            refused.count += 1;
            if refused.of.len() >= REMEMBERED {
                refused.of.clear();
            }
            refused.of.insert(subject.to_owned(), refused.count);
        });
    }

    /// Now.
    pub(super) fn now(&self) -> Moment {
        Moment(self.refused.borrow().count)
    }

    /// Whether the login may not use a subject, as the server has said since a moment.
    pub(super) fn refuses(&self, subject: &str, since: Moment) -> bool {
        self.refused.borrow().has(subject, since)
    }

    /// Waits until the server says so of a subject that begins like this, and names it.
    pub(super) async fn refused_beneath(&self, prefix: &str, since: Moment) -> String {
        let mut refused = self.refused.subscribe();
        let named = |refused: &Refused| {
            let mut all =
                refused.of.iter().filter(|(subject, count)| subject.starts_with(prefix) && **count > since.0);
            all.next().map(|(subject, _)| subject.clone())
        };
        let found = refused.wait_for(|refused| named(refused).is_some()).await;
        found.ok().and_then(|refused| named(&refused)).unwrap_or_default()
    }

    /// Waits until the server says so.
    pub(super) async fn refused(&self, subject: &str, since: Moment) {
        let _ = self.refused.subscribe().wait_for(|refused| refused.has(subject, since)).await;
    }
}

impl Refused {
    fn has(&self, subject: &str, since: Moment) -> bool {
        self.of.get(subject).is_some_and(|count| *count > since.0)
    }
}

/// The subject that is not for this login, in what a server says of it: `Permissions Violation for Publish to "orders"`, or
/// `… for Subscription to "orders" using queue "billing"`.
fn forbidden(error: &str) -> Option<&str> {
    let (_, behind) = error.split_once("Permissions Violation for ")?.1.split_once(" to \"")?;
    behind.split('"').next()
}

/// The login may not do this with a subject.
pub(super) fn forbids(what: &str, subject: &str) -> Error {
    let message = format!("the login may not {what} {subject}; see its permissions in NATS");
    Error::new(Kind::Forbidden, message).outcome_is(Outcome::Rejected)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_names_its_subject_and_counts_from_a_moment_on() {
        let alive = Alive::default();
        let before = alive.now();
        alive.says("Permissions Violation for Publish to \"orders.new\"");
        alive.says("Permissions Violation for Subscription to \"orders.>\" using queue \"billing\"");
        alive.says("Maximum Payload Violation");
        assert!(alive.refuses("orders.new", before) && alive.refuses("orders.>", before));
        assert!(!alive.refuses("orders.new", alive.now()) && !alive.refuses("billing", before));
    }
}
