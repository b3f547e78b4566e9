//! `Handed`: messages of a pull on their way to whoever asked, who may be gone.

use std::{mem, sync::Arc};

use serde_json::value::RawValue;
use tokio::runtime;
use trunkline_core::Verdict;

use super::{broker::Broker, client::Inner, lease::Lease};

/// Messages that were taken for somebody. Where nobody takes them they go back at once, and that they came does not count.
pub(super) struct Handed<B: Broker> {
    inner: Arc<Inner<B>>,
    told: Vec<Box<RawValue>>,
    /// Of those that are to be acknowledged.
    tokens: Vec<String>,
    /// Those that are acknowledged once they were taken.
    leases: Vec<Lease<B>>,
}

impl<B: Broker> Handed<B> {
    pub(super) fn new(inner: &Arc<Inner<B>>) -> Self {
        Self { inner: inner.clone(), told: Vec::new(), tokens: Vec::new(), leases: Vec::new() }
    }

    /// One more, and what it is acknowledged by.
    pub(super) fn push(&mut self, told: Box<RawValue>, token: String) {
        self.told.push(told);
        self.tokens.push(token);
    }

    /// One more, which is acknowledged by itself, if it is at all.
    pub(super) fn push_auto(&mut self, told: Box<RawValue>, lease: Lease<B>) {
        self.told.push(told);
        if lease.delivery.mark.is_some() {
            self.leases.push(lease);
        }
    }

    /// They are taken: from now on whoever has them is waited for. Those without a token are still to be acknowledged.
    pub(super) fn taken(mut self) -> (Vec<Box<RawValue>>, Vec<Lease<B>>) {
        self.tokens.clear();
        (mem::take(&mut self.told), mem::take(&mut self.leases))
    }
}

impl<B: Broker> Drop for Handed<B> {
    fn drop(&mut self) {
        let (tokens, mut leases) = (mem::take(&mut self.tokens), mem::take(&mut self.leases));
        leases.extend(tokens.iter().filter_map(|token| self.inner.leases.take(token).ok()));
        if !leases.is_empty()
            && let Ok(runtime) = runtime::Handle::try_current()
        {
            let inner = self.inner.clone();
            runtime.spawn(async move { inner.judge_all(leases, Verdict::Release).await });
        }
    }
}
