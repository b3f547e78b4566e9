//! `Paging`: the way through a list in pages. It makes the request for each page, and reads what came.

use std::sync::Arc;

use http::{HeaderMap, Uri};
use serde_json::{Value, json};
use trunkline_core::{Error, Kind, Result};

use super::{
    Pages, Way,
    link::link,
    sent::{ask, asked},
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
    /// Its records.
    pub records: Vec<Value>,
    /// What asks for the page after it; `None` on the last one.
    pub cursor: Option<Value>,
}

/// The request for the first page, or for the one that a cursor leads to.
#[derive(Debug)]
pub struct Started {
    paging: Arc<Paging>,
    request: Value,
    /// The path that all endpoints are below.
    base: String,
    /// Records that came before this page.
    before: u64,
}

impl Paging {
    pub(super) fn new(pages: Pages, next: Option<Template>) -> Self {
        Self { pages, next }
    }

    /// The request for a first page, or for the one that `cursor` leads to, out of that for the whole list: `params`,
    /// `json` and `endpoint` as `rest` takes them. `base` is the path of the integration's base URL.
    pub fn start(self: &Arc<Self>, mut request: Value, base: &str, cursor: Option<&Value>) -> Started {
        if let Some(size) = &self.pages.size {
            let name = size.query.as_deref();
            if asked(&request, name, size.send.as_deref()).is_none() {
                ask(&mut request, name, size.send.as_deref(), size.max.into());
            }
        }
        let mut started =
            Started { paging: self.clone(), request, base: base.trim_end_matches('/').to_owned(), before: 0 };
        if let Some(cursor) = cursor {
            started.go(cursor);
        }
        started
    }

    /// How many records a page has, as far as that is known.
    fn size(&self, request: &Value) -> Option<u64> {
        let size = self.pages.size.as_ref()?;
        let asked = asked(request, size.query.as_deref(), size.send.as_deref())?;
        asked.as_u64().or_else(|| asked.as_str()?.parse().ok())
    }
}

impl Started {
    /// The request for this page.
    pub fn request(&self) -> &Value {
        &self.request
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

    /// What came with this page.
    ///
    /// # Errors
    ///
    /// `protocol` where the answer has no list where it should be, or leads to another service; `invalid_config` where the
    /// expression cannot be evaluated.
    pub fn read(&self, body: &Value, headers: &HeaderMap) -> Result<Next> {
        let pages = &self.paging.pages;
        let records = match body.pointer(&pages.items) {
            Some(Value::Array(records)) => records.clone(),
            // What some write for an empty list.
            Some(Value::Null) => Vec::new(),
            _ => return Err(broken(format!("the answer has no list at {:?}", pages.items))),
        };
        let yielded = || match &self.paging.next {
            None => Ok(None),
            Some(next) => {
                next.render(&Scope::new(json!({ "body": body, "request": self.request })), Place::Free)
            }
        };
        let full = self.paging.size(&self.request).is_none_or(|size| records.len() as u64 >= size);
        let more = || match &self.paging.next {
            None => Ok(full && !records.is_empty()),
            Some(_) => yielded().map(|said| !records.is_empty() && said.is_some_and(|said| said != false)),
        };
        let cursor = match pages.r#type {
            Way::Cursor => yielded()?.filter(|cursor| *cursor != "" && *cursor != false),
            Way::Url => match yielded()? {
                Some(Value::String(url)) if !url.is_empty() => Some(self.endpoint(&url)?),
                _ => None,
            },
            Way::Link => link(headers).map(|url| self.endpoint(&url)).transpose()?,
            Way::Offset => more()?.then(|| json!(self.before() + records.len() as u64)),
            Way::Page => more()?.then(|| json!(self.page() + 1)),
        };
        Ok(Next { records, cursor })
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
        asked.as_u64().or_else(|| asked.as_str()?.parse().ok())
    }

    /// The endpoint that a URL is of the integration. Where it leads elsewhere, no request follows: it would have the
    /// credential with it.
    fn endpoint(&self, url: &str) -> Result<Value> {
        let uri: Uri = url.parse().map_err(|_| broken("what leads to the next page is no URL".to_owned()))?;
        let path = uri.path_and_query().map_or("/", |path| path.as_str());
        match path.strip_prefix(&self.base) {
            Some(rest) if self.base.is_empty() || rest.is_empty() || rest.starts_with(['/', '?']) => {
                Ok(rest.into())
            }
            _ => Err(broken("the next page is at a path outside of the integration's base URL".to_owned())),
        }
    }
}

fn broken(message: String) -> Error {
    Error::new(Kind::Protocol, message)
}
