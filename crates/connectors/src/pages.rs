//! `Pages`: how a list comes in pages, and how the next one is asked for.

use std::sync::Arc;

use http::{HeaderMap, Uri, header};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use trunkline_core::{Error, Kind, Result, parse};

use crate::{
    place::Place,
    template::{Scope, Template, below},
};

/// How a list comes in pages.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Pages {
    /// What leads to the next page.
    pub r#type: Way,
    /// Where in an answer its records are, as a JSON pointer; empty where the answer is the list itself.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub items: String,
    /// What asks for the next page, an expression that knows the `body` of the answer and what it was `request`ed with; it
    /// yields nothing on the last page. For `cursor` and `url`; for `offset` and `page` whether there is another one, where
    /// a page that is not full does not say so by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
    /// The query parameter that takes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub query: Option<String>,
    /// The place in a JSON body that takes it, as a JSON pointer, in the place of `query`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub send: Option<String>,
    /// The number of the first page, for `page`. 1 unless set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first: Option<u64>,
    /// How many records a page has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<Size>,
}

/// What leads to the next page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Way {
    /// Something in the answer, which is sent along.
    Cursor,
    /// A URL in the answer.
    Url,
    /// The `Link` header of the answer, relation `next` (RFC 8288).
    Link,
    /// How many records came before.
    Offset,
    /// The number of the page.
    Page,
}

/// How many records a page has.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Size {
    /// The query parameter that says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub query: Option<String>,
    /// The place in a JSON body that says it, as a JSON pointer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub send: Option<String>,
    /// The most that there can be, which is asked for unless the caller says otherwise.
    pub max: u64,
}

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

impl Pages {
    /// Checks it; it stands at `place` in a larger input.
    ///
    /// # Errors
    ///
    /// `invalid_config`, naming the key.
    pub fn open(&self, place: &str) -> Result<Paging> {
        self.check().map_err(|(key, error)| error.at(&below(place, key)))?;
        let next =
            self.next.as_deref().map(|next| Template::text(next, &below(place, "next"))).transpose()?;
        Ok(Paging { pages: self.clone(), next })
    }

    fn check(&self) -> std::result::Result<(), (&'static str, Error)> {
        parse::pointer(&self.items).map_err(|error| ("items", error))?;
        for (key, pointer) in
            [("send", &self.send), ("size.send", &self.size.as_ref().and_then(|size| size.send.clone()))]
        {
            if let Some(pointer) = pointer {
                parse::pointer(pointer).map_err(|error| (key, error))?;
            }
        }
        let sends = self.query.is_some() || self.send.is_some();
        match self.r#type {
            Way::Cursor | Way::Url if self.next.is_none() => {
                return Err(("next", Error::invalid("is missing; it says what asks for the next page")));
            }
            Way::Cursor | Way::Offset | Way::Page if !sends => {
                return Err((
                    "query",
                    Error::invalid(
                        "is missing; it, or send, says where that which asks for the next page goes",
                    ),
                ));
            }
            Way::Url | Way::Link if sends => {
                return Err((
                    "query",
                    Error::invalid("is for types other than url and link, which have it in the URL"),
                ));
            }
            _ => {}
        }
        if self.query.is_some() && self.send.is_some() {
            return Err(("send", Error::invalid("is there beside query; remove one of them")));
        }
        if self.size.as_ref().is_some_and(|size| size.max == 0 || size.query.is_some() == size.send.is_some())
        {
            return Err(("size", Error::invalid("needs query or send, and max of at least 1")));
        }
        Ok(())
    }
}

impl Paging {
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

/// What a request asks for in a query parameter or a body.
fn asked<'a>(request: &'a Value, query: Option<&str>, send: Option<&str>) -> Option<&'a Value> {
    match (query, send) {
        (Some(name), _) => request.get("params")?.get(name),
        (None, Some(pointer)) => request.get("json")?.pointer(pointer),
        (None, None) => None,
    }
}

/// Asks for it.
fn ask(request: &mut Value, query: Option<&str>, send: Option<&str>, value: Value) {
    let Some(request) = request.as_object_mut() else { return };
    let (root, pointer) = match (query, send) {
        (Some(name), _) => ("params", format!("/{}", name.replace('~', "~0").replace('/', "~1"))),
        (None, Some(pointer)) => ("json", pointer.to_owned()),
        (None, None) => return,
    };
    let mut at = request.entry(root).or_insert_with(|| Map::new().into());
    for step in pointer.split('/').skip(1).map(|step| step.replace("~1", "/").replace("~0", "~")) {
        if !at.is_object() {
            *at = Map::new().into();
        }
        at = at.as_object_mut().expect("it was made one").entry(step).or_insert(Value::Null);
    }
    *at = value;
}

/// The target of relation `next` in `Link` headers (RFC 8288 section 3).
fn link(headers: &HeaderMap) -> Option<String> {
    let values = headers.get_all(header::LINK).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(links).find_map(|(target, params)| {
        let rel = params.split(';').filter_map(|param| param.trim().split_once('='));
        let mut rel = rel.filter(|(name, _)| name.trim().eq_ignore_ascii_case("rel"));
        let next = |value: &str| {
            value.trim_matches(['"', ' ']).split(' ').any(|rel| rel.eq_ignore_ascii_case("next"))
        };
        rel.any(|(_, value)| next(value)).then(|| target.to_owned())
    })
}

