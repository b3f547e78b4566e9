//! `Walk`: a list of a service that comes in pages, page by page. Each is a call of its own, with all that calls have.

use std::{
    collections::HashSet,
    hash::{DefaultHasher, Hash, Hasher},
    sync::Arc,
    time::Duration,
};

use serde::Deserialize;
use serde_json::{Map, Value, value::RawValue};
use tokio::time::Instant;
use trunkline_connectors::{Connector, Pages, Paging, Started};
use trunkline_core::{Call, Credential, Error, Kind, Result, Seconds, exact, parse};

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
    /// The page before, where only its records show that it came again.
    print: Option<u64>,
    /// Hashes of the cursors that were followed: one that comes again leads in a circle.
    seen: HashSet<u64>,
    /// What leads to the next page; `None` for the first one.
    cursor: Option<Box<RawValue>>,
    pages: u32,
    records: u64,
    bytes: usize,
    /// Why there is no way on from the page that was read last.
    stuck: Option<Error>,
    over: bool,
}

#[derive(Debug)]
struct Bounds {
    pages: u32,
    records: u64,
    until: Instant,
    /// Whether its caller wants an answer before that time is over that pages may take.
    hurried: bool,
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
        let mut fields: Map<String, Value> = exact::read(request.get().as_bytes())?;
        let mut wanted = match fields.remove("pages") {
            None | Some(Value::Null | Value::Bool(false)) => return Ok(None),
            Some(Value::Bool(true)) => Wanted::default(),
            Some(wanted @ Value::Object(_)) => {
                let cursor = wanted.get("cursor").filter(|cursor| !cursor.is_null()).cloned();
                Wanted { cursor, ..parse::value(exact::plain(&wanted).into_owned(), "pages")? }
            }
            Some(_) => return Err(Error::invalid("pages: expected true or an object")),
        };
        let whole = Value::Object(fields);
        let (request, said) = match (handle.vendor(), Action::of(&exact::written(&whole)?)?) {
            (Some(vendor), Some(action)) => {
                let (request, said) = action.request(vendor)?;
                (request, Some(said))
            }
            // Without a connector the word is one that the transport does not know.
            _ => (whole, None),
        };
        let name = said.as_ref().map(Said::name);
        let paging = match &wanted.way {
            Some(way) => Arc::new(way.open("pages.way")?),
            None => known(handle, name, &request)?,
        };
        let input = name.and_then(|name| handle.connector()?.action_schema(name));
        let cursor = wanted.cursor.take().map(|cursor| paging.cursor(cursor, input)).transpose()?;
        let started = paging.start(request, &handle.base_url(), cursor.as_ref())?;
        let cursor = cursor.map(|cursor| exact::written(&cursor)).transpose()?;
        Ok(Some(Self {
            started,
            handle: handle.clone(),
            said,
            seen: cursor.iter().map(|cursor| hash([&**cursor])).collect(),
            wanted: wanted.bounds()?,
            cursor,
            pages: 0,
            records: 0,
            print: None,
            bytes: 0,
            stuck: None,
            over: false,
        }))
    }

    /// The records of the next page; `None` where there is no other, or as many were read as were wanted. `each` adds to
    /// the call of the page what its caller wants. After an error the same page can be asked for again, if there is a cursor.
    ///
    /// # Errors
    ///
    /// As [`Handle::call`]; `protocol` where an answer has no list. Where the page before came and leads nowhere, to another
    /// host, or to where the walk has been, `protocol` says so, and the walk is over. So it does of a page that came twice in a row
    /// where pages are asked for by number; there is no cursor then either, but the page is given where it is asked for again.
    pub async fn next(&mut self, each: impl FnOnce(&mut Call)) -> Result<Option<Vec<Box<RawValue>>>> {
        if let Some(stuck) = self.stuck.take() {
            return Err(stuck);
        }
        let enough = self.pages >= self.wanted.pages
            || self.records >= self.wanted.records
            || Instant::now() >= self.wanted.until;
        // Without a first page nobody could tell that there is more.
        if self.over || enough && self.pages > 0 {
            return Ok(None);
        }
        let request = exact::written(self.started.request())?;
        let mut call = Call::new(self.handle.id().clone(), self.handle.parse(&request)?);
        if let Some(said) = &self.said {
            said.clone().onto(&mut call);
        }
        // Of a page all is needed, and not only what the action gives.
        call.returns = None;
        each(&mut call);
        call.deadline = Some(call.deadline.map_or(self.wanted.until, |own| own.min(self.wanted.until)));
        let came = async {
            let mut reply = self.handle.call(&mut call).await?;
            let bytes = std::mem::take(&mut reply.body).collect(LONGEST).await?;
            Ok((reply, bytes))
        };
        let (reply, bytes) = match came.await {
            // The time that was wanted is over: the page is left for another time.
            Err(error) if self.is_over(&error) && self.pages > 0 => return Ok(None),
            Err(error) if self.is_over(&error) => {
                let attempts = error.attempts();
                let message = "pages.max_time: no page came in that time; raise it";
                return Err(Error::new(Kind::Timeout, message).source(error).attempted(attempts));
            }
            came => came?,
        };
        let body: &RawValue = serde_json::from_slice(&bytes)
            .map_err(|error| Error::new(Kind::Protocol, "the page is not JSON").source(error))?;
        if let Some(origin) = call.credential.as_deref().and_then(Credential::origin) {
            self.started.moved_to(origin);
        }
        let next = self.started.read(body, &reply.headers)?;
        if let Some(name) = self.started.by_number() {
            let print = print(&next.records);
            if print.is_some() && print == self.print {
                // A list can have two pages that are the same. Who knows that it has goes on at the second one.
                self.print = None;
                // Whoever goes on there whatever is said would do so for ever, so it is told to people alone.
                let at = self.cursor.take().map(|cursor| format!(" {}", cursor.get())).unwrap_or_default();
                let message = format!(
                    "the service gave the same page twice in a row; it seems not to look at `{name}`; if it does, go on at the cursor{at}"
                );
                return Err(Error::new(Kind::Protocol, message));
            }
            self.print = print;
        }
        self.pages += 1;
        self.bytes += bytes.len();
        self.records += next.records.len() as u64;
        // The page came: whatever is wrong with what it leads to, its records are given first.
        self.cursor = next.cursor.and_then(|cursor| self.go(cursor)).unwrap_or_else(|error| {
            self.stuck = Some(error);
            None
        });
        self.over = self.cursor.is_none();
        Ok(Some(next.records))
    }

    /// Whether a page did not come because the time is over that was wanted for all of them.
    fn is_over(&self, error: &Error) -> bool {
        !self.wanted.hurried && error.kind() == Kind::Timeout && Instant::now() >= self.wanted.until
    }

    /// Goes where a cursor leads, if the walk has not been there.
    fn go(&mut self, cursor: Option<Value>) -> Result<Option<Box<RawValue>>> {
        let Some(cursor) = cursor else { return Ok(None) };
        let written = exact::written(&cursor)?;
        if !self.seen.insert(hash([&*written])) {
            let message = "the service leads to a page where the walk has been; it would go on for ever";
            return Err(Error::new(Kind::Protocol, message));
        }
        self.started.go(&cursor);
        Ok(Some(written))
    }

    /// Goes on as far again as a walk goes that nobody gave bounds, and knows where it has been.
    pub(crate) fn go_on(&mut self) {
        self.wanted = Bounds {
            pages: self.pages.saturating_add(PAGES.0),
            records: self.records.saturating_add(RECORDS.0),
            until: Instant::now() + TIME.0,
            hurried: false,
        };
    }

    /// What leads to the page after those that were read; `None` where there is none, or before the first.
    pub fn cursor(&self) -> Option<&RawValue> {
        self.cursor.as_deref()
    }

    /// No further page after this time, if it comes before what was wanted.
    pub fn until(&mut self, end: Instant) {
        if end < self.wanted.until {
            (self.wanted.until, self.wanted.hurried) = (end, true);
        }
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
            let most = TIME.1.as_secs();
            return Err(Error::invalid(format!("pages.max_time: must be at most {most} seconds")));
        }
        Ok(Bounds { pages, records, until: Instant::now() + time, hurried: false })
    }
}

/// What tells one page from another; `None` for one without records.
fn print(records: &[Box<RawValue>]) -> Option<u64> {
    (!records.is_empty()).then(|| hash(records.iter().map(|record| &**record)))
}

fn hash<'a>(values: impl IntoIterator<Item = &'a RawValue>) -> u64 {
    let mut hasher = DefaultHasher::new();
    values.into_iter().for_each(|value| value.get().hash(&mut hasher));
    hasher.finish()
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
