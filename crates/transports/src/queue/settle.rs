//! What becomes of messages: acknowledged, sent back, or put aside.

use std::sync::Arc;

use futures_util::{StreamExt, stream};
use trunkline_core::{Result, Settled, Settlement, Verdict};

use super::{
    broker::{Broker, Consumer, Fate},
    client::Inner,
    lease::Lease,
    worn::{self, Worn},
};

/// So many acknowledgements may be unanswered. Kafka hears of all that are under way at once, in two requests: the more there
/// are, the fewer it takes.
const AT_ONCE: usize = 1024;

/// What a message became.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Became {
    /// What was said.
    Said,
    /// It was to come again, and was put aside.
    Aside,
}

impl<B: Broker> Inner<B> {
    /// Says what has become of messages, of each by itself, without waiting in between.
    pub(super) async fn settle(self: &Arc<Self>, settle: Vec<Settlement>) -> Settled {
        let mut under_way = Vec::with_capacity(settle.len());
        for Settlement { token, verdict } in settle {
            under_way.push(async {
                let done = match self.leases.take(&token) {
                    Ok(lease) => self.judge(lease, verdict).await,
                    Err(error) => Err(error),
                };
                (token, done)
            });
        }
        let mut under_way = stream::iter(under_way).buffered(AT_ONCE);
        let mut all = Settled::default();
        while let Some((token, done)) = under_way.next().await {
            match done {
                Ok(became) => {
                    all.count += 1;
                    if became == Became::Aside {
                        all.aside.push(token);
                    }
                }
                Err(error) => all.failed.push((token, error)),
            }
        }
        all
    }

    /// Says what has become of a message.
    ///
    /// # Errors
    ///
    /// Where the broker did not hear it: then the message comes again.
    pub(super) async fn judge(self: &Arc<Self>, lease: Lease<B>, verdict: Verdict) -> Result<Became> {
        let Some(mark) = &lease.delivery.mark else { return Ok(Became::Said) };
        match self.worn(&lease, &verdict) {
            Some(Worn::Anew) => return self.renew(lease).await.map(|()| Became::Said),
            Some(Worn::Aside(reason)) => return self.put_aside(lease, &reason).await.map(|()| Became::Aside),
            None => {}
        }
        let fate = match verdict {
            Verdict::Ack => Fate::Ack,
            Verdict::Reject => Fate::Reject,
            Verdict::DeadLetter(reason) => {
                return self.put_aside(lease, &reason).await.map(|()| Became::Said);
            }
            Verdict::Release => {
                if lease.consumer.counts_released(mark) {
                    self.tries.forgive(lease.group.as_deref(), &lease.delivery, lease.deliveries);
                }
                return match lease.consumer.release(mark).await? {
                    true => Ok(Became::Said),
                    false => self.put_aside_last(lease).await.map(|()| Became::Aside),
                };
            }
            Verdict::Requeue => Fate::Requeue,
        };
        lease.consumer.settle(mark, fate).await?;
        if fate != Fate::Requeue {
            self.tries.forget(lease.group.as_deref(), &lease.delivery, lease.deliveries);
        }
        Ok(Became::Said)
    }

    /// Puts a message aside that the broker would not deliver once more.
    pub(super) async fn put_aside_last(self: &Arc<Self>, lease: Lease<B>) -> Result<()> {
        let most = lease.consumer.most_deliveries().or(lease.delivery.deliveries).unwrap_or_default();
        self.put_aside(lease, &worn::last(most)).await
    }

    /// Puts aside all of these, which the broker would not deliver once more.
    pub(super) async fn put_all_aside(self: &Arc<Self>, leases: Vec<Lease<B>>) {
        // Where one cannot be, that is told there.
        stream::iter(leases)
            .for_each_concurrent(AT_ONCE, |lease| async { drop(self.put_aside_last(lease).await) })
            .await;
    }

    /// Says the same of all of these, without waiting in between.
    pub(super) async fn judge_all(self: &Arc<Self>, leases: Vec<Lease<B>>, verdict: Verdict) {
        let each = stream::iter(leases);
        each.for_each_concurrent(AT_ONCE, |lease| {
            let verdict = verdict.clone();
            async {
                // Where the broker does not hear it, it finds out that the connection is gone.
                let _ = self.judge(lease, verdict).await;
            }
        })
        .await;
    }
}
