//! `Walk`: a list of a service that comes in pages, page by page. Each is a call of its own, with all that calls have.

use std::{collections::HashSet, sync::Arc, time::Duration};

use serde::Deserialize;
use serde_json::{
    Map, Value,
    value::{RawValue, to_raw_value},
};
use tokio::time::Instant;
use trunkline_connectors::{Connector, Pages, Paging, Started};
use trunkline_core::{Call, Error, Kind, Result, Seconds, parse};

use crate::{
    Handle,
    action::{Action, Said},
};

/// How far to go unless somebody says otherwise, and at most.
const PAGES: (u32, u32) = (100, 10_000);
const RECORDS: (u64, u64) = (10_000, 1_000_000);
const TIME: (Duration, Duration) = (Duration::from_secs(60), Duration::from_secs(300));
/// The type whose requests lead from page to page.
const HTTP: &str = "rest";
/// No longer page is read.
const LONGEST: usize = 64 << 20;

/// How a caller wants a list.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    /// At most so many pages.
    #[serde(default)]
    max_pages: Option<u32>,
    /// No further page once there are so many records.
    #[serde(default)]
    max_records: Option<u64>,
    /// No further page after so long.
    #[serde(default)]
    max_time: Option<Seconds>,
    /// Where to go on: what an earlier walk ended with.
    #[serde(default)]
    cursor: Option<Value>,
    /// How the list comes in pages, where no connector knows it.
    #[serde(default)]
    way: Option<Pages>,
}

/// A list on its way.
#[derive(Debug)]
pub struct Walk {
    handle: Arc<Handle>,
    started: Started,
    said: Option<Said>,
    wanted: Bounds,
    /// Cursors that were followed: one that comes again leads in a circle.
    seen: HashSet<String>,
    /// What leads to the next page; `None` for the first one.
    cursor: Option<Value>,
    pages: u32,
    records: u64,
    bytes: usize,
    over: bool,
}

#[derive(Debug)]
struct Bounds {
    pages: u32,
    records: u64,
    until: Instant,
}

