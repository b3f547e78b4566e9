//! Webhooks: what comes in over `POST /hooks/{integration}` is checked, stored, and then forwarded to other integrations.
//!
//! | file | what is in it |
//! |---|---|
//! | `config.rs` | the key `webhooks` of a configuration |
//! | `challenge.rs` | what only asks whether somebody is here |
//! | `event.rs` | what came, as it is stored, and as the message that is forwarded |
//! | `receive.rs` | from the request to the store |
//! | `post.rs` | what is due, and the loop that forwards it |
//! | `forward.rs` | one attempt to forward an event to one target |
//! | `events.rs` | what operators see of it |
//! | `redeliver.rs` | how they have an event forwarded once more |
//! | `bucket.rs` | how often something may be done |

mod bucket;
mod challenge;
mod config;
mod event;
mod events;
mod forward;
mod post;
mod receive;
mod redeliver;

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use serde_json::{Value, value::to_raw_value};
use trunkline_auth::Verifier;
use trunkline_core::{Error, Kind, Result, Seconds};
use trunkline_store::{Events, Store};

use self::{bucket::Bucket, challenge::Challenge, config::Place};
use crate::{Handle, IntegrationConfig, bridge::target::Target, placeholder};

pub(crate) use self::{config::Webhooks, post::Post};
pub use self::{
    events::{Event, EventBody, EventDelivery, EventTry},
    receive::{Received, Refused},
    redeliver::{Redelivered, Redelivery},
};

/// The webhooks that an integration takes.
pub(crate) struct Hooks {
    verifier: Verifier,
    id: Option<Place>,
    event_type: Option<Place>,
    challenge: Option<Challenge>,
    /// Whether what a repetition changes is left out of what an event is known by.
    is_batch: bool,
    targets: Vec<(String, Target)>,
    retry: Retry,
    keep: Keep,
    /// How many are taken.
    rate: Bucket,
    /// How many are refused for their signature before no further one is looked at. Apart from `rate`, or whoever knows the
    /// address could keep out those that are signed.
    refused: Bucket,
    /// How often those that are refused are written down.
    noted: Bucket,
}

/// How often an event is forwarded in vain, and how long is waited between.
#[derive(Debug, Clone, Copy)]
struct Retry {
    attempts: u32,
    first: Duration,
    longest: Duration,
}

impl Retry {
    /// How long to wait after so many attempts, at least one.
    fn pause(self, attempts: u32) -> Duration {
        let doubled = attempts.saturating_sub(1).min(24);
        self.first.saturating_mul(1 << doubled).min(self.longest)
    }
}

/// How many events are remembered, and for how long.
#[derive(Debug, Clone, Copy)]
struct Keep {
    events: u32,
    ms: i64,
}

impl Hooks {
    /// The webhooks of a configuration; `None` where it takes none.
    ///
    /// # Errors
    ///
    /// `invalid_config`, naming the key.
    pub(crate) fn open(config: &IntegrationConfig) -> Result<Option<Box<Self>>> {
        let Some(keys) = &config.common().webhooks else { return Ok(None) };
        let document = config.document().get("webhooks");
        if document.is_some_and(has_placeholder) {
            return Err(Error::invalid(
                "webhooks: are the integration's, and cannot have placeholders of connections; give the secret itself",
            ));
        }
        keys.open().map(|hooks| hooks.map(Box::new)).map_err(|error| error.at("webhooks"))
    }

    /// Where events go.
    fn targets(&self) -> Vec<&str> {
        self.targets.iter().map(|(name, _)| &**name).collect()
    }

    fn target(&self, name: &str) -> Option<&Target> {
        self.targets.iter().find(|(known, _)| known == name).map(|(_, target)| target)
    }
}

/// What of the targets of a configuration leads nowhere, as it is now: an integration that is not there, or a request that it does
/// not take. It may be mended before anything comes, so that is no error.
pub(crate) fn astray(config: &IntegrationConfig, known: impl Fn(&str) -> Option<Arc<Handle>>) -> Vec<String> {
    let targets = config.common().webhooks.iter().flat_map(|webhooks| webhooks.to.iter().enumerate());
    let told = targets.filter_map(|(n, to)| {
        let place = format!("webhooks.to[{n}]");
        match known(&to.to) {
            Some(handle) => {
                misread(&handle, to.request.as_ref()?).map(|what| format!("{place}.request: {what}"))
            }
            None if to.to == **config.id() => None,
            None => Some(format!(
                "{place}.to: there is no integration `{}`; register it before events come",
                to.to
            )),
        }
    });
    told.collect()
}

