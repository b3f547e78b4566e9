//! `POST /api/v1/integrations/{id}/actions/{action}`: the input of an action as the request that `/call` takes.

use percent_encoding::percent_decode_str;
use serde_json::{Map, json, value::RawValue};
use trunkline::{Error, Result};
use url::form_urlencoded;

use super::raw;

/// The request. `pages`, `max_pages`, `max_records`, `max_time` and `cursor` of the query ask for a list in pages.
pub(super) fn request(name: &str, query: Option<&str>, input: &[u8]) -> Result<Vec<u8>> {
    let name = percent_decode_str(name).decode_utf8_lossy();
    let input: &RawValue = raw(input)?;
    let mut pages = Map::new();
    let mut walks = false;
    for (key, value) in form_urlencoded::parse(query.unwrap_or_default().as_bytes()) {
        match &*key {
            "pages" if value == "all" => walks = true,
            "pages" => return Err(Error::invalid("pages: can only be `all`")),
            "max_pages" | "max_records" => {
                let number: u64 =
                    value.parse().map_err(|_| Error::invalid(format!("{key}: expected a whole number")))?;
                pages.insert(key.into_owned(), number.into());
            }
            // What is in a URL is text. Where a number leads to the next page, the walk makes one of it.
            "max_time" | "cursor" => drop(pages.insert(key.into_owned(), value.into_owned().into())),
            _ => {
                return Err(Error::invalid(format!(
                    "{}: unknown query parameter; known: pages, max_pages, max_records, max_time, cursor",
                    key.escape_default()
                )));
            }
        }
    }
    let mut request = json!({ "action": name });
    if walks || !pages.is_empty() {
        request["pages"] = pages.into();
    }
    // The input stays as it was sent.
    let mut out = serde_json::to_vec(&request)
        .map_err(|error| Error::invalid("the request is no JSON").source(error))?;
    out.pop();
    out.extend_from_slice(b",\"input\":");
    out.extend_from_slice(input.get().as_bytes());
    out.push(b'}');
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_input_stays_as_it_is_and_the_query_asks_for_pages() {
        let made = |query, input: &str| {
            request("get%20it", query, input.as_bytes()).map(|made| String::from_utf8(made).unwrap())
        };
        assert_eq!(made(None, "{\"n\": 1.0}").unwrap(), "{\"action\":\"get it\",\"input\":{\"n\": 1.0}}");
        assert_eq!(
            made(Some("pages=all&max_pages=2&cursor=1e5"), "{}").unwrap(),
            "{\"action\":\"get it\",\"pages\":{\"cursor\":\"1e5\",\"max_pages\":2},\"input\":{}}"
        );
        for (query, word) in [("pages=2", "pages:"), ("max_pages=x", "max_pages:"), ("page=2", "page:")] {
            assert!(made(Some(query), "{}").unwrap_err().message().starts_with(word));
        }
    }
}
