//! `Readers`: those who read for pulls, each kept for a while between one pull and the next.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

use super::broker::{Broker, Subscription};

/// So long one is kept that nobody pulls through.
const KEPT: Duration = Duration::from_secs(60);

/// Those that there are.
pub(super) struct Readers<B: Broker>(Mutex<HashMap<Subscription, Reader<B>>>);

/// One of them.
pub(super) struct Reader<B: Broker> {
    pub(super) link: Arc<B::Link>,
    pub(super) consumer: Arc<B::Consumer>,
    used: Instant,
}

impl<B: Broker> Default for Readers<B> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<B: Broker> Reader<B> {
    pub(super) fn new(link: Arc<B::Link>, consumer: B::Consumer) -> Self {
        Self { link, consumer: Arc::new(consumer), used: Instant::now() }
    }
}

impl<B: Broker> Clone for Reader<B> {
    fn clone(&self) -> Self {
        Self { link: self.link.clone(), consumer: self.consumer.clone(), used: self.used }
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

    /// Keeps one, unless another was kept meanwhile, which is then the one.
    pub(super) fn put(&self, subscription: Subscription, reader: Reader<B>) -> Reader<B> {
        let mut all = self.all();
        match all.get(&subscription).filter(|other| Arc::ptr_eq(&other.link, &reader.link)) {
            Some(other) => other.clone(),
            None => {
                all.insert(subscription, reader.clone());
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

    /// Forgets those that nobody pulls through, and says when the next one is forgotten.
    pub(super) fn tend(&self) -> Option<Instant> {
        let now = Instant::now();
        let mut all = self.all();
        // One in use is not idle, however long it waits.
        all.retain(|_, reader| Arc::strong_count(&reader.consumer) > 1 || now < reader.used + KEPT);
        all.values().map(|reader| (reader.used + KEPT).max(now + Duration::from_secs(1))).min()
    }

    /// Whether there are none.
    pub(super) fn is_empty(&self) -> bool {
        self.all().is_empty()
    }

    /// Forgets all.
    pub(super) fn clear(&self) {
        self.all().clear();
    }

    fn all(&self) -> MutexGuard<'_, HashMap<Subscription, Reader<B>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
