//! `Consuming`: who reads a subject: as one of a group of a stream, or as a listener where no stream keeps it.

use std::{sync::Arc, time::Duration};

use async_nats::{
    Subscriber,
    jetstream::{AckKind, consumer::PullConsumer},
};
use futures_util::{FutureExt, StreamExt};
use tokio::{
    sync::Mutex,
    time::{Instant, timeout, timeout_at},
};
use trunkline_core::{Error, Kind, Outcome, Result};

use super::{alive::forbids, failure, group, kept::Kept, link::NatsLink, mark::Mark, message::message};
use crate::queue::broker::{Consumer, Delivery, Fate, Reached, Subscription};

/// Who reads.
pub(in crate::queue) struct Consuming {
    link: Arc<NatsLink>,
    from: From,
}

enum From {
    /// A group of a stream, and what of it was released here.
    Group(Box<PullConsumer>, Arc<Kept>),
    /// A stream, by themselves: what was read last.
    Stream(Box<PullConsumer>, Reached),
    /// Whatever is sent while this is there.
    Subject(Mutex<Subscriber>),
}

/// At most so long one waits: what comes for somebody who is gone by then goes back.
const TURN: Duration = Duration::from_secs(5);
/// What is at hand comes at once, and so does its end: except where a group has as many messages unacknowledged as it may have
/// (`max_ack_pending`), and the server is silent until there are fewer. Nobody waits longer for it.
const HELD: Duration = Duration::from_secs(2);
/// At least so long one question for messages waits.
const SHORTEST: Duration = Duration::from_millis(1);

impl Consuming {
    pub(super) async fn begin(link: &Arc<NatsLink>, subscription: &Subscription) -> Result<Self> {
        let lost = |error: &dyn std::fmt::Display| {
            failure::lost("subscribing", &error.to_string()).outcome_is(Outcome::Rejected)
        };
        let source = &subscription.source;
        let from = match link.stream_of(source).await? {
            Some(stream) => {
                let stream =
                    link.jetstream.get_stream_no_info(&*stream).await.map_err(|error| lost(&error))?;
                let reader = link.asks(
                    "joining a group",
                    "CONSUMER.",
                    group::reader(&link.jetstream, &stream, subscription),
                );
                let reader = Box::new(reader.await.map_err(|error| error.outcome_is(Outcome::Rejected))?);
                match subscription.group {
                    Some(_) => {
                        let kept = Kept::new(link, subscription.hold, most(&reader));
                        From::Group(reader, kept)
                    }
                    None => From::Stream(reader, subscription.reached.clone()),
                }
            }
            None => {
                if subscription.start.is_some() {
                    let message =
                        "from: no stream keeps the subject, so there is nothing to begin with; declare one";
                    return Err(Error::new(Kind::Unsupported, message));
                }
                let at = link.alive.now();
                // A group that nobody named is for what is kept.
                let group = subscription.group.as_ref().filter(|group| *group != Subscription::UNNAMED);
                let subscriber = match group {
                    Some(group) => link.client.queue_subscribe(source.clone(), group.clone()).await,
                    None => link.client.subscribe(source.clone()).await,
                };
                let subscriber = subscriber.map_err(|error| lost(&error))?;
                // Nothing that is sent from now on is missed.
                link.round_trip("subscribing").await.map_err(|error| error.outcome_is(Outcome::Rejected))?;
                if link.alive.refuses(source, at) {
                    return Err(forbids("listen to", source));
                }
                From::Subject(Mutex::new(subscriber))
            }
        };
        Ok(Self { link: link.clone(), from })
    }

    async fn messages(
        &self,
        consumer: &PullConsumer,
        max: u32,
        until: Instant,
    ) -> Result<Vec<Delivery<Mark>>> {
        let info = consumer.cached_info();
        let question = format!("CONSUMER.MSG.NEXT.{}.{}", info.stream_name, info.name);
        self.link.asks("reading", &question, pull(consumer, max, until)).await
    }
}

