//! What operators see of webhooks, and how they have one forwarded again.

use std::collections::BTreeMap;

use base64::{Engine, engine::general_purpose::STANDARD};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, value::RawValue};
use trunkline_core::{Error, Kind, Result};
use trunkline_store::{Delivery, DeliveryState, StoredEvent};

use super::{event::Came, kept};
use crate::{Manager, registry::now_ms};

/// An event that came as a webhook.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Event {
    /// What tells it from all others of the integration.
    pub id: String,
    /// Its type, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub r#type: Option<String>,
    /// In the order in which they came: `before` of a list takes it.
    pub number: u64,
    /// When it came, in milliseconds since 1970.
    pub received_at_ms: i64,
    /// `pending`, `forwarded`, `put_aside`, or `kept` where it goes nowhere.
    pub state: &'static str,
    /// How far it has come on its way to each target.
    pub deliveries: Vec<EventDelivery>,
    /// What came, where one event is asked for.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<BTreeMap<String, Value>>")]
    pub came: Option<EventBody>,
}

/// An event on its way to a target.
#[derive(Debug, Serialize, JsonSchema)]
pub struct EventDelivery {
    /// The target.
    pub to: String,
    /// `pending`, `forwarded` or `put_aside`.
    pub state: &'static str,
    /// How often it was tried.
    pub attempts: u32,
    /// When it is tried next, in milliseconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_attempt_ms: Option<i64>,
    /// Why the last attempt was in vain.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// What came.
#[derive(Debug, Serialize)]
pub struct EventBody {
    headers: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    base64: Option<String>,
}

impl From<Came> for EventBody {
    fn from(came: Came) -> Self {
        let body = serde_json::from_slice(&came.body).ok();
        let text = std::str::from_utf8(&came.body).ok().filter(|_| body.is_none()).map(str::to_owned);
        let base64 = (body.is_none() && text.is_none()).then(|| STANDARD.encode(&came.body));
        Self { headers: came.headers, body, text, base64 }
    }
}

fn word(state: DeliveryState) -> &'static str {
    match state {
        DeliveryState::Waits => "pending",
        DeliveryState::Forwarded => "forwarded",
        DeliveryState::PutAside => "put_aside",
    }
}

impl From<StoredEvent> for Event {
    fn from(event: StoredEvent) -> Self {
        let has = |state| event.deliveries.iter().any(|delivery| delivery.state == state);
        let states = [DeliveryState::Waits, DeliveryState::PutAside, DeliveryState::Forwarded];
        let state = states.into_iter().find(|state| has(*state)).map_or("kept", word);
        let delivery = |delivery: Delivery| EventDelivery {
            to: delivery.target,
            state: word(delivery.state),
            attempts: delivery.attempts,
            next_attempt_ms: (delivery.state == DeliveryState::Waits).then_some(delivery.due_ms),
            error: delivery.reason,
        };
        Self {
            id: event.id,
            r#type: event.r#type,
            number: event.number,
            received_at_ms: event.received_ms,
            state,
            deliveries: event.deliveries.into_iter().map(delivery).collect(),
            came: None,
        }
    }
}

impl Manager {
    /// Events that came to an integration as webhooks, the newest first: at most `most`, of those before the one of this
    /// number, if one is given.
    ///
    /// # Errors
    ///
    /// `unknown_integration`, `store_unavailable`.
    pub async fn events(&self, integration: &str, before: Option<u64>, most: u32) -> Result<Vec<Event>> {
        let handle = self.get(integration)?;
        let events = kept(&*self.registry().shared.store)?.events(handle.id(), before, most).await?;
        Ok(events.into_iter().map(Event::from).collect())
    }

    /// One of them, with what came.
    ///
    /// # Errors
    ///
    /// `unknown_integration`, `unknown_event`, `store_unavailable`.
    pub async fn event(&self, integration: &str, id: &str) -> Result<Event> {
        let handle = self.get(integration)?;
        let whole =
            kept(&*self.registry().shared.store)?.event(handle.id(), id).await?.ok_or_else(unknown)?;
        let came = Came::read(&whole.document?)?;
        Ok(Event { came: Some(came.into()), ..whole.event.into() })
    }

    /// Has an event forwarded once more, to all that its integration forwards to now, from the beginning.
    ///
    /// # Errors
    ///
    /// As [`Manager::event`]; `unsupported` where the integration forwards to nobody.
    pub async fn redeliver(&self, integration: &str, id: &str) -> Result<()> {
        let handle = self.get(integration)?;
        let targets = handle.hooks().map(super::Hooks::targets).unwrap_or_default();
        if targets.is_empty() {
            let message = "the integration forwards its webhooks to nobody; set webhooks.to";
            return Err(Error::new(Kind::Unsupported, message));
        }
        let now = now_ms();
        if !kept(&*self.registry().shared.store)?.redeliver(handle.id(), id, &targets, now).await? {
            return Err(unknown());
        }
        self.note(handle.id(), "webhook_redelivered", None);
        targets.iter().for_each(|target| self.post().wait(handle.id(), target, now));
        Ok(())
    }
}

fn unknown() -> Error {
    Error::new(Kind::UnknownEvent, "no such event; list them to see which there are")
}
