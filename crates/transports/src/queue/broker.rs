//! `Broker`: what a message broker has to be able to do to be spoken to; all else is the same for all of them.

use std::{fmt::Debug, future::Future, sync::Arc, time::Duration};

use serde_json::Value;
use tokio::time::Instant;
use trunkline_core::{Ack, Context, Message, Proof, Result, Secret, Start};

/// Who logs in.
#[derive(Debug, Clone, Default)]
pub(crate) struct Login {
    /// The user; none where the broker asks for none.
    pub(crate) user: Option<String>,
    /// The password.
    pub(crate) password: Option<Secret>,
    /// A token, where there is no user.
    pub(crate) token: Option<Secret>,
}

/// What is known of a message that a broker has.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Receipt {
    /// What the broker promises.
    pub(crate) guarantee: Guarantee,
    /// What it assigned, such as an offset.
    pub(crate) facts: Vec<(&'static str, Value)>,
}

/// What becomes of a message that a broker has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::enum_variant_names, reason = "they are called so everywhere")]
pub(crate) enum Guarantee {
    /// It may be lost: nobody keeps it.
    AtMostOnce,
    /// It is kept until it is dealt with, and may come twice.
    AtLeastOnce,
    /// It is kept, and a repetition of it is recognised.
    ExactlyOnce,
}

impl Guarantee {
    /// As replies say it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::AtMostOnce => "at_most_once",
            Self::AtLeastOnce => "at_least_once",
            Self::ExactlyOnce => "exactly_once",
        }
    }
}

/// A message that came.
#[derive(Debug)]
pub(crate) struct Delivery<M> {
    /// The message; its destination is where it was found.
    pub(crate) message: Message,
    /// How often it was delivered, this time included; `None` where the broker does not count.
    pub(crate) deliveries: Option<u32>,
    /// Whether it was delivered before, as far as is known.
    pub(crate) redelivered: bool,
    /// When it was sent, in milliseconds since 1970.
    pub(crate) timestamp: Option<i64>,
    /// Where it stands, such as its offset.
    pub(crate) facts: Vec<(&'static str, Value)>,
    /// What it is acknowledged by; `None` where there is nothing to acknowledge.
    pub(crate) mark: Option<M>,
}

/// What is read, and how.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Subscription {
    /// A queue, topic, subject or stream.
    pub(crate) source: String,
    /// All who read as one group share the messages.
    pub(crate) group: Option<String>,
    /// Whose it is: the integration, and the connection.
    pub(crate) owner: Arc<str>,
    /// Where to begin.
    pub(crate) start: Option<Start>,
    /// Who acknowledges. Where nobody does, a broker may be spared being told.
    pub(crate) ack: Ack,
    /// So many messages of a stream may be unacknowledged; none for pulls, which say each time how many they want.
    pub(crate) prefetch: Option<u32>,
    /// After so long a message that is not acknowledged is taken for lost.
    pub(crate) hold: Duration,
}

impl Subscription {
    /// The group that pulls are of where they name none: what they acknowledge has to be remembered.
    pub(crate) const UNNAMED: &'static str = "trunkline";
}

/// What a broker hears of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It was dealt with.
    Ack,
    /// It is to come again.
    Requeue,
    /// It is not to come again.
    Reject,
}

/// Hears that the broker has a request.
pub(crate) type Delivered<'a> = &'a mut (dyn FnMut() + Send);

