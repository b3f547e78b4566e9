//! `Consuming`: who reads a queue, on a channel of its own: when it ends, the broker has back what was not acknowledged.

use std::sync::atomic::{AtomicU64, Ordering};

use futures_util::{FutureExt, StreamExt};
use lapin::{
    Channel, Consumer as Reader,
    message::Delivery as Came,
    options::{
        BasicAckOptions, BasicCancelOptions, BasicConsumeOptions, BasicNackOptions, BasicQosOptions,
        BasicRejectOptions,
    },
    types::FieldTable,
};
use tokio::{
    sync::Mutex,
    time::{Instant, timeout_at},
};
use trunkline_core::{Error, Kind, Outcome, Result, Start};

use super::{
    codes::explain,
    link::AmqpLink,
    properties::{argument, deliveries, message},
};
use crate::queue::broker::{Consumer, Delivery, Fate, Subscription};

/// Who reads a queue.
pub(in crate::queue) struct Consuming {
    channel: Channel,
    queue: String,
    /// Messages that go on coming, for a stream; a pull asks for those that it wants.
    steady: Option<Mutex<Reader>>,
    /// How many a reader may have unacknowledged is said of the next one: of one at a time.
    beginning: Mutex<()>,
    names: AtomicU64,
    arguments: FieldTable,
}

impl Consuming {
    pub(super) async fn begin(link: &AmqpLink, subscription: &Subscription) -> Result<Self> {
        if subscription.group.is_some() {
            let message = "group: RabbitMQ has none: all who read a queue share its messages; bind a queue for each group";
            return Err(Error::new(Kind::Unsupported, message));
        }
        let mut this = Self {
            channel: link.new_channel().await.map_err(|error| error.outcome_is(Outcome::Rejected))?,
            queue: subscription.source.clone(),
            steady: None,
            beginning: Mutex::default(),
            names: AtomicU64::new(0),
            arguments: arguments(subscription.start)?,
        };
        if let Some(prefetch) = subscription.prefetch {
            this.steady = Some(Mutex::new(this.read(prefetch).await?.1));
        }
        Ok(this)
    }

    /// Begins to read, at most so many unacknowledged ones.
    async fn read(&self, most: u32) -> Result<(String, Reader)> {
        let name = format!("trunkline-{}", self.names.fetch_add(1, Ordering::Relaxed));
        let beginning = self.beginning.lock().await;
        let most = u16::try_from(most).unwrap_or(u16::MAX);
        self.channel.basic_qos(most, BasicQosOptions::default()).await.map_err(|error| failed(&error))?;
        let (options, arguments) = (BasicConsumeOptions::default(), self.arguments.clone());
        let reader = self
            .channel
            .basic_consume(self.queue.as_str().into(), name.as_str().into(), options, arguments)
            .await
            .map_err(|error| failed(&error))?;
        drop(beginning);
        Ok((name, reader))
    }

    fn delivery(&self, came: Came) -> Delivery<u64> {
        let deliveries = deliveries(&came.properties);
        let mut facts = vec![("delivery_tag", came.delivery_tag.into())];
        if !came.exchange.as_str().is_empty() {
            facts.push(("exchange", came.exchange.as_str().into()));
            facts.push(("routing_key", came.routing_key.as_str().into()));
        }
        Delivery {
            message: message(&self.queue, came.data, &came.properties),
            deliveries,
            redelivered: came.redelivered,
            timestamp: came.properties.timestamp().map(|seconds| seconds as i64 * 1000),
            facts,
            mark: Some(came.delivery_tag),
        }
    }
}

impl Consumer for Consuming {
    type Mark = u64;

    async fn fetch(&self, max: u32, until: Instant) -> Result<Vec<Delivery<u64>>> {
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
        let (name, mut reader) = self.read(max).await?;
        let first = timeout_at(until, reader.next()).await.ok();
        // What was sent before the broker heard of the end is in the stream before its end.
        let cancelled = self.channel.basic_cancel(name.as_str().into(), BasicCancelOptions::default()).await;
        match first {
            Some(first) => {
                found.push(self.delivery(first.ok_or_else(ended)?.map_err(|error| failed(&error))?));
            }
            None => cancelled.map_err(|error| failed(&error))?,
        }
        while let Some(Ok(next)) = reader.next().await {
            found.push(self.delivery(next));
        }
        Ok(found)
    }

    async fn settle(&self, tag: &u64, fate: Fate) -> Result<()> {
        let told = match fate {
            Fate::Ack => self.channel.basic_ack(*tag, BasicAckOptions::default()).await,
            Fate::Requeue => {
                let options = BasicNackOptions { requeue: true, ..BasicNackOptions::default() };
                self.channel.basic_nack(*tag, options).await
            }
            Fate::Reject => self.channel.basic_reject(*tag, BasicRejectOptions { requeue: false }).await,
        };
        told.map(drop)
            .map_err(|error| explain(&error, "acknowledging a message").outcome_is(Outcome::Unknown))
    }
}

impl Drop for Consuming {
    /// The broker has back what was not acknowledged.
    fn drop(&mut self) {
        let channel = self.channel.clone();
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

fn ended() -> Error {
    let message = "the broker ended the subscription: the queue was deleted, or its node went down";
    Error::new(Kind::Unavailable, message).outcome_is(Outcome::Rejected)
}
