//! What is put aside: messages that came too often, and those that somebody wants out of the way.

use std::{
    mem,
    sync::{Arc, Mutex, PoisonError, atomic::Ordering},
    time::Duration,
};

use tokio::time::{Instant, timeout};
use trunkline_core::{Error, Kind, Message, Outcome, Result};

use super::{
    broker::{Broker, Consumer, Fate, never},
    client::Inner,
    lease::Lease,
    place::unfit,
};

/// What a message that was put aside says of itself, in headers.
const QUEUE: &str = "trunkline-dead-letter-queue";
const REASON: &str = "trunkline-dead-letter-reason";
const DELIVERIES: &str = "trunkline-dead-letter-deliveries";
const ID: &str = "trunkline-dead-letter-message-id";
/// So many bytes of a reason are told: headers of NATS and MQTT have an end.
const LONG: usize = 4096;
/// So long the broker has to take a message that is moved.
pub(super) const LONGEST: Duration = Duration::from_secs(10);
/// That messages cannot be put aside is logged once in so long.
const QUIET: Duration = Duration::from_secs(60);

impl<B: Broker> Inner<B> {
    /// Puts a message aside, with the reason. Only when the broker has it there is it taken away here.
    ///
    /// # Errors
    ///
    /// What the broker says; `unroutable` where nobody would have it. Then it is kept for as long as somebody would have had it,
    /// here or by the broker, and tried again.
    pub(super) async fn put_aside(self: &Arc<Self>, lease: Lease<B>, reason: &str) -> Result<()> {
        let Lease { link, consumer, group, delivery, deliveries, .. } = &lease;
        let Some(mark) = &delivery.mark else { return Ok(()) };
        let mut message = delivery.message.clone();
        let source = mem::take(&mut message.destination);
        message.destination = self.rules.dead_letter.clone().unwrap_or_else(|| B::beside(&source));
        (message.exchange, message.routing_key, message.expires, message.reply_to) = (None, None, None, None);
        // It is for whoever looks after what failed, and no state of the place.
        message.retain = false;
        if let Some(id) = consumer.id_aside(delivery)
            && let Some(own) = message.id.replace(id)
        {
            message.set_header(ID, own);
        }
        message.set_header(QUEUE, source);
        message.set_header(REASON, one_line(reason));
        if let Some(deliveries) = deliveries {
            message.set_header(DELIVERIES, deliveries.to_string());
        }
        // What came for the last time is still there when its connection is not.
        let present = if lease.is_last() && !self.broker.is_alive(link) { self.line.present() } else { None };
        let kept = timeout(LONGEST, self.keep(present.as_ref().unwrap_or(link), &message))
            .await
            .unwrap_or_else(|_| Err(silent()));
        if let Err(error) = kept {
            let error = error.at("dead_letter");
            self.is_stuck(&delivery.message.destination, &message.destination, &error);
            // Where the broker takes it for lost by and by, it would be held once more each time; and over a connection that is
            // lost nothing can be said of it: others have it then. But one that came for the last time comes to nobody.
            if lease.is_last() || !B::TAKES_BACK && self.broker.is_alive(&lease.link) {
                self.hold(lease);
            }
            return Err(error);
        }
        self.counts.aside.fetch_add(1, Ordering::Relaxed);
        consumer.settle(mark, Fate::Ack).await?;
        self.tries.forget(group.as_deref(), delivery, *deliveries);
        Ok(())
    }

    /// Sends a message to where it is to be kept.
    async fn keep(&self, link: &B::Link, message: &Message) -> Result<()> {
        self.broker.prepare(link, &message.destination).await?;
        let receipt = self.broker.publish(link, std::slice::from_ref(message), never()).await.remove(0)?;
        match B::is_kept(&receipt) {
            true => Ok(()),
            false => Err(Error::new(
                Kind::Unroutable,
                format!(
                    "nobody would get it at {}; subscribe to that in a session that the broker keeps",
                    message.destination
                ),
            )
            .outcome_is(Outcome::Rejected)),
        }
    }

    /// A message could not be put aside: says so, now and then.
    fn is_stuck(&self, queue: &str, dead_letter: &str, error: &Error) {
        self.counts.aside_failed.fetch_add(1, Ordering::Relaxed);
        if let Some(messages) = self.stuck.count() {
            let owner = self.owner.get().map(|owner| owner.split_once('\0').unwrap_or((owner, "")));
            let (integration, connection) = owner.unwrap_or_default();
            tracing::warn!(
                integration, connection, queue, dead_letter, %error, messages,
                "messages cannot be put aside; they are held and tried again"
            );
            if let Some(journal) = &self.journal {
                journal.note("put_aside", Some(error.kind()));
            }
        }
    }
}

fn silent() -> Error {
    let message = format!("the broker did not say within {LONGEST:?} that it has the message; see how it is");
    Error::new(Kind::Timeout, message).outcome_is(Outcome::Unknown)
}

/// How often something failed that is told now and then.
#[derive(Debug, Default)]
pub(super) struct Stuck(Mutex<(Option<Instant>, u64)>);

impl Stuck {
    /// Once more. Says how often since it was last told, if it is time to tell it.
    fn count(&self) -> Option<u64> {
        let mut inside = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (told, count) = &mut *inside;
        *count += 1;
        if told.is_some_and(|told| told.elapsed() < QUIET) {
            return None;
        }
        *told = Some(Instant::now());
        Some(mem::take(count))
    }
}

/// A reason as a header that every broker takes: without control characters or blanks around it, and not longer than [`LONG`].
fn one_line(reason: &str) -> String {
    let end = reason.floor_char_boundary(LONG);
    reason[..end].replace(unfit, " ").trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::QueueConfig;

    #[test]
    fn what_was_put_aside_is_known_by_its_headers() {
        for header in [QUEUE, REASON, DELIVERIES, ID] {
            assert!(header.starts_with(QueueConfig::ASIDE), "{header}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_fails_all_the_time_is_told_at_once_and_then_once_a_minute_with_how_often() {
        let stuck = Stuck::default();
        assert_eq!(stuck.count(), Some(1));
        for _ in 0..1000 {
            assert_eq!(stuck.count(), None);
        }
        tokio::time::advance(QUIET).await;
        assert_eq!((stuck.count(), stuck.count()), (Some(1001), None));
    }
}
