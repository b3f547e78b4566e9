//! What came, as it is stored, and as the message that is forwarded.

use std::collections::BTreeMap;

use http::HeaderMap;
use serde::{Deserialize, Serialize};
use trunkline_core::{Error, Kind, Result};

use crate::bridge::message::Message;

/// What the stored form begins with. It is not self-describing: with another [`Came`] comes another number.
const FORMAT: u8 = 1;
/// Headers that are for whoever stands before us.
const NOT_KEPT: [&str; 3] = ["authorization", "cookie", "proxy-authorization"];

/// What came.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Came {
    /// Those with text in them, the names in lower case; several of a name are joined.
    pub(super) headers: BTreeMap<String, String>,
    pub(super) body: Vec<u8>,
}

impl Came {
    pub(super) fn of(headers: &HeaderMap, body: &[u8]) -> Self {
        let mut kept = BTreeMap::<String, String>::new();
        for (name, value) in headers.iter().filter(|(name, _)| !NOT_KEPT.contains(&name.as_str())) {
            let Ok(value) = value.to_str() else { continue };
            let held = kept.entry(name.as_str().to_owned()).or_default();
            if !held.is_empty() {
                held.push_str(", ");
            }
            held.push_str(value);
        }
        Self { headers: kept, body: body.to_vec() }
    }

    pub(super) fn write(&self) -> Vec<u8> {
        // Texts and bytes always serialise.
        postcard::to_allocvec(&(FORMAT, self)).unwrap_or_default()
    }

    pub(super) fn read(document: &[u8]) -> Result<Self> {
        let read = document.strip_prefix(&[FORMAT]).map(postcard::from_bytes);
        let wrong =
            || Error::new(Kind::Store, "what came is stored as another version of Trunkline wrote it");
        read.and_then(Result::ok).ok_or_else(wrong)
    }

    /// The message that it is, of an event that has this id.
    pub(super) fn message(&self, integration: &str, id: Option<&str>) -> Message {
        Message::of_request(integration, id.map(str::to_owned), self.headers.clone(), &self.body)
    }
}
