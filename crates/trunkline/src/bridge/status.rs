//! `Status`: how a bridge stands, as operators see it.

use std::{
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use schemars::JsonSchema;
use serde::Serialize;
use tokio::{sync::Notify, time::Instant};
use trunkline_core::{Error, now_ms};

use super::route::Route;

/// How the messages of a queue are passed on.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct ForwardState {
    /// Where they come from.
    pub queue: String,
    /// The integration that is called for each.
    pub to: String,
    /// The connection that it is called through, if one is named.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connection: Option<String>,
    /// `forwarding`, `paused` while the queue or the other integration cannot be called, or `stopped`.
    pub state: &'static str,
    /// Why it is paused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Since when, in milliseconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub paused_since_ms: Option<i64>,
    /// Messages that were passed on since the configuration last changed.
    pub forwarded: u64,
    /// Calls that failed, so that the message came again or was put aside.
    pub failed: u64,
    /// Messages that were put aside: because repeating could not help, or because they came too often.
    pub put_aside: u64,
}

/// Why nothing is pulled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Why {
    /// The integration is not there, or takes no calls.
    Target,
    /// The queue cannot be read.
    Queue,
    /// Calls fail, whatever the message.
    Calls,
}

/// However long a service asks to be left alone, so long is waited at once: something may have changed.
const LONGEST: Duration = Duration::from_secs(30);

#[derive(Debug)]
struct Paused {
    why: Why,
    reason: String,
    since_ms: i64,
    /// Not before is it tried again, if somebody said so.
    again: Option<Instant>,
}

/// What is known of one bridge.
#[derive(Debug, Default)]
pub(super) struct Status {
    paused: Mutex<Option<Paused>>,
    begun: AtomicBool,
    pub(super) forwarded: AtomicU64,
    pub(super) failed: AtomicU64,
    pub(super) put_aside: AtomicU64,
    /// Rung when it goes on.
    pub(super) on: Notify,
}

impl Status {
    pub(super) fn begun(&self) {
        self.begun.store(true, Relaxed);
    }

    pub(super) fn ended(&self) {
        self.begun.store(false, Relaxed);
        *self.paused() = None;
    }

    /// Whether nothing is pulled.
    pub(super) fn why(&self) -> Option<Why> {
        self.paused().as_ref().map(|paused| paused.why)
    }

    /// Something keeps messages from being passed on. Says whether that is news.
    pub(super) fn pause(&self, why: Why, error: &Error) -> bool {
        let reason = format!("{}: {}", error.kind(), error.message());
        let mut paused = self.paused();
        let since_ms = paused.as_ref().map(|paused| paused.since_ms);
        let again = error.wait().map(|wait| Instant::now() + wait.min(LONGEST));
        *paused = Some(Paused { why, reason, since_ms: since_ms.unwrap_or_else(now_ms), again });
        since_ms.is_none()
    }

    /// How long until it may be tried again, where somebody said so.
    pub(super) fn left(&self) -> Duration {
        let again = self.paused().as_ref().and_then(|paused| paused.again);
        again.map_or(Duration::ZERO, |again| again.saturating_duration_since(Instant::now()))
    }

    /// That is over, if it was one of these. Says whether it was.
    pub(super) fn resume(&self, over: &[Why]) -> bool {
        let was = self.paused().take_if(|paused| over.contains(&paused.why)).is_some();
        if was {
            self.on.notify_waiters();
        }
        was
    }

    pub(super) fn state(&self, route: &Route) -> ForwardState {
        let paused = self.paused();
        let state = match (&*paused, self.begun.load(Relaxed)) {
            (_, false) => "stopped",
            (Some(_), true) => "paused",
            (None, true) => "forwarding",
        };
        ForwardState {
            queue: route.queue.clone(),
            to: route.target.to.to_string(),
            connection: route.target.connection.clone(),
            state,
            reason: paused.as_ref().map(|paused| paused.reason.clone()),
            paused_since_ms: paused.as_ref().map(|paused| paused.since_ms),
            forwarded: self.forwarded.load(Relaxed),
            failed: self.failed.load(Relaxed),
            put_aside: self.put_aside.load(Relaxed),
        }
    }

    /// What keeps messages from being passed on, in words.
    pub(super) fn trouble(&self, route: &Route) -> Option<String> {
        let paused = self.paused();
        let reason = &paused.as_ref()?.reason;
        Some(format!("messages of {} are not forwarded to {}: {reason}", route.queue, route.target.to))
    }

    fn paused(&self) -> MutexGuard<'_, Option<Paused>> {
        self.paused.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
