//! `Pools`: how full the pools of all integrations are, and what has become of them though their handles come and go.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, OnceLock, PoisonError, Weak},
};

use trunkline_core::{Lag, Messages, Occupancy, Streams};

use crate::{Handle, registry::Registry};

/// The pools of a manager's integrations.
#[derive(Default)]
pub(crate) struct Pools {
    /// Not there before the manager is.
    registry: OnceLock<Weak<Registry>>,
    totals: Mutex<BTreeMap<Arc<str>, Totals>>,
}

/// What the pools of an integration have counted, those that are closed among them: a counter never goes back.
#[derive(Default)]
struct Totals {
    opened: u64,
    timeouts: u64,
    dropped: u64,
    late: u64,
    confirmed: u64,
    returned: u64,
    put_aside: u64,
    put_aside_failed: u64,
    /// What was last read of each handle, by its address. Held weakly, that is nobody else's.
    read: HashMap<usize, (Weak<Handle>, Occupancy)>,
}

impl Pools {
    /// From now on these integrations are read.
    pub(crate) fn of(&self, registry: &Arc<Registry>) {
        // A builder makes one manager.
        let _ = self.registry.set(Arc::downgrade(registry));
    }

    /// Those that there are, by their integrations. What the last moments of a handle counted after it was read is lost.
    pub(crate) fn read(&self) -> Vec<(Arc<str>, Occupancy)> {
        let Some(registry) = self.registry.get().and_then(Weak::upgrade) else { return Vec::new() };
        let mut open = BTreeMap::<Arc<str>, Vec<_>>::new();
        let handles = registry.all();
        let connections =
            registry.opened.all().into_iter().filter(|handle| handles.contains_key(handle.id()));
        for handle in handles.values().cloned().chain(connections) {
            if let Some(now) = handle.occupancy() {
                open.entry(handle.id().shared().clone()).or_default().push((handle, now));
            }
        }
        let mut totals = self.totals.lock().unwrap_or_else(PoisonError::into_inner);
        totals.retain(|id, _| handles.contains_key(&**id));
        for (id, pools) in &open {
            totals.entry(id.clone()).or_default().add(pools);
        }
        let sum = |(id, pools): (Arc<str>, Vec<(_, Occupancy)>)| {
            let so_far = totals.get(&id).map(Totals::so_far).unwrap_or_default();
            let mut sum = Occupancy { streams: None, messages: None, ..so_far.clone() };
            let mut behind = Vec::new();
            for (_, pool) in pools {
                sum.idle += pool.idle;
                sum.used += pool.used;
                sum.max += pool.max;
                sum.waiting += pool.waiting;
                if let Some(streams) = pool.streams {
                    let sum = sum.streams.get_or_insert(so_far.streams.unwrap_or_default());
                    sum.readers += streams.readers;
                }
                if let Some(messages) = pool.messages {
                    let sum = sum.messages.get_or_insert_with(|| so_far.messages.clone().unwrap_or_default());
                    sum.in_flight += messages.in_flight;
                    sum.unacknowledged += messages.unacknowledged;
                    behind.extend(messages.lag);
                }
            }
            if let Some(sum) = &mut sum.messages {
                sum.lag = each(behind);
            }
            (id, sum)
        };
        open.into_iter().map(sum).collect()
    }
}

impl Totals {
    fn add(&mut self, pools: &[(Arc<Handle>, Occupancy)]) {
        for (handle, now) in pools {
            let last = self.read.get(&address(handle)).map(|(_, last)| last.clone()).unwrap_or_default();
            self.opened += now.opened.saturating_sub(last.opened);
            self.timeouts += now.timeouts.saturating_sub(last.timeouts);
            let (streams, before) = (now.streams.unwrap_or_default(), last.streams.unwrap_or_default());
            self.dropped += streams.dropped.saturating_sub(before.dropped);
            self.late += streams.late.saturating_sub(before.late);
            let none = &Messages::NONE;
            let (messages, before) =
                (now.messages.as_ref().unwrap_or(none), last.messages.as_ref().unwrap_or(none));
            self.confirmed += messages.confirmed.saturating_sub(before.confirmed);
            self.returned += messages.returned.saturating_sub(before.returned);
            self.put_aside += messages.put_aside.saturating_sub(before.put_aside);
            self.put_aside_failed += messages.put_aside_failed.saturating_sub(before.put_aside_failed);
        }
        let read = pools.iter().map(|(handle, now)| (address(handle), (Arc::downgrade(handle), now.clone())));
        self.read = read.collect();
    }

    fn so_far(&self) -> Occupancy {
        let Self {
            opened, timeouts, dropped, late, confirmed, returned, put_aside, put_aside_failed, ..
        } = *self;
        let messages = Messages { confirmed, returned, put_aside, put_aside_failed, ..Messages::default() };
        Occupancy {
            opened,
            timeouts,
            streams: Some(Streams { readers: 0, dropped, late }),
            messages: Some(messages),
            ..Occupancy::default()
        }
    }
}

/// How far each group is behind: tenants of one broker read as the same groups, and each of those is told of once.
fn each(mut behind: Vec<Lag>) -> Vec<Lag> {
    let of = |lag: &Lag| (lag.queue.clone(), lag.group.clone());
    behind.sort_by_cached_key(|lag| (of(lag), Reverse(lag.messages)));
    behind.dedup_by_key(|lag| of(lag));
    behind.sort_by_key(|lag| Reverse(lag.messages));
    behind
}

fn address(handle: &Arc<Handle>) -> usize {
    Arc::as_ptr(handle).addr()
}
