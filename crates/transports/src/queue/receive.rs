//! Pulls, and what becomes of messages: acknowledged, sent back, or put aside.

use std::{
    sync::{Arc, Weak, atomic::Ordering},
    time::Duration,
};

use futures_util::{StreamExt, stream};
use serde_json::{json, value::RawValue};
use tokio::time::{Instant, sleep_until};
use trunkline_core::{Ack, Context, Credential, Error, Kind, Receive, Reply, Result, Settlement, Verdict};
use uuid::Uuid;

use super::{
    broker::{Broker, Consumer, Delivery, Fate, Subscription},
    client::Inner,
    lease::Lease,
    readers::Reader,
    reply,
};

/// So many acknowledgements may be unanswered.
const AT_ONCE: usize = 64;
/// So many messages of a stream may be unacknowledged at a time, unless whoever listens says how many.
const PREFETCH: u32 = 32;
/// What a message that was put aside says of itself, in headers.
const QUEUE: &str = "trunkline-dead-letter-queue";
const REASON: &str = "trunkline-dead-letter-reason";
const DELIVERIES: &str = "trunkline-dead-letter-deliveries";

impl<B: Broker> Inner<B> {
    /// What is read.
    pub(super) fn subscription(&self, receive: &Receive) -> Subscription {
        let unnamed = (B::IS_LOG && !receive.stream).then(|| Subscription::UNNAMED.to_owned());
        Subscription {
            source: receive.source.clone(),
            group: receive.group.clone().or(unnamed),
            start: receive.start,
            ack: receive.ack,
            prefetch: receive.stream.then(|| receive.prefetch.unwrap_or(PREFETCH)),
            hold: self.rules.ack_timeout,
        }
    }

    /// Says what has become of messages, and takes more of them.
    pub(super) async fn receive(
        self: &Arc<Self>,
        context: &Context,
        credential: Option<&Arc<Credential>>,
        end: Option<Instant>,
        receive: &mut Receive,
    ) -> Result<Reply> {
        let settled = match std::mem::take(&mut receive.settle) {
            none if none.is_empty() => Settled::default(),
            // A caller who goes away does not take back what they said.
            some => {
                let this = self.clone();
                tokio::spawn(async move { this.settle(some).await }).await.map_err(|_| ended())?
            }
        };
        if receive.max == 0 {
            return settled.reply();
        }
        let until = Instant::now() + receive.wait;
        let until = end.map_or(until, |end| until.min(end));
        let subscription = self.subscription(receive);
        loop {
            let max = receive.max.min(self.leases.room());
            if max == 0 {
                let message = "too many messages wait to be acknowledged; acknowledge some";
                return Err(Error::new(Kind::Throttled, message));
            }
            let reader = self.reader(context, credential, &subscription).await?;
            let came = match reader.consumer.fetch(max, until).await {
                Ok(came) => came,
                Err(error) => {
                    self.readers.remove(&subscription, &reader);
                    return Err(error);
                }
            };
            let some = !came.is_empty();
            let (this, ack) = (self.clone(), receive.ack);
            // What came is looked after though its caller goes away: it is held then until its time is up.
            let told = tokio::spawn(async move { this.hand_out_all(&reader, came, ack).await });
            let told = told.await.map_err(|_| ended())?;
            if !told.is_empty() || !some || Instant::now() >= until {
                return Ok(reply::messages(&told, &settled.failed));
            }
        }
    }

    async fn reader(
        self: &Arc<Self>,
        context: &Context,
        credential: Option<&Arc<Credential>>,
        subscription: &Subscription,
    ) -> Result<Reader<B>> {
        let link = self.line.link(context, credential).await?;
        if let Some(reader) = self.readers.get(subscription, &link) {
            return Ok(reader);
        }
        let consumer = self.broker.consume(&link, subscription).await?;
        let reader = self.readers.put(subscription.clone(), Reader::new(link, consumer));
        self.tend();
        Ok(reader)
    }

    async fn hand_out_all(
        self: &Arc<Self>,
        reader: &Reader<B>,
        came: Vec<Delivery<<B::Consumer as Consumer>::Mark>>,
        ack: Ack,
    ) -> Vec<Box<RawValue>> {
        let mut told = Vec::with_capacity(came.len());
        for delivery in came {
            let deliveries = self.tries.count(&delivery);
            let lease = Lease {
                link: reader.link.clone(),
                consumer: reader.consumer.clone(),
                delivery,
                deliveries,
                stream: None,
                _place: None,
            };
            if let Some(lease) = self.worth(lease).await {
                told.push(self.hand_out(lease, ack).await);
            }
        }
        told
    }

