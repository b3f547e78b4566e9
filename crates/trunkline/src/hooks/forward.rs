//! One attempt to forward an event to one target, and what becomes of it by that.

use std::{
    panic::AssertUnwindSafe,
    sync::{Arc, OnceLock},
    time::Duration,
};

use futures_util::FutureExt;
use http::{HeaderName, HeaderValue};
use tokio::time::Instant;
use trunkline_core::{Call, Error, Kind, Operation, Outcome, Result, now_ms};
use trunkline_store::{Attempted, DeliveryState, Store, Tried, Waiting};

use super::{Retry, event::Came, kept};
use crate::{
    Handle, Manager,
    bridge::{
        fate::{Fate, MAY, fate, reason},
        key::key,
        target::{Again, Passing, make},
    },
    manager::Weakly,
};

/// Tells an HTTP service which event it is, as Standard Webhooks does: the same however often it comes.
const ID: HeaderName = HeaderName::from_static("webhook-id");
/// A service that asks for a pause has one as long, whatever `longest_pause` says of ours, up to what limits heed too.
const LONGEST_ASKED: Duration = Duration::from_secs(3600);
/// How long to wait where the store fails, in milliseconds.
pub(super) const STORE_PAUSE: i64 = 5_000;

/// A delivery that is due.
#[derive(Debug)]
pub(super) struct Due {
    pub(super) integration: String,
    pub(super) target: String,
    pub(super) waiting: Waiting,
}

/// Why an event was not forwarded.
struct Vain {
    fate: Fate,
    kind: Kind,
    /// As it is put for people.
    why: String,
    /// How long to wait at least, and how often it is tried.
    retry: Option<(Duration, Retry)>,
    /// Whether it may have been done all the same.
    doubtful: bool,
    /// Whether the service refused it under a key by which it knows what was done before.
    refused: bool,
}

/// Forwards an event. Says when the delivery is due again, if it is.
pub(super) async fn forward(due: &Due, manager: &Weakly, store: &Arc<dyn Store>) -> Option<i64> {
    let Due { integration, target: to, waiting } = due;
    let event = &*waiting.event;
    let attempts = waiting.attempts.saturating_add(1);
    let manager_now = manager.upgrade()?;
    // What a program brings along, such as a layer, may panic: that is an attempt too, and its place is free again.
    let (retry, mut once) = (retry(due, &manager_now), false);
    let (at_ms, began, call) = (now_ms(), Instant::now(), OnceLock::new());
    let tried = async {
        match begin(due, manager_now, store).await {
            // Whoever has the manager is not kept waiting for the service.
            Ok(begun) => {
                // Whatever becomes of it, it can be found in the activity.
                let _ = call.set(begun.passing.call.request_id.as_u128());
                once = begun.passing.again == Again::Never;
                begun.make().await
            }
            Err(vain) => Err(vain),
        }
    };
    let tried = AssertUnwindSafe(tried).catch_unwind().await;
    let tried = tried.unwrap_or_else(|_| Err(panicked(&due.target, once, retry)));
    let millis = began.elapsed().as_secs_f64() * 1000.0;
    let (state, due_ms) = match &tried {
        Ok(()) => {
            tracing::debug!(integration, event, to, "an event was forwarded");
            (DeliveryState::Forwarded, now_ms())
        }
        Err(Vain { fate: Fate::Wait | Fate::Again, why, retry: Some((least, retry)), .. })
            if attempts < retry.attempts =>
        {
            tracing::info!(integration, event, to, why, attempts, "an event is forwarded again later");
            let pause = retry.pause(attempts).max((*least).min(LONGEST_ASKED));
            (
                DeliveryState::Waits,
                now_ms().saturating_add(i64::try_from(pause.as_millis()).unwrap_or(i64::MAX)),
            )
        }
        Err(Vain { why, kind, .. }) => {
            tracing::warn!(integration, event, to, why, attempts, "an event is put aside");
            if let Some(manager) = manager.upgrade()
                && let Ok(source) = manager.get(integration)
            {
                manager.note(source.id(), "webhook_put_aside", Some(*kind));
            }
            (DeliveryState::PutAside, now_ms())
        }
    };
    // What was cut off before stays in doubt, whatever became of this attempt; unless a service that knows its key says no.
    let refused = tried.as_ref().is_err_and(|vain| vain.refused);
    let doubtful = !refused && tried.as_ref().is_err_and(|vain| vain.doubtful || waiting.begun);
    let tried = &Tried { at_ms, millis, call: call.get().copied(), reason: tried.err().map(|vain| vain.why) };
    let attempted = Attempted { state, due_ms, tried, doubtful, refused };
    if let Err(error) = async { kept(&**store)?.attempted(waiting.number, attempted).await }.await {
        tracing::error!(integration, event, to, %error, "what became of an event is not stored; it may come again");
        return Some(now_ms() + STORE_PAUSE);
    }
    (state == DeliveryState::Waits).then_some(due_ms)
}

