//! `Mark`: a message of a stream that somebody has, and how the stream hears what becomes of it.

use std::time::Duration;

use async_nats::{
    Request, RequestErrorKind,
    jetstream::{self, AckKind},
};
use trunkline_core::{Error, Kind, Outcome, Result};

use super::{alive::forbids, failure, link::NatsLink, message::message};
use crate::queue::broker::Delivery;

/// A message as it was delivered.
#[derive(Debug, Clone)]
pub(in crate::queue) struct Mark(jetstream::Message);

/// So long a stream has to say that it has heard something.
const HEARS: Duration = Duration::from_secs(30);

impl Mark {
    pub(super) fn new(came: jetstream::Message) -> Self {
        Self(came)
    }

    /// How often it was delivered, this time included.
    pub(super) fn count(&self) -> Option<u32> {
        self.0.info().ok().and_then(|info| u32::try_from(info.delivered).ok())
    }

    /// Whether it is this delivery.
    pub(super) fn is(&self, other: &Self) -> bool {
        self.0.reply == other.0.reply
    }

    /// The message for whoever gets it, by this.
    pub(super) fn delivery(self) -> Delivery<Self> {
        let known = self.0.info().ok().map(|info| {
            let nanos = info.published.unix_timestamp_nanos();
            let facts = vec![("stream", info.stream.into()), ("sequence", info.stream_sequence.into())];
            (i64::try_from(nanos / 1_000_000).ok(), facts)
        });
        let (timestamp, facts) = known.unwrap_or_default();
        let deliveries = self.count();
        Delivery {
            message: message(&self.0.message),
            deliveries,
            redelivered: deliveries.is_some_and(|count| count > 1),
            timestamp,
            facts,
            mark: Some(self),
        }
    }

    /// The id that it has where it is put aside, if it has one. Streams know ids for a while, whatever their subject, and keep
    /// nothing under one that they know: this one is the same each time that the group puts the message aside, and no other.
    pub(super) fn id_aside(&self, id: Option<&str>) -> Option<String> {
        let info = self.0.info().ok()?;
        let of = id.map(|id| format!("{id}/")).unwrap_or_default();
        Some(format!("{of}dead/{}/{}/{}", info.stream, info.consumer, info.stream_sequence))
    }

    /// Tells the stream what becomes of it, and waits until it has heard that.
    ///
    /// # Errors
    ///
    /// `unavailable`: with outcome `rejected` where nobody hears what becomes of the group's messages, `unknown` where the
    /// connection was lost. `timeout` where nothing is answered, and `forbidden` where the login may not say anything.
    pub(super) async fn tell(&self, link: &NatsLink, what: AckKind) -> Result<()> {
        let lost =
            |error: &dyn std::fmt::Display| failure::lost("acknowledging a message", &error.to_string());
        let Some(reply) = self.0.reply.clone() else { return Err(lost(&"it came from no stream")) };
        let request = Request::new().payload(what.into()).timeout(Some(HEARS));
        let since = link.alive.now();
        let told = tokio::select! {
            told = link.client.send_request(reply.clone(), request) => told,
            () = link.alive.refused(&reply, since) => return Err(forbids("acknowledge messages by", &reply)),
            () = link.alive.ended() => return Err(lost(&"it ended")),
        };
        match told {
            Ok(_) => Ok(()),
            Err(error) if error.kind() == RequestErrorKind::NoResponders => {
                let message = "nobody hears what becomes of the group's messages: it was removed, or its stream has no leader \
                               at the moment; then they come again";
                Err(Error::new(Kind::Unavailable, message).outcome_is(Outcome::Rejected))
            }
            Err(error) if error.kind() == RequestErrorKind::TimedOut => {
                let message =
                    "the stream has not said that it hears what becomes of the message, which may come again";
                Err(Error::new(Kind::Timeout, message).outcome_is(Outcome::Unknown))
            }
            Err(error) => Err(lost(&error)),
        }
    }
}
