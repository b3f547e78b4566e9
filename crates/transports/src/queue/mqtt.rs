//! `Mqtt`: brokers that speak MQTT 5. Messages are acknowledged by the broker; groups are shared subscriptions of a session that
//! the broker keeps.

mod failure;
mod link;
mod message;
mod reading;
mod sessions;
mod target;

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError, Weak,
        atomic::{AtomicU64, Ordering},
    },
};

use serde_json::Value;
use trunkline_core::{Context, Error, Kind, Message, Outcome, Proof, Result};

pub(super) use self::link::MqttLink;
use self::{
    reading::{Consuming, Reading},
    target::Target,
};
use super::{
    broker::{Broker, Delivered, Login, Receipt, Subscription},
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
    /// One is begun at a time: of two who come with the id of one session, the broker ends the first.
    beginning: tokio::sync::Mutex<()>,
    /// How many messages gave way to newer ones.
    gone: Arc<AtomicU64>,
}

impl Mqtt {
    pub(super) fn open(parts: Parts) -> Result<Self> {
        if let Some(name) = parts.declare.keys().next() {
            return Err(Error::invalid(format!("declare.{name}: MQTT has no queues to declare; remove it")));
        }
        Ok(Self {
            target: Target::open(parts)?,
            replies: Arc::default(),
            groups: Mutex::default(),
            beginning: tokio::sync::Mutex::default(),
            gone: Arc::default(),
        })
    }

    /// Who reads for a group already, if the connection is there.
    fn known(&self, key: &(String, String)) -> Option<Arc<Reading>> {
        let groups = self.groups.lock().unwrap_or_else(PoisonError::into_inner);
        groups.get(key).and_then(Weak::upgrade).filter(|reading| reading.is_alive())
    }

    async fn group(&self, link: &MqttLink, owner: &str, source: &str, group: &str) -> Result<Arc<Reading>> {
        let key = (source.to_owned(), group.to_owned());
        let _beginning = self.beginning.lock().await;
        if let Some(reading) = self.known(&key) {
            return Ok(reading);
        }
        let reading = Reading::of_group(&self.target, link, (owner, group, source), &self.gone).await?;
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

    async fn ask(&self, link: &MqttLink, message: &Message, delivered: Delivered<'_>) -> Result<Message> {
        link.ask(message, delivered).await
    }

    fn late(&self) -> u64 {
        self.replies.late()
    }

    fn dropped(&self) -> u64 {
        self.gone.load(Ordering::Relaxed)
    }

    async fn consume(&self, link: &Arc<MqttLink>, subscription: &Subscription) -> Result<Consuming> {
        if subscription.start.is_some() {
            let message =
                "from: MQTT keeps no messages to begin with; a group has what came since it first read";
            return Err(Error::new(Kind::Unsupported, message).outcome_is(Outcome::NotSent));
        }
        message::check_filter(&subscription.source, subscription.group.as_deref())?;
        let reading = match &subscription.group {
            Some(group) => self.group(link, &subscription.owner, &subscription.source, group).await?,
            None => Reading::alone(&self.target, link, &subscription.source, &self.gone).await?,
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
