//! `deliver`: one message on its way to the other integration, until it is acknowledged, put aside, or goes back.

use std::{
    sync::{Arc, atomic::Ordering::Relaxed},
    time::Duration,
};

use http::HeaderValue;
use tokio::time::{Instant, timeout_at};
use trunkline_core::{Call, Error, Kind, Operation, Outcome, Receive, Reply, Result, Settlement, Verdict};
use trunkline_transports::pause;

use super::{
    fate::{Fate, fate},
    message::Message,
    run::Work,
    status::Why,
};
use crate::Handle;

/// The most that is read of what the service answers; nobody needs it.
const ANSWER: usize = 1 << 20;
/// Characters that are kept of a reason.
const REASON: usize = 500;
/// A message that cannot be sent back is tried so often.
const TRIES: u32 = 5;

/// Passes a message on. At `until` somebody else gets it.
pub(super) async fn deliver(work: Arc<Work>, message: Message, until: Instant) {
    let status = &work.entry.status;
    // Nobody else gets what cannot be sent back.
    let until =
        message.token.is_some().then(|| until - (work.entry.route.hold / 10).min(Duration::from_secs(1)));
    let mut tries = 0;
    let verdict = loop {
        let error = match attempt(&work, &message, until).await {
            Ok(()) => break Verdict::Ack,
            Err(error) => error,
        };
        let (Fate::Wait | Fate::Again) = error.fate else {
            break if error.fate == Fate::Done { Verdict::Ack } else { error.aside(&work, &message) };
        };
        let (verdict, counted) = match error.fate {
            Fate::Wait => {
                work.paused(error.why, &error.error);
                (Verdict::Release, tries)
            }
            _ => {
                status.failed.fetch_add(1, Relaxed);
                (Verdict::Requeue, message.deliveries.map_or(tries, |count| count.saturating_sub(1)))
            }
        };
        let rest = pause(counted).max(error.error.wait().unwrap_or_default());
        tries += 1;
        if error.fate == Fate::Again {
            // It keeps its place meanwhile, so that others do not fail as fast as they come.
            let left = until.map_or(rest, |until| until.saturating_duration_since(Instant::now()));
            let there = work.rest(rest.min(left)).await;
            if until.is_some() || !there {
                break verdict;
            }
            if tries == TRIES {
                break error.aside(&work, &message);
            }
        } else if until.is_some_and(|until| Instant::now() + rest + work.entry.route.hold / 2 >= until)
            // A call that is begun late is cut off by the end of the hold, and that would count against the message.
            || !work.rest(rest).await
        {
            break verdict;
        }
    };
    if verdict == Verdict::Ack {
        status.forwarded.fetch_add(1, Relaxed);
        work.goes_on(&[Why::Calls, Why::Target]);
    }
    if let Some(token) = message.token {
        settle(&work, token, verdict).await;
    }
}

/// Why a message was not passed on, and what becomes of it.
struct Failure {
    error: Error,
    fate: Fate,
    why: Why,
}

impl Failure {
    /// Says why a message is put aside.
    fn aside(&self, work: &Work, message: &Message) -> Verdict {
        let status = &work.entry.status;
        status.failed.fetch_add(1, Relaxed);
        status.put_aside.fetch_add(1, Relaxed);
        let (integration, queue, to) = (work.queue.id(), &work.entry.route.queue, &work.entry.route.to);
        let (id, error) = (message.message_id.as_deref().unwrap_or_default(), &self.error);
        tracing::warn!(%integration, queue, %to, message_id = id, %error, "a message is put aside");
        let reason = format!("{to}: {}: {}", error.kind(), error.message());
        Verdict::DeadLetter(reason.chars().filter(|c| !c.is_control()).take(REASON).collect())
    }
}

async fn attempt(work: &Work, message: &Message, until: Option<Instant>) -> Result<(), Failure> {
    let target = work.target().await;
    let target = target.map_err(|error| Failure { error, fate: Fate::Wait, why: Why::Target })?;
    let request = work.entry.route.template.fill(message).and_then(|request| target.parse(&request));
    // Wrong in itself, however often it is made.
    let operation = request.map_err(|error| Failure { error, fate: Fate::Aside, why: Why::Calls })?;
    let called = call(&target, operation, message, until).await;
    called.map_err(|error| Failure { fate: fate(&error), error, why: Why::Calls })
}

async fn call(
    target: &Handle,
    operation: Operation,
    message: &Message,
    until: Option<Instant>,
) -> Result<()> {
    let mut call = Call::new(target.id().clone(), operation);
    call.deadline = until;
    name(target, &mut call, message);
    let Reply { headers, body, .. } = target.call(&mut call).await?;
    // It has said yes; a connection whose answer was read can be used again.
    let read = body.collect(ANSWER);
    match call.deadline {
        Some(end) => drop(timeout_at(end, read).await),
        None => drop(read.await),
    }
    match headers.contains_key(Reply::PARTIAL_ERRORS) {
        false => Ok(()),
        true => {
            Err(Error::new(Kind::Failed, "the service did only a part of it").outcome_is(Outcome::Unknown))
        }
    }
}

/// Where the service recognises repetitions by a key, that is the message's id, unless the request has one of its own: it is
/// the same when the message comes again.
fn name(target: &Handle, call: &mut Call, message: &Message) {
    let Operation::Http(request) = &call.operation else { return };
    let own = request.headers.clone();
    let id = message.message_id.as_deref().and_then(|id| HeaderValue::from_str(id).ok());
    if let Some((header, _)) = target.idempotency_key(call)
        && !own.contains_key(&header)
        && let (Operation::Http(request), Some(id)) = (&mut call.operation, id)
    {
        request.headers.insert(header, id);
    }
}

/// Says what has become of a message. Where the queue does not hear it, it comes again.
async fn settle(work: &Work, token: String, verdict: Verdict) {
    let settle = Receive::settle(vec![Settlement { token, verdict }]);
    let settled = work.queue.call(&mut Call::new(work.queue.id().clone(), settle)).await;
    if let Err(error) = settled {
        let (integration, queue) = (work.queue.id(), &work.entry.route.queue);
        tracing::warn!(%integration, queue, %error, "what became of a message was not heard; it may come again");
    }
}
