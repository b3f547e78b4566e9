//! Webhooks in memory.

use std::collections::BTreeMap;

use trunkline_core::{BoxFuture, Result, now_ms};
use zeroize::Zeroizing;

use super::MemoryStore;
use crate::{
    Events, NewEvent, StoredEvent, WholeEvent,
    events::{
        Attempted, Delivery, DeliveryState, Lane, Redelivered, Redelivery, Standing, Step, Tries, Waiting,
        full,
    },
};

/// The events that there are, by their numbers.
#[derive(Default)]
pub(super) struct Kept {
    events: BTreeMap<u64, Entry>,
    /// The number of the last event, or of the last delivery.
    last: u64,
}

struct Entry {
    integration: String,
    id: String,
    r#type: Option<String>,
    received_ms: i64,
    until_ms: i64,
    document: Zeroizing<Vec<u8>>,
    deliveries: Vec<Own>,
}

/// A delivery, and what making it again means.
struct Own {
    number: u64,
    delivery: Delivery,
    round: u32,
    /// Until when it may be made again that is under way.
    begun: Option<i64>,
    /// … and that may have been done before.
    until_ms: Option<i64>,
}

impl Own {
    fn new(number: u64, target: &str, due_ms: i64) -> Self {
        let (target, state) = (target.to_owned(), DeliveryState::Waits);
        let delivery = Delivery { target, state, attempts: 0, due_ms, tries: Vec::new() };
        Self { number, delivery, round: 0, begun: None, until_ms: None }
    }

    fn waits(&self) -> bool {
        self.delivery.state == DeliveryState::Waits
    }
}

impl Entry {
    fn is(&self, integration: &str, id: &str) -> bool {
        self.integration == integration && self.id == id
    }

    fn waits(&self) -> bool {
        self.deliveries.iter().any(Own::waits)
    }

    fn stored(&self, number: u64) -> StoredEvent {
        StoredEvent {
            number,
            id: self.id.clone(),
            r#type: self.r#type.clone(),
            received_ms: self.received_ms,
            deliveries: self.deliveries.iter().map(|own| own.delivery.clone()).collect(),
        }
    }
}

impl Kept {
    fn next(&mut self) -> u64 {
        self.last += 1;
        self.last
    }

    fn deliveries(&mut self, targets: &[&str], now_ms: i64) -> Vec<Own> {
        targets.iter().map(|target| Own::new(self.next(), target, now_ms)).collect()
    }

    fn add(&mut self, event: NewEvent<'_>) -> Result<bool> {
        self.expire(event.now_ms);
        if self.events.values().any(|entry| entry.is(event.integration, event.id)) {
            return Ok(false);
        }
        let own = || self.events.iter().filter(|(_, entry)| entry.integration == event.integration);
        if own().count() >= event.most.max(1) as usize {
            let oldest = own().find(|(_, entry)| !entry.waits()).map(|(number, _)| *number);
            self.events.remove(&oldest.ok_or_else(|| full(event.most))?);
        }
        let (number, deliveries) = (self.next(), self.deliveries(event.targets, event.now_ms));
        let entry = Entry {
            integration: event.integration.to_owned(),
            id: event.id.to_owned(),
            r#type: event.r#type.map(str::to_owned),
            received_ms: event.now_ms,
            until_ms: event.until_ms,
            document: Zeroizing::new(event.document.to_vec()),
            deliveries,
        };
        self.events.insert(number, entry);
        Ok(true)
    }

    /// Deletes all events whose time is over.
    fn expire(&mut self, now_ms: i64) {
        self.events.retain(|_, entry| entry.until_ms > now_ms);
    }

    /// Deletes all events of an integration.
    pub(super) fn forget(&mut self, integration: &str) {
        self.events.retain(|_, entry| entry.integration != integration);
    }

    /// Every delivery that waits, with its event.
    fn all_waiting(&self) -> impl Iterator<Item = (&Entry, &Own)> {
        let all = self.events.values().flat_map(|entry| entry.deliveries.iter().map(move |own| (entry, own)));
        all.filter(|(_, own)| own.waits())
    }

    /// The delivery of this number.
    fn own(&mut self, number: u64) -> Option<&mut Own> {
        self.events.values_mut().flat_map(|entry| &mut entry.deliveries).find(|own| own.number == number)
    }

    fn redeliver(&mut self, integration: &str, id: &str, asked: Redelivery<'_>) -> Option<Redelivered> {
        let mut last = self.last;
        let entry = self.events.values_mut().find(|entry| entry.is(integration, id))?;
        let mut said = Redelivered::default();
        for target in asked.targets {
            let Some(own) = entry.deliveries.iter_mut().find(|own| own.delivery.target == *target) else {
                last += 1;
                entry.deliveries.push(Own::new(last, target, asked.now_ms));
                said.waits.push((*target).to_owned());
                continue;
            };
            let (state, round) = (own.delivery.state, own.round);
            let standing = Standing { state, round, begun: own.begun.is_some(), until_ms: own.until_ms };
            let step = asked.step(standing);
            if let Step::Waits { round, until_ms } = step {
                (own.round, own.until_ms) = (round, until_ms);
                own.delivery = Own::new(own.number, target, asked.now_ms).delivery;
            }
            said.add(target, step);
        }
        self.last = last;
        Some(said)
    }
}

