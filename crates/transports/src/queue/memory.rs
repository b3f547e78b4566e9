//! `Memory`: queues in the memory of this process, for trying things out with nothing installed. What is in them is gone when
//! it ends.

mod queues;
mod shelf;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use serde_json::{Value, json};
use tokio::time::{Instant, timeout_at};
use trunkline_core::{Context, Error, Kind, Message, Outcome, Proof, Result};

use self::{
    queues::Taken,
    shelf::{ANSWERS, Shelf},
};
use super::{
    broker::{Broker, Consumer, Delivered, Delivery, Fate, Guarantee, Login, Receipt, Subscription},
    config::{DeclareConfig, Parts},
    place::only,
};

/// A broker in memory: one for each name, shared by all integrations that say it.
#[derive(Debug, Default)]
pub(super) struct Memory {
    shelf: Arc<Shelf>,
    declare: Vec<String>,
}

/// All that there are in a process.
#[derive(Debug, Default)]
struct Shelves(Mutex<HashMap<String, Arc<Shelf>>>);

impl Memory {
    pub(super) fn open(parts: Parts, context: &Context) -> Result<Self> {
        let Parts { address, declare, .. } = parts;
        address.no_more_params(&[])?;
        if address.login.user.is_some() || address.path.is_some_and(|path| !path.is_empty()) {
            return Err(Error::invalid(
                "base_url: memory: takes a name and nothing else, as in memory://shop",
            ));
        }
        if declare.values().any(|declared| *declared != DeclareConfig::default()) {
            return Err(Error::invalid("declare: a queue in memory has nothing but its name"));
        }
        let name = address.hosts.into_iter().next().map(|(name, _)| name).unwrap_or_default();
        let shelves = context.shared::<Shelves>();
        let mut shelves = shelves.0.lock().unwrap_or_else(PoisonError::into_inner);
        let shelf = shelves.entry(name).or_default().clone();
        Ok(Self { shelf, declare: declare.into_keys().collect() })
    }
}

impl Broker for Memory {
    type Link = ();
    type Consumer = Reading;

    const SYSTEM: &'static str = "memory";

    async fn connect(&self, _: &Context, _: &Login) -> Result<()> {
        for name in &self.declare {
            self.shelf.declare(name).map_err(|error| error.at(&format!("declare.{name}")))?;
        }
        Ok(())
    }

    fn is_alive(&self, (): &()) -> bool {
        true
    }

    fn check(&self, message: &Message) -> Result<()> {
        only(message, &["key"], |_| "a queue in memory has nothing of the kind")
    }

    async fn publish(&self, (): &(), messages: &[Message], _: Instant) -> Vec<Result<Receipt>> {
        let one = |message: &Message| {
            let receipt = |number| Receipt {
                guarantee: Guarantee::AtMostOnce,
                facts: vec![("sequence", Value::from(number))],
            };
            self.shelf.put(message.clone()).map(receipt)
        };
        messages.iter().map(one).collect()
    }

    async fn ask(&self, (): &(), message: &Message, delivered: Delivered<'_>) -> Result<Message> {
        let waiting = self.shelf.replies.expect()?;
        let back = format!("{ANSWERS}{}", waiting.id);
        let mut message = message.clone();
        (message.reply_to, message.correlation_id) = (Some(back), Some(waiting.id.clone()));
        self.shelf.put(message)?;
        delivered();
        waiting.answer().await
    }

    fn late(&self) -> u64 {
        self.shelf.replies.late()
    }

    async fn consume(&self, _: &Arc<()>, subscription: &Subscription) -> Result<Reading> {
        if subscription.start.is_some() {
            let message =
                "from: a queue in memory begins with what it has, and keeps nothing that was dealt with";
            return Err(Error::new(Kind::Unsupported, message).outcome_is(Outcome::NotSent));
        }
        let group = subscription.group.clone().unwrap_or_default();
        self.shelf.join(&subscription.source, &group).map_err(|error| error.at("queue"))?;
        Ok(Reading {
            shelf: self.shelf.clone(),
            source: subscription.source.clone(),
            group,
            taken: Mutex::default(),
        })
    }

    async fn proof(&self, (): &()) -> Result<Proof> {
        Ok(Proof::ANSWERED)
    }

    async fn schema(&self, (): &()) -> Result<Value> {
        let all = self.shelf.list().into_iter();
        let queues: Vec<_> =
            all.map(|(name, messages)| json!({"name": name, "messages": messages})).collect();
        Ok(json!({"queues": queues}))
    }
}

/// Who reads a queue.
pub(super) struct Reading {
    shelf: Arc<Shelf>,
    source: String,
    group: String,
    /// What was fetched and not settled, by its number.
    taken: Mutex<HashMap<u64, Taken>>,
}

impl Consumer for Reading {
    type Mark = u64;

    async fn fetch(&self, max: u32, until: Instant) -> Result<Vec<Delivery<u64>>> {
        let taken = timeout_at(until, self.shelf.take(&self.source, &self.group, max)).await;
        let Ok(taken) = taken else { return Ok(Vec::new()) };
        let mut all = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let each = taken.into_iter().map(|taken| {
            let delivery = Delivery {
                message: Message::clone(&taken.message),
                deliveries: Some(taken.deliveries),
                redelivered: taken.deliveries > 1,
                timestamp: Some(taken.at),
                facts: vec![("sequence", taken.number.into())],
                mark: Some(taken.number),
            };
            all.insert(taken.number, taken);
            delivery
        });
        Ok(each.collect())
    }

    async fn settle(&self, mark: &u64, fate: Fate) -> Result<()> {
        let taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner).remove(mark);
        if let Some(taken) = taken.filter(|_| fate == Fate::Requeue) {
            self.shelf.back(&self.source, &self.group, taken);
        }
        Ok(())
    }
}

impl Drop for Reading {
    fn drop(&mut self) {
        let taken = std::mem::take(&mut *self.taken.lock().unwrap_or_else(PoisonError::into_inner));
        for taken in taken.into_values() {
            self.shelf.back(&self.source, &self.group, taken);
        }
        self.shelf.leave(&self.source, &self.group);
    }
}
