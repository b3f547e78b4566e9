//! What came, as it is stored, and as the message that is forwarded.

use std::collections::BTreeMap;

use http::HeaderMap;
use serde::{Deserialize, Serialize};
use trunkline_auth::Verified;
use trunkline_core::{Error, Kind, Result};

use crate::bridge::message::Message;

/// What the stored form begins with. It is not self-describing: with another [`Came`] comes another number.
const FORMAT: u8 = 2;
/// The form before it was written down how a signature was checked.
const UNVERIFIED: u8 = 1;
/// Headers that are for whoever stands before us.
const NOT_KEPT: [&str; 3] = ["authorization", "cookie", "proxy-authorization"];

/// What came.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Came {
    /// Those with text in them, the names in lower case; several of a name are joined.
    pub(super) headers: BTreeMap<String, String>,
    pub(super) body: Vec<u8>,
    /// How its signature was checked; not known of what an earlier version has taken.
    pub(super) verified: Option<Signed>,
}

/// How a signature was checked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Signed {
    /// The type of the check, as in the configuration.
    pub(super) by: String,
    /// When it was signed, in seconds of Unix time, where that is signed too.
    pub(super) at: Option<i64>,
}

impl Came {
    pub(super) fn of(headers: &HeaderMap, body: &[u8], verified: &Verified) -> Self {
        let mut kept = BTreeMap::<String, String>::new();
        for (name, value) in headers.iter().filter(|(name, _)| !NOT_KEPT.contains(&name.as_str())) {
            let Ok(value) = value.to_str() else { continue };
            let held = kept.entry(name.as_str().to_owned()).or_default();
            if !held.is_empty() {
                held.push_str(", ");
            }
            held.push_str(value);
        }
        let verified = Some(Signed { by: verified.by.to_owned(), at: verified.signed_at });
        Self { headers: kept, body: body.to_vec(), verified }
    }

    pub(super) fn write(&self) -> Vec<u8> {
        // Texts and bytes always serialise.
        postcard::to_allocvec(&(FORMAT, self)).unwrap_or_default()
    }

    pub(super) fn read(document: &[u8]) -> Result<Self> {
        let read = match document.split_first() {
            Some((&FORMAT, came)) => postcard::from_bytes(came).ok(),
            Some((&UNVERIFIED, came)) => {
                postcard::from_bytes(came).ok().map(|(headers, body)| Self { headers, body, verified: None })
            }
            _ => None,
        };
        read.ok_or_else(|| {
            Error::new(Kind::Store, "what came is stored as another version of Trunkline wrote it")
        })
    }

    /// The message that it is, of an event that has this id.
    pub(super) fn message(&self, integration: &str, id: Option<&str>) -> Message {
        Message::of_request(integration, id.map(str::to_owned), self.headers.clone(), &self.body)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_stored_before_it_was_known_how_it_was_checked_is_read() {
        let headers = BTreeMap::from([("x-id".to_owned(), "1".to_owned())]);
        let body = b"what came".to_vec();
        let before = postcard::to_allocvec(&(UNVERIFIED, &headers, &body)).unwrap();
        let came = Came { headers, body, verified: None };
        assert_eq!(Came::read(&before).unwrap(), came);
        let verified = Some(Signed { by: "stripe".to_owned(), at: Some(5) });
        let came = Came { verified, ..came };
        assert_eq!(Came::read(&came.write()).unwrap(), came);
        assert!(Came::read(&[3, 0, 0]).is_err() && Came::read(&[]).is_err());
    }
}