impl Events for MemoryStore {
    fn add_event<'a>(&'a self, event: NewEvent<'a>) -> BoxFuture<'a, Result<bool>> {
        Box::pin(async move { self.state()?.events.add(event) })
    }

    fn events<'a>(
        &'a self,
        integration: &'a str,
        before: Option<u64>,
        most: u32,
    ) -> BoxFuture<'a, Result<Vec<StoredEvent>>> {
        Box::pin(async move {
            let (state, now) = (self.state()?, now_ms());
            let found = state.events.events.range(..before.unwrap_or(u64::MAX)).rev();
            let found = found.filter(|(_, entry)| entry.integration == integration && entry.until_ms > now);
            Ok(found.take(most as usize).map(|(number, entry)| entry.stored(*number)).collect())
        })
    }

    fn event<'a>(&'a self, integration: &'a str, id: &'a str) -> BoxFuture<'a, Result<Option<WholeEvent>>> {
        Box::pin(async move {
            let state = self.state()?;
            let found = state.events.events.iter().find(|(_, entry)| entry.is(integration, id));
            Ok(found.map(|(number, entry)| WholeEvent {
                event: entry.stored(*number),
                document: Ok(entry.document.clone()),
            }))
        })
    }

    fn lanes(&self) -> BoxFuture<'_, Result<Vec<Lane>>> {
        Box::pin(async {
            let state = self.state()?;
            let mut lanes = BTreeMap::new();
            for (entry, Own { delivery, .. }) in state.events.all_waiting() {
                let due = lanes.entry((&entry.integration, &delivery.target)).or_insert(delivery.due_ms);
                *due = delivery.due_ms.min(*due);
            }
            let lane = |((integration, target), due_ms): ((&String, &String), i64)| Lane {
                integration: integration.clone(),
                target: target.clone(),
                due_ms,
            };
            Ok(lanes.into_iter().map(lane).collect())
        })
    }

    fn waiting<'a>(
        &'a self,
        integration: &'a str,
        target: &'a str,
        most: u32,
    ) -> BoxFuture<'a, Result<Vec<Waiting>>> {
        Box::pin(async move {
            let state = self.state()?;
            let mut waiting: Vec<_> = state
                .events
                .all_waiting()
                .filter(|(entry, own)| entry.integration == integration && own.delivery.target == target)
                .map(|(entry, own)| Waiting {
                    number: own.number,
                    event: entry.id.clone(),
                    attempts: own.delivery.attempts,
                    due_ms: own.delivery.due_ms,
                    round: own.round,
                    until_ms: own.begun.into_iter().chain(own.until_ms).min(),
                    begun: own.begun.is_some(),
                })
                .collect();
            waiting.sort_by_key(|waiting| (waiting.due_ms, waiting.number));
            waiting.truncate(most as usize);
            Ok(waiting)
        })
    }

    fn expire(&self, now_ms: i64) -> BoxFuture<'_, Result<bool>> {
        Box::pin(async move {
            self.state()?.events.expire(now_ms);
            Ok(false)
        })
    }

    fn begins(&self, number: u64, until_ms: i64) -> BoxFuture<'_, Result<()>> {
        Box::pin(async move {
            if let Some(own) = self.state()?.events.own(number) {
                own.begun = own.begun.into_iter().chain([until_ms]).min();
            }
            Ok(())
        })
    }

    fn attempted<'a>(&'a self, number: u64, attempted: Attempted<'a>) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let mut state = self.state()?;
            let Some(own) = state.events.own(number).filter(|own| own.waits()) else { return Ok(()) };
            let begun = own.begun.take().filter(|_| attempted.doubtful);
            own.until_ms = match attempted.state {
                _ if attempted.refused => None,
                DeliveryState::Forwarded => None,
                _ => begun.into_iter().chain(own.until_ms).min(),
            };
            let delivery = &mut own.delivery;
            (delivery.state, delivery.due_ms) = (attempted.state, attempted.due_ms);
            delivery.attempts += 1;
            let mut tries = Tries(std::mem::take(&mut delivery.tries));
            tries.push(attempted.tried);
            delivery.tries = tries.0;
            Ok(())
        })
    }

    fn redeliver<'a>(
        &'a self,
        integration: &'a str,
        id: &'a str,
        asked: Redelivery<'a>,
    ) -> BoxFuture<'a, Result<Option<Redelivered>>> {
        Box::pin(async move { Ok(self.state()?.events.redeliver(integration, id, asked)) })
    }
}
