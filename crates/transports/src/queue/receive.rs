//! Pulls: messages that are taken by a request, each with the token that it is acknowledged by.

use std::sync::Arc;

use serde_json::value::RawValue;
use tokio::time::Instant;
use trunkline_core::{Ack, Context, Credential, Error, Kind, Receive, Reply, Result, Verdict};
use uuid::Uuid;

use super::{
    broker::{Broker, Subscription},
    came::Came,
    client::Inner,
    handed::Handed,
    lease::{Lease, Room},
    readers::Reader,
    reply,
};

/// So many messages of a stream may be unacknowledged at a time, unless whoever listens says how many.
const PREFETCH: u32 = 32;

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
}

fn ended() -> Error {
    Error::new(Kind::Internal, "the task that looks after messages ended by itself")
}
