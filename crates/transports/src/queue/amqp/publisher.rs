//! `Publisher`: a channel that messages are sent on, one behind the other, each of which is confirmed.

use std::{
    collections::VecDeque,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use lapin::{Channel, Confirmation, ErrorKind, PublisherConfirm, options::BasicPublishOptions};
use tokio::sync::Mutex;
use trunkline_core::{Error, Kind, Message, Outcome, Result};

use super::{
    codes,
    link::AmqpLink,
    properties::{properties, route},
    returns::Returns,
};
use crate::queue::broker::{Guarantee, Receipt};

/// So many messages of a batch may be unconfirmed: more would only wait in the memory of the broker.
const WINDOW: usize = 1024;

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
    tag: u64,
    guarantee: Guarantee,
    confirm: Option<PublisherConfirm>,
}

impl Publisher {
    pub(super) fn new(channel: Channel, returns: Returns) -> Self {
        Self { channel, returns, last: Mutex::new(0), has_taken: AtomicBool::new(false) }
    }

    pub(super) fn is_open(&self) -> bool {
        self.channel.status().connected()
    }

    async fn send<'a>(self: &Arc<Self>, message: &'a Message) -> Result<Sent<'a>> {
        let (exchange, key) = route(message);
        let mandatory = !is_answer(message);
        let options = BasicPublishOptions { mandatory, immediate: false };
        let mut last = self.last.lock().await;
        if !self.is_open() {
            let message = "the channel was closed before the message was sent";
            return Err(Error::new(Kind::Unavailable, message).outcome_is(Outcome::NotSent));
        }
        // Counted first: whoever goes away meanwhile may have sent it.
        *last += 1;
        let tag = *last;
        let sent = self.channel.basic_publish(
            exchange.into(),
            key.into(),
            options,
            &message.body,
            properties(message),
        );
        let sent = sent.await;
        drop(last);
        let confirm = match sent {
            Ok(confirm) => confirm,
            Err(error) => return Err(self.lost(&error, tag, message, "sending a message").await),
        };
        let guarantee = if mandatory { Guarantee::AtLeastOnce } else { Guarantee::AtMostOnce };
        Ok(Sent { publisher: self.clone(), message, tag, guarantee, confirm: Some(confirm) })
    }

    /// Sends one and waits for what the broker says of it.
    pub(super) async fn one(self: &Arc<Self>, message: &Message) -> Result<()> {
        self.send(message).await?.confirmed().await.map(drop)
    }

    /// The channel was closed before the broker said anything of a message. Then it may have it all the same, unless it is the
    /// one that the channel was closed for. The broker does not say which that is; it takes none after it.
    async fn lost(&self, error: &lapin::Error, tag: u64, message: &Message, what: &str) -> Error {
        let explained = codes::explain(error, what);
        let ErrorKind::ProtocolError(said) = error.kind() else {
            return explained.outcome_is(Outcome::Unknown);
        };
        if !error.is_amqp_soft_error() {
            return explained.outcome_is(Outcome::Unknown);
        }
        let is_last = tag == *self.last.lock().await;
        let is_first = !self.has_taken.load(Ordering::Acquire);
        if is_last || codes::is_about(said.get_message().as_str(), route(message), is_first) {
            return explained.outcome_is(Outcome::Rejected);
        }
        let message =
            "the channel was closed for another message before the broker said anything of this one";
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

impl Sent<'_> {
    /// What the broker says of it.
    async fn confirmed(mut self) -> Result<Receipt> {
        let Some(confirm) = &mut self.confirm else {
            return Err(Error::new(Kind::Internal, "confirmed twice"));
        };
        let said = confirm.await;
        self.confirm = None;
        let publisher = &self.publisher;
        if said.is_ok() {
            publisher.has_taken.store(true, Ordering::Release);
        }
        // Nobody gets it: it came back, and then it was confirmed.
        if let Some((code, text)) = publisher.returns.take(publisher.channel.id(), self.message) {
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
            Ok(Confirmation::NotRequested) => {
                Err(Error::new(Kind::Protocol, "the broker confirms nothing").outcome_is(Outcome::Unknown))
            }
            Err(error) => Err(publisher.lost(&error, self.tag, self.message, "waiting for a confirm").await),
        }
    }
}

impl Drop for Sent<'_> {
    /// The library keeps confirms that nobody waits for, for as long as the channel lives; so somebody does.
    fn drop(&mut self) {
        if let Some(confirm) = self.confirm.take()
            && let Ok(runtime) = tokio::runtime::Handle::try_current()
        {
            let (publisher, message) = (self.publisher.clone(), self.message.clone());
            runtime.spawn(async move {
                let _ = confirm.await;
                publisher.returns.take(publisher.channel.id(), &message);
            });
        }
    }
}

/// Sends messages one behind the other and waits for what the broker says of each.
pub(super) async fn publish(link: &AmqpLink, messages: &[Message]) -> Vec<Result<Receipt>> {
    let mut results = Vec::with_capacity(messages.len());
    let mut under_way: VecDeque<Result<Sent<'_>>> = VecDeque::new();
    for message in messages {
        if under_way.len() >= WINDOW
            && let Some(first) = under_way.pop_front()
        {
            results.push(ended(first).await);
        }
        under_way.push_back(one(link, message).await);
    }
    for sent in under_way {
        results.push(ended(sent).await);
    }
    results
}

/// Sends one on a channel that its exchange has for itself.
async fn one<'a>(link: &AmqpLink, message: &'a Message) -> Result<Sent<'a>> {
    let exchange = message.exchange.as_deref().unwrap_or_default();
    let publisher: Arc<Publisher> =
        link.publisher(exchange).await.map_err(|error| error.outcome_is(Outcome::NotSent))?;
    publisher.send(message).await
}

async fn ended(sent: Result<Sent<'_>>) -> Result<Receipt> {
    match sent {
        Ok(sent) => sent.confirmed().await,
        Err(error) => Err(error),
    }
}
