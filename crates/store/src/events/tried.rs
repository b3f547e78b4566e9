//! `Tried`: one attempt at a delivery, and the form in which attempts are stored.

use serde::{Deserialize, Serialize};

/// An attempt at a delivery.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Tried {
    /// When it began.
    pub at_ms: i64,
    /// How long it took, in milliseconds.
    pub millis: f64,
    /// The number of the [request id](trunkline_core::RequestId) of its call, if one was made.
    pub call: Option<u128>,
    /// Why it was in vain, if it was.
    pub reason: Option<String>,
}

/// So many attempts are kept: more than are made unless an integration says so.
const MOST: usize = 20;
/// What the stored form begins with. It is not self-describing: with another [`Tried`] comes another number.
const FORMAT: u8 = 1;

/// The attempts at a delivery that are kept.
pub(crate) struct Tries(pub(crate) Vec<Tried>);

impl Tries {
    /// Those that are stored. What another version has written tells of none.
    pub(crate) fn read(stored: &[u8]) -> Self {
        let read = stored.strip_prefix(&[FORMAT]).map(postcard::from_bytes);
        Self(read.and_then(Result::ok).unwrap_or_default())
    }

    /// One more; the oldest goes where there are too many.
    pub(crate) fn push(&mut self, tried: &Tried) {
        if self.0.len() >= MOST {
            self.0.remove(0);
        }
        self.0.push(tried.clone());
    }

    pub(crate) fn write(&self) -> Vec<u8> {
        // Numbers and texts always serialise.
        postcard::to_allocvec(&(FORMAT, &self.0)).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_attempts_are_kept_and_what_is_not_known_is_none() {
        let mut tries = Tries::read(b"busy: as it was written before there were attempts");
        assert!(tries.0.is_empty());
        for at_ms in 0..25 {
            let tried = Tried { at_ms, call: Some(u128::MAX), reason: Some("busy".to_owned()), millis: 1.5 };
            tries.push(&tried);
        }
        let read = Tries::read(&tries.write()).0;
        assert_eq!((read.len(), read[0].at_ms, read[MOST - 1].at_ms), (MOST, 5, 24));
        assert_eq!(read, tries.0);
    }
}
