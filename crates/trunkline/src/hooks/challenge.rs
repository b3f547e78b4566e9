//! `Challenge`: a webhook that is no event and asks only whether somebody is here, as Slack's `url_verification` does.

use trunkline_core::Result;

use super::config::{ChallengeKeys, Place};
use crate::bridge::message::Message;

/// How it is known, and answered.
pub(super) struct Challenge {
    at: Place,
    equals: String,
    answer: Place,
}

impl Challenge {
    /// # Errors
    ///
    /// `invalid_config`, naming the key.
    pub(super) fn open(keys: &ChallengeKeys) -> Result<Self> {
        let place = |key: &str, text: &str| Place::parse(text).map_err(|error| error.at(key));
        Ok(Self {
            at: place("at", &keys.at)?,
            equals: keys.equals.clone(),
            answer: place("answer", &keys.answer)?,
        })
    }

    /// What its sender wants to hear; `None` where this is none. One that says of itself that it is, but has no answer, is
    /// an event like any other.
    pub(super) fn answer(&self, message: &Message) -> Option<String> {
        let is_one = self.at.of(message).is_some_and(|text| text == self.equals);
        if is_one { self.answer.of(message) } else { None }
    }
}
