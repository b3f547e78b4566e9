//! `Tries`: how often messages were delivered, for brokers that do not count.

use std::sync::Arc;

use quick_cache::sync::Cache;

use super::broker::Delivery;

/// Messages that are remembered: those that came again lately.
const REMEMBERED: usize = 10_000;

/// Counts deliveries by the id of a message.
#[derive(Debug)]
pub(super) struct Tries(Cache<Arc<str>, u32>);

impl Tries {
    pub(super) fn new() -> Self {
        Self(Cache::new(REMEMBERED))
    }

    /// How often a message was delivered, this time included: as the broker says, or as it was seen here. One that the
    /// broker says is new was not.
    pub(super) fn count<M>(&self, delivery: &Delivery<M>) -> Option<u32> {
        if delivery.deliveries.is_some() {
            return delivery.deliveries;
        }
        let key = key(delivery)?;
        let count = match delivery.redelivered {
            true => self.0.get(&key).unwrap_or(1) + 1,
            false => 1,
        };
        self.0.insert(key, count);
        Some(count)
    }

    /// A message was dealt with.
    pub(super) fn forget<M>(&self, delivery: &Delivery<M>) {
        if let Some(key) = key(delivery) {
            self.0.remove(&key);
        }
    }
}

fn key<M>(delivery: &Delivery<M>) -> Option<Arc<str>> {
    let id = delivery.message.id.as_deref()?;
    Some(format!("{}\0{id}", delivery.message.destination).into())
}
