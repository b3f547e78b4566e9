//! `Rpc`: requests whose answers come back by direct reply-to (RabbitMQ's guide "Direct Reply-to"): on one channel, told
//! apart by their correlation ids.

use std::sync::Arc;

use futures_util::StreamExt;
use lapin::{Channel, options::BasicConsumeOptions, types::FieldTable};
use tokio::sync::Mutex;
use trunkline_core::{Message, Outcome, Result};

use super::{codes::explain, link::AmqpLink, properties, publisher};
use crate::queue::replies::Replies;

/// The pseudo-queue that stands for whoever asks.
const DIRECT: &str = "amq.rabbitmq.reply-to";

/// The channel for requests, if there is one already.
pub(super) struct Rpc {
    replies: Arc<Replies>,
    channel: Mutex<Option<Channel>>,
}

impl Rpc {
    pub(super) fn new(replies: Arc<Replies>) -> Self {
        Self { replies, channel: Mutex::default() }
    }

    async fn channel(&self, link: &AmqpLink) -> Result<Channel> {
        let mut held = self.channel.lock().await;
        if let Some(channel) = held.as_ref().filter(|channel| channel.status().connected()) {
            return Ok(channel.clone());
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
        *held = Some(channel.clone());
        Ok(channel)
    }
}

/// Asks, and waits for the answer.
pub(super) async fn ask(link: &AmqpLink, message: &Message, delivered: &mut bool) -> Result<Message> {
    let channel = link.rpc.channel(link).await.map_err(|error| error.outcome_is(Outcome::NotSent))?;
    let waiting = link.rpc.replies.expect()?;
    let mut message = message.clone();
    (message.reply_to, message.correlation_id) = (Some(DIRECT.to_owned()), Some(waiting.id.clone()));
    publisher::on(&channel, &link.returns, &message).await?;
    *delivered = true;
    waiting.answer().await
}
