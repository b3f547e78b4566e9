//! All pages of a proxied GET (`Trunkline-Pages`): the records of a list, as actions give them, in the place of what the service
//! answers.

use http::{HeaderMap, HeaderName, Method, header};
use serde_json::{Map, Value, json, value::to_raw_value};
use trunkline::{Error, Kind, Result, Walk, parse};

use crate::{call::pages::Lists, wishes::PAGES};

/// Headers of the client's that are for the one answer it would get, and not for pages.
const OF_ONE: [HeaderName; 9] = [
    header::ACCEPT_ENCODING,
    header::RANGE,
    header::IF_MATCH,
    header::IF_NONE_MATCH,
    header::IF_MODIFIED_SINCE,
    header::IF_UNMODIFIED_SINCE,
    header::IF_RANGE,
    header::CONTENT_TYPE,
    header::TRAILER,
];

/// How the pages are wanted: `all`, or an object as `/call` has it under `pages`. `None` where one answer is wanted.
///
/// # Errors
///
/// `invalid_config`, naming the header; `unsupported` for what is no GET.
pub(super) fn wanted(method: &Method, headers: &HeaderMap) -> Result<Option<Value>> {
    let mut values = headers.get_all(PAGES).iter();
    let Some(value) = values.next() else { return Ok(None) };
    let wrong = |error: Error| error.at(PAGES);
    if values.next().is_some() {
        return Err(wrong(Error::invalid("is there twice")));
    }
    if method != Method::GET {
        return Err(wrong(Error::new(Kind::Unsupported, "only a GET is asked for again for each page")));
    }
    let text = value.to_str().unwrap_or_default().trim();
    if text.eq_ignore_ascii_case("all") {
        return Ok(Some(true.into()));
    }
    let object: Result<Map<String, Value>> = parse::text(text.as_bytes());
    let wanted = object.map_err(|_| {
        wrong(Error::invalid("can be `all`, or an object as /call takes it under pages: {\"max_pages\": 10}"))
    })?;
    Ok(Some(wanted.into()))
}

/// The walk through the pages of an endpoint, with the headers that are passed on.
///
/// # Errors
///
/// As [`Walk::of`]; `unsupported` where the integration's type has no pages.
pub(super) fn walk(lists: &Lists, endpoint: &str, headers: &HeaderMap, wanted: &Value) -> Result<Walk> {
    let mut passed: Map<String, Value> = Map::new();
    for name in headers.keys().filter(|name| !OF_ONE.contains(name)) {
        let values = headers.get_all(name).iter().map(|value| value.to_str());
        let values = values.collect::<std::result::Result<Vec<_>, _>>().map_err(|_| {
            Error::invalid("is no text that can be sent again for each page").at(name.as_str())
        })?;
        // RFC 6265 section 5.4: cookies are parted otherwise than all other lists.
        let parted = values.join(if name == header::COOKIE { "; " } else { ", " });
        passed.insert(name.as_str().to_owned(), parted.into());
    }
    if lists.lines() {
        // That each record is a line is for our answer.
        passed.insert(header::ACCEPT.as_str().to_owned(), "application/json".into());
    }
    let request = json!({ "endpoint": endpoint, "headers": passed, "pages": wanted });
    let request =
        to_raw_value(&request).map_err(|error| Error::invalid("the request is no JSON").source(error))?;
    Walk::of(lists.handle(), &request)?.ok_or_else(|| {
        Error::new(Kind::Unsupported, "integrations of this type have no lists in pages").at(PAGES)
    })
}
