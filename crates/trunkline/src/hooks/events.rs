//! What operators see of webhooks, and how they have one forwarded again.

use std::collections::BTreeMap;

use base64::{Engine, engine::general_purpose::STANDARD};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, value::RawValue};
use trunkline_core::{Error, Kind, RequestId, Result};
use trunkline_store::{Delivery, DeliveryState, StoredEvent, Tried};

use super::{event::Came, kept};
use crate::Manager;

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
    /// The latest attempts, the oldest first, where one event is asked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tries: Vec<EventTry>,
}

/// An attempt to forward an event.
#[derive(Debug, Serialize, JsonSchema)]
pub struct EventTry {
    /// When it began, in milliseconds since 1970.
    pub at_ms: i64,
    /// How many milliseconds it took.
    pub millis: f64,
    /// Its call, by which the activity is searched; none where it came to no call.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// Why it was in vain.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// What came.
#[derive(Debug, Serialize, JsonSchema)]
pub struct EventBody {
    /// How its signature was checked.
    #[serde(skip_serializing_if = "Option::is_none")]
    verified: Option<EventVerified>,
    /// Its headers, the names in lower case.
    headers: BTreeMap<String, String>,
    /// Its body where that is JSON, as it was written.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Value>")]
    body: Option<Box<RawValue>>,
    /// Its body where that is another text.
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    /// Its body where that is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    base64: Option<String>,
}

/// How the signature of a webhook was checked.
#[derive(Debug, Serialize, JsonSchema)]
struct EventVerified {
    /// The type of the check, as in the configuration.
    r#type: String,
    /// When it was signed, in milliseconds since 1970, where that is signed too.
    #[serde(skip_serializing_if = "Option::is_none")]
    signed_at_ms: Option<i64>,
}

impl From<Came> for EventBody {
    fn from(came: Came) -> Self {
        let body = serde_json::from_slice(&came.body).ok();
        let text = std::str::from_utf8(&came.body).ok().filter(|_| body.is_none()).map(str::to_owned);
        let base64 = (body.is_none() && text.is_none()).then(|| STANDARD.encode(&came.body));
        let verified = came.verified.map(|signed| EventVerified {
            r#type: signed.by,
            signed_at_ms: signed.at.map(|at| at.saturating_mul(1000)),
        });
        Self { verified, headers: came.headers, body, text, base64 }
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
            error: delivery.reason().map(str::to_owned),
            to: delivery.target,
            state: word(delivery.state),
            attempts: delivery.attempts,
            next_attempt_ms: (delivery.state == DeliveryState::Waits).then_some(delivery.due_ms),
            tries: delivery.tries.into_iter().map(EventTry::from).collect(),
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

impl From<Tried> for EventTry {
    fn from(Tried { at_ms, millis, call, reason }: Tried) -> Self {
        let request_id = call.map(|id| RequestId::from_u128(id).to_string());
        Self { at_ms, millis, request_id, error: reason }
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
        let mut events: Vec<Event> = events.into_iter().map(Event::from).collect();
        // A list is for an overview.
        events.iter_mut().flat_map(|event| &mut event.deliveries).for_each(|one| one.tries.clear());
        Ok(events)
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
}

pub(super) fn unknown() -> Error {
    Error::new(Kind::UnknownEvent, "no such event; list them to see which there are")
}
