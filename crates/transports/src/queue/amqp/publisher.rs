//! `Publisher`: a channel that messages are sent on, one behind the other, each of which is confirmed.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use futures_util::{FutureExt, future::ready};
use lapin::{
    BasicProperties, Channel, Confirmation, ErrorKind, PublisherConfirm, options::BasicPublishOptions,
};
use tokio::{
    select,
    time::{Instant, sleep_until},
};
use trunkline_core::{BoxFuture, Error, Kind, Message, Outcome, Result};

use super::{
    alarm::Alarm,
    codes,
    link::AmqpLink,
    properties::{properties, route},
    returns::Returns,
};
use crate::queue::broker::{Guarantee, Receipt, handed_by, said_by};

/// So many messages of a batch may be unconfirmed: more would only wait in the memory of the broker.
const WINDOW: usize = 1024;
/// And so many bytes of it may wait to be written, with which the library writes several at once.
const UNWRITTEN: usize = 64 << 10;

/// A channel with confirms.
pub(super) struct Publisher {
    channel: Channel,
    returns: Returns,
    /// The number that the broker gives to the last message (RabbitMQ's guide on confirms): each takes the next one.
    last: Mutex<u64>,
    /// Whether the broker took one.
    has_taken: AtomicBool,
}

/// A message that is on its way.
struct Sent<'a> {
    publisher: Arc<Publisher>,
    message: &'a Message,
    /// What goes along with it, where that is not what follows from the message.
    own: Option<BasicProperties>,
    tag: u64,
    guarantee: Guarantee,
    stage: Stage,
}

/// How far a message is.
enum Stage {
    /// The library has it, and will write it.
    Handed(BoxFuture<'static, lapin::Result<PublisherConfirm>>),
    /// It is written, and the broker will say something of it.
    Written(PublisherConfirm),
    /// It cannot be written.
    Failed(lapin::Error),
    Over,
}

impl Publisher {
    pub(super) fn new(channel: Channel, returns: Returns) -> Self {
        Self { channel, returns, last: Mutex::new(0), has_taken: AtomicBool::new(false) }
    }

    pub(super) fn is_open(&self) -> bool {
        self.channel.status().connected()
    }

    /// Hands a message to the library, which writes it behind those that it was handed before.
    fn send<'a>(self: &Arc<Self>, message: &'a Message, own: Option<BasicProperties>) -> Result<Sent<'a>> {
        let mandatory = !is_answer(message);
        let properties = own.clone().unwrap_or_else(|| properties(message));
        let (publisher, body) = (self.clone(), message.body.clone());
        let (exchange, key) = route(message);
        let (exchange, key) = (exchange.into(), key.into());
        let mut handed = async move {
            let options = BasicPublishOptions { mandatory, immediate: false };
            publisher.channel.basic_publish(exchange, key, options, &body, properties).await
        }
        .boxed();
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if !self.is_open() {
            let message = "the channel was closed before the message was sent; send it again";
            return Err(Error::new(Kind::Unavailable, message).outcome_is(Outcome::NotSent));
        }
        *last += 1;
        let tag = *last;
        // The library counts a message and puts it in its queue when it is first polled; from there on it would only wait. That
        // is left to whoever wants to know: a thread that is woken for each message costs more than all else that is done for it.
        let written = (&mut handed).now_or_never();
        drop(last);
        let stage = written.map_or(Stage::Handed(handed), Stage::of);
        let guarantee = if mandatory { Guarantee::AtLeastOnce } else { Guarantee::AtMostOnce };
        Ok(Sent { publisher: self.clone(), message, own, tag, guarantee, stage })
    }

    /// Sends one and waits for what the broker says of it.
    pub(super) async fn one(self: &Arc<Self>, message: &Message, alarm: &Alarm) -> Result<()> {
        alarm.refuse()?;
        ended(self.send(message, None), alarm).await.map(drop)
    }

    /// The channel was closed before the broker said anything of a message. Then it may have it all the same, unless it is the
    /// one that the channel was closed for. The broker does not say which that is; it takes none after it.
    fn lost(&self, error: &lapin::Error, tag: u64, message: &Message, what: &str) -> Error {
        let explained = codes::explain(error, what);
        let ErrorKind::ProtocolError(said) = error.kind() else {
            return explained.outcome_is(Outcome::Unknown);
        };
        if !error.is_amqp_soft_error() {
            return explained.outcome_is(Outcome::Unknown);
        }
        let is_last = tag == *self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let is_first = !self.has_taken.load(Ordering::Acquire);
        if is_last || codes::is_about(said.get_message().as_str(), route(message), is_first) {
            return explained.outcome_is(Outcome::Rejected);
        }
        let message = "the channel was closed for another message before the broker said anything of this one; it \
             may be there: whoever sends it again names its message_id";
        Error::new(Kind::Unavailable, message)
            .outcome_is(Outcome::Unknown)
            .source(explained.message().to_owned())
    }
}

/// Whether it goes straight to a channel that waits for it, which is no queue for the broker: it would come back if it had to
/// be routed (RabbitMQ's guide "Direct Reply-to").
fn is_answer(message: &Message) -> bool {
    message.exchange.is_none() && message.destination.starts_with("amq.rabbitmq.reply-to")
}

