//! `Records`: a list of a vendor, record by record, over as many pages as it has.

use std::{collections::VecDeque, fmt, marker::PhantomData, sync::Arc};

use serde::de::DeserializeOwned;
use serde_json::{Value, json, value::RawValue};
use trunkline_core::{Error, Kind, Result, exact};

use super::ask::place;
use crate::{Handle, Walk};

/// A list on its way: pages are asked for when their first record is.
pub struct Records<T> {
    handle: Arc<Handle>,
    request: Value,
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
    pub(super) fn new(handle: Arc<Handle>, request: Value) -> Self {
        Self {
            handle,
            request,
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

    /// The next record; `None` after the last. After an error the same page can be asked for again.
    ///
    /// # Errors
    ///
    /// As [`Handle::call`]; `protocol` where a page has no list, a record is of another shape, or pages lead in a circle.
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
                let cursor = self.cursor.as_ref().map(|cursor| exact::read::<Value>(cursor.get().as_bytes()));
                let mut request = self.request.clone();
                request["pages"] = json!({ "cursor": cursor.transpose()? });
                let walk = Walk::of(&self.handle, &exact::written(&request)?)?;
                let none = || Error::new(Kind::Unsupported, "the action gives no list that comes in pages");
                self.walk.insert(walk.ok_or_else(none)?)
            }
        };
        match walk.next(|_| {}).await? {
            Some(records) => {
                self.cursor = walk.cursor().map(ToOwned::to_owned);
                self.ready.extend(records);
            }
            // Walks have bounds, and this list has none: another one goes on there.
            None if self.cursor.is_some() => self.walk = None,
            None => self.over = true,
        }
        Ok(())
    }
}
