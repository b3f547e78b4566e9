//! `Readers`: those who read for pulls, each kept for a while between one pull and the next.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::Duration,
};

use tokio::time::Instant;

use super::{
    attended::Attended,
    broker::{Broker, Consumer, Subscription},
    client::Inner,
    lease::Lease,
};

/// So long one is kept that nobody pulls through.
const KEPT: Duration = Duration::from_secs(60);
/// So many are kept: each may have a connection, or a place in a group.
const MOST: usize = 256;

/// Those that there are.
pub(super) struct Readers<B: Broker>(Mutex<HashMap<Subscription, Reader<B>>>);

/// One of them.
pub(super) struct Reader<B: Broker> {
    pub(super) link: Arc<B::Link>,
    pub(super) consumer: Arc<Attended<B>>,
    /// As whom it reads, if it says so.
    pub(super) group: Option<Arc<str>>,
    used: Instant,
}

impl<B: Broker> Default for Readers<B> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<B: Broker> Reader<B> {
    pub(super) fn new(
        inner: &Weak<Inner<B>>,
        link: Arc<B::Link>,
        consumer: B::Consumer,
        group: Option<&str>,
    ) -> Self {
        let group: Option<Arc<str>> = group.map(Into::into);
        let consumer = Arc::new(Attended::new(inner, link.clone(), consumer, group.clone()));
        Self { link, consumer, group, used: Instant::now() }
    }

    /// Whether nobody pulls through it or has a message of it. One in use is not idle, however long it waits.
    fn is_idle(&self) -> bool {
        Arc::strong_count(&self.consumer) == 1
    }
}

impl<B: Broker> Clone for Reader<B> {
    fn clone(&self) -> Self {
        let Self { link, consumer, group, used } = self;
        Self { link: link.clone(), consumer: consumer.clone(), group: group.clone(), used: *used }
    }
}

impl<B: Broker> Readers<B> {
    /// The one of a subscription, if it reads over this connection.
    pub(super) fn get(&self, subscription: &Subscription, link: &Arc<B::Link>) -> Option<Reader<B>> {
        let mut all = self.all();
        let reader = all.get_mut(subscription).filter(|reader| Arc::ptr_eq(&reader.link, link))?;
        reader.used = Instant::now();
        Some(reader.clone())
    }

    /// Keeps one, unless another was kept meanwhile, which is then the one. Where there are too many, the one gives way that
    /// nobody has pulled through for longest; where all are in use, this one is not kept.
    pub(super) fn put(&self, subscription: Subscription, reader: Reader<B>) -> Reader<B> {
        let mut all = self.all();
        match all.get(&subscription).filter(|other| Arc::ptr_eq(&other.link, &reader.link)) {
            Some(other) => other.clone(),
            None => {
                if all.len() < MOST || all.contains_key(&subscription) || evict(&mut all) {
                    all.insert(subscription, reader.clone());
                }
                reader
            }
        }
    }

    /// Forgets one that is of no more use.
    pub(super) fn remove(&self, subscription: &Subscription, reader: &Reader<B>) {
        let mut all = self.all();
        if all.get(subscription).is_some_and(|known| Arc::ptr_eq(&known.consumer, &reader.consumer)) {
            all.remove(subscription);
        }
    }

    /// Forgets those that nobody pulls through, or at once where their connection is not alive: left alone they would look for
    /// the broker by themselves. Says when the next one is forgotten.
    pub(super) fn tend(&self, is_alive: impl Fn(&B::Link) -> bool) -> Option<Instant> {
        let now = Instant::now();
        let mut all = self.all();
        all.retain(|_, reader| !reader.is_idle() || now < reader.used + KEPT && is_alive(&reader.link));
        all.values().map(|reader| (reader.used + KEPT).max(now + Duration::from_secs(1))).min()
    }

    /// Whether there are none.
    pub(super) fn is_empty(&self) -> bool {
        self.all().is_empty()
    }

    /// Forgets all, and gives what they keep of which their brokers would deliver nothing once more.
    pub(super) fn clear(&self) -> Vec<Lease<B>> {
        let all: Vec<_> = self.all().drain().map(|(_, reader)| reader).collect();
        let kept = all.iter().flat_map(|reader| {
            let kept = reader.consumer.give_up().into_iter();
            kept.map(|delivery| Lease::new(reader, delivery)).collect::<Vec<_>>()
        });
        kept.collect()
    }

    fn all(&self) -> MutexGuard<'_, HashMap<Subscription, Reader<B>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Forgets the one that has been idle for longest. `false` where none is.
#[expect(clippy::mutable_key_type, reason = "what can change in it says nothing of what is read")]
fn evict<B: Broker>(all: &mut HashMap<Subscription, Reader<B>>) -> bool {
    let idle = all.iter().filter(|(_, reader)| reader.is_idle());
    let oldest = idle.min_by_key(|(_, reader)| reader.used).map(|(subscription, _)| subscription.clone());
    oldest.and_then(|subscription| all.remove(&subscription)).is_some()
}

#[cfg(test)]
mod tests {
    use trunkline_core::Ack;

    use super::*;
    use crate::queue::{broker::Reached, memory::Memory};

    #[tokio::test(start_paused = true)]
    async fn so_many_are_kept_and_the_one_that_is_idle_for_longest_gives_way() {
        let (memory, link, readers) = (Memory::default(), Arc::new(()), Readers::<Memory>::default());
        let subscription = |n: usize| Subscription {
            source: n.to_string(),
            group: None,
            owner: Arc::default(),
            start: None,
            ack: Ack::Explicit,
            prefetch: None,
            hold: KEPT,
            reached: Reached::default(),
        };
        let put = async |n: usize| {
            tokio::time::advance(Duration::from_millis(1)).await;
            let consumer = memory.consume(&link, &subscription(n)).await.unwrap();
            readers.put(subscription(n), Reader::new(&Weak::new(), link.clone(), consumer, None))
        };
        let kept = |n: usize| readers.all().contains_key(&subscription(n));
        let used = put(0).await;
        for n in 1..MOST {
            put(n).await;
        }
        put(MOST).await;
        assert!(kept(0) && !kept(1) && kept(2) && kept(MOST), "the first is in use");
        assert_eq!(readers.all().len(), MOST);
        let all: Vec<_> = readers.all().values().cloned().collect();
        put(MOST + 1).await;
        assert!(!kept(MOST + 1), "all are in use");
        drop((used, all));
    }
}
