//! `NatsLink`: a connection to NATS, and what is known of the streams behind it.

use std::{
    fmt,
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_nats::{
    Client, StatusCode, Subscriber,
    jetstream::{self, context::GetStreamByNameErrorKind},
};
use bytes::Bytes;
use futures_util::StreamExt;
use quick_cache::sync::Cache;
use tokio::{task::yield_now, time::Instant};
use tokio_util::task::AbortOnDropHandle;
use trunkline_core::{Error, Kind, Outcome, Result};

use super::{
    alive::{Alive, Moment, forbids},
    failure, message,
};
use crate::queue::replies::Replies;

/// A connection that is logged in.
pub(in crate::queue) struct NatsLink {
    pub(super) client: Client,
    pub(super) jetstream: jetstream::Context,
    pub(super) has_jetstream: bool,
    pub(super) alive: Arc<Alive>,
    pub(super) replies: Arc<Replies>,
    /// Where answers come, before the id of a request; and echoes, before their number.
    pub(super) inbox: String,
    /// When it was made.
    made: Moment,
    /// Whether JetStream has named a stream: then it does not fall silent since it is off.
    answered: AtomicBool,
    /// Which stream keeps a subject, as it was a while ago.
    streams: Cache<String, (Instant, Option<Arc<str>>)>,
    /// Holds on to the client, so it ends with this.
    _answers: AbortOnDropHandle<()>,
}

/// For so long it is believed which stream keeps a subject.
const BELIEVED: Duration = Duration::from_secs(60);
/// And that none does: one that is made is to be noticed.
const DOUBTED: Duration = Duration::from_secs(1);
/// So long a stream has to acknowledge a message.
const ACK: Duration = Duration::from_secs(30);

impl NatsLink {
    pub(super) async fn new(client: Client, alive: Arc<Alive>, replies: Arc<Replies>) -> Result<Self> {
        let mut jetstream = jetstream::new(client.clone());
        jetstream.set_timeout(ACK);
        let has_jetstream = client.server_info().jetstream;
        let (inbox, made) = (client.new_inbox(), alive.now());
        let answers = client
            .subscribe(format!("{inbox}.*"))
            .await
            .map_err(|error| failure::lost("subscribing to answers", &error).outcome_is(Outcome::NotSent))?;
        let task = tokio::spawn(tell(answers, replies.clone(), alive.clone()));
        let _answers = AbortOnDropHandle::new(task);
        let (answered, streams) = (AtomicBool::new(false), Cache::new(1000));
        Ok(Self {
            client,
            jetstream,
            has_jetstream,
            alive,
            replies,
            inbox,
            made,
            answered,
            streams,
            _answers,
        })
    }

    pub(super) fn is_alive(&self) -> bool {
        self.alive.is()
    }

    /// Waits until the server has read all that was sent before: what is sent to oneself comes back behind it. (The library's
    /// `flush` ends with the socket.) A login that may not send to itself hears so in place of it, and one that may not hear
    /// answers knows no more than that it is written.
    ///
    /// # Errors
    ///
    /// `unavailable` where the connection was lost before: what was sent while busy with `what` may have arrived.
    pub(super) async fn round_trip(&self, what: &str) -> Result<()> {
        let lost = |error: &dyn fmt::Display| failure::lost(what, &error.to_string());
        let (number, since) = (self.alive.echo(), self.alive.now());
        let echo = format!("{}.{number}", self.inbox);
        let there = async {
            self.client.publish(echo.clone(), Bytes::new()).await.map_err(|error| lost(&error))?;
            tokio::select! {
                () = self.alive.heard(number) => Ok(()),
                () = self.alive.refused(&echo, since) => Ok(()),
                () = self.deaf() => self.client.flush().await.map_err(|error| lost(&error)),
            }
        };
        tokio::select! {
            there = there => there,
            () = self.alive.ended() => Err(lost(&"it ended")),
        }
    }

    /// Waits until the server says that answers are not for this login.
    async fn deaf(&self) {
        self.alive.refused(&format!("{}.*", self.inbox), self.made).await;
    }

    /// Sees that answers can be heard, as far as is known.
    ///
    /// # Errors
    ///
    /// `forbidden`, with outcome `not_sent`.
    pub(super) fn hears(&self) -> Result<()> {
        match self.alive.refuses(&format!("{}.*", self.inbox), self.made) {
            true => Err(forbids("hear answers, which come to", "_INBOX.>").outcome_is(Outcome::NotSent)),
            false => Ok(()),
        }
    }

    /// The stream that keeps a subject, if one does. Where JetStream is off for the login, or the login may not ask, none is
    /// known to.
    pub(super) async fn stream_of(&self, subject: &str) -> Result<Option<Arc<str>>> {
        if !self.has_jetstream {
            return Ok(None);
        }
        if let Some((at, stream)) = self.streams.get(subject)
            && at.elapsed() < if stream.is_some() { BELIEVED } else { DOUBTED }
        {
            return Ok(stream);
        }
        let found = self.asks("looking for a stream", "STREAM.NAMES", async {
            match self.jetstream.stream_by_subject(subject).await {
                Ok(name) => Ok(Some(name.into())),
                Err(error) if error.kind() == GetStreamByNameErrorKind::NotFound => Ok(None),
                Err(error) if error.kind() == GetStreamByNameErrorKind::InvalidSubject => {
                    Err(Error::invalid("queue: is no subject of NATS"))
                }
                Err(error) if failure::is_off(&error) && !self.answered.load(Ordering::Relaxed) => Ok(None),
                Err(error) => Err(failure::lost("looking for a stream", &error)),
            }
        });
        let stream: Option<Arc<str>> = match found.await {
            Ok(stream) => {
                if stream.is_some() {
                    self.answered.store(true, Ordering::Relaxed);
                }
                stream
            }
            // It hears answers, so it is the question that is not for it.
            Err(error) if error.kind() == Kind::Forbidden && self.hears().is_ok() => None,
            // Nothing was sent of what is asked for.
            Err(error) => return Err(error.outcome_is(Outcome::NotSent)),
        };
        self.streams.insert(subject.to_owned(), (Instant::now(), stream.clone()));
        Ok(stream)
    }

    /// What JetStream answers to questions with subjects that begin so. It says nothing where the login may not ask: the server
    /// does.
    ///
    /// # Errors
    ///
    /// `forbidden` then, with outcome `rejected`; `unavailable` where the connection was lost while busy with `what`.
    pub(super) async fn asks<T>(
        &self,
        what: &str,
        questions: &str,
        answer: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        let (since, questions) = (self.alive.now(), format!("$JS.API.{questions}"));
        tokio::select! {
            answer = answer => answer,
            subject = self.alive.refused_beneath(&questions, since) => Err(forbids("ask JetStream by", &subject)),
            () = self.deaf() => self.hears().and_then(|()| Err(failure::lost(what, &"answers are not heard"))),
            () = self.alive.ended() => Err(failure::lost(what, &"it ended")),
        }
    }

    /// What is known of a subject may not be so any more.
    pub(super) fn forget(&self, subject: &str) {
        self.streams.remove(subject);
    }
}

impl fmt::Debug for NatsLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NatsLink").field("has_jetstream", &self.has_jetstream).finish_non_exhaustive()
    }
}

/// Hands answers to those who wait for them.
async fn tell(mut answers: Subscriber, replies: Arc<Replies>, alive: Arc<Alive>) {
    loop {
        let answer = tokio::select! {
            answer = answers.next() => answer,
            () = alive.ended() => None,
        };
        let Some(answer) = answer else { break };
        let id = answer.subject.rsplit('.').next().unwrap_or_default().to_owned();
        // The id of a request is no number.
        if let Ok(number) = id.parse() {
            // What the server said before comes by another way, whose task was woken earlier.
            yield_now().await;
            alive.echoed(number);
            continue;
        }
        if answer.status == Some(StatusCode::NO_RESPONDERS) {
            let message = "nobody listens to the subject, so nobody answers";
            replies.fail(&id, Error::new(Kind::Unroutable, message));
            continue;
        }
        replies.tell(trunkline_core::Message { correlation_id: Some(id), ..message::message(&answer) });
    }
    replies.lost();
}
