//! `Tries`: how often messages were delivered, for brokers that do not count; and how often that was nobody's fault.

use std::sync::Arc;

use quick_cache::sync::Cache;

use super::broker::Delivery;

/// Messages that are remembered: those that came again lately.
const REMEMBERED: usize = 10_000;

/// Counts deliveries by the id of a message.
#[derive(Debug)]
pub(super) struct Tries {
    seen: Cache<Arc<str>, u32>,
    /// Deliveries that do not count, of those that a broker counts.
    forgiven: Cache<Arc<str>, u32>,
}

impl Tries {
    pub(super) fn new() -> Self {
        Self { seen: Cache::new(REMEMBERED), forgiven: Cache::new(REMEMBERED) }
    }

    /// How often a message was delivered, this time included: as the broker says, or as it was seen here. One that the
    /// broker says is new was not. What was forgiven does not count.
    pub(super) fn count<M>(&self, delivery: &Delivery<M>) -> Option<u32> {
        let key = key(delivery);
        if let Some(told) = delivery.deliveries {
            let forgiven = key.and_then(|key| self.forgiven.get(&key)).unwrap_or_default();
            return Some(told.saturating_sub(forgiven).max(1));
        }
        let key = key?;
        let count = match delivery.redelivered {
            true => self.seen.get(&key).unwrap_or(1) + 1,
            false => 1,
        };
        self.seen.insert(key, count);
        Some(count)
    }

    /// That a message was delivered this time does not count.
    pub(super) fn forgive<M>(&self, delivery: &Delivery<M>) {
        let Some(key) = key(delivery) else { return };
        match delivery.deliveries {
            Some(_) => {
                let forgiven = self.forgiven.get(&key).unwrap_or_default();
                self.forgiven.insert(key, forgiven + 1);
            }
            None => {
                let count = self.seen.get(&key).unwrap_or(1);
                self.seen.insert(key, count.saturating_sub(1));
            }
        }
    }

    /// A message was dealt with.
    pub(super) fn forget<M>(&self, delivery: &Delivery<M>) {
        if let Some(key) = key(delivery) {
            self.seen.remove(&key);
            self.forgiven.remove(&key);
        }
    }
}

fn key<M>(delivery: &Delivery<M>) -> Option<Arc<str>> {
    let id = delivery.message.id.as_deref()?;
    Some(format!("{}\0{id}", delivery.message.destination).into())
}

#[cfg(test)]
mod tests {
    use trunkline_core::Message;

    use super::*;

    fn delivery(deliveries: Option<u32>, redelivered: bool) -> Delivery<()> {
        let message = Message { id: Some("1".to_owned()), ..Message::text("orders", "a") };
        Delivery { message, deliveries, redelivered, timestamp: None, facts: Vec::new(), mark: Some(()) }
    }

    #[test]
    fn a_delivery_that_is_forgiven_does_not_count_whoever_counts() {
        for counts in [true, false] {
            let tries = Tries::new();
            let nth = |n: u32| delivery(counts.then_some(n), n > 1);
            assert_eq!(tries.count(&nth(1)), Some(1), "{counts}");
            for n in 2..50 {
                tries.forgive(&nth(n - 1));
                assert_eq!(tries.count(&nth(n)), Some(1), "{counts}");
            }
            assert_eq!(tries.count(&nth(50)), Some(2), "{counts}");
            tries.forget(&nth(50));
            assert_eq!(tries.count(&nth(1)), Some(1), "{counts}");
        }
    }
}
