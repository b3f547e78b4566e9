//! `Mqtt`: brokers that speak MQTT 5. Messages are acknowledged by the broker; groups are shared subscriptions of a session that
//! the broker keeps.

mod failure;
mod limits;
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
use tokio::time::Instant;
use trunkline_core::{Context, Error, Kind, Message, Outcome, Proof, Result};

pub(super) use self::link::MqttLink;
use self::{
    reading::{Consuming, Reading},
    target::Target,
};
use super::{
    broker::{Broker, Delivered, Login, Receipt, Subscription},
    config::Parts,
    paced::Paced,
    replies::Replies,
};

/// A broker of MQTT.
#[derive(Debug)]
pub(super) struct Mqtt {
    target: Target,
    replies: Arc<Replies>,
    /// Who reads for a group: a session has one connection, so all in this process who read for it share one.
    groups: Mutex<HashMap<(String, String), Weak<Reading>>>,
    /// Connections of groups. Of one group one is begun at a time: of two who come with the id of one session, the broker ends
    /// the first.
    beginning: Mutex<HashMap<(String, String), Arc<Paced>>>,
    /// Connections of those who read by themselves.
    paced: Paced,
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
            beginning: Mutex::default(),
            paced: Paced::default(),
            gone: Arc::default(),
        })
    }

    /// Who reads for a group already, if the connection is there.
    fn known(&self, key: &(String, String)) -> Option<Arc<Reading>> {
        let groups = self.groups.lock().unwrap_or_else(PoisonError::into_inner);
        groups.get(key).and_then(Weak::upgrade).filter(|reading| reading.is_alive())
    }

    /// The turn of those who would begin to read for a group.
    fn beginning(&self, key: &(String, String)) -> Arc<Paced> {
        let mut all = self.beginning.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|_, paced| Arc::strong_count(paced) > 1 || paced.fails());
        all.entry(key.clone()).or_default().clone()
    }

    async fn group(&self, link: &MqttLink, owner: &str, source: &str, group: &str) -> Result<Arc<Reading>> {
        let key = (source.to_owned(), group.to_owned());
        let begun = self.beginning(&key);
        let begun = begun.make_one(async {
            if let Some(reading) = self.known(&key) {
                return Ok(reading);
            }
            // Boxed, as below: it is large.
            let reading = Reading::of_group(&self.target, link, (owner, group, source), &self.gone);
            let reading = Box::pin(reading).await?;
            let mut groups = self.groups.lock().unwrap_or_else(PoisonError::into_inner);
            groups.retain(|_, reading| reading.strong_count() > 0);
            groups.insert(key.clone(), Arc::downgrade(&reading));
            Ok(reading)
        });
        begun.await
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

    async fn publish(&self, link: &MqttLink, messages: &[Message], until: Instant) -> Vec<Result<Receipt>> {
        link.publish(messages, until).await
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
            None => {
                let reading = Reading::alone(&self.target, link, &subscription.source, &self.gone);
                self.paced.make(Box::pin(reading)).await?
            }
        };
        Ok(Consuming::new(reading))
    }

    /// In front, so that whoever reads `orders/#` does not read it.
    fn beside(source: &str) -> String {
        format!("dead/{source}")
    }

    fn is_kept(receipt: &Receipt) -> bool {
        link::is_kept(receipt)
    }

    async fn proof(&self, link: &MqttLink) -> Result<Proof> {
        let proof = Proof::ANSWERED;
        Ok(match link.version().await? {
            Some(version) => proof.fact("version", version),
            None => proof,
        })
    }

    async fn schema(&self, _: &MqttLink) -> Result<Value> {
        Err(Error::new(
            Kind::Unsupported,
            "a broker of MQTT does not list its topics; subscribe to # to see what comes",
        ))
    }

    async fn close(&self, link: Arc<MqttLink>) {
        link.close().await;
    }
}