/// How often a delivery is tried, as long as its integration is there.
fn retry(due: &Due, manager: &Manager) -> Option<Retry> {
    manager.get(&due.integration).ok()?.hooks().map(|hooks| hooks.retry)
}

/// What an attempt that panics comes to. Nobody knows how far its call came.
fn panicked(target: &str, once: bool, retry: Option<Retry>) -> Vain {
    let (fate, may) = if once { (Fate::Aside, MAY) } else { (Fate::Again, "") };
    let why = format!("{target}: internal: {may}the call panicked; what it said is in the log");
    let retry = retry.map(|retry| (Duration::ZERO, retry));
    Vain { fate, kind: Kind::Internal, why, retry, doubtful: true, refused: false }
}

/// What becomes of a delivery that may have been done, and is not safe to be made again.
fn in_doubt(due: &Due) -> Vain {
    let (kind, what) = match due.waiting.begun {
        true => (Kind::Internal, "the server ended, or lost its store, in the middle of it"),
        false => (Kind::Timeout, "it was tried too long ago for the service to know its key still"),
    };
    let why = format!("{}: {kind}: {MAY}{what}", due.target);
    Vain { fate: Fate::Aside, kind, why, retry: None, doubtful: true, refused: false }
}

/// A call that is to be made.
struct Begun {
    handle: Arc<Handle>,
    passing: Passing,
    retry: Retry,
}

/// Reads the event, and makes a call of it.
async fn begin(due: &Due, manager: Manager, store: &Arc<dyn Store>) -> Result<Begun, Vain> {
    let aside = |kind, why: &str| Vain {
        fate: Fate::Aside,
        kind,
        why: why.to_owned(),
        retry: None,
        doubtful: false,
        refused: false,
    };
    let source = manager.get(&due.integration).ok();
    let hooks = source.as_deref().and_then(Handle::hooks);
    let Some((hooks, target)) = hooks.and_then(|hooks| Some((hooks, hooks.target(&due.target)?))) else {
        return Err(aside(Kind::UnknownIntegration, "the integration does not forward to it any more"));
    };
    let vain = |fate: Fate, error: &Error| {
        let retry = Some((error.wait().unwrap_or_default(), hooks.retry));
        let why = reason(&target.to, error, false);
        Vain { fate, kind: error.kind(), why, retry, doubtful: false, refused: false }
    };
    let id = &*due.waiting.event;
    let whole = async { kept(&**store)?.event(&due.integration, id).await };
    let whole = whole.await.map_err(|error| vain(Fate::Again, &error))?;
    let whole = whole.ok_or_else(|| aside(Kind::UnknownEvent, "the event is not there any more"))?;
    let came = whole.document.and_then(|document| Came::read(&document));
    let came = came.map_err(|error| vain(Fate::Aside, &error))?;
    let mut message = came.message(&due.integration, Some(id));
    message.key = whole.event.r#type;
    // It may be there the next time.
    let handle = target.handle(&manager).await.map_err(|error| vain(Fate::Wait, &error))?;
    let key = key(&("webhook", &due.integration, &due.target, id, due.waiting.round));
    let mut passing = target.call(&handle, &message, Some(key)).map_err(|error| vain(Fate::Aside, &error))?;
    name(&mut passing.call, id);
    let (again, now) = (passing.again, now_ms());
    if let Some(until_ms) = due.waiting.until_ms {
        if again.is_over(until_ms, now) {
            return Err(in_doubt(due));
        }
        passing.begun_before(until_ms, now);
    }
    if let Some(until_ms) = again.until(now) {
        // Whoever finds this after a crash knows whether the call may be made again.
        let begins = async { kept(&**store)?.begins(due.waiting.number, until_ms).await };
        begins.await.map_err(|error| vain(Fate::Again, &error))?;
    }
    Ok(Begun { handle, passing, retry: hooks.retry })
}

impl Begun {
    async fn make(mut self) -> Result<(), Vain> {
        let Passing { call, again } = &mut self.passing;
        let Err(error) = make(&self.handle, call).await else { return Ok(()) };
        let (once, retry) = (*again == Again::Never, Some((error.wait().unwrap_or_default(), self.retry)));
        match fate(&error, once) {
            Fate::Done => Ok(()),
            fate => {
                let (why, kind) = (reason(self.handle.id(), &error, once), error.kind());
                let (doubtful, no) =
                    (error.outcome() == Outcome::Unknown, error.outcome() == Outcome::Rejected);
                // Had it been done, the service would have answered as it did then. A limit is none of its answers.
                let refused = no && fate == Fate::Aside && matches!(again, Again::For(_));
                Err(Vain { fate, kind, why, retry, doubtful, refused })
            }
        }
    }
}

/// Says which event it is.
fn name(call: &mut Call, id: &str) {
    match &mut call.operation {
        Operation::Http(request) => {
            if let Ok(id) = HeaderValue::from_str(id) {
                request.headers.entry(ID).or_insert(id);
            }
        }
        Operation::Publish(publish) => {
            for message in &mut publish.messages {
                message.id.get_or_insert_with(|| id.to_owned());
            }
        }
        _ => {}
    }
}
