//! `Amqp`: RabbitMQ and others that speak AMQP 0-9-1. Messages are confirmed and must be routed; what is asked comes back by
//! direct reply-to.

mod alarm;
mod codes;
mod consume;
mod declare;
mod frames;
mod link;
mod properties;
mod publisher;
mod reactor;
mod returns;
mod rpc;

use std::{collections::BTreeMap, sync::Arc};

use lapin::{options::QueueDeclareOptions, types::FieldTable};
use serde_json::{Value, json};
use tokio::time::Instant;
use trunkline_core::{Context, Error, Kind, Lag, Message, Proof, Result};

pub(super) use self::link::AmqpLink;
use self::{consume::Consuming, link::Target};
use super::{
    broker::{Broker, Delivered, Login, Receipt, Subscription},
    config::{DeclareConfig, Parts},
    replies::Replies,
};

/// So often a message of a quorum queue comes before it is dropped, unless an argument of the queue says otherwise (guide on
/// quorum queues, "Poison Message Handling").
const LIMIT: &str = "x-delivery-limit";
/// So often since RabbitMQ 4.0 where it says nothing; before, and of queues of other types, no message is dropped.
const UNSET: u32 = 20;

/// RabbitMQ.
#[derive(Debug)]
pub(super) struct Amqp {
    target: Arc<Target>,
    declare: BTreeMap<String, DeclareConfig>,
    replies: Arc<Replies>,
}

impl Amqp {
    pub(super) fn open(parts: Parts) -> Result<Self> {
        let declare = parts.declare.clone();
        declare::check(&declare)?;
        Ok(Self { target: Arc::new(Target::open(parts)?), declare, replies: Arc::default() })
    }
}

impl Broker for Amqp {
    type Link = AmqpLink;
    type Consumer = Consuming;

    const SYSTEM: &'static str = "rabbitmq";

    async fn connect(&self, context: &Context, login: &Login) -> Result<AmqpLink> {
        let link = self.target.connect(context, login, self.replies.beside()).await?;
        for (name, declared) in &self.declare {
            declare::declare(&link, name, declared)
                .await
                .map_err(|error| error.at(&format!("declare.{name}")))?;
        }
        Ok(link)
    }

    fn is_alive(&self, link: &AmqpLink) -> bool {
        link.is_alive()
    }

    fn check(&self, message: &Message) -> Result<()> {
        properties::check(message)
    }

    async fn publish(&self, link: &AmqpLink, messages: &[Message], until: Instant) -> Vec<Result<Receipt>> {
        let results = publisher::publish(link, messages, until).await;
        for (message, result) in messages.iter().zip(&results) {
            if let Err(error) = result
                && error.kind() == Kind::Unroutable
            {
                link.forget(&message.destination);
            }
        }
        results
    }

    async fn ask(&self, link: &AmqpLink, message: &Message, delivered: Delivered<'_>) -> Result<Message> {
        rpc::ask(link, message, delivered).await
    }

    fn late(&self) -> u64 {
        self.replies.late()
    }

    async fn consume(&self, link: &Arc<AmqpLink>, subscription: &Subscription) -> Result<Consuming> {
        Consuming::begin(link, subscription, self.most(&subscription.source)).await
    }

    /// What is there is taken as it is, whoever made it and of whatever type: to declare it anew would need the same arguments,
    /// and a login that may.
    async fn prepare(&self, link: &AmqpLink, destination: &str) -> Result<()> {
        if link.is_known(destination) {
            return Ok(());
        }
        if !declare::is_there(link, destination).await? {
            let usual = DeclareConfig::default();
            declare::declare(link, destination, self.declare.get(destination).unwrap_or(&usual)).await?;
        }
        link.know(destination);
        Ok(())
    }

    /// Opens a channel. Says what alarm there is.
    async fn proof(&self, link: &AmqpLink) -> Result<Proof> {
        link.alarm.refuse()?;
        let mut proof = Proof::ANSWERED;
        if let Some(version) = &link.version {
            proof = proof.fact("version", version);
        }
        link.channel().await?;
        Ok(proof)
    }

    /// What waits in each queue that is declared. Of what somebody has and has not acknowledged AMQP does not tell.
    async fn lag(&self, link: &AmqpLink) -> Result<Vec<Lag>> {
        let mut each = Vec::new();
        for name in self.declare.keys() {
            let (count, _) = self.count(link, name).await?;
            each.push(Lag { queue: name.clone(), group: None, messages: count.into() });
        }
        Ok(each)
    }

    /// The queues that are declared: AMQP has no way to ask for all.
    async fn schema(&self, link: &AmqpLink) -> Result<Value> {
        let mut queues = Vec::new();
        for name in self.declare.keys() {
            let (messages, consumers) = self.count(link, name).await?;
            queues.push(json!({"name": name, "messages": messages, "consumers": consumers}));
        }
        if queues.is_empty() {
            let message =
                "RabbitMQ does not list its queues over AMQP; name those that are of interest in declare";
            return Err(Error::new(Kind::Unsupported, message));
        }
        Ok(json!({"queues": queues}))
    }

    async fn close(&self, link: Arc<AmqpLink>) {
        link.close().await;
    }
}

impl Amqp {
    /// How often a message of a queue that counts may come before it is dropped.
    fn most(&self, queue: &str) -> u32 {
        match self.declare.get(queue).and_then(|declared| declared.arguments.get(LIMIT)) {
            // A limit below nothing is none.
            Some(limit) => limit.as_u64().and_then(|limit| u32::try_from(limit).ok()).unwrap_or(u32::MAX),
            None => UNSET,
        }
    }

    /// How many messages wait in a queue, and how many read it.
    async fn count(&self, link: &AmqpLink, name: &str) -> Result<(u32, u32)> {
        let passive = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
        let channel = link.channel().await?;
        let queue = channel
            .queue_declare(name.into(), passive, FieldTable::default())
            .await
            .map_err(|error| codes::explain(&error, "asking for a queue"))?;
        Ok((queue.message_count(), queue.consumer_count()))
    }
}