    /// A message for whoever asked, as JSON: with a token, unless it is acknowledged here and now.
    async fn hand_out(self: &Arc<Self>, lease: Lease<B>, ack: Ack) -> Box<RawValue> {
        if lease.delivery.mark.is_none() {
            return reply::delivery(&lease.delivery, lease.deliveries, None);
        }
        match ack {
            Ack::Auto => {
                let told = reply::delivery(&lease.delivery, lease.deliveries, None);
                // Where this fails it comes again.
                let _ = self.judge(lease, Verdict::Ack).await;
                told
            }
            Ack::Explicit => self.hold(lease),
        }
    }

    /// Keeps a message until it is acknowledged, and says what is told of it, which has the token in it.
    pub(super) fn hold(self: &Arc<Self>, lease: Lease<B>) -> Box<RawValue> {
        let token = Uuid::new_v4().simple().to_string();
        let told = reply::delivery(&lease.delivery, lease.deliveries, Some(&token));
        self.leases.hold(token, lease);
        self.tend();
        told
    }

    /// A message that is worth delivering. One that came too often without being acknowledged is put aside.
    pub(super) async fn worth(self: &Arc<Self>, lease: Lease<B>) -> Option<Lease<B>> {
        let (Some(most), Some(count)) = (self.rules.max_deliveries, lease.deliveries) else {
            return Some(lease);
        };
        if count <= most || lease.delivery.mark.is_none() {
            return Some(lease);
        }
        let reason = format!("delivered {most} times and never acknowledged");
        let _ = self.put_aside(lease, &reason).await;
        None
    }

    /// Says what has become of messages, of each by itself, without waiting in between.
    async fn settle(self: &Arc<Self>, settle: Vec<Settlement>) -> Settled {
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
                Ok(()) => all.settled += 1,
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

    /// Sends a message back that nobody dealt with.
    pub(super) async fn give_back(self: &Arc<Self>, lease: Lease<B>) {
        // Where the broker does not hear it, it finds out that the connection is gone.
        let _ = self.judge(lease, Verdict::Requeue).await;
    }

    /// Puts a message aside, with the reason. Only when the broker has it there is it taken away here.
    /// Where that fails it is kept for as long as somebody would have had it, and then tried again.
    async fn put_aside(self: &Arc<Self>, lease: Lease<B>, reason: &str) -> Result<()> {
        let Lease { link, consumer, delivery, deliveries, .. } = &lease;
        let Some(mark) = &delivery.mark else { return Ok(()) };
        let mut message = delivery.message.clone();
        let source = std::mem::take(&mut message.destination);
        message.destination = self.rules.dead_letter.clone().unwrap_or_else(|| B::beside(&source));
        (message.exchange, message.routing_key, message.expires, message.reply_to) = (None, None, None, None);
        message.set_header(QUEUE, source);
        message.set_header(REASON, reason);
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

    /// Sees that messages that are not acknowledged in time go back, and that readers nobody needs are forgotten: by a task
    /// that ends when there are none.
    fn tend(self: &Arc<Self>) {
        if !self.tended.swap(true, Ordering::AcqRel) {
            tokio::spawn(tend(Arc::downgrade(self)));
        }
    }
}

/// What has become of what was said of messages.
#[derive(Default)]
struct Settled {
    settled: usize,
    failed: Vec<(String, Error)>,
}

impl Settled {
    fn reply(mut self) -> Result<Reply> {
        if self.settled == 0 && !self.failed.is_empty() {
            return Err(self.failed.swap_remove(0).1);
        }
        let failed: Vec<_> = self.failed.iter().map(reply::unsettled).collect();
        let mut reply = reply::document(&json!({"settled": self.settled, "failed": failed}));
        if !failed.is_empty() {
            reply.headers.insert(Reply::PARTIAL_ERRORS, failed.len().into());
        }
        Ok(reply)
    }
}

fn ended() -> Error {
    Error::new(Kind::Internal, "the task that looks after messages ended by itself")
}

async fn tend<B: Broker>(inner: Weak<Inner<B>>) {
    while let Some(this) = inner.upgrade() {
        let (overdue, next) = this.leases.overdue();
        for lease in overdue {
            this.give_back(lease).await;
        }
        let next = [next, this.readers.tend()].into_iter().flatten().min();
        let Some(next) = next else {
            this.tended.store(false, Ordering::Release);
            // Whoever came in between found the task there.
            let came = this.leases.len() > 0 || !this.readers.is_empty();
            if came && !this.tended.swap(true, Ordering::AcqRel) {
                continue;
            }
            return;
        };
        // Whoever comes meanwhile may have less time than the next one that is known.
        let soon = Instant::now() + this.rules.ack_timeout.min(Duration::from_secs(1));
        drop(this);
        sleep_until(next.min(soon)).await;
    }
}
