//! `Record`: what one call leaves behind, and `Recorder`: the queue that takes it off the hot path.

use std::{
    borrow::Cow,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use crossbeam_queue::ArrayQueue;
use serde::{Deserialize, Serialize};
use trunkline_core::{IntegrationId, Operation, RequestId, Tries};

/// What one call leaves behind.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Record {
    /// When the call began, in milliseconds since 1970 (UTC).
    pub at_ms: u64,
    /// Names the call in answers and logs.
    #[serde(with = "request_id")]
    pub request_id: RequestId,
    /// Where it went.
    pub integration: IntegrationId,
    /// What it did: an HTTP method, `query`, `publish` or `receive`.
    pub operation: Cow<'static, str>,
    /// The name of what was done, where it has one: an action of a connector.
    pub action: Option<Arc<str>>,
    /// `ok`, the code of an error's kind, or `cancelled` when the caller went away.
    pub kind: Cow<'static, str>,
    /// The status that the service answered with, if it answered.
    pub status: Option<u16>,
    /// How many parts of an answer failed that is a success all the same; 0 where none did.
    pub partial_errors: u64,
    /// How many attempts were made.
    pub attempts: u32,
    /// How long the call took until its last byte, in milliseconds.
    pub millis: f64,
    /// Bytes of the request's body.
    pub bytes_sent: u64,
    /// Bytes of the reply's body.
    pub bytes_received: u64,
    /// What the cache did: `hit`, `stale`, `revalidated`, `collapsed`, `miss` or `bypass`; empty without one.
    pub cache: Cow<'static, str>,
    /// Whose credentials it used; `None` is the connection `default`.
    #[serde(with = "connection")]
    pub connection: Option<Arc<str>>,
    /// What became of each attempt. Of a call that was cancelled there are none.
    pub tries: Tries,
    /// Where it stands among all records, from 1; 0 until it has a place among them.
    pub number: u64,
}

impl Record {
    /// Whether it is of a call, and not of something else that happened, such as that an account was connected.
    pub fn is_call(&self) -> bool {
        Operation::LABELS.contains(&&*self.operation)
    }
}

mod connection {
    use std::{borrow::Cow, sync::Arc};

    use serde::{Deserialize, Deserializer, Serializer};

    /// What it is called where it has no name of its own.
    const DEFAULT: &str = "default";

    pub(super) fn serialize<S: Serializer>(
        name: &Option<Arc<str>>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(name.as_deref().unwrap_or(DEFAULT))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Arc<str>>, D::Error> {
        let name = Cow::<'de, str>::deserialize(deserializer)?;
        Ok((name != DEFAULT).then(|| name.into()))
    }
}

mod request_id {
    use std::borrow::Cow;

    use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};
    use trunkline_core::RequestId;

    /// In the usual form for people, and as its number elsewhere.
    pub(super) fn serialize<S: Serializer>(id: &RequestId, serializer: S) -> Result<S::Ok, S::Error> {
        match serializer.is_human_readable() {
            true => serializer.serialize_str(id.encode(&mut [0; 36])),
            false => id.as_u128().to_be_bytes().serialize(serializer),
        }
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<RequestId, D::Error> {
        if !deserializer.is_human_readable() {
            return <[u8; 16]>::deserialize(deserializer)
                .map(|id| RequestId::from_u128(u128::from_be_bytes(id)));
        }
        let text = Cow::<'de, str>::deserialize(deserializer)?;
        let id = uuid::Uuid::parse_str(&text).map_err(D::Error::custom)?;
        Ok(RequestId::from_u128(id.as_u128()))
    }
}

/// A bounded queue between calls and whoever writes records down. A call never waits for it: when it
/// is full the record is dropped and counted.
#[derive(Debug)]
pub struct Recorder {
    queue: ArrayQueue<Record>,
    dropped: AtomicU64,
}

impl Recorder {
    /// A queue of at most `capacity` records that were not yet drained.
    pub fn new(capacity: usize) -> Self {
        Self { queue: ArrayQueue::new(capacity), dropped: AtomicU64::new(0) }
    }

    /// Hands a record over.
    pub fn record(&self, record: Record) {
        if self.queue.push(record).is_err() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Takes what is queued, oldest first, at most `max` records.
    pub fn drain(&self, max: usize) -> impl Iterator<Item = Record> + '_ {
        std::iter::from_fn(|| self.queue.pop()).take(max)
    }

    /// How many records were dropped because the queue was full.
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(crate) fn record(millis: f64) -> Record {
        Record {
            at_ms: 1,
            request_id: RequestId::new(),
            integration: IntegrationId::new("a").unwrap(),
            operation: "GET".into(),
            action: None,
            kind: "ok".into(),
            status: Some(200),
            partial_errors: 0,
            attempts: 1,
            millis,
            bytes_sent: 0,
            bytes_received: 2,
            cache: "".into(),
            connection: None,
            tries: Tries::default(),
            number: 0,
        }
    }

    #[test]
    fn a_full_queue_drops_and_counts_and_never_waits() {
        let recorder = Recorder::new(2);
        (0..5).for_each(|n| recorder.record(record(f64::from(n))));
        assert_eq!(recorder.dropped(), 3);
        assert_eq!(recorder.drain(10).map(|record| record.millis).collect::<Vec<_>>(), [0.0, 1.0]);
    }

    #[test]
    fn a_record_is_the_same_after_it_was_written_and_read() {
        for name in [None, Some("acme".into())] {
            let before = Record { connection: name.clone(), action: name, ..record(1.5) };
            let after: Record = serde_json::from_str(&serde_json::to_string(&before).unwrap()).unwrap();
            assert_eq!(format!("{before:?}"), format!("{after:?}"));
            let after: Record = postcard::from_bytes(&postcard::to_allocvec(&before).unwrap()).unwrap();
            assert_eq!(format!("{before:?}"), format!("{after:?}"));
        }
    }
}