impl Walk {
    /// The walk that a request asks for with `pages`; `None` where it does not. `true` stands for all pages, an object
    /// says how far: `{"max_pages": 10, "max_records": 500, "cursor": …}`.
    ///
    /// # Errors
    ///
    /// `invalid_config`, naming the key; `unsupported` where nobody knows how the list comes in pages.
    pub fn of(handle: &Arc<Handle>, request: &RawValue) -> Result<Option<Self>> {
        // What other types take may have a key of this name.
        if handle.r#type() != HTTP || !request.get().contains("\"pages\"") {
            return Ok(None);
        }
        let mut fields: Map<String, Value> = parse::text(request.get().as_bytes())?;
        let wanted = match fields.remove("pages") {
            None | Some(Value::Null | Value::Bool(false)) => return Ok(None),
            Some(Value::Bool(true)) => Wanted::default(),
            Some(wanted @ Value::Object(_)) => parse::value(wanted, "pages")?,
            Some(_) => return Err(Error::invalid("pages: expected true or an object")),
        };
        let rest =
            to_raw_value(&fields).map_err(|error| Error::invalid("the request is no JSON").source(error))?;
        let (request, said) = match (handle.vendor(), Action::of(&rest)?) {
            (Some(vendor), Some(action)) => {
                let (request, said) = action.request(vendor)?;
                (request, Some(said))
            }
            // Without a connector the word is one that the transport does not know.
            _ => (Value::Object(fields), None),
        };
        let name = said.as_ref().map(Said::name);
        let paging = match &wanted.way {
            Some(way) => Arc::new(way.open("pages.way")?),
            None => known(handle, name, &request)?,
        };
        let base = handle.base_path();
        Ok(Some(Self {
            started: paging.start(request, &base, wanted.cursor.as_ref()),
            handle: handle.clone(),
            said,
            wanted: wanted.bounds()?,
            seen: HashSet::new(),
            cursor: wanted.cursor,
            pages: 0,
            records: 0,
            bytes: 0,
            over: false,
        }))
    }

    /// The records of the next page; `None` where there is no other, or as many were read as were wanted. `each` adds to
    /// the call of the page what its caller wants. After an error the same page can be asked for again.
    ///
    /// # Errors
    ///
    /// As [`Handle::call`]; `protocol` where an answer has no list, or leads to where the walk has been.
    pub async fn next(&mut self, each: impl FnOnce(&mut Call)) -> Result<Option<Vec<Value>>> {
        let enough = self.pages >= self.wanted.pages
            || self.records >= self.wanted.records
            || Instant::now() >= self.wanted.until;
        // Without a first page nobody could tell that there is more.
        if self.over || enough && self.pages > 0 {
            return Ok(None);
        }
        let request = to_raw_value(self.started.request())
            .map_err(|error| Error::invalid("the request is no JSON").source(error))?;
        let mut call = Call::new(self.handle.id().clone(), self.handle.parse(&request)?);
        if let Some(said) = &self.said {
            said.clone().onto(&mut call);
        }
        // Of a page all is needed, and not only what the action gives.
        call.returns = None;
        each(&mut call);
        call.deadline = Some(call.deadline.map_or(self.wanted.until, |own| own.min(self.wanted.until)));
        let mut reply = self.handle.call(&mut call).await?;
        let bytes = std::mem::take(&mut reply.body).collect(LONGEST).await?;
        let body: Value = serde_json::from_slice(&bytes)
            .map_err(|error| Error::new(Kind::Protocol, "the page is not JSON").source(error))?;
        let next = self.started.read(&body, &reply.headers)?;
        if let Some(cursor) = &next.cursor
            && !self.seen.insert(cursor.to_string())
        {
            let message = "the service leads to a page where the walk has been; it would go on for ever";
            return Err(Error::new(Kind::Protocol, message));
        }
        self.pages += 1;
        self.bytes += bytes.len();
        self.records += next.records.len() as u64;
        match &next.cursor {
            Some(cursor) => self.started.go(cursor),
            None => self.over = true,
        }
        self.cursor = next.cursor;
        Ok(Some(next.records))
    }

    /// What leads to the page after those that were read; `None` where there is none, or before the first.
    pub fn cursor(&self) -> Option<&Value> {
        self.cursor.as_ref()
    }

    /// No further page after this time, if it comes before what was wanted.
    pub fn until(&mut self, end: Instant) {
        self.wanted.until = self.wanted.until.min(end);
    }

    /// How many bytes the pages had that were read.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// How many pages were read.
    pub fn pages(&self) -> u32 {
        self.pages
    }
}

impl Wanted {
    fn bounds(&self) -> Result<Bounds> {
        let over =
            |key: &str, most: String| Err(Error::invalid(format!("pages.{key}: must be from 1 to {most}")));
        let (pages, records) = (self.max_pages.unwrap_or(PAGES.0), self.max_records.unwrap_or(RECORDS.0));
        if !(1..=PAGES.1).contains(&pages) {
            return over("max_pages", PAGES.1.to_string());
        }
        if !(1..=RECORDS.1).contains(&records) {
            return over("max_records", RECORDS.1.to_string());
        }
        let time = self.max_time.map_or(TIME.0, Seconds::get);
        if time > TIME.1 {
            return over("max_time", format!("{} seconds", TIME.1.as_secs()));
        }
        Ok(Bounds { pages, records, until: Instant::now() + time })
    }
}

/// How the list of an action comes in pages, or what is got by a request to a service that its connector knows. Nothing else is
/// asked for again and again: it might be done again and again.
fn known(handle: &Handle, action: Option<&str>, request: &Value) -> Result<Arc<Paging>> {
    let none = |message: &'static str| Error::new(Kind::Unsupported, message);
    let connector = handle.connector();
    let known = match action {
        Some(action) => connector.and_then(|connector| connector.paging(action)),
        None => {
            let method = request.get("method").and_then(Value::as_str).unwrap_or("GET");
            if !method.eq_ignore_ascii_case("GET") {
                return Err(none("pages: lists are got by GET; say in `pages.way` how this one comes"));
            }
            connector.and_then(Connector::usual_paging)
        }
    };
    known.cloned().ok_or_else(|| {
        none(match action {
            Some(_) => "pages: the action gives no list that comes in pages",
            None => "pages: nobody knows how this list comes in pages; say so in `pages.way`",
        })
    })
}
