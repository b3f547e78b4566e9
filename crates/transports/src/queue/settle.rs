//! What becomes of messages: acknowledged, sent back, or put aside.

use std::sync::{Arc, atomic::Ordering};

use futures_util::{StreamExt, stream};
use trunkline_core::{Result, Settled, Settlement, Verdict};

use super::{
    broker::{Broker, Consumer, Fate},
    client::Inner,
    lease::Lease,
    place::unfit,
};

/// So many acknowledgements may be unanswered. Kafka hears of all that are under way at once, in two requests: the more there
/// are, the fewer it takes.
const AT_ONCE: usize = 1024;
/// What a message that was put aside says of itself, in headers.
const QUEUE: &str = "trunkline-dead-letter-queue";
const REASON: &str = "trunkline-dead-letter-reason";
const DELIVERIES: &str = "trunkline-dead-letter-deliveries";
/// So many bytes of a reason are told: headers of NATS and MQTT have an end.
const LONG: usize = 4096;

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
                Ok(()) => all.count += 1,
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
    pub(super) async fn judge(self: &Arc<Self>, lease: Lease<B>, verdict: Verdict) -> Result<()> {
        let Some(mark) = &lease.delivery.mark else { return Ok(()) };
        let often = self.rules.max_deliveries.zip(lease.deliveries).filter(|(most, count)| count >= most);
        let fate = match verdict {
            Verdict::Ack => Fate::Ack,
            Verdict::Reject => Fate::Reject,
            Verdict::Release => {
                self.tries.forgive(&lease.delivery);
                Fate::Requeue
            }
            Verdict::DeadLetter(reason) => return self.put_aside(lease, &reason).await,
            Verdict::Requeue => match often {
                Some((most, _)) => {
                    let reason = format!("delivered {most} times and sent back each time");
                    return self.put_aside(lease, &reason).await;
                }
                None => Fate::Requeue,
            },
        };
        lease.consumer.settle(mark, fate).await?;
        if fate != Fate::Requeue {
            self.tries.forget(&lease.delivery);
        }
        Ok(())
    }

    /// Sends messages back that nobody dealt with, without waiting in between.
    pub(super) async fn give_back(self: &Arc<Self>, leases: Vec<Lease<B>>, verdict: Verdict) {
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

    /// Puts a message aside, with the reason. Only when the broker has it there is it taken away here.
    /// Where that fails it is kept for as long as somebody would have had it, and then tried again.
    pub(super) async fn put_aside(self: &Arc<Self>, lease: Lease<B>, reason: &str) -> Result<()> {
        let Lease { link, consumer, delivery, deliveries, .. } = &lease;
        let Some(mark) = &delivery.mark else { return Ok(()) };
        let mut message = delivery.message.clone();
        let source = std::mem::take(&mut message.destination);
        message.destination = self.rules.dead_letter.clone().unwrap_or_else(|| B::beside(&source));
        (message.exchange, message.routing_key, message.expires, message.reply_to) = (None, None, None, None);
        message.set_header(QUEUE, source);
        message.set_header(REASON, one_line(reason));
        if let Some(deliveries) = deliveries {
            message.set_header(DELIVERIES, deliveries.to_string());
        }
        let aside = async {
            self.broker.prepare(link, &message.destination).await?;
            self.broker.publish(link, std::slice::from_ref(&message)).await.remove(0)
        };
        if let Err(error) = aside.await {
            self.hold(lease);
            return Err(error.at("dead_letter"));
        }
        self.counts.aside.fetch_add(1, Ordering::Relaxed);
        consumer.settle(mark, Fate::Ack).await?;
        self.tries.forget(delivery);
        Ok(())
    }
}

/// A reason as a header that every broker takes: without control characters or blanks around it, and not longer than [`LONG`].
fn one_line(reason: &str) -> String {
    let end = reason.floor_char_boundary(LONG);
    reason[..end].replace(unfit, " ").trim().to_owned()
}
