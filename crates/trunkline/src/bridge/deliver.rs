//! `deliver`: one message on its way to the other integration, until it is acknowledged, put aside, or goes back.

use std::{
    sync::{Arc, atomic::Ordering::Relaxed},
    time::Duration,
};

use serde::{Deserialize, de::IgnoredAny};
use tokio::time::Instant;
use trunkline_core::{Call, Error, Kind, Outcome, Receive, Result, Settlement, Verdict, now_ms};
use trunkline_transports::pause;

use super::{
    fate::{Fate, fate, reason},
    mark::{Before, Mark},
    marks::New,
    message::Message,
    route::KnownBy,
    run::Work,
    status::Why,
    target::{Again, make},
};

/// A message that cannot be sent back is tried so often.
const TRIES: u32 = 5;
/// The most that is read of what a queue answers: all of it.
const ANSWER: usize = 1 << 16;

/// Passes a message on. At `until` somebody else gets it.
pub(super) async fn deliver(work: Arc<Work>, message: Message, until: Instant) {
    let status = &work.entry.status;
    // Nobody else gets what cannot be sent back.
    let until =
        message.token.is_some().then(|| until - (work.entry.route.hold / 10).min(Duration::from_secs(1)));
    let (mut tries, mut mark) = (0, None);
    let verdict = loop {
        let error = match attempt(&work, &message, until, &mut mark).await {
            Ok(()) => break Verdict::Ack,
            Err(error) => error,
        };
        let (Fate::Wait | Fate::Again) = error.fate else {
            break if error.fate == Fate::Done { Verdict::Ack } else { error.aside(&work) };
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
                break error.aside(&work);
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
    let (is_done, comes_again) =
        (verdict == Verdict::Ack, matches!(verdict, Verdict::Release | Verdict::Requeue));
    let heard = settle(&work, message, verdict).await;
    if let Some(mark) = mark {
        match heard {
            Heard::Yes if !comes_again => mark.forget().await,
            Heard::Aside => mark.forget().await,
            // Whoever gets it again has to know.
            Heard::Yes | Heard::No if is_done => mark.done().await,
            Heard::Yes | Heard::No => {}
        }
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
    fn aside(&self, work: &Work) -> Verdict {
        work.entry.status.failed.fetch_add(1, Relaxed);
        Verdict::DeadLetter(reason(&work.entry.route.target.to, &self.error, self.once))
    }
}

/// Makes the call that the message becomes. What is written down of it is left in `mark`, unless it was surely not done.
async fn attempt(
    work: &Work,
    message: &Message,
    until: Option<Instant>,
    mark: &mut Option<Mark>,
) -> Result<(), Failure> {
    let target = work.target().await;
    let failed = |error, fate, why| Failure { error, fate, why, once: false };
    let handle = target.map_err(|error| failed(error, Fate::Wait, Why::Target))?;
    let route = &work.entry.route;
    let known_by = route.known_by(work.queue.id(), message);
    let key = match &known_by {
        KnownBy::Key(key) => Some(key.clone()),
        KnownBy::Content(_) => None,
    };
    let call = route.target.call(&handle, message, key);
    // Wrong in itself, however often it is made.
    let mut passing = call.map_err(|error| failed(error, Fate::Aside, Why::Calls))?;
    let again = passing.again;
    passing.call.deadline = until;
    if mark.is_none() {
        *mark = begins(work, message, &known_by, again, until).await?;
    }
    let now = now_ms();
    match mark.as_ref().map(|mark| mark.before) {
        Some(Before::Done) => return Ok(()),
        Some(Before::Damaged) => {
            return Err(in_doubt(Kind::Internal, "what is written down of its call is damaged"));
        }
        Some(Before::Begun(until_ms)) if again.is_over(until_ms, now) => return Err(cut_off(again)),
        Some(Before::Begun(until_ms)) => passing.begun_before(until_ms, now),
        Some(Before::Nothing) | None => {}
    }
    let once = again == Again::Never;
    let Err(error) = make(&handle, &mut passing.call).await else { return Ok(()) };
    let surely_not = matches!(error.outcome(), Outcome::NotSent | Outcome::Rejected);
    match mark.take_if(|mark| surely_not && mark.before == Before::Nothing) {
        Some(mark) => mark.forget().await,
        None => mark.iter_mut().for_each(Mark::tried),
    }
    Err(Failure { fate: fate(&error, once), error, why: Why::Calls, once })
}

/// Writes down that a call begins, where it matters whether it is made again.
async fn begins(
    work: &Work,
    message: &Message,
    known_by: &KnownBy,
    again: Again,
    until: Option<Instant>,
) -> Result<Option<Mark>, Failure> {
    // What nobody acknowledges does not come again.
    let (Some(until_ms), Some(until)) = (again.until(now_ms()), until) else { return Ok(None) };
    let new = New {
        integration: work.queue.id(),
        name: known_by.text(),
        print: work.entry.route.print(message),
        is_another: matches!(known_by, KnownBy::Content(_)) && !message.may_have_come_before(),
        until_ms,
    };
    let failed = |error, fate| Failure { error, fate, why: Why::Calls, once: false };
    match work.marks.begin(new, until).await {
        Ok(Some(mark)) => Ok(Some(mark)),
        Ok(None) => Err(failed(under_way(), Fate::Again)),
        Err(error) => Err(failed(error, Fate::Wait)),
    }
}

/// A message is put aside whose call may have been done, and is not made again.
fn in_doubt(kind: Kind, message: &'static str) -> Failure {
    let error = Error::new(kind, message).outcome_is(Outcome::Unknown);
    Failure { error, fate: Fate::Aside, why: Why::Calls, once: true }
}

/// The same of one whose call was begun before.
fn cut_off(again: Again) -> Failure {
    match again {
        Again::Never => in_doubt(
            Kind::Internal,
            "its call was begun before, and cut off: the server ended in the middle of it, or stopped waiting for its end",
        ),
        _ => in_doubt(Kind::Timeout, "it was tried too long ago for the service to know its key still"),
    }
}

/// A message comes again, as somebody is busy with one that may be the same.
fn under_way() -> Error {
    Error::new(
        Kind::Contended,
        "the call for a message that is known by the same takes as long as this one may be held",
    )
    .outcome_is(Outcome::NotSent)
}

/// Whether a queue has heard what has become of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Heard {
    Yes,
    /// It was to come again, and came too often for that: it is put aside.
    Aside,
    /// It comes again.
    No,
}

/// What the queue answers that has heard it.
#[derive(Deserialize)]
struct Settled {
    #[serde(default)]
    put_aside: Vec<IgnoredAny>,
}

/// Says what has become of a message.
async fn settle(work: &Work, message: Message, verdict: Verdict) -> Heard {
    let aside = match &verdict {
        Verdict::DeadLetter(reason) => Some(reason.clone()),
        _ => None,
    };
    let (integration, queue, to) = (work.queue.id(), &work.entry.route.queue, &work.entry.route.target.to);
    let id = message.message_id.as_deref().unwrap_or_default();
    let Some(token) = message.token else {
        if let Some(reason) = aside {
            tracing::warn!(
                %integration, queue, %to, message_id = id, reason,
                "a message is lost: its broker does not keep it, so it cannot be put aside"
            );
        }
        return Heard::No;
    };
    let settle = Receive::settle(vec![Settlement { token, verdict }]);
    let settled = work.queue.call(&mut Call::new(work.queue.id().clone(), settle)).await;
    let settled = match settled {
        // It has said yes, whatever it says beside that.
        Ok(reply) => reply.body.collect(ANSWER).await.unwrap_or_default(),
        Err(error) => {
            tracing::warn!(%integration, queue, %error, "what became of a message was not heard; it may come again");
            return Heard::No;
        }
    };
    let settled = serde_json::from_slice(&settled).unwrap_or(Settled { put_aside: Vec::new() });
    let (heard, reason) = match (aside, settled.put_aside.is_empty()) {
        (Some(reason), _) => (Heard::Yes, reason),
        (None, false) => (Heard::Aside, "it came too often".to_owned()),
        (None, true) => return Heard::Yes,
    };
    work.entry.status.put_aside.fetch_add(1, Relaxed);
    tracing::warn!(%integration, queue, %to, message_id = id, reason, "a message is put aside");
    heard
}
