//! `Came`: what a fetch has brought and nobody has taken yet. A fetch comes to its end though its caller goes away, and then
//! what it brought goes back.

use std::{mem, sync::Arc};

use tokio::{runtime, time::Instant};
use tokio_util::sync::CancellationToken;
use trunkline_core::{Error, Kind, Result, Verdict};

use super::{
    broker::{Broker, Consumer, Delivery},
    client::Inner,
    lease::Lease,
    readers::Reader,
};

/// Bytes that are fetched at once: what more there is comes with the next fetch.
const BYTES: usize = 64 << 20;
/// So many are fetched before it is known how long they are.
const FIRST: u32 = 16;

type Found<B> = Vec<Delivery<<<B as Broker>::Consumer as Consumer>::Mark>>;

/// Messages on their way from a broker. Where nobody takes them they go back at once, and that they came does not count.
pub(super) struct Came<B: Broker> {
    inner: Arc<Inner<B>>,
    reader: Reader<B>,
    found: Found<B>,
}

impl<B: Broker> Came<B> {
    /// Fetches messages, at most `max` and about 64 MiB: those that are at hand as soon as there is one, none where none came
    /// until then.
    ///
    /// # Errors
    ///
    /// Those of [`Consumer::fetch`].
    pub(super) async fn fetch(
        inner: &Arc<Inner<B>>,
        reader: &Reader<B>,
        max: u32,
        until: Instant,
    ) -> Result<Self> {
        let mut wanted = max.min(FIRST);
        let mut this = Self::turn(inner, reader, wanted, until).await?;
        let mut last = this.found.len();
        // Fewer than were wanted are all that are at hand.
        while last == wanted as usize {
            let bytes = this.found.iter().map(|delivery| delivery.message.body.len()).sum();
            wanted = more(this.found.len() as u32, bytes, max);
            if wanted == 0 {
                break;
            }
            // Where this fails, the next who fetches hears of it.
            let Ok(mut next) = Self::turn(inner, reader, wanted, Instant::now()).await else { break };
            last = next.found.len();
            this.found.append(&mut next.found);
        }
        Ok(this)
    }

    async fn turn(inner: &Arc<Inner<B>>, reader: &Reader<B>, max: u32, until: Instant) -> Result<Self> {
        let mut this = Self { inner: inner.clone(), reader: reader.clone(), found: Vec::new() };
        let Some(turn) = reader.consumer.turn() else {
            this.found = this.reader.consumer.fetch(max, until).await?;
            return Ok(this);
        };
        // Dropped here, it would take along what the broker has sent or is about to.
        let here = CancellationToken::new();
        let gone = here.clone();
        let _here = here.drop_guard();
        let fetching = tokio::spawn(async move {
            loop {
                this.found = this.reader.consumer.fetch(max, until.min(Instant::now() + turn)).await?;
                if !this.found.is_empty() || gone.is_cancelled() || Instant::now() >= until {
                    return Ok(this);
                }
            }
        });
        fetching.await.map_err(|_| Error::new(Kind::Internal, "the task that reads came to grief"))?
    }

    /// Whether there are none.
    pub(super) fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// They are taken: whoever has them looks after them.
    pub(super) fn take(mut self) -> Found<B> {
        mem::take(&mut self.found)
    }
}

/// How many more than `count`, which have `bytes`, are fetched, up to `max`: as many as fit if they are as long.
fn more(count: u32, bytes: usize, max: u32) -> u32 {
    let left = BYTES.saturating_sub(bytes);
    let each = (bytes / (count as usize).max(1)).max(1);
    u32::try_from(left / each).unwrap_or(u32::MAX).min(max.saturating_sub(count))
}

impl<B: Broker> Drop for Came<B> {
    fn drop(&mut self) {
        let found = mem::take(&mut self.found);
        if found.is_empty() {
            return;
        }
        let Ok(runtime) = runtime::Handle::try_current() else { return };
        let lease = |delivery| Lease::new(&self.reader, delivery);
        let (inner, leases) = (self.inner.clone(), found.into_iter().map(lease).collect());
        runtime.spawn(async move { inner.judge_all(leases, Verdict::Release).await });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_more_are_fetched_as_fit_if_they_are_as_long() {
        assert_eq!(more(16, 16, 1000), 984);
        assert_eq!(more(16, 0, 1000), 984, "empty ones");
        assert_eq!(more(16, 16 << 20, 1000), 48);
        assert_eq!(more(16, 64 << 20, 1000), 0);
        assert_eq!(more(16, 256 << 20, 1000), 0);
        assert_eq!(more(16, 16, 16), 0);
    }
}
