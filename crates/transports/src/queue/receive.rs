//! Pulls: messages that are taken by a request, each with the token that it is acknowledged by.

use std::{mem, sync::Arc};

use serde_json::value::RawValue;
use tokio::time::{Instant, timeout_at};
use trunkline_core::{Ack, Body, Context, Credential, Error, Kind, Outcome, Receive, Reply, Result};
use uuid::Uuid;

use super::{
    broker::{Broker, Reached, Subscription},
    came::Came,
    client::Inner,
    handed::Handed,
    lease::{Lease, Room},
    readers::Reader,
    reply,
    taken::Taken,
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
            reached: Reached::default(),
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
        match mem::take(&mut receive.settle) {
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
            Ok((told, leases)) => {
                let mut reply = reply::messages(&told, &receive.settled);
                reply.body = match mem::take(&mut reply.body) {
                    Body::Bytes(told) if !leases.is_empty() => Body::stream(Taken::new(self, told, leases)),
                    body => body,
                };
                Ok(reply)
            }
            Err(error) => Err(reply::with_settled(error, &receive.settled)),
        }
    }

    /// Takes messages: what is told of them, and those that are acknowledged by that.
    async fn pull(
        self: &Arc<Self>,
        context: &Context,
        credential: Option<&Arc<Credential>>,
        end: Option<Instant>,
        receive: &Receive,
    ) -> Result<(Vec<Box<RawValue>>, Vec<Lease<B>>)> {
        let until = Instant::now() + receive.wait;
        let until = end.map_or(until, |end| until.min(end));
        let subscription = self.subscription(receive);
        loop {
            let room = match receive.ack {
                Ack::Explicit => Some(self.leases.room(receive.max)?),
                Ack::Auto => None,
            };
            let max = room.as_ref().map_or(receive.max, Room::count);
            let reader = self.reader(context, credential, end, &subscription).await?;
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
            let handed = tokio::spawn(async move { this.hand_out_all(&reader, came, room, ack) });
            let taken = handed.await.map_err(|_| ended())?.taken();
            if !taken.0.is_empty() || !some || Instant::now() >= until {
                return Ok(taken);
            }
        }
    }

    async fn reader(
        self: &Arc<Self>,
        context: &Context,
        credential: Option<&Arc<Credential>>,
        end: Option<Instant>,
        subscription: &Subscription,
    ) -> Result<Reader<B>> {
        let link = self.line.link_by(context, credential, end).await?;
        if let Some(reader) = self.readers.get(subscription, &link) {
            return Ok(reader);
        }
        // Boxed: it is seldom needed, and every pull would carry its room.
        let begun = Box::pin(self.broker.consume(&link, subscription));
        let consumer = match end {
            None => begun.await,
            Some(end) => timeout_at(end, begun).await.unwrap_or_else(|_| Err(late())),
        }?;
        let reader = self.readers.put(
            subscription.clone(),
            Reader::new(&Arc::downgrade(self), link, consumer, subscription.group.as_deref()),
        );
        self.tend();
        Ok(reader)
    }

    /// What came for whoever asked, as JSON: each message with a token, unless it is acknowledged by itself.
    fn hand_out_all(
        self: &Arc<Self>,
        reader: &Reader<B>,
        came: Came<B>,
        mut room: Option<Room>,
        ack: Ack,
    ) -> Handed<B> {
        let mut handed = Handed::new(self);
        for delivery in came.take() {
            let lease = Lease {
                deliveries: self.tries.count(reader.group.as_deref(), &delivery),
                _room: room.as_mut().and_then(Room::one),
                ..Lease::new(reader, delivery)
            };
            let Some(lease) = self.worth(lease) else { continue };
            if ack == Ack::Explicit && lease.delivery.mark.is_some() {
                let (told, token) = self.hold(lease);
                handed.push(told, token);
            } else {
                handed.push_auto(reply::delivery(&lease.delivery, lease.deliveries, None), lease);
            }
        }
        handed
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
    pub(super) fn worth(self: &Arc<Self>, lease: Lease<B>) -> Option<Lease<B>> {
        let (Some(most), Some(count)) = (self.rules.max_deliveries, lease.deliveries) else {
            return Some(lease);
        };
        if count <= most || lease.delivery.mark.is_none() {
            return Some(lease);
        }
        let reason = format!("delivered {most} times and never acknowledged");
        // The others do not wait for that. Where it cannot be, that is told there, and it is tried again.
        let this = self.clone();
        tokio::spawn(async move { this.put_aside(lease, &reason).await });
        None
    }
}

fn late() -> Error {
    let message = "nobody could begin to read in time, so nothing was taken";
    Error::new(Kind::Timeout, message).outcome_is(Outcome::NotSent)
}

fn ended() -> Error {
    Error::new(Kind::Internal, "the task that looks after messages ended by itself")
}
