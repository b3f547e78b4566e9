//! `Amqp`: RabbitMQ and others that speak AMQP 0-9-1. Messages are confirmed and must be routed; what is asked comes back by
//! direct reply-to.

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
use trunkline_core::{Context, Error, Kind, Message, Proof, Result};

pub(super) use self::link::AmqpLink;
use self::{consume::Consuming, link::Target};
use super::{
    broker::{Broker, Delivered, Login, Receipt, Subscription},
    config::{DeclareConfig, Parts},
    replies::Replies,
};

/// RabbitMQ.
#[derive(Debug)]
pub(super) struct Amqp {
    target: Target,
    declare: BTreeMap<String, DeclareConfig>,
    replies: Arc<Replies>,
}

impl Amqp {
    pub(super) fn open(parts: Parts) -> Result<Self> {
        let declare = parts.declare.clone();
        declare::check(&declare)?;
        Ok(Self { target: Target::open(parts)?, declare, replies: Arc::default() })
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
        link.connection.status().connected()
    }

    fn check(&self, message: &Message) -> Result<()> {
        properties::check(message)
    }

    async fn publish(&self, link: &AmqpLink, messages: &[Message]) -> Vec<Result<Receipt>> {
        publisher::publish(link, messages).await
    }

    async fn ask(&self, link: &AmqpLink, message: &Message, delivered: Delivered<'_>) -> Result<Message> {
        rpc::ask(link, message, delivered).await
    }

    fn late(&self) -> u64 {
        self.replies.late()
    }

    async fn consume(&self, link: &Arc<AmqpLink>, subscription: &Subscription) -> Result<Consuming> {
        Consuming::begin(link, subscription).await
    }

    async fn prepare(&self, link: &AmqpLink, destination: &str) -> Result<()> {
        let wanted = DeclareConfig::default();
        declare::declare(link, destination, self.declare.get(destination).unwrap_or(&wanted)).await
    }

    /// Opens a channel and asks for each queue that is declared how much waits in it.
    async fn proof(&self, link: &AmqpLink) -> Result<Proof> {
        let mut proof = Proof::ANSWERED;
        if let Some(version) = &link.version {
            proof = proof.fact("version", version);
        }
        let (mut messages, mut known) = (0, false);
        for name in self.declare.keys() {
            let (count, _) = self.count(link, name).await?;
            messages += u64::from(count);
            known = true;
        }
        if known {
            proof = proof.fact("lag", messages.to_string());
        } else {
            link.channel().await?;
        }
        Ok(proof)
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
        let _ = link.connection.close(200, "bye".into()).await;
    }
}

impl Amqp {
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
