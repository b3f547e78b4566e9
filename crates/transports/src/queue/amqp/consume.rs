//! `Consuming`: who reads a queue, on a channel of its own: when it ends, the broker has back what was not acknowledged.

mod desk;

use std::{
    sync::{Arc, atomic::AtomicU64},
    time::Duration,
};

use futures_util::{FutureExt, StreamExt};
use lapin::{
    BasicProperties, Consumer as Reader,
    message::Delivery as Came,
    options::{BasicAckOptions, BasicNackOptions, BasicRejectOptions},
    types::FieldTable,
};
use tokio::{
    select,
    sync::Mutex,
    time::{Instant, timeout_at},
};
use trunkline_core::{Error, Kind, Outcome, Result, Start};

use self::desk::Desk;
use super::{
    codes::explain,
    link::AmqpLink,
    properties::{again, argument, deliveries, message, offset},
    publisher,
};
use crate::queue::broker::{Consumer, Delivery, Fate, Subscription};

/// So long one pull waits at most: what comes for somebody who is gone by then goes back.
const TURN: Duration = Duration::from_secs(5);

/// What a message is acknowledged by.
#[derive(Debug)]
pub(in crate::queue) struct Mark {
    tag: u64,
    /// Whether it is of a stream, which keeps no account of single messages.
    is_of_stream: bool,
    /// What goes along with it, of a queue that counts: it may have to be sent anew.
    properties: Option<Box<BasicProperties>>,
}

/// Who reads a queue.
pub(in crate::queue) struct Consuming {
    link: Arc<AmqpLink>,
    desk: Arc<Desk>,
    /// Messages that go on coming, for a stream; a pull asks for those that it wants.
    steady: Option<Mutex<Reader>>,
    /// How often a message may come before the queue drops it, if it counts.
    most: u32,
}

impl Consuming {
    pub(super) async fn begin(link: &Arc<AmqpLink>, subscription: &Subscription, most: u32) -> Result<Self> {
        if subscription.group.is_some() {
            let message = "group: RabbitMQ has none: all who read a queue share its messages; bind a queue for each group";
            return Err(Error::new(Kind::Unsupported, message));
        }
        let desk = Arc::new(Desk {
            arguments: arguments(subscription.start)?,
            channel: link.reading().await.map_err(|error| error.outcome_is(Outcome::Rejected))?,
            queue: subscription.source.clone(),
            beginning: Mutex::default(),
            names: AtomicU64::new(0),
        });
        // Made before anything is read, so that whoever gives up here closes the channel.
        let mut this = Self { link: link.clone(), desk, steady: None, most };
        if let Some(prefetch) = subscription.prefetch {
            this.steady = Some(Mutex::new(this.desk.read(prefetch).await?.1));
        }
        Ok(this)
    }

    async fn read(&self, max: u32, until: Instant) -> Result<Vec<Delivery<Mark>>> {
        let mut found = Vec::new();
        if let Some(steady) = &self.steady {
            let mut reader = steady.lock().await;
            let Ok(first) = timeout_at(until, reader.next()).await else { return Ok(found) };
            found.push(self.delivery(first.ok_or_else(ended)?.map_err(|error| failed(&error))?));
            while found.len() < max as usize
                && let Some(Some(Ok(next))) = reader.next().now_or_never()
            {
                found.push(self.delivery(next));
            }
            return Ok(found);
        }
        let came = self.desk.pulling(max).await?.messages(until).await?;
        found.extend(came.into_iter().map(|came| self.delivery(came)));
        Ok(found)
    }

    fn delivery(&self, came: Came) -> Delivery<Mark> {
        let deliveries = deliveries(&came.properties);
        let mut facts = vec![("delivery_tag", came.delivery_tag.into())];
        if !came.exchange.as_str().is_empty() {
            facts.push(("exchange", came.exchange.as_str().into()));
            facts.push(("routing_key", came.routing_key.as_str().into()));
        }
        let offset = offset(&came.properties);
        if let Some(offset) = offset {
            facts.push(("offset", offset.into()));
        }
        Delivery {
            message: message(&self.desk.queue, came.data, &came.properties),
            deliveries,
            redelivered: came.redelivered,
            timestamp: came.properties.timestamp().map(|seconds| seconds as i64 * 1000),
            facts,
            mark: Some(Mark {
                tag: came.delivery_tag,
                is_of_stream: offset.is_some(),
                properties: deliveries.map(|_| Box::new(came.properties)),
            }),
        }
    }
}