/// A kind of message broker.
///
/// # Behavior
///
/// - A link is one connection, shared by all who publish and receive; whoever finds it broken drops it, and the next one is
///   made. It makes none by itself.
/// - Futures may be dropped at any time: what was published then may have arrived, what was fetched comes again.
/// - Errors say whether the broker can have the message; see [`Broker::publish`].
pub(crate) trait Broker: Debug + Send + Sync + Sized + 'static {
    /// A connection that is logged in.
    type Link: Send + Sync + 'static;

    /// Somebody who reads.
    type Consumer: Consumer;

    /// As OpenTelemetry's semantic conventions name it (`messaging.system`).
    const SYSTEM: &'static str;

    /// Whether what was read stays: then a group stands for whoever reads, and remembers how far it has come.
    const IS_LOG: bool = false;

    /// Makes a connection through the egress guard, and logs in; sees that what is to be declared is there.
    ///
    /// # Errors
    ///
    /// All with outcome `not_sent`; `unauthenticated` where the login is refused.
    fn connect(&self, context: &Context, login: &Login) -> impl Future<Output = Result<Self::Link>> + Send;

    /// Whether a link can still be used, as far as is known without asking.
    fn is_alive(&self, link: &Self::Link) -> bool;

    /// Checks a message before anything is sent.
    ///
    /// # Errors
    ///
    /// `invalid_config`, naming what the protocol has no place for.
    fn check(&self, message: &Message) -> Result<()>;

    /// Sends all of these, one behind the other without waiting, and waits until the broker has each. There are as many
    /// results as messages.
    ///
    /// # Errors
    ///
    /// Of each message: `not_sent` where nothing of it was sent, `rejected` where the broker said no, or that nobody gets
    /// it, `unknown` where the connection was lost before it said anything.
    fn publish(
        &self,
        link: &Self::Link,
        messages: &[Message],
    ) -> impl Future<Output = Vec<Result<Receipt>>> + Send;

    /// Sends a message and waits for the answer to it, and no other. Calls `delivered` once the broker has the message.
    ///
    /// # Errors
    ///
    /// As of [`Broker::publish`]. A deadline is its caller's to keep: this is dropped then.
    fn ask(
        &self,
        link: &Self::Link,
        message: &Message,
        delivered: Delivered<'_>,
    ) -> impl Future<Output = Result<Message>> + Send;

    /// How many answers came that nobody waited for any more.
    fn late(&self) -> u64 {
        0
    }

    /// How many messages gave way to newer ones, since nobody took them.
    fn dropped(&self) -> u64 {
        0
    }

    /// Begins to read.
    ///
    /// # Errors
    ///
    /// What the broker says, with outcome `rejected`: nothing was taken.
    fn consume(
        &self,
        link: &Arc<Self::Link>,
        subscription: &Subscription,
    ) -> impl Future<Output = Result<Self::Consumer>> + Send;

    /// Where messages of `source` are put aside unless somebody says where.
    fn beside(source: &str) -> String {
        format!("{source}.dead")
    }

    /// Sees that what is put aside at `destination` is kept there.
    ///
    /// # Errors
    ///
    /// What the broker says.
    fn prepare(&self, link: &Self::Link, destination: &str) -> impl Future<Output = Result<()>> + Send {
        let _ = (link, destination);
        async { Ok(()) }
    }

    /// Asks something, and says who answers: version, and the lag of groups that are known.
    ///
    /// # Errors
    ///
    /// What the broker says.
    fn proof(&self, link: &Self::Link) -> impl Future<Output = Result<Proof>> + Send;

    /// The queues, topics, subjects or streams that there are, as JSON.
    ///
    /// # Errors
    ///
    /// `unsupported` where the broker does not tell.
    fn schema(&self, link: &Self::Link) -> impl Future<Output = Result<Value>> + Send;

    /// Says goodbye.
    fn close(&self, link: Arc<Self::Link>) -> impl Future<Output = ()> + Send {
        drop(link);
        async {}
    }
}

/// Somebody who reads. Several may fetch and settle at the same time; dropped, it gives back what was not settled.
pub(crate) trait Consumer: Send + Sync + 'static {
    /// What a message is acknowledged by.
    type Mark: Send + Sync + 'static;

    /// Where a fetch that is dropped takes messages along: so long one waits at most before whoever wants more fetches
    /// again, and none is dropped. `None` where nothing is lost by it.
    fn turn(&self) -> Option<Duration> {
        None
    }

    /// Messages, at most `max`: those that are at hand as soon as there is one, none where none came until then. Where there
    /// is a [`Consumer::turn`] it is not dropped before it ends.
    ///
    /// # Errors
    ///
    /// What the broker says; where the connection was lost, another consumer is to be begun.
    fn fetch(
        &self,
        max: u32,
        until: Instant,
    ) -> impl Future<Output = Result<Vec<Delivery<Self::Mark>>>> + Send;

    /// Says what has become of a message. The broker has heard it when this returns, as far as it answers to that.
    ///
    /// # Errors
    ///
    /// Where the connection was lost: the message may come again.
    fn settle(&self, mark: &Self::Mark, fate: Fate) -> impl Future<Output = Result<()>> + Send;
}
