//! `Client`: what is the same for all brokers: ids of messages, a result for each, and whoever waits for an answer.

use std::{
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use tokio::time::{Instant, sleep_until, timeout, timeout_at};
use tokio_util::sync::CancellationToken;
use trunkline_core::{
    Call, Context, Credential, Error, Journal, Kind, Message, Messages, Occupancy, Operation, Outcome, Proof,
    Publish, Reply, Result, Streams, Verdict,
};

use super::{
    aside::Stuck,
    behind::{self, Behind},
    broker::{Broker, Login, never},
    config::Rules,
    lease::Leases,
    line::Line,
    readers::Readers,
    reply, stream,
    tries::Tries,
};
use crate::access::Access;

/// A broker with all that is known of it.
pub(super) struct Client<B: Broker>(Arc<Inner<B>>);

/// What calls, streams, and whoever looks after messages share.
pub(super) struct Inner<B: Broker> {
    pub(super) broker: Arc<B>,
    pub(super) line: Line<B>,
    /// Whose it is, as the first call says: a client is of one integration, and of one connection.
    pub(super) owner: OnceLock<Arc<str>>,
    pub(super) rules: Rules,
    /// Messages that were handed out.
    pub(super) leases: Leases<B>,
    /// Those who read for pulls.
    pub(super) readers: Readers<B>,
    pub(super) tries: Tries,
    pub(super) stuck: Stuck,
    pub(super) journal: Option<Arc<dyn Journal>>,
    pub(super) counts: Counts,
    pub(super) behind: Behind,
    /// Ends the streams.
    pub(super) stop: CancellationToken,
    /// Whether somebody looks after leases and readers.
    pub(super) tended: AtomicBool,
}

/// What is counted.
#[derive(Debug, Default)]
pub(super) struct Counts {
    /// Messages that were sent and not confirmed yet.
    in_flight: AtomicU32,
    /// Messages that the broker has.
    confirmed: AtomicU64,
    /// Messages that it said no to.
    returned: AtomicU64,
    /// Those who listen.
    pub(super) listeners: AtomicU32,
    /// Messages that were put aside.
    pub(super) aside: AtomicU64,
    /// How often one could not be.
    pub(super) aside_failed: AtomicU64,
}

/// How much ahead of the end of a call a wait ends, so that its caller hears what is known.
pub(super) const AHEAD: Duration = Duration::from_millis(10);

/// So much more ahead for each message of a batch, whose result has to be written down.
const TO_TELL: Duration = Duration::from_micros(10);

/// So long giving back may take when everything ends.
const GIVE_BACK: Duration = Duration::from_secs(5);

impl<B: Broker> Client<B> {
    pub(super) fn new(broker: B, login: Login, rules: Rules, journal: Option<Arc<dyn Journal>>) -> Self {
        let broker = Arc::new(broker);
        Self(Arc::new(Inner {
            line: Line::new(broker.clone(), login, rules.connect),
            broker,
            owner: OnceLock::new(),
            leases: Leases::new(rules.ack_timeout),
            rules,
            readers: Readers::default(),
            tries: Tries::new(),
            stuck: Stuck::default(),
            journal,
            counts: Counts::default(),
            behind: Behind::default(),
            stop: CancellationToken::new(),
            tended: AtomicBool::new(false),
        }))
    }

    pub(super) fn system(&self) -> &'static str {
        B::SYSTEM
    }

    pub(super) async fn call(&self, context: &Context, call: &mut Call) -> Result<Reply> {
        self.0.line.open()?;
        let access = Access::of(call);
        self.0.owner.get_or_init(|| {
            format!("{}\0{}", call.integration, call.connection.as_deref().unwrap_or_default()).into()
        });
        let (credential, end) = (access.credential.as_ref(), call.deadline.map(|end| end - AHEAD));
        match &mut call.operation {
            Operation::Publish(publish) => self.0.publish(context, credential, end, publish).await,
            Operation::Receive(receive) if receive.stream => {
                stream::stream(&self.0, context, access, receive).await
            }
            Operation::Receive(receive) => self.0.receive(context, credential, end, receive).await,
            _ => Err(Error::new(
                Kind::Unsupported,
                "a message queue takes messages, and messages are received; give queue with message, or with receive",
            )),
        }
    }

    pub(super) async fn probe(&self, context: &Context, call: &Call) -> Result<Proof> {
        self.0.line.open()?;
        let link = self.0.line.link(context, call.credential.as_ref()).await?;
        let proof = self.0.broker.proof(&link).await?;
        let lag = self.0.ask_lag(&link).await?;
        Ok(if lag.is_empty() { proof } else { proof.fact("lag", behind::told(&lag)) })
    }

    pub(super) async fn schema(&self, context: &Context, call: &Call) -> Result<Reply> {
        self.0.line.open()?;
        let link = self.0.line.link(context, call.credential.as_ref()).await?;
        self.0.broker.schema(&link).await.map(|schema| reply::document(&schema))
    }

    pub(super) fn occupancy(&self) -> Occupancy {
        self.0.is_read();
        let (open, opened) = self.0.line.read();
        let counts = &self.0.counts;
        let used = open && (counts.in_flight.load(Relaxed) > 0 || counts.listeners.load(Relaxed) > 0);
        let streams = Streams {
            readers: counts.listeners.load(Relaxed),
            late: self.0.broker.late(),
            dropped: self.0.broker.dropped(),
        };
        let (idle, used) = (u32::from(open && !used), u32::from(used));
        let messages = Messages {
            in_flight: counts.in_flight.load(Relaxed),
            unacknowledged: self.0.leases.len() as u32,
            confirmed: counts.confirmed.load(Relaxed),
            returned: counts.returned.load(Relaxed),
            put_aside: counts.aside.load(Relaxed),
            put_aside_failed: counts.aside_failed.load(Relaxed),
            lag: self.0.behind.each(),
        };
        let (streams, messages) = (Some(streams), Some(messages));
        Occupancy { idle, used, max: 1, opened, streams, messages, ..Occupancy::default() }
    }

    /// Gives back what was handed out, and ends the streams. Calls that begin after it are refused.
    pub(super) async fn close(&self) {
        self.0.line.shut();
        self.0.stop.cancel();
        let kept = self.0.put_all_aside(self.0.readers.clear());
        let back = self.0.judge_all(self.0.leases.all(), Verdict::Requeue);
        // What is not back by then is when the connection has ended.
        let _ = timeout(GIVE_BACK, async { tokio::join!(kept, back) }).await;
        self.0.line.close().await;
    }
}

