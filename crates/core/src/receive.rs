//! `Receive`: messages that are wanted, from where on and how they are acknowledged, and what has become of earlier ones.

use std::time::Duration;

use serde::Deserialize;

use crate::Error;

/// A bounded pull of messages, or a stream of them, or word of what has become of those that came before.
#[derive(Debug, Default)]
pub struct Receive {
    /// A queue, topic, subject or stream.
    pub source: String,
    /// At most this many messages; none where only [`Receive::settle`] is wanted.
    pub max: u32,
    /// At most this long until there is one.
    pub wait: Duration,
    /// Messages as they come ([`Events`](crate::Events)), for as long as somebody reads; `max` and `wait` then say nothing.
    pub stream: bool,
    /// Who reads: all of one group share the messages.
    pub group: Option<String>,
    /// Where to begin.
    pub start: Option<Start>,
    /// Who acknowledges.
    pub ack: Ack,
    /// So many messages of a stream may be unacknowledged at a time.
    pub prefetch: Option<u32>,
    /// What has become of messages that came before.
    pub settle: Vec<Settlement>,
    /// What has become of [`Receive::settle`], which is said once, whatever becomes of the attempts to receive.
    pub settled: Settled,
    /// How long the caller wants to wait for the call at most.
    pub timeout: Option<Duration>,
}

/// Where in a log of messages to begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Start {
    /// With the first that is kept.
    Earliest,
    /// With what comes from now on.
    Latest,
    /// With the first since then, in milliseconds since 1970.
    Time(i64),
    /// With the one at this offset or sequence.
    Offset(u64),
}

/// Who says that a message was dealt with.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ack {
    /// Whoever gets it, with its token. What is not acknowledged in time comes back.
    #[default]
    Explicit,
    /// Trunkline, when it hands the message over.
    Auto,
}

/// What has become of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settlement {
    /// The token that came with it.
    pub token: String,
    /// What has become of it.
    pub verdict: Verdict,
}

/// What becomes of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It was dealt with.
    Ack,
    /// It comes again, until it has done so too often.
    Requeue,
    /// It comes again, and that it came this time does not count: whoever was to deal with it could not be asked.
    Release,
    /// Nobody wants it. A broker that puts such messages aside by itself does so.
    Reject,
    /// It is put aside, with the reason.
    DeadLetter(String),
}

/// What has become of what was said of messages.
#[derive(Debug, Default)]
pub struct Settled {
    /// How many were settled.
    pub count: usize,
    /// Those that were not, by their tokens, and why.
    pub failed: Vec<(String, Error)>,
    /// The tokens of those that were to come again, and were put aside instead, as they had come too often.
    pub aside: Vec<String>,
}

impl Receive {
    /// Messages of this queue, topic, subject or stream, as they come. Empty for all that a WebSocket brings.
    pub fn stream(source: impl Into<String>) -> Self {
        Self { source: source.into(), stream: true, ..Self::default() }
    }

    /// At most so many messages of this queue, topic, subject or stream, the first of them within `wait`.
    pub fn pull(source: impl Into<String>, max: u32, wait: Duration) -> Self {
        Self { source: source.into(), max, wait, ..Self::default() }
    }

    /// What has become of messages that came before.
    pub fn settle(settle: Vec<Settlement>) -> Self {
        Self { settle, ..Self::default() }
    }

    /// Reads as one of a group.
    #[must_use]
    pub fn group(mut self, group: impl Into<String>) -> Self {
        self.group = Some(group.into());
        self
    }
}
