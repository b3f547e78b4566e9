//! From the request to the store: what is not stored is not answered with success.

use std::time::{Duration, SystemTime};

use serde_json::Value;
use trunkline_auth::{Refusal, Verified, Webhook};
use trunkline_core::{Error, IntegrationId, Kind, Result, exact, now_ms};
use trunkline_store::NewEvent;

use super::{Hooks, Keep, event::Came, kept};
use crate::{Handle, Manager, bridge::message::Message, connections::to_its_end};

/// The longest id that an event may have; of a longer one the hash is taken.
const LONGEST_ID: usize = 200;
/// The longest type that is kept.
const LONGEST_TYPE: usize = 200;

/// What became of a webhook that was taken.
#[derive(Debug, PartialEq, Eq)]
pub enum Received {
    /// It is stored, and is forwarded.
    New,
    /// It was there already, and is not forwarded again.
    Known,
    /// It is no event: its sender asks whether somebody is here, and wants to hear this.
    Challenge(String),
}

/// Why a webhook was not taken.
#[derive(Debug)]
pub enum Refused {
    /// The integration takes none.
    Nowhere,
    /// Too many came, or too many that were not signed; after this time there is room again.
    TooMany(Duration),
    /// Its signature is not one that is accepted. Why is in the log.
    Signature,
    /// It could not be checked or stored now.
    Failed(Error),
}

impl Manager {
    /// Whether an integration looks at a webhook now: asked before its body is read, of which nothing is looked at.
    ///
    /// # Errors
    ///
    /// [`Refused::Nowhere`]; [`Refused::TooMany`] where too many came that were not signed; [`Refused::Signature`] where its head
    /// already tells that it is not signed, or was too long ago.
    pub fn admit_webhook(&self, integration: &Handle, head: Webhook<'_>) -> Result<(), Refused> {
        let hooks = hooks(integration)?;
        hooks.refused.has().map_err(Refused::TooMany)?;
        let glance = hooks.verifier.glance(&head, SystemTime::now());
        glance.map_err(|refusal| self.refused(hooks, integration.id(), refusal))
    }

    /// Counts one that is refused, and says so now and then.
    fn refused(&self, hooks: &Hooks, id: &IntegrationId, refusal: Refusal) -> Refused {
        // Whether there was room was asked before its body was read.
        let _ = hooks.refused.take();
        if hooks.noted.take().is_ok() {
            tracing::warn!(integration = %id, reason = %refusal, "a webhook was refused");
            self.note(id, "webhook_refused", Some(Kind::Unauthenticated));
        }
        match refusal {
            Refusal::Unready(error) => Refused::Failed(error),
            _ => Refused::Signature,
        }
    }

    /// Takes a webhook: checks its signature, stores it, and has it forwarded, unless it is known or no event.
    ///
    /// # Errors
    ///
    /// Why it was not taken; then it is not stored.
    pub async fn receive_webhook(
        &self,
        integration: &Handle,
        webhook: Webhook<'_>,
    ) -> Result<Received, Refused> {
        let (hooks, id) = (hooks(integration)?, integration.id());
        let verified = hooks.verifier.verify(&webhook, SystemTime::now());
        let verified = verified.map_err(|refusal| self.refused(hooks, id, refusal))?;
        hooks.rate.take().map_err(Refused::TooMany)?;
        let came = Came::of(webhook.headers, webhook.body, &verified);
        let message = came.message(id, None);
        if let Some(answer) = hooks.challenge.as_ref().and_then(|challenge| challenge.answer(&message)) {
            self.note(id, "webhook_challenge", None);
            return Ok(Received::Challenge(answer));
        }
        let event = Incoming::of(id, hooks, &came, &message, verified);
        let this = self.clone();
        // Its sender may go away meanwhile, and what is stored has to be forwarded.
        let added = to_its_end(async move { this.take(&event).await }).await.map_err(Refused::Failed)?;
        Ok(if added { Received::New } else { Received::Known })
    }