impl<B: Broker> Inner<B> {
    async fn publish(
        &self,
        context: &Context,
        credential: Option<&Arc<Credential>>,
        end: Option<Instant>,
        publish: &mut Publish,
    ) -> Result<Reply> {
        let batch = publish.batch;
        for (n, message) in publish.messages.iter().enumerate() {
            self.check(message)
                .map_err(|error| if batch { error.at(&format!("messages[{n}]")) } else { error })?;
        }
        publish.name();
        let asked = match (publish.wants_reply, &*publish.messages) {
            (_, []) => return Err(Error::invalid("messages: there are none; give at least one")),
            (true, [message]) => {
                let is_set = [("reply_to", &message.reply_to), ("correlation_id", &message.correlation_id)];
                if let Some((key, _)) = is_set.iter().find(|(_, value)| value.is_some()) {
                    let message = format!(
                        "{key}: is not for a request with wait_response, which sets it; leave it out"
                    );
                    return Err(Error::invalid(message));
                }
                Some(message)
            }
            (true, _) => {
                return Err(Error::invalid(
                    "wait_response: is for one message; leave it out, or send one at a time",
                ));
            }
            (false, _) => None,
        };
        let link = self.line.link_by(context, credential, end).await;
        let link = link.map_err(|error| match asked {
            Some(_) if error.kind() == Kind::Timeout => error.with("delivered", "no"),
            _ => error,
        })?;
        let flight = self.counts.fly(&publish.messages);
        if let Some(message) = asked {
            return self.ask(&link, message, end, flight).await;
        }
        let until = end.map_or_else(never, |end| end - TO_TELL * publish.messages.len() as u32);
        let mut results = self.broker.publish(&link, &publish.messages, until).await;
        if let Some(end) = end
            && let [Err(error)] = &*results
            && (error.kind(), error.outcome()) == (Kind::Timeout, Outcome::Unknown)
            && Instant::now() >= until
        {
            // There is nothing to tell but that it took too long, which the deadline does: that knows whether its caller was
            // in a hurry.
            sleep_until(end + 2 * AHEAD).await;
        }
        self.counts.ended(&results);
        drop(flight);
        if !batch && results.len() == 1 {
            let receipt = results.remove(0)?;
            return Ok(reply::document(&reply::Told(&publish.messages[0], &receipt)));
        }
        // Where none arrived the call has failed, and is repeated if none can have.
        if results.iter().all(Result::is_err) {
            let each = reply::each(&publish.messages, &results);
            let mut errors: Vec<_> = results.into_iter().filter_map(Result::err).collect();
            let count = errors.len().to_string();
            let worst = errors.iter().position(|error| error.outcome() == Outcome::Unknown);
            let error = errors.swap_remove(worst.unwrap_or_default()).with("messages", count);
            return Err(error.listing(each));
        }
        Ok(reply::results(&publish.messages, &results))
    }

