//! What in an answer leads to the next page, by its name.

use serde_json::Value;

use super::{
    document::{Document, Shape},
    fields::Fields,
    names,
};

/// How deep it is looked for.
const DEPTH: usize = 3;
/// How many fields are looked at.
const MOST: usize = 500;

/// A field that holds a URL. `next` alone may hold either.
const URLS: [&str; 12] = [
    "next_page_uri",
    "next_page_url",
    "nextpageurl",
    "next_url",
    "nexturl",
    "next_uri",
    "nexturi",
    "next_link",
    "nextlink",
    "@odata.nextlink",
    "next_href",
    "nexthref",
];
/// A field that holds what is sent along.
const CURSORS: [&str; 14] = [
    "next_cursor",
    "nextcursor",
    "next_page_token",
    "nextpagetoken",
    "next_token",
    "nexttoken",
    "next_page_cursor",
    "nextpagecursor",
    "continuation_token",
    "continuationtoken",
    "end_cursor",
    "endcursor",
    "next_marker",
    "nextmarker",
];
/// What a field that is just called so is within.
const NEXT: [&str; 1] = ["next"];

/// Something that leads to the next page, as an expression below `body`.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Lead {
    Url(String),
    Cursor(String),
    /// Called `next`, without more.
    Either(String),
}

/// What leads to the next page in an answer of this schema.
pub(super) fn lead(document: &Document, schema: &Value) -> Option<Lead> {
    let mut level = vec![("body".to_owned(), false, schema)];
    let mut seen = 0;
    for _ in 0..DEPTH {
        let mut below = Vec::new();
        for (at, of_next, schema) in level {
            for (name, field) in Fields::some(document, schema).fields {
                seen += 1;
                if seen > MOST {
                    return None;
                }
                let expression = names::below(&at, name);
                let lower = name.to_ascii_lowercase();
                let shape = document.shape(field);
                let next = NEXT.contains(&lower.as_str());
                if shape.object && !shape.array {
                    below.push((expression, next, field));
                } else if !is_text(shape) {
                } else if URLS.contains(&lower.as_str())
                    || of_next && ["href", "link", "url"].contains(&&*lower)
                {
                    return Some(Lead::Url(expression));
                } else if CURSORS.contains(&lower.as_str())
                    || of_next && ["after", "cursor"].contains(&&*lower)
                {
                    return Some(Lead::Cursor(expression));
                } else if next {
                    let format = document.resolve(field).ok().and_then(|field| field.get("format"));
                    let is_url = format.is_some_and(|format| format == "uri" || format == "url");
                    return Some(if is_url { Lead::Url(expression) } else { Lead::Either(expression) });
                }
            }
        }
        level = below;
    }
    None
}

/// Whether something can be a text.
fn is_text(shape: Shape) -> bool {
    shape.scalar || shape == Shape::default()
}