/// What is at hand; then the first that comes, and what comes with it. What came before something failed is here all the same:
/// the next who fetches hears of it.
async fn pull(consumer: &PullConsumer, max: u32, until: Instant) -> Result<Vec<Delivery<Mark>>> {
    let mut found = Vec::new();
    let failed = |error: &dyn std::fmt::Display| failure::lost("reading", &error.to_string());
    let at_hand = async |max: u32, found: &mut Vec<_>| -> Result<()> {
        if max == 0 {
            return Ok(());
        }
        let asked = consumer.fetch().max_messages(max as usize).messages().await;
        let mut batch = match asked {
            Err(_) if !found.is_empty() => return Ok(()),
            asked => asked.map_err(|error| failed(&error))?,
        };
        while let Ok(Some(next)) = timeout(HELD, batch.next()).await {
            match next {
                Ok(next) => found.push(Mark::new(next).delivery()),
                Err(_) if !found.is_empty() => break,
                Err(error) => return Err(failed(&error)),
            }
        }
        Ok(())
    };
    at_hand(max, &mut found).await?;
    let left = until.saturating_duration_since(Instant::now());
    if !found.is_empty() || left < SHORTEST {
        return Ok(found);
    }
    let batch = consumer.batch().max_messages(1).expires(left).messages().await;
    let mut batch = batch.map_err(|error| failed(&error))?;
    if let Some(first) = batch.next().await {
        found.push(Mark::new(first.map_err(|error| failed(&error))?).delivery());
        at_hand(max - 1, &mut found).await?;
    }
    Ok(found)
}

/// The sequence of a message of a stream.
fn sequence(delivery: &Delivery<Mark>) -> Option<u64> {
    delivery.facts.iter().find(|(name, _)| *name == "sequence").and_then(|(_, number)| number.as_u64())
}

impl Consumer for Consuming {
    type Mark = Mark;

    /// A stream takes it for delivered what it has sent, whoever takes it.
    fn turn(&self) -> Option<Duration> {
        Some(TURN)
    }

    async fn fetch(&self, max: u32, until: Instant) -> Result<Vec<Delivery<Mark>>> {
        let ended = || failure::lost("reading", &"it ended").outcome_is(Outcome::Rejected);
        let found = async {
            match &self.from {
                From::Group(consumer, kept) => {
                    let kept = kept.take(max).await;
                    if !kept.is_empty() {
                        return Ok(kept.into_iter().map(Mark::delivery).collect());
                    }
                    self.messages(consumer, max, until).await
                }
                From::Stream(consumer, reached) => {
                    let mut found = self.messages(consumer, max, until).await?;
                    if let Some(last) = found.iter().filter_map(sequence).max() {
                        reached.set(last.to_string());
                    }
                    // The stream does not wait for an acknowledgement.
                    found.iter_mut().for_each(|delivery| delivery.mark = None);
                    Ok(found)
                }
                From::Subject(subscriber) => {
                    let mut subscriber = subscriber.lock().await;
                    let mut found = Vec::new();
                    let Ok(first) = timeout_at(until, subscriber.next()).await else { return Ok(found) };
                    found.push(heard(&first.ok_or_else(ended)?));
                    while found.len() < max as usize
                        && let Some(Some(next)) = subscriber.next().now_or_never()
                    {
                        found.push(heard(&next));
                    }
                    Ok(found)
                }
            }
        };
        tokio::select! {
            found = found => found.map_err(|error| error.outcome_is(Outcome::Rejected)),
            () = self.link.alive.ended() => Err(ended()),
        }
    }

    async fn settle(&self, mark: &Mark, fate: Fate) -> Result<()> {
        let what = match fate {
            Fate::Ack => AckKind::Ack,
            Fate::Requeue => AckKind::Nak(None),
            Fate::Reject => AckKind::Term,
        };
        mark.tell(&self.link, what).await
    }

    fn counts_released(&self, mark: &Mark) -> bool {
        match &self.from {
            From::Group(_, kept) => !kept.wants(mark),
            From::Stream(..) | From::Subject(_) => true,
        }
    }

    async fn release(&self, mark: &Mark) -> Result<bool> {
        match &self.from {
            From::Group(_, kept) if kept.wants(mark) => kept.keep(mark).await,
            _ => self.settle(mark, Fate::Requeue).await.map(|()| true),
        }
    }

    fn give_up(&self) -> Vec<Delivery<Mark>> {
        let From::Group(_, kept) = &self.from else { return Vec::new() };
        kept.last().into_iter().map(Mark::delivery).collect()
    }

    fn id_aside(&self, delivery: &Delivery<Mark>) -> Option<String> {
        delivery.mark.as_ref()?.id_aside(delivery.message.id.as_deref())
    }

    fn most_deliveries(&self) -> Option<u32> {
        let From::Group(consumer, _) = &self.from else { return None };
        most(consumer)
    }
}

/// How often a group delivers a message at most, if it says so.
fn most(group: &PullConsumer) -> Option<u32> {
    u32::try_from(group.cached_info().config.max_deliver).ok().filter(|most| *most > 0)
}

/// A message that nobody keeps: there is nothing to acknowledge.
fn heard(came: &async_nats::Message) -> Delivery<Mark> {
    let mut message = message(came);
    if message.reply_to.is_none() {
        message.reply_to = came.reply.as_ref().map(ToString::to_string);
    }
    Delivery { message, deliveries: None, redelivered: false, timestamp: None, facts: Vec::new(), mark: None }
}
