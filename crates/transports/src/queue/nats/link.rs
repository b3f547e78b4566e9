//! `NatsLink`: a connection to NATS, and what is known of the streams behind it.

use std::{
    fmt,
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
use futures_util::StreamExt;
use quick_cache::sync::Cache;
use tokio::{sync::Notify, time::Instant};
use tokio_util::task::AbortOnDropHandle;
use trunkline_core::{Error, Kind, Outcome, Result};

use super::{failure, message};
use crate::queue::replies::Replies;

/// Whether a connection is there.
#[derive(Debug, Default)]
pub(super) struct Alive {
    ended: AtomicBool,
    bell: Notify,
}

impl Alive {
    /// It is lost.
    pub(super) fn end(&self) {
        self.ended.store(true, Ordering::Release);
        self.bell.notify_waiters();
    }

    /// Waits until the connection is lost.
    pub(super) async fn ended(&self) {
        let rung = self.bell.notified();
        if !self.ended.load(Ordering::Acquire) {
            rung.await;
        }
    }
}

/// A connection that is logged in.
pub(in crate::queue) struct NatsLink {
    pub(super) client: Client,
    pub(super) jetstream: jetstream::Context,
    pub(super) has_jetstream: bool,
    pub(super) alive: Arc<Alive>,
    pub(super) replies: Arc<Replies>,
    /// Where answers come, before the id of a request.
    pub(super) inbox: String,
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
        let inbox = client.new_inbox();
        let answers = client
            .subscribe(format!("{inbox}.*"))
            .await
            .map_err(|error| failure::lost("subscribing to answers", &error).outcome_is(Outcome::NotSent))?;
        let task = tokio::spawn(tell(answers, replies.clone(), alive.clone()));
        let _answers = AbortOnDropHandle::new(task);
        let streams = Cache::new(1000);
        Ok(Self { client, jetstream, has_jetstream, alive, replies, inbox, streams, _answers })
    }

    pub(super) fn is_alive(&self) -> bool {
        !self.alive.ended.load(Ordering::Acquire)
    }

    /// The stream that keeps a subject, if one does.
    pub(super) async fn stream_of(&self, subject: &str) -> Result<Option<Arc<str>>> {
        if !self.has_jetstream {
            return Ok(None);
        }
        if let Some((at, stream)) = self.streams.get(subject)
            && at.elapsed() < if stream.is_some() { BELIEVED } else { DOUBTED }
        {
            return Ok(stream);
        }
        let stream = tokio::select! {
            found = self.jetstream.stream_by_subject(subject) => match found {
                Ok(name) => Some(name.into()),
                Err(error) if error.kind() == GetStreamByNameErrorKind::NotFound => None,
                Err(error) if error.kind() == GetStreamByNameErrorKind::InvalidSubject => {
                    return Err(Error::invalid("queue: is no subject of NATS"));
                }
                Err(error) => {
                    return Err(failure::lost("looking for a stream", &error).outcome_is(Outcome::NotSent));
                }
            },
            () = self.alive.ended() => {
                return Err(failure::lost("looking for a stream", &"it ended").outcome_is(Outcome::NotSent));
            }
        };
        self.streams.insert(subject.to_owned(), (Instant::now(), stream.clone()));
        Ok(stream)
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
        if answer.status == Some(StatusCode::NO_RESPONDERS) {
            let message = "nobody listens to the subject, so nobody answers";
            replies.fail(&id, Error::new(Kind::Unroutable, message));
            continue;
        }
        replies.tell(trunkline_core::Message { correlation_id: Some(id), ..message::message(&answer) });
    }
    replies.lost();
}