/// What an integration has against a request, whatever its placeholders will stand for.
fn misread(handle: &Handle, request: &Value) -> Option<String> {
    if handle.trouble().is_some() || handle.needs_connection() {
        return None;
    }
    let error = handle.ask(&to_raw_value(request).ok()?).err()?;
    let is_slip = error.kind() == Kind::Unsupported
        || ["unknown key", "is not known"].iter().any(|words| error.message().contains(words));
    is_slip.then(|| error.message().to_owned())
}

/// Where webhooks are kept.
fn kept(store: &dyn Store) -> Result<&dyn Events> {
    store
        .events()
        .ok_or_else(|| Error::new(Kind::Unsupported, "this store keeps no webhooks; use another one"))
}

fn has_placeholder(value: &Value) -> bool {
    match value {
        Value::String(text) => placeholder::is_in(text),
        Value::Array(items) => items.iter().any(has_placeholder),
        Value::Object(fields) => fields.values().any(has_placeholder),
        _ => false,
    }
}

impl Webhooks {
    fn open(&self) -> Result<Option<Hooks>> {
        let verifier = self.verify.open().map_err(|error| error.at("verify"))?;
        let mut names = BTreeSet::new();
        let mut targets = Vec::with_capacity(self.to.len());
        for (n, to) in self.to.iter().enumerate() {
            let place = format!("to[{n}]");
            let name = to.name.as_deref().unwrap_or(&to.to).to_owned();
            if !names.insert(name.clone()) {
                return Err(Error::invalid(format!(
                    "{place}.name: another entry is called so; give each a name of its own"
                )));
            }
            let post = config::post();
            let request = to.request.as_ref().unwrap_or(&post);
            targets.push((name, Target::open(&to.to, to.connection.as_deref(), request, &place)?));
        }
        let retry = self.retry.open().map_err(|error| error.at("retry"))?;
        let keep = self.keep.open().map_err(|error| error.at("keep"))?;
        let rate = self.rate.unwrap_or(config::RATE);
        if rate == 0 {
            return Err(Error::invalid("rate: must be at least 1 a second"));
        }
        let place = |key: &str, own: &Option<String>, usual: Option<&str>| {
            own.as_deref().or(usual).map(Place::parse).transpose().map_err(|error| error.at(key))
        };
        let usual = config::Usual::of(self.verify.r#type);
        let id = place("id", &self.id, usual.id)?;
        let event_type = place("event_type", &self.event_type, usual.event_type)?;
        let challenge = self.challenge.as_ref().map(Challenge::open).transpose();
        let challenge = challenge.map_err(|error| error.at("challenge"))?;
        let Some(verifier) = verifier else {
            return match targets.is_empty() {
                true => Ok(None),
                false => Err(Error::invalid(
                    "verify.secret: is missing; without it nobody knows whom a webhook is from",
                )),
            };
        };
        Ok(Some(Hooks {
            verifier,
            id,
            event_type,
            challenge,
            is_batch: usual.is_batch,
            targets,
            retry,
            keep,
            rate: Bucket::new(rate, rate.saturating_mul(10)),
            refused: {
                let refused = rate.saturating_mul(10).max(config::REFUSED);
                Bucket::new(refused, refused.saturating_mul(10))
            },
            noted: Bucket::new(1, 60),
        }))
    }
}

impl config::RetryKeys {
    fn open(self) -> Result<Retry> {
        let retry = Retry {
            attempts: self.attempts.unwrap_or(config::ATTEMPTS),
            first: self.first_pause.map_or(config::FIRST, Seconds::get),
            longest: self.longest_pause.map_or(config::LONGEST, Seconds::get),
        };
        if !(1..=100).contains(&retry.attempts) {
            return Err(Error::invalid("attempts: must be from 1 to 100"));
        }
        Ok(retry)
    }
}

impl config::KeepKeys {
    fn open(self) -> Result<Keep> {
        let (events, days) = (self.events.unwrap_or(config::EVENTS), self.days.unwrap_or(config::DAYS));
        if !(1..=100_000).contains(&events) {
            return Err(Error::invalid("events: must be from 1 to 100000"));
        }
        if !(1..=365).contains(&days) {
            return Err(Error::invalid("days: must be from 1 to 365"));
        }
        Ok(Keep { events, ms: i64::from(days) * 86_400_000 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_longest_and_last_for_hours() {
        let retry = config::RetryKeys::default().open().unwrap();
        assert_eq!((retry.pause(1), retry.pause(2)), (Duration::from_secs(5), Duration::from_secs(10)));
        assert_eq!(retry.pause(100), Duration::from_secs(4 * 3600));
        let whole: Duration = (1..retry.attempts).map(|attempt| retry.pause(attempt)).sum();
        assert!(whole > Duration::from_secs(12 * 3600), "{whole:?}");
    }
}
