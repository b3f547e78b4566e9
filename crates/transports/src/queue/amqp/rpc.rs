//! `Rpc`: requests whose answers come back by direct reply-to (RabbitMQ's guide "Direct Reply-to"): on one channel, told
//! apart by their correlation ids.

use std::sync::Arc;

use futures_util::StreamExt;
use lapin::{options::BasicConsumeOptions, types::FieldTable};
use tokio::sync::Mutex;
use trunkline_core::{Message, Outcome, Result};

use super::{codes::explain, link::AmqpLink, properties, publisher::Publisher};
use crate::queue::{broker::Delivered, replies::Replies};

/// The pseudo-queue that stands for whoever asks.
pub(super) const DIRECT: &str = "amq.rabbitmq.reply-to";

/// The channel for requests, if there is one already.
pub(super) struct Rpc {
    replies: Arc<Replies>,
    publisher: Mutex<Option<Arc<Publisher>>>,
}

impl Rpc {
    pub(super) fn new(replies: Arc<Replies>) -> Self {
        Self { replies, publisher: Mutex::default() }
    }

    async fn publisher(&self, link: &AmqpLink) -> Result<Arc<Publisher>> {
        let mut held = self.publisher.lock().await;
        if let Some(publisher) = held.as_ref().filter(|publisher| publisher.is_open()) {
            return Ok(publisher.clone());
        }
        let channel = link.confirming().await?;
        let options = BasicConsumeOptions { no_ack: true, ..BasicConsumeOptions::default() };
        let mut answers = channel
            .basic_consume(DIRECT.into(), "".into(), options, FieldTable::default())
            .await
            .map_err(|error| explain(&error, "waiting for answers"))?;
        let replies = self.replies.clone();
        tokio::spawn(async move {
            while let Some(Ok(answer)) = answers.next().await {
                replies.tell(properties::message("", answer.data, &answer.properties));
            }
            // Whoever waits would wait in vain: a new channel is another address.
            replies.lost();
        });
        let publisher = Arc::new(Publisher::new(channel, link.returns.clone()));
        *held = Some(publisher.clone());
        Ok(publisher)
    }
}

/// Asks, and waits for the answer.
pub(super) async fn ask(link: &AmqpLink, message: &Message, delivered: Delivered<'_>) -> Result<Message> {
    let publisher = link.rpc.publisher(link).await.map_err(|error| error.outcome_is(Outcome::NotSent))?;
    let waiting = link.rpc.replies.expect()?;
    let mut message = message.clone();
    (message.reply_to, message.correlation_id) = (Some(DIRECT.to_owned()), Some(waiting.id.clone()));
    publisher.one(&message, &link.alarm).await?;
    delivered();
    waiting.answer().await
}
