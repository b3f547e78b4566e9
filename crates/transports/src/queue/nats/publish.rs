//! Messages for subjects: acknowledged by the stream that keeps them, or flushed to the server where none does; and
//! requests.

use std::collections::VecDeque;

use async_nats::jetstream::{context::PublishAckFuture, message::PublishMessage};
use trunkline_core::{Message, Outcome, Result};

use super::{failure, link::NatsLink, message::headers};
use crate::queue::broker::{Delivered, Guarantee, Receipt};

/// So many messages of a batch may be unacknowledged.
const WINDOW: usize = 1024;

/// A message that is on its way.
enum Sent {
    /// The stream will say something.
    Kept(PublishAckFuture),
    /// Nobody will.
    Gone,
}

/// Sends messages one behind the other and waits for what is said of each.
pub(super) async fn publish(link: &NatsLink, messages: &[Message]) -> Vec<Result<Receipt>> {
    let mut results = Vec::with_capacity(messages.len());
    let mut under_way: VecDeque<(&Message, Result<Sent>)> = VecDeque::new();
    for message in messages {
        if under_way.len() >= WINDOW
            && let Some((message, first)) = under_way.pop_front()
        {
            results.push(ended(link, message, first).await);
        }
        under_way.push_back((message, send(link, message).await));
    }
    // What nobody acknowledges is at the server when it has answered to a flush.
    let flushed = match under_way.iter().any(|(_, sent)| matches!(sent, Ok(Sent::Gone))) {
        true => flush(link).await,
        false => Ok(()),
    };
    for (message, sent) in under_way {
        results.push(match (&sent, &flushed) {
            (Ok(Sent::Gone), Err(error)) => Err(crate::again::copy(error)),
            _ => ended(link, message, sent).await,
        });
    }
    results
}

async fn send(link: &NatsLink, message: &Message) -> Result<Sent> {
    let subject = message.destination.clone();
    if link.stream_of(&subject).await?.is_some() {
        let publish = PublishMessage::build().payload(message.body.clone()).headers(headers(message));
        let sent = link.jetstream.send_publish(subject, publish).await;
        return sent.map(Sent::Kept).map_err(|error| failure::publishing(&error));
    }
    let sent = link.client.publish_with_headers(subject, headers(message), message.body.clone()).await;
    sent.map(|()| Sent::Gone).map_err(|error| {
        let message = failure::lost("sending a message", &error);
        match error.kind() {
            async_nats::client::PublishErrorKind::MaxPayloadExceeded => trunkline_core::Error::new(
                trunkline_core::Kind::Rejected,
                "the message is larger than the server takes (max_payload)",
            )
            .outcome_is(Outcome::NotSent),
            _ => message.outcome_is(Outcome::NotSent),
        }
    })
}

async fn flush(link: &NatsLink) -> Result<()> {
    let lost = |error: &dyn std::fmt::Display| failure::lost("sending a message", &error.to_string());
    tokio::select! {
        flushed = link.client.flush() => flushed.map_err(|error| lost(&error)),
        () = link.alive.ended() => Err(lost(&"it ended")),
    }
}

async fn ended(link: &NatsLink, message: &Message, sent: Result<Sent>) -> Result<Receipt> {
    let ack = match sent? {
        Sent::Gone => return Ok(Receipt { guarantee: Guarantee::AtMostOnce, facts: Vec::new() }),
        Sent::Kept(ack) => ack,
    };
    let ack = tokio::select! {
        ack = ack => ack,
        () = link.alive.ended() => return Err(failure::lost("waiting for the stream", &"it ended")),
    };
    let ack = ack.map_err(|error| {
        // The stream may have been removed.
        link.forget(&message.destination);
        failure::publishing(&error)
    })?;
    let mut facts = vec![("stream", ack.stream.into()), ("sequence", ack.sequence.into())];
    if ack.duplicate {
        facts.push(("duplicate", true.into()));
    }
    Ok(Receipt { guarantee: Guarantee::AtLeastOnce, facts })
}

/// Asks, and waits for the answer. Where a stream keeps the subject, whoever reads it finds in a header where the answer goes:
/// the stream's own acknowledgement would be taken for it otherwise.
pub(super) async fn ask(link: &NatsLink, message: &Message, delivered: Delivered<'_>) -> Result<Message> {
    let waiting = link.replies.expect()?;
    let back = format!("{}.{}", link.inbox, waiting.id);
    let mut message = message.clone();
    message.correlation_id.get_or_insert_with(|| waiting.id.clone());
    message.reply_to = Some(back.clone());
    let subject = message.destination.clone();
    match link.stream_of(&subject).await? {
        Some(_) => {
            let sent = send(link, &message).await;
            ended(link, &message, sent).await?;
        }
        None => {
            let sent = link.client.publish_with_reply_and_headers(
                subject,
                back,
                headers(&message),
                message.body.clone(),
            );
            sent.await
                .map_err(|error| failure::lost("sending a request", &error).outcome_is(Outcome::NotSent))?;
            flush(link).await?;
        }
    }
    delivered();
    waiting.answer().await
}
