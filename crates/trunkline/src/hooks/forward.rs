//! One attempt to forward an event to one target, and what becomes of it by that.

use http::{HeaderName, HeaderValue};
use trunkline_core::{Call, Error, Kind, Operation, Result};
use trunkline_store::{Attempted, DeliveryState, Waiting};

use super::{Hooks, event::Came};
use crate::{
    Manager,
    bridge::{
        fate::{Fate, fate, reason},
        target::{Target, make},
    },
    registry::now_ms,
};

/// Tells an HTTP service which event it is, as Standard Webhooks does: the same however often it comes.
const ID: HeaderName = HeaderName::from_static("webhook-id");
/// How long to wait where the store fails, in milliseconds.
pub(super) const STORE_PAUSE: i64 = 5_000;

/// A delivery that is due.
#[derive(Debug, Clone)]
pub(super) struct Due {
    pub(super) integration: String,
    pub(super) target: String,
    pub(super) waiting: Waiting,
}

/// Forwards an event. Says when the delivery is due again, if it is.
pub(super) async fn forward(due: &Due, manager: Manager) -> Option<i64> {
    let Due { integration, target: name, waiting } = due;
    let source = manager.get(integration).ok();
    let hooks = source.as_deref().and_then(|source| source.hooks());
    let tried = match hooks.and_then(|hooks| Some((hooks, hooks.target(name)?))) {
        Some((hooks, target)) => attempt(due, hooks, target, &manager).await,
        None => {
            let what = "the integration does not forward to it any more";
            Err((Fate::Aside, Error::new(Kind::UnknownIntegration, what), what.to_owned()))
        }
    };
    let attempts = waiting.attempts.saturating_add(1);
    let pause = hooks.map(|hooks| hooks.retry).filter(|retry| attempts < retry.attempts);
    let pause = pause.map(|retry| retry.pause(attempts));
    let (state, due_ms) = match (&tried, pause) {
        (Ok(()), _) => (DeliveryState::Forwarded, now_ms()),
        (Err((Fate::Wait | Fate::Again, error, _)), Some(pause)) => {
            let pause = pause.max(error.wait().unwrap_or_default());
            let pause = i64::try_from(pause.as_millis()).unwrap_or(i64::MAX);
            (DeliveryState::Waits, now_ms().saturating_add(pause))
        }
        (Err(_), _) => (DeliveryState::PutAside, now_ms()),
    };
    let why = tried.as_ref().err().map(|(.., why)| &**why);
    let event = &*waiting.event;
    match state {
        DeliveryState::Forwarded => tracing::debug!(integration, event, to = name, "an event was forwarded"),
        DeliveryState::Waits => {
            tracing::info!(integration, event, to = name, why, attempts, "an event is forwarded again later");
        }
        DeliveryState::PutAside => {
            tracing::warn!(integration, event, to = name, why, attempts, "an event is put aside");
            if let (Some(source), Err((_, error, _))) = (&source, &tried) {
                manager.note(source.id(), "webhook_put_aside", Some(error.kind()));
            }
        }
    }
    let attempted = Attempted { state, due_ms, reason: why };
    let stored = async { manager.stored_events()?.attempted(waiting.number, attempted).await };
    if let Err(error) = stored.await {
        tracing::error!(integration, event, to = name, %error, "what became of an event is not stored; it may come again");
        return Some(now_ms() + STORE_PAUSE);
    }
    (state == DeliveryState::Waits).then_some(due_ms)
}

/// Why an event was not forwarded: what that means for it, and how it is put for people.
type Vain = (Fate, Error, String);

async fn attempt(due: &Due, hooks: &Hooks, target: &Target, manager: &Manager) -> Result<(), Vain> {
    let vain = |fate, error: Error| {
        let why = reason(&target.to, &error);
        (fate, error, why)
    };
    let came = read(due, manager).await.map_err(|error| match error.kind() {
        Kind::UnknownIntegration => vain(Fate::Aside, error),
        _ => vain(Fate::Again, error),
    })?;
    let id = &*due.waiting.event;
    let mut message = came.message(&due.integration, Some(id));
    message.key = hooks.event_type.as_ref().and_then(|place| place.of(&message));
    // It may be there again the next time.
    let handle = target.handle(manager).await.map_err(|error| vain(Fate::Wait, error))?;
    let mut call = target.call(&handle, &message).map_err(|error| vain(Fate::Aside, error))?;
    name(&mut call, id);
    match make(&handle, &mut call).await {
        Ok(()) => Ok(()),
        Err(error) if fate(&error) == Fate::Done => Ok(()),
        Err(error) => Err(vain(fate(&error), error)),
    }
}

async fn read(due: &Due, manager: &Manager) -> Result<Came> {
    let whole = manager.stored_events()?.event(&due.integration, &due.waiting.event).await?;
    let whole =
        whole.ok_or_else(|| Error::new(Kind::UnknownIntegration, "the event is not there any more"))?;
    Came::read(&whole.document?)
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
