//! `Broker`: what a message broker has to be able to do to be spoken to; all else is the same for all of them.

use std::{
    fmt::Debug,
    future::Future,
    hash::{Hash, Hasher},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use serde_json::Value;
use tokio::time::{Instant, timeout_at};
use trunkline_core::{Ack, Context, Error, Kind, Lag, Message, Outcome, Proof, Result, Secret, Start};

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
    /// How far whoever reads by themselves has come. A group is remembered by its broker.
    pub(crate) reached: Reached,
}

/// What was read last, as its broker names it: who begins anew after their connection was lost goes on behind it. It says
/// nothing of what is read, and how, so one is as good as another.
#[derive(Debug, Clone, Default)]
pub(crate) struct Reached(Arc<Mutex<Option<String>>>);

impl Reached {
    /// What was read last; none before anybody has begun to read.
    pub(crate) fn last(&self) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// This was read, or reading begins behind it.
    pub(crate) fn set(&self, last: impl Into<String>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(last.into());
    }
}

impl PartialEq for Reached {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Reached {}

impl Hash for Reached {
    fn hash<H: Hasher>(&self, _: &mut H) {}
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

/// Nobody said in time whether the broker has a message.
pub(crate) fn unconfirmed() -> Error {
    let message = "the broker did not say in time that it has the message; it may be there";
    Error::new(Kind::Timeout, message).outcome_is(Outcome::Unknown)
}

/// There was no time to send a message.
fn unsent() -> Error {
    let message = "there was no time left to send the message; give the call more, or send fewer at a time";
    Error::new(Kind::Timeout, message).outcome_is(Outcome::NotSent)
}

/// Hands a message to whoever sends it, if that can be done until `until`. Dropped before its end, nothing may be handed over.
pub(crate) async fn handed_by<T>(until: Instant, handed: impl Future<Output = Result<T>>) -> Result<T> {
    if Instant::now() >= until {
        return Err(unsent());
    }
    timeout_at(until, handed).await.unwrap_or_else(|_| Err(unsent()))
}

/// What the broker says of a message, if it does until `until`. What it has said already is heard after that, too.
pub(crate) async fn said_by<T>(until: Instant, said: impl Future<Output = Result<T>>) -> Result<T> {
    timeout_at(until, said).await.unwrap_or_else(|_| Err(unconfirmed()))
}

/// When whoever has no end to keep gives up: in thirty years.
pub(crate) fn never() -> Instant {
    Instant::now() + Duration::from_secs(30 * 365 * 24 * 3600)
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

    /// Whether the broker sends a message to others that was not acknowledged within [`Subscription::hold`], without being asked.
    const TAKES_BACK: bool = false;

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

    /// Sends all of these, one behind the other without waiting, and waits until the broker has each, or until `until`: then each
    /// result is what is known by then. There are as many results as messages.
    ///
    /// # Errors
    ///
    /// Of each message: `not_sent` where nothing of it was sent, `rejected` where the broker said no, or that nobody gets
    /// it, `unknown` where the connection was lost before it said anything, or it said nothing in time.
    fn publish(
        &self,
        link: &Self::Link,
        messages: &[Message],
        until: Instant,
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

    /// Whether a message that the broker took is kept there for somebody.
    fn is_kept(receipt: &Receipt) -> bool {
        let _ = receipt;
        true
    }

    /// Asks something, and says who answers, such as its version.
    ///
    /// # Errors
    ///
    /// What the broker says.
    fn proof(&self, link: &Self::Link) -> impl Future<Output = Result<Proof>> + Send;

    /// How far behind whoever reads is, of what is declared and of groups that are known; without those of which the broker does
    /// not tell.
    ///
    /// # Errors
    ///
    /// What the broker says, where something is wrong with what is declared.
    fn lag(&self, link: &Self::Link) -> impl Future<Output = Result<Vec<Lag>>> + Send {
        let _ = link;
        async { Ok(Vec::new()) }
    }

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

    /// Whether a message can be sent to where it came from as a new one, see [`Consumer::renew`].
    const RENEWS: bool = false;

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

    /// Whether the broker counts it as a delivery that a message came which is released, so that somebody has to remember that
    /// it does not count.
    fn counts_released(&self, mark: &Self::Mark) -> bool {
        let _ = mark;
        true
    }

    /// How often the broker delivers a message at most, whyever it came back: after this it would be lost. `None` where it does so
    /// as often as it takes.
    fn most_deliveries(&self) -> Option<u32> {
        None
    }

    /// Sends a message to where it came from as a new one, with all that goes along with it: then the broker counts its deliveries
    /// from the beginning. The broker has it when this returns; the one that came is still to be acknowledged.
    ///
    /// # Errors
    ///
    /// As of [`Broker::publish`].
    fn renew(
        &self,
        delivery: &Delivery<Self::Mark>,
        until: Instant,
    ) -> impl Future<Output = Result<()>> + Send {
        let _ = (delivery, until);
        async { Err(Error::new(Kind::Unsupported, "messages of this broker are not sent anew")) }
    }

    /// Messages that were released and are kept here, of which the broker would deliver none once more: whoever gives this up
    /// looks after them.
    fn give_up(&self) -> Vec<Delivery<Self::Mark>> {
        Vec::new()
    }

    /// The id that a message has where it is put aside, unless it keeps its own: where a broker knows ids, and does not keep
    /// what it takes for a repetition. It is the same each time that this message is put aside from here.
    fn id_aside(&self, delivery: &Delivery<Self::Mark>) -> Option<String> {
        let _ = delivery;
        None
    }

    /// Sends a message back whose delivery does not count. `false` where it is not sent back, as the broker would not deliver it
    /// once more.
    ///
    /// # Errors
    ///
    /// As of [`Consumer::settle`].
    fn release(&self, mark: &Self::Mark) -> impl Future<Output = Result<bool>> + Send {
        async { self.settle(mark, Fate::Requeue).await.map(|()| true) }
    }
}