impl Stage {
    fn of(written: lapin::Result<PublisherConfirm>) -> Self {
        written.map_or_else(Self::Failed, Self::Written)
    }
}

impl Sent<'_> {
    /// It is written, or cannot be.
    async fn written(&mut self) {
        if let Stage::Handed(handed) = &mut self.stage {
            self.stage = Stage::of(handed.await);
        }
    }

    /// What the broker says of it.
    async fn confirmed(mut self) -> Result<Receipt> {
        self.written().await;
        let said = match &mut self.stage {
            Stage::Written(confirm) => confirm.await,
            Stage::Failed(error) => {
                return Err(self.publisher.lost(error, self.tag, self.message, "sending a message"));
            }
            Stage::Handed(_) | Stage::Over => {
                return Err(Error::new(Kind::Internal, "a message is neither written nor lost"));
            }
        };
        self.stage = Stage::Over;
        let publisher = &self.publisher;
        if said.is_ok() {
            publisher.has_taken.store(true, Ordering::Release);
        }
        // Nobody gets it: it came back, and then it was confirmed.
        if let Some((code, text)) =
            publisher.returns.take(publisher.channel.id(), self.message, self.own.as_ref())
        {
            return Err(codes::code(code, &text).outcome_is(Outcome::Rejected));
        }
        match said {
            // What the library has here may have come back for another one.
            Ok(Confirmation::Ack(_)) => {
                Ok(Receipt { guarantee: self.guarantee, facts: vec![("delivery_tag", self.tag.into())] })
            }
            Ok(Confirmation::Nack(_)) => Err(Error::new(
                Kind::Failed,
                "the broker did not take the message; its queue may be full, or its disk",
            )
            .outcome_is(Outcome::Rejected)),
            Ok(Confirmation::NotRequested) => Err(Error::new(
                Kind::Protocol,
                "the broker confirms nothing; see whether it is RabbitMQ that answers",
            )
            .outcome_is(Outcome::Unknown)),
            Err(error) => Err(publisher.lost(&error, self.tag, self.message, "waiting for a confirm")),
        }
    }
}

impl Drop for Sent<'_> {
    /// The library keeps confirms that nobody waits for, for as long as the channel lives; so somebody does.
    fn drop(&mut self) {
        let stage = std::mem::replace(&mut self.stage, Stage::Over);
        let confirm = match stage {
            Stage::Handed(handed) => handed.left_future(),
            Stage::Written(confirm) => ready(Ok(confirm)).right_future(),
            Stage::Failed(_) | Stage::Over => return,
        };
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            let (publisher, message, own) = (self.publisher.clone(), self.message.clone(), self.own.take());
            runtime.spawn(async move {
                if let Ok(confirm) = confirm.await {
                    let _ = confirm.await;
                }
                publisher.returns.take(publisher.channel.id(), &message, own.as_ref());
            });
        }
    }
}

/// Sends messages one behind the other and waits for what the broker says of each.
pub(super) async fn publish(link: &AmqpLink, messages: &[Message], until: Instant) -> Vec<Result<Receipt>> {
    let mut results = Vec::with_capacity(messages.len());
    let mut under_way: VecDeque<Result<Sent<'_>>> = VecDeque::new();
    let mut unwritten = 0;
    for message in messages {
        if under_way.len() >= WINDOW
            && let Some(first) = under_way.pop_front()
        {
            results.push(said_by(until, ended(first, &link.alarm)).await);
        }
        under_way.push_back(handed_by(until, one(link, message, None)).await);
        unwritten += message.body.len();
        if unwritten > UNWRITTEN
            && let Some(Ok(last)) = under_way.back_mut()
        {
            // Where that takes too long, so does the confirm.
            select! {
                () = last.written() => {}
                _ = link.alarm.lasts() => {}
                () = sleep_until(until) => {}
            }
            unwritten = 0;
        }
    }
    for sent in under_way {
        results.push(said_by(until, ended(sent, &link.alarm)).await);
    }
    results
}

/// Sends one to its queue, with this along with it, and waits until the broker has it.
pub(super) async fn again(
    link: &AmqpLink,
    message: &Message,
    properties: BasicProperties,
    until: Instant,
) -> Result<()> {
    let sent = handed_by(until, one(link, message, Some(properties))).await;
    said_by(until, ended(sent, &link.alarm)).await.map(drop)
}

/// Sends one on a channel that its exchange has for itself.
async fn one<'a>(link: &AmqpLink, message: &'a Message, own: Option<BasicProperties>) -> Result<Sent<'a>> {
    link.alarm.refuse()?;
    let exchange = message.exchange.as_deref().unwrap_or_default();
    let publisher: Arc<Publisher> =
        link.publisher(exchange).await.map_err(|error| error.outcome_is(Outcome::NotSent))?;
    publisher.send(message, own)
}

/// What becomes of one, unless an alarm lasts.
async fn ended(sent: Result<Sent<'_>>, alarm: &Alarm) -> Result<Receipt> {
    let sent = sent?;
    select! {
        biased;
        said = sent.confirmed() => said,
        error = alarm.lasts() => Err(error),
    }
}
