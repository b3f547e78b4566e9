//! `deliver`: one message on its way to the other integration, until it is acknowledged, put aside, or goes back.

use std::{
    sync::{Arc, atomic::Ordering::Relaxed},
    time::Duration,
};

use tokio::time::Instant;
use trunkline_core::{Call, Error, Receive, Result, Settlement, Verdict};
use trunkline_transports::pause;

use super::{
    fate::{Fate, fate, reason},
    message::Message,
    run::Work,
    status::Why,
    target::{Passing, make},
};

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
    /// Whether what may have been done is not done again.
    once: bool,
}

impl Failure {
    /// Says why a message is put aside.
    fn aside(&self, work: &Work, message: &Message) -> Verdict {
        let status = &work.entry.status;
        status.failed.fetch_add(1, Relaxed);
        status.put_aside.fetch_add(1, Relaxed);
        let (integration, queue, to) =
            (work.queue.id(), &work.entry.route.queue, &work.entry.route.target.to);
        let (id, error) = (message.message_id.as_deref().unwrap_or_default(), &self.error);
        tracing::warn!(%integration, queue, %to, message_id = id, %error, "a message is put aside");
        Verdict::DeadLetter(reason(to, error, self.once))
    }
}

async fn attempt(work: &Work, message: &Message, until: Option<Instant>) -> Result<(), Failure> {
    let target = work.target().await;
    let failed = |error, fate, why| Failure { error, fate, why, once: false };
    let handle = target.map_err(|error| failed(error, Fate::Wait, Why::Target))?;
    let route = &work.entry.route;
    let key = message.message_id.as_deref().and_then(|id| route.key(work.queue.id(), id));
    let call = route.target.call(&handle, message, key);
    // Wrong in itself, however often it is made.
    let Passing { mut call, once } = call.map_err(|error| failed(error, Fate::Aside, Why::Calls))?;
    call.deadline = until;
    let called = make(&handle, &mut call).await;
    called.map_err(|error| Failure { fate: fate(&error, once), error, why: Why::Calls, once })
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
