//! `Records`: a list of a vendor, record by record, over as many pages as it has.

use std::{collections::VecDeque, fmt, marker::PhantomData, sync::Arc, time::Duration};

use serde::de::DeserializeOwned;
use serde_json::{Map, Value, value::RawValue};
use tokio::time::Instant;
use trunkline_core::{Call, Error, Kind, Result, exact};

use super::ask::{Ask, place};
use crate::{Handle, Walk};

/// A list on its way: pages are asked for when their first record is. It goes on to its end unless it is given bounds.
pub struct Records<T> {
    handle: Arc<Handle>,
    request: Value,
    /// How long the call for a page may take.
    timeout: Option<Duration>,
    /// Whether it was given a key, which no list takes.
    keyed: bool,
    /// How far it goes, as a call says it under `pages`.
    bounds: Map<String, Value>,
    cursor: Option<Box<RawValue>>,
    walk: Option<Walk>,
    ready: VecDeque<Box<RawValue>>,
    over: bool,
    gives: PhantomData<fn() -> T>,
}

impl<T> fmt::Debug for Records<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Records")
            .field("ready", &self.ready.len())
            .field("over", &self.over)
            .finish_non_exhaustive()
    }
}

impl<T: DeserializeOwned> Records<T> {
    pub(super) fn new<P>(ask: &Ask<P>) -> Self {
        Self {
            handle: ask.handle().clone(),
            request: ask.request(),
            timeout: ask.timeout(),
            keyed: ask.is_keyed(),
            bounds: Map::new(),
            cursor: None,
            walk: None,
            ready: VecDeque::new(),
            over: false,
            gives: PhantomData,
        }
    }

    /// Goes on where an earlier one was, by its [`cursor`](Self::cursor).
    #[must_use]
    pub fn from(mut self, cursor: Box<RawValue>) -> Self {
        self.cursor = Some(cursor);
        self
    }

    /// At most so many pages, from 1 to 10,000. Its [`cursor`](Self::cursor) then says where to go on, as with all bounds.
    #[must_use]
    pub fn max_pages(self, pages: u32) -> Self {
        self.bound("max_pages", pages)
    }

    /// No further page once there are so many records, from 1 to 1,000,000. Pages are given whole.
    #[must_use]
    pub fn max_records(self, records: u64) -> Self {
        self.bound("max_records", records)
    }

    /// No further page after so long, at most 5 minutes. Unless set, 60 seconds where there is another bound.
    #[must_use]
    pub fn max_time(self, time: Duration) -> Self {
        self.bound("max_time", time.as_secs_f64())
    }

    fn bound(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.bounds.insert(name.to_owned(), value.into());
        self
    }

    /// The next record; `None` after the last, or where its bounds are. After an error the same page can be asked for again.
    ///
    /// # Errors
    ///
    /// As [`Handle::call`]; `invalid_config` for bounds that cannot be; `protocol` where a page has no list, a record is of another shape, or pages lead in a circle.
    pub async fn next(&mut self) -> Result<Option<T>> {
        while self.ready.is_empty() {
            if self.over {
                return Ok(None);
            }
            self.page().await?;
        }
        let Some(record) = self.ready.pop_front() else { return Ok(None) };
        let read = serde_json::from_str(record.get()).map_err(|error| {
            Error::new(Kind::Protocol, format!("the record is of another shape: {}", place(&error)))
        })?;
        Ok(Some(read))
    }

    /// What leads to the page after those that were read: to go on there another time. `None` before the first page and
    /// after the last one.
    pub fn cursor(&self) -> Option<&RawValue> {
        self.cursor.as_deref()
    }

    async fn page(&mut self) -> Result<()> {
        let walk = match &mut self.walk {
            Some(walk) => walk,
            None => {
                if self.keyed {
                    return Err(Error::new(Kind::Unsupported, "a list takes no idempotency key"));
                }
                let cursor = self.cursor.as_ref().map(|cursor| exact::read::<Value>(cursor.get().as_bytes()));
                let (mut request, mut pages) = (self.request.clone(), self.bounds.clone());
                pages.extend(cursor.transpose()?.map(|cursor| ("cursor".to_owned(), cursor)));
                request["pages"] = pages.into();
                let walk = Walk::of(&self.handle, &exact::written(&request)?)?;
                let none = || Error::new(Kind::Unsupported, "the action gives no list that comes in pages");
                self.walk.insert(walk.ok_or_else(none)?)
            }
        };
        if self.bounds.is_empty() {
            walk.go_on();
        }
        let timeout = self.timeout;
        let each = |call: &mut Call| call.deadline = timeout.map(|timeout| Instant::now() + timeout);
        match walk.next(each).await? {
            Some(records) => {
                self.cursor = walk.cursor().map(ToOwned::to_owned);
                self.ready.extend(records);
            }
            None => self.over = true,
        }
        Ok(())
    }
}
