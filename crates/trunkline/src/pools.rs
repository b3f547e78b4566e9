//! `Pools`: how full the pools of all integrations are, and what has become of them though their handles come and go.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, OnceLock, PoisonError, Weak},
};

use trunkline_core::{Occupancy, Streams};

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
            let (mut sum, _) = totals.get(&id).map(Totals::so_far).unwrap_or_default();
            for (_, pool) in pools {
                sum.idle += pool.idle;
                sum.used += pool.used;
                sum.max += pool.max;
                sum.waiting += pool.waiting;
                if let Some(streams) = pool.streams {
                    let (_, counted) = totals.get(&id).map(Totals::so_far).unwrap_or_default();
                    let sum = sum.streams.get_or_insert(counted);
                    sum.readers += streams.readers;
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
            let (now, last) = (now.streams.unwrap_or_default(), last.streams.unwrap_or_default());
            self.dropped += now.dropped.saturating_sub(last.dropped);
            self.late += now.late.saturating_sub(last.late);
        }
        let read = pools.iter().map(|(handle, now)| (address(handle), (Arc::downgrade(handle), *now)));
        self.read = read.collect();
    }

    fn so_far(&self) -> (Occupancy, Streams) {
        let Self { opened, timeouts, dropped, late, .. } = *self;
        (Occupancy { opened, timeouts, ..Occupancy::default() }, Streams { readers: 0, dropped, late })
    }
}

fn address(handle: &Arc<Handle>) -> usize {
    Arc::as_ptr(handle).addr()
}