    /// Stores an event and has it forwarded, unless it is known.
    async fn take(&self, event: &Incoming) -> Result<bool> {
        let (targets, now_ms) = (event.targets.iter().map(|name| &**name).collect::<Vec<_>>(), now_ms());
        let new = NewEvent {
            integration: &event.integration,
            id: &event.id,
            r#type: event.r#type.as_deref(),
            document: &event.document,
            targets: &targets,
            now_ms,
            until_ms: now_ms.saturating_add(event.keep.ms),
            most: event.keep.events,
        };
        let added = async { kept(&*self.registry().shared.store)?.add_event(new).await }.await;
        let integration = &event.integration;
        match &added {
            Ok(true) => {
                targets.iter().for_each(|target| self.post().wait(integration, target, now_ms));
                self.note(integration, "webhook", None);
            }
            Ok(false) => self.note(integration, "webhook_repeated", None),
            Err(error) => {
                tracing::error!(%integration, %error, "a webhook could not be stored");
                self.note(integration, "webhook", Some(error.kind()));
            }
        }
        added
    }
}

/// An event that is to be stored.
struct Incoming {
    integration: IntegrationId,
    id: String,
    r#type: Option<String>,
    document: Vec<u8>,
    targets: Vec<String>,
    keep: Keep,
}

impl Incoming {
    fn of(
        integration: &IntegrationId,
        hooks: &Hooks,
        came: &Came,
        message: &Message,
        verified: Verified,
    ) -> Self {
        let named = hooks.id.as_ref().and_then(|place| place.of(message)).or(verified.id);
        let id = match named.filter(|id| !id.is_empty()) {
            Some(id) if may_be_id(&id) => id,
            // It is the same in another delivery, and so is its hash; that of all that was signed has the time in it.
            Some(id) => trunkline_auth::hash(id.as_bytes()),
            None if hooks.is_batch => same_batch(&came.body).unwrap_or(verified.digest),
            None => verified.digest,
        };
        let r#type = hooks.event_type.as_ref().and_then(|place| place.of(message));
        let r#type = r#type.map(|text| text.chars().filter(|c| !c.is_control()).take(LONGEST_TYPE).collect());
        let targets = hooks.targets().into_iter().map(str::to_owned).collect();
        Self {
            integration: integration.clone(),
            id,
            r#type,
            document: came.write(),
            targets,
            keep: hooks.keep,
        }
    }
}

fn hooks(integration: &Handle) -> Result<&Hooks, Refused> {
    integration.hooks().filter(|_| integration.enabled()).ok_or(Refused::Nowhere)
}

/// Whether a text can be a part of a path as it is, and the value of a header.
fn may_be_id(id: &str) -> bool {
    let allowed = |c: u8| c.is_ascii_alphanumeric() || b"-._~:@+=".contains(&c);
    id.len() <= LONGEST_ID && id.bytes().all(allowed) && id.bytes().any(|c| c.is_ascii_alphanumeric())
}

/// What a batch of events, or one by itself, is known by: all of it, but for how often it was tried.
fn same_batch(body: &[u8]) -> Option<String> {
    let mut body: Value = exact::read(body).ok()?;
    let events = match &mut body {
        Value::Array(events) => &mut events[..],
        one => std::slice::from_mut(one),
    };
    for event in events.iter_mut().filter_map(Value::as_object_mut) {
        event.remove("attemptNumber");
    }
    Some(trunkline_auth::hash(exact::written(&body).ok()?.get().as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_and_one_event_by_itself_are_known_however_often_they_were_tried() {
        for (one, again, other) in [
            (
                r#"[{"eventId": 1, "attemptNumber": 0}]"#,
                r#"[{"eventId": 1, "attemptNumber": 1}]"#,
                r#"[{"eventId": 2, "attemptNumber": 0}]"#,
            ),
            (
                r#"{"eventId": 98765432109876543210, "attemptNumber": 0}"#,
                r#"{"attemptNumber": 3, "eventId": 98765432109876543210}"#,
                r#"{"eventId": 98765432109876543211, "attemptNumber": 0}"#,
            ),
            (r#"["a"]"#, r#"[ "a" ]"#, r#"["b"]"#),
        ] {
            let hash = |text: &str| same_batch(text.as_bytes()).unwrap();
            assert_eq!(hash(one), hash(again), "{one}");
            assert_ne!(hash(one), hash(other), "{one}");
        }
        assert_eq!(same_batch(b"no JSON"), None);
    }
}
