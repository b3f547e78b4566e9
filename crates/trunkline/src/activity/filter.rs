//! `Filter`: which records are asked for.

use serde::Deserialize;
use trunkline_layers::Record;

use crate::DEFAULT_CONNECTION;

/// Which records to give, newest first.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Filter {
    /// Of this integration.
    pub integration: Option<String>,
    /// Of the connections of this name; `default` is the one that every integration has.
    pub connection: Option<String>,
    /// Of this action of a connector.
    pub action: Option<String>,
    /// Of this kind: `ok`, `cancelled`, or the code of an error's kind.
    pub kind: Option<String>,
    /// With this status.
    pub status: Option<u16>,
    /// Of this call.
    pub request_id: Option<String>,
    /// Not before, in milliseconds since 1970.
    pub since_ms: Option<u64>,
    /// Before, in milliseconds since 1970.
    pub until_ms: Option<u64>,
    /// Before the one of this [number](Record::number).
    pub before: Option<u64>,
    /// After the one of this number: those that came next, so that whoever goes on behind the newest of them misses none.
    pub after: Option<u64>,
    /// At most this many; 100 unless set, never more than 1,000.
    pub limit: Option<usize>,
}

impl Filter {
    pub(super) fn admits(&self, record: &Record) -> bool {
        self.integration.as_ref().is_none_or(|id| **id == *record.integration)
            && self
                .connection
                .as_deref()
                .is_none_or(|name| name == record.connection.as_deref().unwrap_or(DEFAULT_CONNECTION))
            && self
                .action
                .as_ref()
                .is_none_or(|name| record.action.as_ref().is_some_and(|action| **name == **action))
            && self.kind.as_ref().is_none_or(|kind| **kind == *record.kind)
            && self.status.is_none_or(|status| record.status == Some(status))
            && self.since_ms.is_none_or(|since| record.at_ms >= since)
            && self.until_ms.is_none_or(|until| record.at_ms < until)
            && self
                .request_id
                .as_ref()
                .is_none_or(|id| record.request_id.encode(&mut [0; 36]).eq_ignore_ascii_case(id))
    }
}