/// The targets of a header, with their parameters.
fn links(value: &str) -> impl Iterator<Item = (&str, &str)> {
    value.split('<').skip(1).filter_map(|link| link.split_once('>'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paging(pages: Value) -> Arc<Paging> {
        Arc::new(serde_json::from_value::<Pages>(pages).unwrap().open("").unwrap())
    }

    /// The requests that lead through these answers, and all records.
    fn walk(pages: Value, request: Value, answers: &[(Value, &str)]) -> (Vec<Value>, Vec<Value>) {
        let paging = paging(pages);
        let mut started = paging.start(request, "/v1", None);
        let (mut requests, mut records) = (vec![started.request().clone()], Vec::new());
        for (body, link) in answers {
            let mut headers = HeaderMap::new();
            if !link.is_empty() {
                headers.insert(header::LINK, link.parse().unwrap());
            }
            let next = started.read(body, &headers).unwrap();
            records.extend(next.records);
            let Some(cursor) = next.cursor else { break };
            started.go(&cursor);
            requests.push(started.request().clone());
        }
        (requests, records)
    }

    #[test]
    fn each_way_leads_to_the_end_and_no_further() {
        let list = json!({"endpoint": "/x"});
        let (requests, records) = walk(
            json!({"type": "cursor", "items": "/data", "next": "{{ body.data[-1].id if body.has_more }}",
                   "query": "starting_after", "size": {"query": "limit", "max": 2}}),
            list.clone(),
            &[
                (json!({"data": [{"id": "a"}, {"id": "b"}], "has_more": true}), ""),
                (json!({"data": [{"id": "c"}], "has_more": false}), ""),
            ],
        );
        assert_eq!(requests[0], json!({"endpoint": "/x", "params": {"limit": 2}}));
        assert_eq!(requests[1], json!({"endpoint": "/x", "params": {"limit": 2, "starting_after": "b"}}));
        assert_eq!((requests.len(), records.len()), (2, 3));

        let (requests, _) = walk(
            json!({"type": "cursor", "items": "/results", "next": "{{ body.paging.next.after }}", "send": "/after"}),
            json!({"endpoint": "/search", "json": {"filter": 1}}),
            &[
                (json!({"results": [1], "paging": {"next": {"after": "10"}}}), ""),
                (json!({"results": [2]}), ""),
            ],
        );
        assert_eq!(requests[1..], [json!({"endpoint": "/search", "json": {"filter": 1, "after": "10"}})]);

        let (requests, _) = walk(
            json!({"type": "url", "items": "/records", "next": "{{ body.next }}"}),
            json!({"endpoint": "/x", "params": {"q": "1"}}),
            &[
                (json!({"records": [1], "next": "/v1/x/2?token=a%20b"}), ""),
                (json!({"records": [2], "next": null}), ""),
            ],
        );
        assert_eq!(requests[1..], [json!({"endpoint": "/x/2?token=a%20b"})]);

        let (requests, _) = walk(
            json!({"type": "link"}),
            list.clone(),
            &[
                (json!([1]), "<https://h/v1/x?page=1>; rel=\"prev\", <https://h/v1/x?page=2>; rel=\"next\""),
                (json!([2]), "<https://h/v1/x?page=1>; rel=\"first\""),
            ],
        );
        assert_eq!(requests[1..], [json!({"endpoint": "/x?page=2"})]);

        let (requests, records) = walk(
            json!({"type": "offset", "items": "/v", "query": "startAt", "size": {"query": "max", "max": 2}}),
            list.clone(),
            &[(json!({"v": [1, 2]}), ""), (json!({"v": [3]}), "")],
        );
        assert_eq!(requests[1], json!({"endpoint": "/x", "params": {"max": 2, "startAt": 2}}));
        assert_eq!((requests.len(), records.len()), (2, 3));

        let (requests, _) = walk(
            json!({"type": "page", "query": "page", "next": "{{ body | length == 2 }}"}),
            list,
            &[(json!([1, 2]), ""), (json!([3]), "")],
        );
        assert_eq!(requests[1..], [json!({"endpoint": "/x", "params": {"page": 2}})]);
    }

    #[test]
    fn a_next_page_elsewhere_and_an_answer_without_a_list_are_errors() {
        let url = paging(json!({"type": "url", "items": "/r", "next": "{{ body.next }}"}));
        let started = url.start(json!({"endpoint": "/x"}), "/v1", None);
        for (body, words) in [
            (json!({"r": [], "next": "/v2/x"}), "outside"),
            (json!({"r": [], "next": "https://h/v10/x"}), "outside"),
            (json!({"r": {}}), "no list"),
            (json!({"error": "none"}), "no list"),
            (json!([]), "no list"),
        ] {
            let error = started.read(&body, &HeaderMap::new()).unwrap_err();
            assert!(error.message().contains(words), "{body}: {error}");
        }
    }

    #[test]
    fn a_way_that_leads_nowhere_is_refused() {
        for (pages, words) in [
            (json!({"type": "cursor", "query": "after"}), "next: is missing"),
            (json!({"type": "cursor", "next": "{{ body.x }}"}), "query: is missing"),
            (json!({"type": "link", "query": "x"}), "query: is for"),
            (json!({"type": "page", "query": "x", "send": "/x"}), "send: is there"),
            (json!({"type": "page", "query": "x", "size": {"query": "n", "max": 0}}), "size: needs"),
            (json!({"type": "page", "query": "x", "items": "x"}), "items: "),
        ] {
            let error = serde_json::from_value::<Pages>(pages.clone()).unwrap().open("").unwrap_err();
            assert!(error.message().starts_with(words), "{pages}: {error}");
        }
    }
}
