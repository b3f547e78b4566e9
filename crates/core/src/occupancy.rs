//! `Occupancy`: how full a pool of connections is.

use schemars::JsonSchema;
use serde::Serialize;

/// How full a pool of connections is, and what has become of it since it was opened.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Occupancy {
    /// Connections that nobody uses.
    pub idle: u32,
    /// Connections that calls are under way with.
    pub used: u32,
    /// The most there may be.
    pub max: u32,
    /// Calls that wait for one.
    pub waiting: u32,
    /// Connections that were made.
    pub opened: u64,
    /// Calls that gave up waiting.
    pub timeouts: u64,
    /// What is counted of streams and replies, where connections are shared by those who use them.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub streams: Option<Streams>,
    /// What is counted of messages, where a broker is spoken to.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub messages: Option<Messages>,
}

/// What is counted of those who listen to connections that stay, and of replies that come over them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Streams {
    /// Who listens now.
    pub readers: u32,
    /// Messages that somebody who listens missed, being too slow.
    pub dropped: u64,
    /// Replies that came after their callers had gone.
    pub late: u64,
}

/// What is counted of messages that are sent to a broker, and that come from it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Messages {
    /// Sent, and the broker has not said yet that it has them.
    pub in_flight: u32,
    /// Handed out, and nobody has said yet what has become of them.
    pub unacknowledged: u32,
    /// Those that the broker said it has.
    pub confirmed: u64,
    /// Those that it refused, or that nobody would have got.
    pub returned: u64,
    /// Those that were put aside.
    pub put_aside: u64,
    /// How often one could not be put aside: it is held then, and tried again.
    pub put_aside_failed: u64,
    /// How far each group is behind, the one that is farthest first, as was last found out; none where nobody has asked yet, or
    /// the broker does not tell.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub lag: Vec<Lag>,
}

impl Messages {
    /// Nothing was counted.
    pub const NONE: Self = Self {
        in_flight: 0,
        unacknowledged: 0,
        confirmed: 0,
        returned: 0,
        put_aside: 0,
        put_aside_failed: 0,
        lag: Vec::new(),
    };
}

/// How far a group is behind, or whoever reads a queue of a broker that knows of no groups.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Lag {
    /// The queue, topic, subject or stream that is read.
    pub queue: String,
    /// Who reads it; `None` where a broker has no groups.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// Messages that have not been dealt with: those that wait, and, as far as the broker counts them along, those that somebody
    /// has and has not acknowledged.
    pub messages: u64,
}