    async fn ask(
        &self,
        link: &B::Link,
        message: &Message,
        end: Option<Instant>,
        flight: Flight<'_>,
    ) -> Result<Reply> {
        let (mut flight, mut delivered) = (Some(flight), false);
        // It is confirmed then, however long the answer takes.
        let mut landed = || {
            delivered = flight.take().is_some();
            self.counts.confirmed.fetch_add(1, Relaxed);
        };
        let asked = self.broker.ask(link, message, &mut landed);
        let answer = match end {
            Some(end) => timeout_at(end, asked).await,
            None => Ok(asked.await),
        };
        if let Ok(Err(error)) = &answer
            && !delivered
            && error.outcome() == Outcome::Rejected
        {
            self.counts.returned.fetch_add(1, Relaxed);
        }
        answer.map(|answer| answer.map(reply::answer)).unwrap_or_else(|_| {
            let message = match delivered {
                true => "no answer came in time; the broker has the request, so it may still be dealt with",
                false => "no answer came in time, and the broker did not say that it has the request",
            };
            let error = Error::new(Kind::Timeout, message).outcome_is(Outcome::Unknown);
            Err(error.with("delivered", if delivered { "yes" } else { "unknown" }))
        })
    }

    fn check(&self, message: &Message) -> Result<()> {
        if message.body.len() > self.rules.max_message {
            let message = format!(
                "message: has {} bytes, more than max_message, which is {}; send less, or raise that",
                message.body.len(),
                self.rules.max_message
            );
            return Err(Error::invalid(message));
        }
        if message.destination.is_empty() && message.exchange.is_none() {
            return Err(Error::invalid("queue: is empty; name the queue, topic, subject or stream"));
        }
        if message.headers.iter().any(|(name, _)| name.is_empty()) {
            return Err(Error::invalid("headers: one has no name; name it, or leave it out"));
        }
        self.broker.check(message)
    }
}

impl Counts {
    /// Counts messages as under way until what comes back is dropped.
    fn fly(&self, messages: &[Message]) -> Flight<'_> {
        let count = messages.len() as u32;
        self.in_flight.fetch_add(count, Relaxed);
        Flight(self, count)
    }

    fn ended(&self, results: &[Result<super::broker::Receipt>]) {
        let confirmed = results.iter().filter(|result| result.is_ok()).count() as u64;
        let refused =
            |result: &&Result<_>| matches!(result, Err(error) if error.outcome() == Outcome::Rejected);
        self.confirmed.fetch_add(confirmed, Relaxed);
        self.returned.fetch_add(results.iter().filter(refused).count() as u64, Relaxed);
    }
}

/// Messages that are under way.
struct Flight<'a>(&'a Counts, u32);

impl Drop for Flight<'_> {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(self.1, Relaxed);
    }
}

impl<B: Broker> std::fmt::Debug for Client<B> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client").field("broker", &self.0.broker).finish_non_exhaustive()
    }
}
