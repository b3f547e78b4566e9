//! `Handed`: messages of a pull on their way to whoever asked, who may be gone.

use std::{mem, sync::Arc};

use serde_json::value::RawValue;
use tokio::runtime;
use trunkline_core::Verdict;

use super::{broker::Broker, client::Inner};

/// Messages that were taken for somebody. Where nobody takes them they go back at once, and that they came does not count.
pub(super) struct Handed<B: Broker> {
    inner: Arc<Inner<B>>,
    told: Vec<Box<RawValue>>,
    /// Of those that are to be acknowledged.
    tokens: Vec<String>,
}

impl<B: Broker> Handed<B> {
    pub(super) fn new(inner: &Arc<Inner<B>>) -> Self {
        Self { inner: inner.clone(), told: Vec::new(), tokens: Vec::new() }
    }

    /// One more, and what it is acknowledged by.
    pub(super) fn push(&mut self, told: Box<RawValue>, token: Option<String>) {
        self.told.push(told);
        self.tokens.extend(token);
    }

    /// They are taken: from now on whoever has them is waited for.
    pub(super) fn taken(mut self) -> Vec<Box<RawValue>> {
        self.tokens.clear();
        mem::take(&mut self.told)
    }
}

impl<B: Broker> Drop for Handed<B> {
    fn drop(&mut self) {
        let tokens = mem::take(&mut self.tokens);
        if !tokens.is_empty()
            && let Ok(runtime) = runtime::Handle::try_current()
        {
            let inner = self.inner.clone();
            let leases: Vec<_> = tokens.iter().filter_map(|token| inner.leases.take(token).ok()).collect();
            runtime.spawn(async move { inner.give_back(leases, Verdict::Release).await });
        }
    }
}
