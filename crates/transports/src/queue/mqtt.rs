//! `Mqtt`: brokers that speak MQTT 5. Messages are acknowledged by the broker; groups are shared subscriptions of a session that
//! the broker keeps.

mod failure;
mod link;
mod message;
mod reading;
mod target;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError, Weak},
};

use serde_json::Value;
use trunkline_core::{Context, Error, Kind, Message, Outcome, Proof, Result};

pub(super) use self::link::MqttLink;
use self::{
    reading::{Consuming, Reading},
    target::Target,
};
use super::{
    broker::{Broker, Login, Receipt, Subscription},
    config::Parts,
    replies::Replies,
};

/// A broker of MQTT.
#[derive(Debug)]
pub(super) struct Mqtt {
    target: Target,
    replies: Arc<Replies>,
    /// Who reads for a group: a session has one connection, so all in this process who read for it share one.
    groups: Mutex<HashMap<(String, String), Weak<Reading>>>,
}

impl Mqtt {
    pub(super) fn open(parts: Parts) -> Result<Self> {
        if let Some(name) = parts.declare.keys().next() {
            return Err(Error::invalid(format!("declare.{name}: MQTT has no queues to declare; remove it")));
        }
        Ok(Self { target: Target::open(parts)?, replies: Arc::default(), groups: Mutex::default() })
    }

    async fn group(&self, link: &MqttLink, source: &str, group: &str) -> Result<Arc<Reading>> {
        let key = (source.to_owned(), group.to_owned());
        let known = {
            let groups = self.groups.lock().unwrap_or_else(PoisonError::into_inner);
            groups.get(&key).and_then(Weak::upgrade)
        };
        if let Some(reading) = known.filter(|reading| reading.is_alive()) {
            return Ok(reading);
        }
        let reading = Reading::of_group(&self.target, link, source, group).await?;
        let mut groups = self.groups.lock().unwrap_or_else(PoisonError::into_inner);
        groups.retain(|_, reading| reading.strong_count() > 0);
        groups.insert(key, Arc::downgrade(&reading));
        Ok(reading)
    }
}

impl Broker for Mqtt {
    type Link = MqttLink;
    type Consumer = Consuming;

    const SYSTEM: &'static str = "mqtt";
    const IS_LOG: bool = true;

    async fn connect(&self, context: &Context, login: &Login) -> Result<MqttLink> {
        MqttLink::connect(&self.target, context, login, &self.replies.beside()).await
    }

    fn is_alive(&self, link: &MqttLink) -> bool {
        link.is_alive()
    }

    fn check(&self, message: &Message) -> Result<()> {
        message::check(message)
    }

    async fn publish(&self, link: &MqttLink, messages: &[Message]) -> Vec<Result<Receipt>> {
        link.publish(messages).await
    }

    async fn ask(&self, link: &MqttLink, message: &Message, delivered: &mut bool) -> Result<Message> {
        link.ask(message, delivered).await
    }

    fn late(&self) -> u64 {
        self.replies.late()
    }

    async fn consume(&self, link: &Arc<MqttLink>, subscription: &Subscription) -> Result<Consuming> {
        if subscription.start.is_some() {
            let message =
                "from: MQTT keeps no messages to begin with; a group has what came since it first read";
            return Err(Error::new(Kind::Unsupported, message).outcome_is(Outcome::NotSent));
        }
        message::check_filter(&subscription.source, subscription.group.as_deref())?;
        let reading = match &subscription.group {
            Some(group) => self.group(link, &subscription.source, group).await?,
            None => Reading::alone(&self.target, link, &subscription.source).await?,
        };
        Ok(Consuming::new(reading))
    }

    /// In front, so that whoever reads `orders/#` does not read it.
    fn beside(source: &str) -> String {
        format!("dead/{source}")
    }

    async fn proof(&self, link: &MqttLink) -> Result<Proof> {
        let proof = Proof::ANSWERED;
        Ok(match link.version().await? {
            Some(version) => proof.fact("version", version),
            None => proof,
        })
    }

    async fn schema(&self, _: &MqttLink) -> Result<Value> {
        Err(Error::new(Kind::Unsupported, "a broker of MQTT does not list its topics"))
    }

    async fn close(&self, link: Arc<MqttLink>) {
        link.close().await;
    }
}
