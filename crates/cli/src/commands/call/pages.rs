//! `Pages`: options that ask for a list in pages.

use clap::Args;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::value;
use crate::{exit::Exit, output::plain};

/// How a list in pages is wanted.
#[derive(Debug, Args)]
pub(super) struct Pages {
    /// Reads a list to its end, page by page, or as far as the options below let it, each of which asks for pages too. Prints its
    /// records, how many pages they were, and where there are more a cursor to go on from.
    #[arg(long)]
    pages: bool,
    /// Reads so many pages at most. 100 unless set.
    #[arg(long, value_name = "N")]
    max_pages: Option<u32>,
    /// Reads no further page once there are so many records. 10000 unless set.
    #[arg(long, value_name = "N")]
    max_records: Option<u64>,
    /// Reads no further page after this time: 60, 500ms. A minute unless set.
    #[arg(long, value_name = "TIME")]
    max_time: Option<String>,
    /// Goes on where an earlier list ended: the cursor that it gave, as JSON or as text.
    #[arg(long, value_name = "CURSOR")]
    cursor: Option<String>,
    /// How the list comes in pages, where no connector knows it, such as '{"type": "page", "items": "/orders", "query":
    /// "page"}'; @FILE or @- for standard input.
    #[arg(long, value_name = "JSON")]
    way: Option<String>,
    /// Prints each record on a line of its own, as pages come: {"record": …}, and last {"end": …}; or rows of a database, or
    /// whatever else comes so where it is asked for. Fails if they break off.
    #[arg(long)]
    pub(super) ndjson: bool,
}

impl Pages {
    /// Asks for them in a request. Says whether it does.
    pub(super) fn onto(&self, request: &mut Value) -> Result<bool, Exit> {
        let mut wanted = Map::new();
        wanted.extend(self.max_pages.map(|most| ("max_pages".to_owned(), most.into())));
        wanted.extend(self.max_records.map(|most| ("max_records".to_owned(), most.into())));
        wanted.extend(self.max_time.clone().map(|time| ("max_time".to_owned(), time.into())));
        if let Some(text) = &self.cursor {
            // What an answer shows in quotes is a text with them or without.
            let cursor = serde_json::from_str::<Value>(text).ok().filter(Value::is_string);
            wanted.insert("cursor".to_owned(), cursor.unwrap_or_else(|| text.as_str().into()));
        }
        if let Some(way) = &self.way {
            wanted.insert("way".to_owned(), value(way, "--way")?);
        }
        if !self.pages && wanted.is_empty() {
            return Ok(request.get("pages").is_some_and(|own| *own != false && !own.is_null()));
        }
        let Some(fields) = request.as_object_mut() else {
            return Err(Exit::input("--request: expected an object, to which pages can be added"));
        };
        match fields.get_mut("pages") {
            Some(Value::Object(own)) => own.extend(wanted),
            _ => drop(fields.insert("pages".to_owned(), wanted.into())),
        }
        Ok(true)
    }
}

/// What is told of a list that broke off after its first page.
#[derive(Deserialize)]
struct List {
    #[serde(default)]
    error: Option<Value>,
}

/// Whether a list came to its end, or as far as was wanted.
pub(super) fn came(list: &[u8]) -> Result<(), Exit> {
    let Some(error) = serde_json::from_slice::<List>(list).ok().and_then(|list| list.error) else {
        return Ok(());
    };
    let detail = error.get("detail").and_then(Value::as_str).unwrap_or_default();
    Err(Exit::failed(format!("the list broke off: {}", plain(detail))))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn pages() -> Pages {
        let (max_pages, max_records, max_time, cursor, way) = Default::default();
        Pages { pages: false, max_pages, max_records, max_time, cursor, way, ndjson: false }
    }

    #[test]
    fn what_is_asked_for_is_added_to_what_the_request_says_itself() {
        for (pages, request, expected, asked) in [
            (pages(), json!({}), json!({}), false),
            (pages(), json!({"pages": true}), json!({"pages": true}), true),
            (
                Pages { pages: true, ..pages() },
                json!({"action": "a"}),
                json!({"action": "a", "pages": {}}),
                true,
            ),
            (
                Pages { max_pages: Some(2), cursor: Some("\"a\"".to_owned()), ..pages() },
                json!({"pages": {"max_pages": 9, "max_time": 5}}),
                json!({"pages": {"max_pages": 2, "max_time": 5, "cursor": "a"}}),
                true,
            ),
            // A cursor that is a number is one in text too, which is how a server takes it from a URL.
            (
                Pages { cursor: Some("12".to_owned()), ..pages() },
                json!({}),
                json!({"pages": {"cursor": "12"}}),
                true,
            ),
        ] {
            let mut request = request;
            assert_eq!(pages.onto(&mut request).unwrap(), asked);
            assert_eq!(request, expected);
        }
        assert!(Pages { pages: true, ..pages() }.onto(&mut json!([])).is_err());
    }

    #[test]
    fn a_list_that_broke_off_says_why() {
        assert!(came(br#"{"records": [{"error": {}}], "pages": 1, "cursor": null}"#).is_ok());
        assert!(came(br#"{"records": [], "pages": 1, "cursor": null, "error": {"detail": "no"}}"#).is_err());
    }
}
