//! The key `webhooks` of a configuration.

use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};
use trunkline_auth::{Verify, VerifyType};
use trunkline_core::{Error, Result, Seconds, parse};

use crate::bridge::message::Message;

/// How often an event is tried unless set: together with the pauses that takes half a day.
pub(super) const ATTEMPTS: u32 = 15;
pub(super) const FIRST: Duration = Duration::from_secs(5);
pub(super) const LONGEST: Duration = Duration::from_secs(4 * 3600);
/// How many events are remembered unless set, and for how many days: longer than senders repeat one.
pub(super) const EVENTS: u32 = 10_000;
pub(super) const DAYS: u32 = 7;
/// How many webhooks a second are taken unless set.
pub(super) const RATE: u32 = 100;
/// How many a second are looked at at least though their signatures are wrong: to check one costs little more than to refuse it.
pub(super) const REFUSED: u32 = 1_000;

/// Webhooks that come in at `POST /hooks/{integration}`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Webhooks {
    /// How they are signed. What does not fit is refused.
    pub(super) verify: Verify,
    /// Where the id of an event is, by which another delivery of it is known: a JSON pointer into the body, such as
    /// `/event/id`, or `header:NAME`. Unless set: what Stripe and Standard Webhooks have for it, else the hash of what was
    /// signed.
    #[serde(default)]
    pub(super) id: Option<String>,
    /// Where its type is, in the same way.
    #[serde(default)]
    pub(super) event_type: Option<String>,
    /// Which of them ask only whether somebody is here, as Slack does before it sends events. What is signed and asks so is
    /// answered with 200 and a text, and is no event.
    #[serde(default)]
    pub(super) challenge: Option<ChallengeKeys>,
    /// Where events are forwarded, each by itself. Without any they are kept to be read.
    #[serde(default)]
    pub(super) to: Vec<To>,
    /// How often an event is forwarded in vain before it is put aside.
    #[serde(default)]
    pub(super) retry: RetryKeys,
    /// How many events are remembered.
    #[serde(default)]
    pub(super) keep: KeepKeys,
    /// How many are taken in a second, ten times as many at once. 100 unless set. Those whose signature is wrong do not count.
    #[serde(default)]
    pub(super) rate: Option<u32>,
}

/// Which webhooks ask only whether somebody is here, and what they want to hear.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ChallengeKeys {
    /// Where it is said, in the way of `id`, such as `/type`.
    pub(super) at: String,
    /// What stands there, such as `url_verification`.
    pub(super) equals: String,
    /// Where the answer is, in the same way, such as `/challenge`.
    pub(super) answer: String,
}

/// Where events are forwarded.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct To {
    /// The integration that is called for each.
    pub(super) to: String,
    /// The connection that it is called through.
    #[serde(default)]
    pub(super) connection: Option<String>,
    /// What it is called with, as the body of a call: `{{message}}` stands for what came, `{{message/pointer}}` for a part of
    /// it, `{{message_id}}` for the event's id, `{{key}}` for its type, `{{queue}}` for the integration that it came to and
    /// `{{headers/NAME}}` for a header. A POST with what came as JSON, unless set.
    #[serde(default)]
    pub(super) request: Option<Value>,
    /// What it is called where there are several to the same integration; that integration's id unless set.
    #[serde(default)]
    pub(super) name: Option<String>,
}

/// How often an event is forwarded in vain before it is put aside.
#[derive(Debug, Clone, Copy, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RetryKeys {
    /// How often it is tried. 15 times unless set.
    #[serde(default)]
    pub(super) attempts: Option<u32>,
    /// How long is waited after the first attempt; after each further one twice as long. 5 seconds unless set.
    #[serde(default)]
    pub(super) first_pause: Option<Seconds>,
    /// … but never longer than this. 4 hours unless set.
    #[serde(default)]
    pub(super) longest_pause: Option<Seconds>,
}

/// How many events are remembered.
#[derive(Debug, Clone, Copy, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct KeepKeys {
    /// So many. The oldest that waits for nothing goes first; where all wait, no further one is taken. 10,000 unless set.
    #[serde(default)]
    pub(super) events: Option<u32>,
    /// For so many days, whatever became of them. 7 unless set.
    #[serde(default)]
    pub(super) days: Option<u32>,
}

/// What a target is called with that has no request.
pub(super) fn post() -> Value {
    json!({ "method": "POST", "json": "{{message}}" })
}

/// Where something of an event is.
pub(super) enum Place {
    /// In the body: the steps of a JSON pointer.
    Body(Vec<String>),
    Header(String),
}

impl Place {
    pub(super) fn parse(text: &str) -> Result<Self> {
        if let Some(name) = text.strip_prefix("header:") {
            return Ok(Self::Header(name.trim().to_owned()));
        }
        if text.is_empty() {
            return Err(Error::invalid("is empty; write /a/pointer or header:NAME"));
        }
        parse::pointer(text)?;
        let steps = text.split('/').skip(1);
        Ok(Self::Body(steps.map(|step| step.replace("~1", "/").replace("~0", "~")).collect()))
    }

    /// What is there, as text.
    pub(super) fn of(&self, message: &Message) -> Option<String> {
        match self {
            Self::Header(name) => message.header(name).map(str::to_owned),
            Self::Body(steps) => match serde_json::from_str(&message.part(steps)?).ok()? {
                Value::String(text) => Some(text),
                // As it is written: two that a machine's number cannot tell apart are two.
                Value::Number(_) => Some(message.part(steps)?.trim().to_owned()),
                _ => None,
            },
        }
    }
}

/// Where senders have what an event is known by.
pub(super) struct Usual {
    pub(super) id: Option<&'static str>,
    pub(super) event_type: Option<&'static str>,
    /// Whether several events come in one delivery, and a repetition says how often it was tried.
    pub(super) is_batch: bool,
}

impl Usual {
    pub(super) fn of(r#type: VerifyType) -> Self {
        let (id, event_type) = match r#type {
            VerifyType::Stripe => (Some("/id"), Some("/type")),
            VerifyType::Standard => (None, Some("/type")),
            VerifyType::Hubspot => (None, Some("/0/subscriptionType")),
            VerifyType::Twilio | VerifyType::Hmac => (None, None),
        };
        Self { id, event_type, is_batch: r#type == VerifyType::Hubspot }
    }
}
