//! `Pools`: how full the pools of all integrations are, and what has become of them though their handles come and go.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, OnceLock, PoisonError, Weak},
};

use trunkline_core::{Messages, Occupancy, Streams};

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
            let mut sum = Occupancy { streams: None, messages: None, ..so_far };
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
                    let sum = sum.messages.get_or_insert(so_far.messages.unwrap_or_default());
                    sum.in_flight += messages.in_flight;
                    sum.unacknowledged += messages.unacknowledged;
                    // Tenants of one broker read the same groups.
                    sum.lag = sum.lag.max(messages.lag);
                }
            }
            (id, sum)
        };
        open.into_iter().map(sum).collect()
    }
}

impl Totals {
    fn add(&mut self, pools: &[(Arc<Handle>, Occupancy)]) {
        for (handle, now) in pools {
            let last = self.read.get(&address(handle)).map(|(_, last)| *last).unwrap_or_default();
            self.opened += now.opened.saturating_sub(last.opened);
            self.timeouts += now.timeouts.saturating_sub(last.timeouts);
            let (streams, before) = (now.streams.unwrap_or_default(), last.streams.unwrap_or_default());
            self.dropped += streams.dropped.saturating_sub(before.dropped);
            self.late += streams.late.saturating_sub(before.late);
            let (messages, before) = (now.messages.unwrap_or_default(), last.messages.unwrap_or_default());
            self.confirmed += messages.confirmed.saturating_sub(before.confirmed);
            self.returned += messages.returned.saturating_sub(before.returned);
            self.put_aside += messages.put_aside.saturating_sub(before.put_aside);
        }
        let read = pools.iter().map(|(handle, now)| (address(handle), (Arc::downgrade(handle), *now)));
        self.read = read.collect();
    }

    fn so_far(&self) -> Occupancy {
        let Self { opened, timeouts, dropped, late, confirmed, returned, put_aside, .. } = *self;
        let messages = Messages { confirmed, returned, put_aside, ..Messages::default() };
        Occupancy {
            opened,
            timeouts,
            streams: Some(Streams { readers: 0, dropped, late }),
            messages: Some(messages),
            ..Occupancy::default()
        }
    }
}

fn address(handle: &Arc<Handle>) -> usize {
    Arc::as_ptr(handle).addr()
}
