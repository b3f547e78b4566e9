//! `Desk`: the channel that a queue is read on, and the pulls over it, of which none leaves anything behind.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use futures_util::StreamExt;
use lapin::{
    Channel, Consumer as Reader,
    message::Delivery as Came,
    options::{BasicCancelOptions, BasicConsumeOptions, BasicNackOptions, BasicQosOptions},
    types::FieldTable,
};
use tokio::{
    sync::Mutex,
    time::{Instant, timeout_at},
};
use trunkline_core::{Error, Kind, Outcome, Result};

use super::{ended, failed};
use crate::queue::amqp::codes::{PRECONDITION_FAILED, is};

/// Where a queue is read.
pub(super) struct Desk {
    pub(super) channel: Channel,
    pub(super) queue: String,
    /// How many a reader may have unacknowledged is said of the next one: of one at a time.
    pub(super) beginning: Mutex<()>,
    pub(super) names: AtomicU64,
    pub(super) arguments: FieldTable,
}

impl Desk {
    /// Begins to read, at most so many unacknowledged ones.
    pub(super) async fn read(&self, most: u32) -> Result<(String, Reader)> {
        let name = format!("trunkline-{}", self.names.fetch_add(1, Ordering::Relaxed));
        let beginning = self.beginning.lock().await;
        let most = u16::try_from(most).unwrap_or(u16::MAX);
        self.channel.basic_qos(most, BasicQosOptions::default()).await.map_err(|error| failed(&error))?;
        let (options, arguments) = (BasicConsumeOptions::default(), self.arguments.clone());
        let reader = self
            .channel
            .basic_consume(self.queue.as_str().into(), name.as_str().into(), options, arguments)
            .await
            .map_err(|error| self.refused(&error))?;
        drop(beginning);
        Ok((name, reader))
    }

    /// Why the broker does not let us read. It takes no word of where to begin but for a stream, and calls it an argument.
    fn refused(&self, error: &lapin::Error) -> Error {
        let error = failed(error);
        match is(&error, PRECONDITION_FAILED) && !self.arguments.inner().is_empty() {
            true => Error::new(
                Kind::Unsupported,
                "from: the queue is no stream (x-queue-type), so whoever reads it begins with its first message; leave it out",
            )
            .outcome_is(Outcome::Rejected),
            false => error,
        }
    }

    /// Begins a pull: in a task, so that whoever goes away meanwhile leaves no reader behind that the broker knows of.
    pub(super) async fn pulling(self: &Arc<Self>, most: u32) -> Result<Pulling> {
        let this = self.clone();
        let begun = tokio::spawn(async move {
            let (name, reader) = this.read(most).await?;
            Ok(Pulling { channel: this.channel.clone(), name, reader: Some(reader), came: Vec::new() })
        });
        begun.await.map_err(|_| Error::new(Kind::Internal, "the task that begins to read came to grief"))?
    }
}

/// A pull that is under way. Dropped before its end, it sends back what came of it: the channel goes on, so the broker would
/// wait for ever to hear of that.
pub(super) struct Pulling {
    channel: Channel,
    name: String,
    /// None once it has ended.
    reader: Option<Reader>,
    came: Vec<Came>,
}

impl Pulling {
    /// The first message that comes until then, and what comes along with it.
    pub(super) async fn messages(mut self, until: Instant) -> Result<Vec<Came>> {
        let Some(reader) = &mut self.reader else { return Ok(Vec::new()) };
        let first = timeout_at(until, reader.next()).await.ok();
        if let Some(first) = first {
            self.came.push(first.ok_or_else(ended)?.map_err(|error| failed(&error))?);
        }
        // What was sent before the broker heard of the end is in the stream before its end.
        let cancelled = cancel(&self.channel, &self.name).await;
        if self.came.is_empty() {
            cancelled?;
        }
        while let Some(Ok(next)) = reader.next().await {
            self.came.push(next);
        }
        self.reader = None;
        Ok(std::mem::take(&mut self.came))
    }
}

impl Drop for Pulling {
    fn drop(&mut self) {
        let Some(mut reader) = self.reader.take().filter(|_| self.channel.status().connected()) else {
            return;
        };
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        let (channel, name) = (self.channel.clone(), std::mem::take(&mut self.name));
        let came = std::mem::take(&mut self.came);
        runtime.spawn(async move {
            let _ = cancel(&channel, &name).await;
            let mut tags: Vec<_> = came.iter().map(|came| came.delivery_tag).collect();
            while let Some(Ok(next)) = reader.next().await {
                tags.push(next.delivery_tag);
            }
            for tag in tags {
                let options = BasicNackOptions { requeue: true, ..BasicNackOptions::default() };
                // Where the broker does not hear it, the channel is gone and it has them back.
                let _ = channel.basic_nack(tag, options).await;
            }
        });
    }
}

async fn cancel(channel: &Channel, name: &str) -> Result<()> {
    channel.basic_cancel(name.into(), BasicCancelOptions::default()).await.map_err(|error| failed(&error))
}
