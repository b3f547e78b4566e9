//! `Attended`: somebody who reads, with whoever looks after what they keep when they are given up.

use std::{
    ops::Deref,
    sync::{Arc, Weak},
};

use tokio::runtime;

use super::{
    broker::{Broker, Consumer},
    client::Inner,
    lease::Lease,
    readers::Reader,
};

/// Somebody who reads. Dropped, what they keep and the broker would not deliver once more is put aside.
pub(super) struct Attended<B: Broker> {
    /// Taken when this is dropped.
    consumer: Option<B::Consumer>,
    link: Arc<B::Link>,
    group: Option<Arc<str>>,
    inner: Weak<Inner<B>>,
}

impl<B: Broker> Attended<B> {
    pub(super) fn new(
        inner: &Weak<Inner<B>>,
        link: Arc<B::Link>,
        consumer: B::Consumer,
        group: Option<Arc<str>>,
    ) -> Self {
        Self { consumer: Some(consumer), link, group, inner: inner.clone() }
    }
}

impl<B: Broker> Deref for Attended<B> {
    type Target = B::Consumer;

    fn deref(&self) -> &B::Consumer {
        self.consumer.as_ref().expect("it is there until this is dropped")
    }
}

impl<B: Broker> Drop for Attended<B> {
    fn drop(&mut self) {
        let Some(consumer) = self.consumer.take() else { return };
        let kept = consumer.give_up();
        if !kept.is_empty()
            && let (Some(inner), Ok(runtime)) = (self.inner.upgrade(), runtime::Handle::try_current())
        {
            let reader = Reader::new(&self.inner, self.link.clone(), consumer, self.group.as_deref());
            let leases = kept.into_iter().map(|delivery| Lease::new(&reader, delivery)).collect();
            runtime.spawn(async move { inner.put_all_aside(leases).await });
        }
    }
}
