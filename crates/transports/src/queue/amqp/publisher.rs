//! `Publisher`: a channel that messages are sent on, one behind the other, each of which is confirmed.

use std::{collections::VecDeque, sync::Arc};

use lapin::{Channel, Confirmation, PublisherConfirm, options::BasicPublishOptions};
use tokio::sync::Mutex;
use trunkline_core::{Error, Kind, Message, Outcome, Result};

use super::{codes, link::AmqpLink, properties::properties, returns::Returns};
use crate::queue::broker::{Guarantee, Receipt};

/// So many messages of a batch may be unconfirmed: more would only wait in the memory of the broker.
const WINDOW: usize = 1024;

/// A channel with confirms.
pub(super) struct Publisher {
    channel: Channel,
    returns: Returns,
    /// The number that the broker gives to the last message (RabbitMQ's guide on confirms): each takes the next one.
    last: Mutex<u64>,
}

/// A message that is on its way.
struct Sent {
    tag: u64,
    guarantee: Guarantee,
    confirm: Option<PublisherConfirm>,
    /// What it is known by where it comes back.
    channel: u16,
    id: String,
    returns: Returns,
}

impl Publisher {
    pub(super) fn new(channel: Channel, returns: Returns) -> Self {
        Self { channel, returns, last: Mutex::new(0) }
    }

    pub(super) fn is_open(&self) -> bool {
        self.channel.status().connected()
    }

    async fn send(&self, message: &Message) -> Result<Sent> {
        let exchange = message.exchange.as_deref().unwrap_or_default();
        let key = message.routing_key.as_deref().unwrap_or(&message.destination);
        let mandatory = !is_answer(message);
        let options = BasicPublishOptions { mandatory, immediate: false };
        let mut last = self.last.lock().await;
        let confirm = self
            .channel
            .basic_publish(exchange.into(), key.into(), options, &message.body, properties(message))
            .await
            .map_err(|error| codes::explain(&error, "sending a message"))?;
        *last += 1;
        let guarantee = if mandatory { Guarantee::AtLeastOnce } else { Guarantee::AtMostOnce };
        Ok(Sent {
            tag: *last,
            guarantee,
            confirm: Some(confirm),
            channel: self.channel.id(),
            id: message.id.clone().unwrap_or_default(),
            returns: self.returns.clone(),
        })
    }
}

/// Whether it goes straight to a channel that waits for it, which is no queue for the broker: it would come back if it had to
/// be routed (RabbitMQ's guide "Direct Reply-to").
fn is_answer(message: &Message) -> bool {
    message.exchange.is_none() && message.destination.starts_with("amq.rabbitmq.reply-to")
}

impl Sent {
    /// What the broker says of it.
    async fn confirmed(mut self) -> Result<Receipt> {
        let Some(confirm) = &mut self.confirm else {
            return Err(Error::new(Kind::Internal, "confirmed twice"));
        };
        let said = confirm.await;
        self.confirm = None;
        // Nobody gets it: it came back, and then it was confirmed.
        if let Some(back) = self.returns.take(self.channel, &self.id) {
            return Err(codes::code(back.code, &back.text).outcome_is(Outcome::Rejected));
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
            Err(error) => Err(lost(&error)),
        }
    }
}

/// The channel was closed before the broker said anything of a message. It may be on its way all the same, unless the reason
/// is an exchange that is not there: a channel is for one.
fn lost(error: &lapin::Error) -> Error {
    let error = codes::explain(error, "waiting for a confirm");
    let code = error.context().iter().find(|(name, _)| *name == "reply_code");
    match code.is_some_and(|(_, code)| matches!(&**code, "404" | "403")) {
        true => error.outcome_is(Outcome::Rejected),
        false => error.outcome_is(Outcome::Unknown),
    }
}

impl Drop for Sent {
    /// The library keeps confirms that nobody waits for, for as long as the channel lives; so somebody does.
    fn drop(&mut self) {
        if let Some(confirm) = self.confirm.take()
            && let Ok(runtime) = tokio::runtime::Handle::try_current()
        {
            let (returns, channel, id) = (self.returns.clone(), self.channel, std::mem::take(&mut self.id));
            runtime.spawn(async move {
                let _ = confirm.await;
                returns.take(channel, &id);
            });
        }
    }
}

/// Sends messages one behind the other and waits for what the broker says of each.
pub(super) async fn publish(link: &AmqpLink, messages: &[Message]) -> Vec<Result<Receipt>> {
    let mut results = Vec::with_capacity(messages.len());
    let mut under_way: VecDeque<Result<Sent>> = VecDeque::new();
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
async fn one(link: &AmqpLink, message: &Message) -> Result<Sent> {
    let exchange = message.exchange.as_deref().unwrap_or_default();
    let publisher: Arc<Publisher> =
        link.publisher(exchange).await.map_err(|error| error.outcome_is(Outcome::NotSent))?;
    publisher.send(message).await
}

async fn ended(sent: Result<Sent>) -> Result<Receipt> {
    match sent {
        Ok(sent) => sent.confirmed().await,
        Err(error) => Err(error),
    }
}

/// Sends one on this channel and waits for what the broker says of it.
pub(super) async fn on(channel: &Channel, returns: &Returns, message: &Message) -> Result<()> {
    let publisher = Publisher::new(channel.clone(), returns.clone());
    publisher.send(message).await?.confirmed().await.map(drop)
}
