//! What came so often that it is not sent back once more: as often as it may fail, or as often as the broker delivers a message
//! at all, whoever's fault that was. RabbitMQ drops messages of quorum queues then, after 20 times unless they say otherwise (guide
//! on quorum queues, "Poison Message Handling"); a group of NATS that has a `max_deliver` never delivers them again.

use std::sync::Arc;

use tokio::time::Instant;
use trunkline_core::{Result, Verdict};

use super::{
    aside::LONGEST,
    broker::{Broker, Consumer, Fate},
    client::Inner,
    lease::Lease,
};

/// What becomes of such a message instead of being sent back.
pub(super) enum Worn {
    /// It is sent to its queue once more, where it begins at one.
    Anew,
    /// It is put aside while that can be done, with this reason.
    Aside(String),
}

impl<B: Broker> Inner<B> {
    /// Whether a message that is to be sent back came too often for that.
    pub(super) fn worn(&self, lease: &Lease<B>, verdict: &Verdict) -> Option<Worn> {
        let counted = self.rules.max_deliveries.zip(lease.deliveries);
        if let (Verdict::Requeue, Some((bound, count))) = (verdict, counted)
            && count >= bound
        {
            return Some(Worn::Aside(format!("delivered {bound} times and sent back each time")));
        }
        let (most, count) = lease.consumer.most_deliveries().zip(lease.delivery.deliveries)?;
        // Some are left for connections that are lost meanwhile: then the broker counts as well. Another server, which knows of no
        // release, takes all of them for failures.
        let soon = count >= (most / 2).min(self.rules.max_deliveries.unwrap_or(u32::MAX)).max(1);
        match verdict {
            Verdict::Release if soon && B::Consumer::RENEWS => Some(Worn::Anew),
            Verdict::Requeue if soon && B::Consumer::RENEWS && counted.is_none() => Some(Worn::Anew),
            Verdict::Requeue if count >= most => Some(Worn::Aside(last(most))),
            _ => None,
        }
    }

    /// Sends a message to its queue as a new one, and takes it away when the broker has that: a copy of it may come, but it is
    /// never gone. How often it failed is forgotten.
    pub(super) async fn renew(self: &Arc<Self>, lease: Lease<B>) -> Result<()> {
        let Lease { consumer, group, delivery, deliveries, .. } = &lease;
        let Some(mark) = &delivery.mark else { return Ok(()) };
        if let Err(error) = consumer.renew(delivery, Instant::now() + LONGEST).await {
            // It stays with whoever has it for as long as a delivery may take, and then this is tried again.
            self.hold(lease);
            return Err(error);
        }
        consumer.settle(mark, Fate::Ack).await?;
        self.tries.forget(group.as_deref(), delivery, *deliveries);
        Ok(())
    }
}

/// Why a message is put aside that came for the last time.
pub(super) fn last(most: u32) -> String {
    let often = if most == 1 { "once".to_owned() } else { format!("{most} times") };
    format!("delivered {often}, which is as often as the broker does")
}
