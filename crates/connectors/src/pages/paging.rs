//! `Paging`: the way through a list in pages. It makes the request for each page, and reads what came.

use std::sync::Arc;

use http::HeaderMap;
use serde_json::{Value, json, value::RawValue};
use trunkline_core::{Error, Kind, Result, exact, part};

use super::{
    Pages, Way,
    address::Address,
    link::link,
    sent::{ask, asked, has, take},
};
use crate::{
    place::Place,
    template::{Scope, Template},
};

/// A way through pages, ready to be gone.
#[derive(Debug)]
pub struct Paging {
    pages: Pages,
    next: Option<Template>,
}

/// What came with a page.
#[derive(Debug)]
pub struct Next {
    /// Its records, as they are written.
    pub records: Vec<Box<RawValue>>,
    /// What asks for the page after it; `None` on the last one. An error where what the service says leads nowhere: the
    /// records came all the same.
    pub cursor: Result<Option<Value>>,
}

/// The request for the first page, or for the one that a cursor leads to.
#[derive(Debug)]
pub struct Started {
    paging: Arc<Paging>,
    request: Value,
    /// Where all endpoints are.
    address: Address,
    /// Records that came before this page.
    before: u64,
}

impl Paging {
    pub(super) fn new(pages: Pages, next: Option<Template>) -> Self {
        Self { pages, next }
    }

    /// Where in an answer its records are, as a JSON pointer.
    pub(crate) fn items(&self) -> &str {
        &self.pages.items
    }

    /// The request for a first page, or for the one that `cursor` leads to, out of that for the whole list: `params`,
    /// `json` and `endpoint` as `rest` takes them. `base` is the integration's base URL.
    ///
    /// # Errors
    ///
    /// `invalid_config` where the request has a parameter that asks for one page by itself.
    pub fn start(
        self: &Arc<Self>,
        mut request: Value,
        base: &str,
        cursor: Option<&Value>,
    ) -> Result<Started> {
        if let Some(name) = self.pages.conflicts_with.iter().find(|name| has(&request, name)) {
            return Err(Error::invalid(format!(
                "pages: `{name}` asks for one page, which nothing leads on from; leave it out, or ask without pages"
            )));
        }
        let size = self.pages.size.as_ref().and_then(|size| size.query.as_ref());
        self.pages.query.iter().chain(size).for_each(|name| take(&mut request, name));
        if let Some(size) = &self.pages.size {
            let name = size.query.as_deref();
            if asked(&request, name, size.send.as_deref()).is_none() {
                ask(&mut request, name, size.send.as_deref(), size.max.into());
            }
        }
        let mut started = Started { paging: self.clone(), request, address: Address::new(base), before: 0 };
        if let Some(cursor) = cursor {
            started.go(cursor);
        }
        Ok(started)
    }

    /// A cursor that a caller gives as this way has it. Given in a URL it is a text; it is a number where pages are asked for by
    /// number, or where the `input` of the action, a JSON Schema, says so of the field that takes it.
    ///
    /// # Errors
    ///
    /// `invalid_config` where it cannot lead to a page.
    pub fn cursor(&self, given: Value, input: Option<&Value>) -> Result<Value> {
        let wrong =
            |what| Error::invalid(format!("pages.cursor: expected {what}, as an earlier answer gave it"));
        match self.pages.r#type {
            Way::Offset | Way::Page => whole(&given).map(Value::from).ok_or_else(|| wrong("a whole number")),
            Way::Url | Way::Link if !given.is_string() => Err(wrong("a text")),
            Way::Url | Way::Link => Ok(given),
            Way::Cursor => {
                let takes = self.pages.send.as_deref().is_some_and(|send| takes_number(input, send));
                let number = given.as_str().filter(|_| takes).and_then(exact::number);
                Ok(number.unwrap_or(given))
            }
        }
    }
}

impl Started {
    /// The request for this page.
    pub fn request(&self) -> &Value {
        &self.request
    }

    /// From now on pages come from this origin: where whoever issued the credential says that it is good.
    pub fn moved_to(&mut self, origin: &str) {
        self.address.moved_to(origin);
    }

