//! `Consuming`: who reads a subject: as one of a group of a stream, or as a listener where no stream keeps it.

use std::{sync::Arc, time::Duration};

use async_nats::{
    Subscriber,
    jetstream::{
        self, AckKind,
        consumer::{AckPolicy, DeliverPolicy, PullConsumer, pull},
        message::Acker,
    },
};
use futures_util::{FutureExt, StreamExt};
use sha2::{Digest, Sha256};
use tokio::{
    sync::Mutex,
    time::{Instant, timeout_at},
};
use trunkline_core::{Error, Kind, Outcome, Result, Start};

use super::{failure, link::NatsLink, message::message};
use crate::queue::broker::{Consumer, Delivery, Fate, Subscription};

/// Who reads.
pub(in crate::queue) struct Consuming {
    link: Arc<NatsLink>,
    from: From,
}

enum From {
    /// A group of a stream.
    Stream(Box<PullConsumer>),
    /// Whatever is sent while this is there.
    Subject(Mutex<Subscriber>),
}

/// A stream waits so much longer than Trunkline for an acknowledgement: Trunkline says that there is none.
const LONGER: Duration = Duration::from_secs(5);
/// A reader without a group is forgotten by the stream after so long without a pull.
const IDLE: Duration = Duration::from_secs(120);
/// At most so long one waits: what comes for somebody who is gone by then goes back.
const TURN: Duration = Duration::from_secs(5);
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
                From::Stream(Box::new(consumer(&stream, subscription).await?))
            }
            None => {
                if subscription.start.is_some() {
                    let message =
                        "from: no stream keeps the subject, so there is nothing to begin with; declare one";
                    return Err(Error::new(Kind::Unsupported, message));
                }
                // A group that nobody named is for what is kept.
                let group = subscription.group.as_ref().filter(|group| *group != Subscription::UNNAMED);
                let subscriber = match group {
                    Some(group) => link.client.queue_subscribe(source.clone(), group.clone()).await,
                    None => link.client.subscribe(source.clone()).await,
                };
                let subscriber = subscriber.map_err(|error| lost(&error))?;
                // Nothing that is sent from now on is missed.
                link.client.flush().await.map_err(|error| lost(&error))?;
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
    ) -> Result<Vec<Delivery<Acker>>> {
        let mut found = Vec::new();
        let failed = |error: &dyn std::fmt::Display| {
            failure::lost("reading", &error.to_string()).outcome_is(Outcome::Rejected)
        };
        // What is at hand; then the first that comes, and what comes with it. What came before something failed is here all
        // the same: the next who fetches hears of it.
        let at_hand = async |max: u32, found: &mut Vec<_>| -> Result<()> {
            if max == 0 {
                return Ok(());
            }
            let asked = consumer.fetch().max_messages(max as usize).messages().await;
            let mut batch = match asked {
                Err(_) if !found.is_empty() => return Ok(()),
                asked => asked.map_err(|error| failed(&error))?,
            };
            while let Some(next) = batch.next().await {
                match next {
                    Ok(next) => found.push(delivery(next)),
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
            found.push(delivery(first.map_err(|error| failed(&error))?));
            at_hand(max - 1, &mut found).await?;
        }
        Ok(found)
    }
}

impl Consumer for Consuming {
    type Mark = Acker;

    /// A stream takes it for delivered what it has sent, whoever takes it.
    fn turn(&self) -> Option<Duration> {
        Some(TURN)
    }

    async fn fetch(&self, max: u32, until: Instant) -> Result<Vec<Delivery<Acker>>> {
        let ended = || failure::lost("reading", &"it ended").outcome_is(Outcome::Rejected);
        let found = async {
            match &self.from {
                From::Stream(consumer) => self.messages(consumer, max, until).await,
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
            found = found => found,
            () = self.link.alive.ended() => Err(ended()),
        }
    }

    async fn settle(&self, acker: &Acker, fate: Fate) -> Result<()> {
        let told = async {
            match fate {
                Fate::Ack => acker.double_ack().await,
                Fate::Requeue => acker.ack_with(AckKind::Nak(None)).await,
                Fate::Reject => acker.double_ack_with(AckKind::Term).await,
            }
        };
        let told = tokio::select! {
            told = told => told.map_err(|error| error.to_string()),
            () = self.link.alive.ended() => Err("it ended".to_owned()),
        };
        told.map_err(|error| failure::lost("acknowledging a message", &error))
    }
}

/// How a stream is read.
/// Who reads in a stream. A group that is there stays as it is: its place is what matters.
async fn consumer(
    stream: &jetstream::stream::Stream<()>,
    subscription: &Subscription,
) -> Result<PullConsumer> {
    let rejected = |message: String| Error::new(Kind::Rejected, message).outcome_is(Outcome::Rejected);
    let unread = |error: &dyn std::fmt::Display| {
        rejected("the stream cannot be read so".into()).source(error.to_string())
    };
    let mut config = config(subscription)?;
    let Some(group) = config.durable_name.clone() else {
        return stream.create_consumer(config).await.map_err(|error| unread(&error));
    };
    let source = &subscription.source;
    let there =
        stream.get_or_create_consumer(&group, config.clone()).await.map_err(|error| unread(&error))?;
    let reads = &there.cached_info().config.filter_subject;
    // What an operator made without a subject reads all that the stream has.
    if reads.is_empty() || reads == source {
        return Ok(there);
    }
    if group != Subscription::UNNAMED {
        let message = format!("group: {group} reads {reads} in this stream; name another group for {source}");
        return Err(rejected(message));
    }
    // Nobody has named it, so that each subject has its own.
    let digest = Sha256::digest(source);
    let digest = u64::from_be_bytes(digest[..8].try_into().expect("eight bytes"));
    let own = format!("{group}-{digest:016x}");
    config.durable_name = Some(own.clone());
    stream.get_or_create_consumer(&own, config).await.map_err(|error| unread(&error))
}

fn config(subscription: &Subscription) -> Result<pull::Config> {
    let start = match subscription.start {
        // A group has all that is kept; who only looks sees what comes.
        None if subscription.group.is_some() => DeliverPolicy::All,
        None | Some(Start::Latest) => DeliverPolicy::New,
        Some(Start::Earliest) => DeliverPolicy::All,
        Some(Start::Offset(sequence)) => DeliverPolicy::ByStartSequence { start_sequence: sequence.max(1) },
        Some(Start::Time(millis)) => {
            let nanos = i128::from(millis) * 1_000_000;
            let start_time = async_nats::datetime::DateTime::from_unix_timestamp_nanos(nanos)
                .map_err(|_| Error::invalid("from: is no time that NATS knows"))?;
            DeliverPolicy::ByStartTime { start_time }
        }
    };
    if let Some(group) = &subscription.group
        && group.contains(|c: char| ".*>/\\".contains(c) || c.is_whitespace() || c.is_control())
    {
        return Err(Error::invalid("group: a name may not have . * > / \\ or blanks in it"));
    }
    Ok(pull::Config {
        durable_name: subscription.group.clone(),
        deliver_policy: start,
        ack_policy: if subscription.group.is_some() { AckPolicy::Explicit } else { AckPolicy::None },
        ack_wait: subscription.hold + LONGER,
        max_deliver: -1,
        filter_subject: subscription.source.clone(),
        inactive_threshold: if subscription.group.is_some() { Duration::ZERO } else { IDLE },
        ..pull::Config::default()
    })
}

fn delivery(came: jetstream::Message) -> Delivery<Acker> {
    let known = came.info().ok().map(|info| {
        let nanos = info.published.unix_timestamp_nanos();
        let facts = vec![("stream", info.stream.into()), ("sequence", info.stream_sequence.into())];
        (u32::try_from(info.delivered).ok(), i64::try_from(nanos / 1_000_000).ok(), facts)
    });
    let (deliveries, timestamp, facts) = known.unwrap_or_default();
    let (came, acker) = came.split();
    Delivery {
        message: message(&came),
        deliveries,
        redelivered: deliveries.is_some_and(|count| count > 1),
        timestamp,
        facts,
        mark: Some(acker),
    }
}

/// A message that nobody keeps: there is nothing to acknowledge.
fn heard(came: &async_nats::Message) -> Delivery<Acker> {
    let mut message = message(came);
    if message.reply_to.is_none() {
        message.reply_to = came.reply.as_ref().map(ToString::to_string);
    }
    Delivery { message, deliveries: None, redelivered: false, timestamp: None, facts: Vec::new(), mark: None }
}
