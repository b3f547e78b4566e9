//! Messages for subjects: acknowledged by the stream that keeps them, or read by the server where none does; and requests.

use std::collections::VecDeque;

use async_nats::{
    client,
    jetstream::{
        context::{PublishAckFuture, PublishErrorKind},
        message::PublishMessage,
        publish::PublishAck,
    },
};
use futures_util::{TryFutureExt, future::ready};
use tokio::time::Instant;
use trunkline_core::{Message, Outcome, Result};

use super::{
    alive::{Moment, forbids},
    failure,
    link::NatsLink,
    message::headers,
    patience::Patience,
    repetition,
};
use crate::{
    again::copy,
    queue::broker::{Delivered, Guarantee, Receipt, handed_by, said_by},
};

/// So many messages of a batch may be unacknowledged.
const WINDOW: usize = 1024;

/// A message that is on its way.
struct Sent {
    /// When it was sent: what the server refuses from then on may be this.
    at: Moment,
    /// The same by the clock.
    when: Instant,
    how: How,
}

enum How {
    /// The stream will say something.
    Kept(PublishAckFuture),
    /// Nobody will: it is at the server when that has read it.
    Gone,
}

/// Messages that are sent one behind the other, without waiting in between.
struct Batch<'a> {
    link: &'a NatsLink,
    /// When nobody waits any more.
    until: Instant,
    under_way: VecDeque<(&'a Message, Result<Sent>)>,
    results: Vec<Result<Receipt>>,
    /// So many of them the server has read, or may never read.
    read: (usize, Result<()>),
    patience: Patience,
}

/// Sends messages one behind the other and waits for what is said of each.
pub(super) async fn publish(link: &NatsLink, messages: &[Message], until: Instant) -> Vec<Result<Receipt>> {
    let results = Vec::with_capacity(messages.len());
    let (under_way, patience) = (VecDeque::new(), Patience::default());
    let mut batch = Batch { link, until, under_way, results, read: (0, Ok(())), patience };
    for message in messages {
        if batch.under_way.len() >= WINDOW {
            batch.first().await;
        }
        let sent = said_by(until, handed_by(until, ready(Ok(()))).and_then(|()| send(link, message))).await;
        batch.under_way.push_back((message, sent));
    }
    while !batch.under_way.is_empty() {
        batch.first().await;
    }
    batch.results
}

impl Batch<'_> {
    /// Waits for what becomes of the first that is under way.
    async fn first(&mut self) {
        let gone = |sent: &Result<Sent>| matches!(sent, Ok(Sent { how: How::Gone, .. }));
        if self.under_way.front().is_some_and(|(_, sent)| gone(sent)) && self.read.0 <= self.results.len() {
            let read = said_by(self.until, self.link.round_trip("sending a message")).await;
            self.read = (self.results.len() + self.under_way.len(), read);
        }
        let Some((message, sent)) = self.under_way.pop_front() else { return };
        self.results.push(match (gone(&sent), &self.read.1) {
            (true, Err(error)) => Err(copy(error)),
            _ => said_by(self.until, ended(self.link, message, sent, &mut self.patience)).await,
        });
    }
}

async fn send(link: &NatsLink, message: &Message) -> Result<Sent> {
    let subject = message.destination.clone();
    let is_kept = link.stream_of(&subject).await?.is_some();
    let (at, when) = (link.alive.now(), Instant::now());
    let sent = async {
        if is_kept {
            let publish = PublishMessage::build().payload(message.body.clone()).headers(headers(message));
            let sent = link.jetstream.send_publish(subject, publish).await;
            return sent.map(How::Kept).map_err(|error| {
                let error = failure::publishing(&error);
                // It is not on its way.
                error.outcome_is(Outcome::NotSent)
            });
        }
        let sent = link.client.publish_with_headers(subject, headers(message), message.body.clone()).await;
        sent.map(|()| How::Gone).map_err(|error| unsent(&error))
    };
    tokio::select! {
        sent = sent => sent.map(|how| Sent { at, when, how }),
        () = link.alive.ended() => Err(failure::lost("sending a message", &"it ended").outcome_is(Outcome::NotSent)),
    }
}

fn unsent(error: &client::PublishError) -> trunkline_core::Error {
    match error.kind() {
        client::PublishErrorKind::MaxPayloadExceeded => failure::too_long(),
        _ => failure::lost("sending a message", error).outcome_is(Outcome::NotSent),
    }
}

/// What is said of a message. Of one that nobody keeps the server has read it.
async fn ended(
    link: &NatsLink,
    message: &Message,
    mut sent: Result<Sent>,
    patience: &mut Patience,
) -> Result<Receipt> {
    let subject = &message.destination;
    loop {
        let Sent { at, when, how } = sent?;
        let ack = match how {
            How::Gone if link.alive.refuses(subject, at) => return Err(forbids("send to", subject)),
            How::Gone => return Ok(Receipt { guarantee: Guarantee::AtMostOnce, facts: Vec::new() }),
            How::Kept(ack) => ack,
        };
        let ack = tokio::select! {
            ack = ack => ack,
            () = link.alive.refused(subject, at) => return Err(forbids("send to", subject)),
            () = link.alive.ended() => return Err(failure::lost("waiting for the stream", &"it ended")),
        };
        sent = match ack {
            Ok(ack) => return kept(link, message, ack).await,
            // Nobody took it.
            Err(error) if error.kind() == PublishErrorKind::StreamNotFound && patience.again(when).await => {
                send(link, message).await
            }
            Err(error) => {
                // The stream may have been removed.
                link.forget(subject);
                return Err(failure::publishing(&error));
            }
        };
    }
}

/// What a stream says that has acknowledged a message.
async fn kept(link: &NatsLink, message: &Message, ack: PublishAck) -> Result<Receipt> {
    if ack.duplicate {
        repetition::check(link, message, &ack).await?;
    }
    let mut facts = vec![("stream", ack.stream.into()), ("sequence", ack.sequence.into())];
    if ack.duplicate {
        facts.push(("duplicate", true.into()));
    }
    Ok(Receipt { guarantee: Guarantee::AtLeastOnce, facts })
}

/// Asks, and waits for the answer. Where a stream keeps the subject, whoever reads it finds in a header where the answer goes:
/// the stream's own acknowledgement would be taken for it otherwise.
pub(super) async fn ask(link: &NatsLink, message: &Message, delivered: Delivered<'_>) -> Result<Message> {
    link.hears()?;
    let waiting = link.replies.expect()?;
    let back = format!("{}.{}", link.inbox, waiting.id);
    let mut message = message.clone();
    (message.reply_to, message.correlation_id) = (Some(back.clone()), Some(waiting.id.clone()));
    let subject = message.destination.clone();
    match link.stream_of(&subject).await? {
        Some(_) => {
            let sent = send(link, &message).await;
            ended(link, &message, sent, &mut Patience::default()).await?;
        }
        None => {
            let at = link.alive.now();
            let (headers, body) = (headers(&message), message.body.clone());
            let sent = link.client.publish_with_reply_and_headers(subject.clone(), back, headers, body);
            sent.await.map_err(|error| unsent(&error))?;
            link.round_trip("sending a request").await?;
            if link.alive.refuses(&subject, at) {
                return Err(forbids("send to", &subject));
            }
        }
    }
    delivered();
    waiting.answer().await
}