impl Consumer for Consuming {
    type Mark = Mark;

    const RENEWS: bool = true;

    /// A pull has been sent what it did not read. What a stream has not read stays for it.
    fn turn(&self) -> Option<Duration> {
        self.steady.is_none().then_some(TURN)
    }

    async fn fetch(&self, max: u32, until: Instant) -> Result<Vec<Delivery<Mark>>> {
        select! {
            biased;
            found = self.read(max, until) => found,
            // Nothing could be put aside any more. Both connections are made anew.
            () = self.link.alarm.lost() => Err(lost()),
        }
    }

    fn most_deliveries(&self) -> Option<u32> {
        Some(self.most)
    }

    async fn renew(&self, delivery: &Delivery<Mark>, until: Instant) -> Result<()> {
        let came = delivery.mark.as_ref().and_then(|mark| mark.properties.as_deref());
        let properties = again(came.unwrap_or(&BasicProperties::default()), self.link.user());
        publisher::again(&self.link, &delivery.message, properties, until).await
    }

    async fn settle(&self, Mark { tag, is_of_stream, .. }: &Mark, fate: Fate) -> Result<()> {
        let channel = &self.desk.channel;
        let told = match fate {
            Fate::Ack => channel.basic_ack(*tag, BasicAckOptions::default()).await,
            // Sent back it would never come again. The broker counts it as dealt with, so that it sends more.
            Fate::Requeue if *is_of_stream => {
                let _ = channel.basic_ack(*tag, BasicAckOptions::default()).await;
                let message = "a stream of RabbitMQ takes nothing back; read the message again, with from and its offset";
                return Err(Error::new(Kind::Unsupported, message).outcome_is(Outcome::Rejected));
            }
            Fate::Requeue => {
                let options = BasicNackOptions { requeue: true, ..BasicNackOptions::default() };
                channel.basic_nack(*tag, options).await
            }
            Fate::Reject => channel.basic_reject(*tag, BasicRejectOptions { requeue: false }).await,
        };
        told.map(drop)
            .map_err(|error| explain(&error, "acknowledging a message").outcome_is(Outcome::Unknown))
    }
}

impl Drop for Consuming {
    /// The broker has back what was not acknowledged.
    fn drop(&mut self) {
        let channel = self.desk.channel.clone();
        if channel.status().connected()
            && let Ok(runtime) = tokio::runtime::Handle::try_current()
        {
            runtime.spawn(async move { channel.close(200, "bye".into()).await });
        }
    }
}

/// Where to begin, of a queue of type stream (RabbitMQ's guide on streams, "Consuming").
fn arguments(start: Option<Start>) -> Result<FieldTable> {
    let offset = match start {
        None => return Ok(FieldTable::default()),
        Some(Start::Earliest) => argument(&"first".into())?,
        Some(Start::Latest) => argument(&"next".into())?,
        Some(Start::Offset(offset)) => argument(&offset.into())?,
        Some(Start::Time(millis)) => lapin::types::AMQPValue::Timestamp(millis.max(0) as u64 / 1000),
    };
    let mut table = FieldTable::default();
    table.insert("x-stream-offset".into(), offset);
    Ok(table)
}

fn failed(error: &lapin::Error) -> Error {
    explain(error, "reading").outcome_is(Outcome::Rejected)
}

fn lost() -> Error {
    Error::new(Kind::Unavailable, "the connection to the broker was lost when reading")
        .outcome_is(Outcome::Rejected)
}

fn ended() -> Error {
    let message = "the broker ended the subscription: the queue was deleted, or its node went down; see that it is there";
    Error::new(Kind::Unavailable, message).outcome_is(Outcome::Rejected)
}