    /// Makes it the request for the page that a cursor leads to.
    pub fn go(&mut self, cursor: &Value) {
        let paging = self.paging.clone();
        let pages = &paging.pages;
        match pages.r#type {
            Way::Url | Way::Link => {
                self.request["endpoint"] = cursor.clone();
                // All is in the URL; a name that is there twice would be read as one or the other.
                self.request.as_object_mut().map(|request| request.remove("params"));
            }
            way => {
                if way == Way::Offset {
                    self.before = cursor.as_u64().unwrap_or_default();
                }
                ask(&mut self.request, pages.query.as_deref(), pages.send.as_deref(), cursor.clone());
            }
        }
    }

    /// What asks for a page where that is a number, of which nothing in the page itself says that a service has looked at it.
    pub fn by_number(&self) -> Option<&str> {
        let pages = &self.paging.pages;
        let counts = matches!(pages.r#type, Way::Offset | Way::Page);
        pages.query.as_deref().or(pages.send.as_deref()).filter(|_| counts)
    }

    /// What came with this page.
    ///
    /// # Errors
    ///
    /// `protocol` where the answer has no list where it should be. Under `cursor`: `protocol` where the next page is said to
    /// be elsewhere, or at something that is no URL; `invalid_config` where the expression cannot be evaluated.
    pub fn read(&self, body: &RawValue, headers: &HeaderMap) -> Result<Next> {
        let items = &self.paging.pages.items;
        let records = match part::at(body, items) {
            // What some write for an empty list.
            Some(list) if list.get() == "null" => Some(Vec::new()),
            list => list.and_then(part::items),
        };
        let records = records.ok_or_else(|| broken(format!("the answer has no list at {items:?}")))?;
        let records: Vec<_> = records.into_iter().map(ToOwned::to_owned).collect();
        let cursor = self.next(body, headers, records.len() as u64);
        Ok(Next { records, cursor })
    }

    /// What asks for the page after one that had so many records.
    fn next(&self, body: &RawValue, headers: &HeaderMap, records: u64) -> Result<Option<Value>> {
        let yielded = || {
            let Some(next) = &self.paging.next else { return Ok(None) };
            let body: Value = exact::read(body.get().as_bytes())
                .map_err(|error| broken("the page is no JSON that can be read".to_owned()).source(error))?;
            next.render(&Scope::new(&json!({ "body": body, "request": self.request })), Place::Free)
        };
        // A page that is not full need not be the last: a service may give fewer than it is asked for.
        let more = || match &self.paging.next {
            None => Ok(records > 0),
            Some(_) => yielded().map(|said| records > 0 && said.is_some_and(|said| said != false)),
        };
        Ok(match self.paging.pages.r#type {
            Way::Cursor => yielded()?.filter(|cursor| *cursor != "" && *cursor != false),
            Way::Url => match yielded()? {
                None | Some(Value::Bool(false)) => None,
                Some(Value::String(url)) if url.is_empty() => None,
                Some(Value::String(url)) => Some(self.endpoint(&url)?),
                Some(_) => return Err(broken("what leads to the next page is no URL".to_owned())),
            },
            Way::Link => link(headers).map(|url| self.endpoint(&url)).transpose()?,
            Way::Offset => more()?.then(|| json!(self.before() + records)),
            Way::Page => more()?.then(|| json!(self.page() + 1)),
        })
    }

    fn before(&self) -> u64 {
        self.number().unwrap_or(self.before)
    }

    fn page(&self) -> u64 {
        self.number().or(self.paging.pages.first).unwrap_or(1)
    }

    /// The number that this page was asked for with.
    fn number(&self) -> Option<u64> {
        let pages = &self.paging.pages;
        let asked = asked(&self.request, pages.query.as_deref(), pages.send.as_deref())?;
        whole(asked)
    }

    /// The endpoint that a URL is of the integration.
    fn endpoint(&self, url: &str) -> Result<Value> {
        let here = self.request.get("endpoint").and_then(Value::as_str).unwrap_or_default();
        self.address.endpoint(here, url).map(Value::from)
    }
}

/// A whole number, which may be given as text.
fn whole(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_str()?.parse().ok())
}

/// Whether a JSON Schema wants a number, and no text, at a JSON pointer.
fn takes_number(schema: Option<&Value>, pointer: &str) -> bool {
    let steps = pointer.split('/').skip(1).map(|step| step.replace("~1", "/").replace("~0", "~"));
    let field = steps.fold(schema, |schema, step| schema?.get("properties")?.get(step));
    let types = match field.and_then(|field| field.get("type")) {
        Some(Value::Array(types)) => types.iter().filter_map(Value::as_str).collect(),
        Some(Value::String(one)) => vec![&**one],
        _ => Vec::new(),
    };
    types.iter().any(|known| ["integer", "number"].contains(known)) && !types.contains(&"string")
}

pub(super) fn broken(message: String) -> Error {
    Error::new(Kind::Protocol, message)
}
