//! Pulls, and what becomes of messages: acknowledged, sent back, or put aside.

use std::{
    sync::{Arc, Weak, atomic::Ordering},
    time::Duration,
};

use futures_util::{StreamExt, stream};
use serde_json::value::RawValue;
use tokio::time::{Instant, sleep_until};
use trunkline_core::{
    Ack, Context, Credential, Error, Kind, Receive, Reply, Result, Settled, Settlement, Verdict,
};
use uuid::Uuid;

use super::{
    broker::{Broker, Consumer, Fate, Subscription},
    came::Came,
    client::Inner,
    handed::Handed,
    lease::{Lease, Room},
    place::unfit,
    readers::Reader,
    reply,
};

/// So many acknowledgements may be unanswered. Kafka hears of all that are under way at once, in two requests: the more there
/// are, the fewer it takes.
const AT_ONCE: usize = 1024;
/// So many messages of a stream may be unacknowledged at a time, unless whoever listens says how many.
const PREFETCH: u32 = 32;
/// What a message that was put aside says of itself, in headers.
const QUEUE: &str = "trunkline-dead-letter-queue";
const REASON: &str = "trunkline-dead-letter-reason";
const DELIVERIES: &str = "trunkline-dead-letter-deliveries";
/// So many bytes of a reason are told: headers of NATS and MQTT have an end.
const LONG: usize = 4096;

impl<B: Broker> Inner<B> {
    /// What is read.
    pub(super) fn subscription(&self, receive: &Receive) -> Subscription {
        let unnamed = (B::IS_LOG && !receive.stream).then(|| Subscription::UNNAMED.to_owned());
        Subscription {
            source: receive.source.clone(),
            group: receive.group.clone().or(unnamed),
            owner: self.owner.get().cloned().unwrap_or_default(),
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
        match std::mem::take(&mut receive.settle) {
            none if none.is_empty() => {}
            // A caller who goes away does not take back what they said.
            some => {
                let this = self.clone();
                receive.settled =
                    tokio::spawn(async move { this.settle(some).await }).await.map_err(|_| ended())?;
            }
        }
        if receive.max == 0 {
            // It is said once: no further attempt would say it again.
            return reply::settled(&receive.settled).map_err(Error::lasting);
        }
        match self.pull(context, credential, end, receive).await {
            Ok(told) => Ok(reply::messages(&told, &receive.settled.failed)),
            Err(error) => Err(reply::with_settled(error, &receive.settled)),
        }
    }

    /// Takes messages.
    async fn pull(
        self: &Arc<Self>,
        context: &Context,
        credential: Option<&Arc<Credential>>,
        end: Option<Instant>,
        receive: &Receive,
    ) -> Result<Vec<Box<RawValue>>> {
        let until = Instant::now() + receive.wait;
        let until = end.map_or(until, |end| until.min(end));
        let subscription = self.subscription(receive);
        loop {
            let room = match receive.ack {
                Ack::Explicit => Some(self.leases.room(receive.max)?),
                Ack::Auto => None,
            };
            let max = room.as_ref().map_or(receive.max, Room::count);
            let reader = self.reader(context, credential, &subscription).await?;
            let came = tokio::select! {
                biased;
                // Whoever waits for what comes keeps nobody from closing.
                () = self.stop.cancelled() => self.line.open().and_then(|()| Err(ended())),
                came = Came::fetch(self, &reader, max, until) => came,
            };
            let came = match came {
                Ok(came) => came,
                Err(error) => {
                    self.readers.remove(&subscription, &reader);
                    return Err(error);
                }
            };
            let some = !came.is_empty();
            let (this, ack) = (self.clone(), receive.ack);
            // What came is looked after though its caller goes away: then it goes back.
            let handed = tokio::spawn(async move { this.hand_out_all(&reader, came, room, ack).await });
            let told = handed.await.map_err(|_| ended())?.taken();
            if !told.is_empty() || !some || Instant::now() >= until {
                return Ok(told);
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
        came: Came<B>,
        mut room: Option<Room>,
        ack: Ack,
    ) -> Handed<B> {
        let mut handed = Handed::new(self);
        for delivery in came.take() {
            let deliveries = self.tries.count(&delivery);
            let lease = Lease {
                link: reader.link.clone(),
                consumer: reader.consumer.clone(),
                delivery,
                deliveries,
                stream: None,
                _place: None,
                _room: room.as_mut().and_then(Room::one),
            };
            if let Some(lease) = self.worth(lease).await {
                let (told, token) = self.hand_out(lease, ack).await;
                handed.push(told, token);
            }
        }
        handed
    }

    /// A message for whoever asked, as JSON: with a token, unless it is acknowledged here and now.
    async fn hand_out(self: &Arc<Self>, lease: Lease<B>, ack: Ack) -> (Box<RawValue>, Option<String>) {
        if lease.delivery.mark.is_none() {
            return (reply::delivery(&lease.delivery, lease.deliveries, None), None);
        }
        match ack {
            Ack::Auto => {
                let told = reply::delivery(&lease.delivery, lease.deliveries, None);
                // Where this fails it comes again.
                let _ = self.judge(lease, Verdict::Ack).await;
                (told, None)
            }
            Ack::Explicit => {
                let (told, token) = self.hold(lease);
                (told, Some(token))
            }
        }
    }

    /// Keeps a message until it is acknowledged, and says what is told of it, which has the token in it, and the token.
    pub(super) fn hold(self: &Arc<Self>, lease: Lease<B>) -> (Box<RawValue>, String) {
        let token = Uuid::new_v4().simple().to_string();
        let told = reply::delivery(&lease.delivery, lease.deliveries, Some(&token));
        self.leases.hold(token.clone(), lease);
        self.tend();
        (told, token)
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
    async fn put_aside(self: &Arc<Self>, lease: Lease<B>, reason: &str) -> Result<()> {
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

    /// Sees that messages that are not acknowledged in time go back, and that readers nobody needs are forgotten: by a task
    /// that ends when there are none.
    fn tend(self: &Arc<Self>) {
        if !self.tended.swap(true, Ordering::AcqRel) {
            tokio::spawn(tend(Arc::downgrade(self)));
        }
    }
}

/// A reason as a header that every broker takes: without control characters or blanks around it, and not longer than [`LONG`].
fn one_line(reason: &str) -> String {
    let end = reason.floor_char_boundary(LONG);
    reason[..end].replace(unfit, " ").trim().to_owned()
}

fn ended() -> Error {
    Error::new(Kind::Internal, "the task that looks after messages ended by itself")
}

async fn tend<B: Broker>(inner: Weak<Inner<B>>) {
    while let Some(this) = inner.upgrade() {
        let (overdue, next) = this.leases.overdue();
        this.give_back(overdue, Verdict::Requeue).await;
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
