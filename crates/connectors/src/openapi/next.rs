//! What in an answer leads to the next page, by its name.

use serde_json::Value;

use super::{
    document::{Document, Shape, text},
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
/// A field that holds what the parameter for pages takes, or a URL.
const PAGES: [&str; 2] = ["next_page", "nextpage"];

/// Something that leads to the next page, as an expression below `body`.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Lead {
    Url(String),
    Cursor(String),
    /// Called `next`, without more.
    Either(String),
    /// Called `next_page`, and whether it is a number: what the parameter for pages takes, or a URL.
    Page(String, bool),
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
                let next = lower == "next";
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
                } else if next || PAGES.contains(&lower.as_str()) {
                    let is_url = ["uri", "url"].contains(&said(document, field, "format"));
                    return Some(match is_url {
                        true => Lead::Url(expression),
                        false if next => Lead::Either(expression),
                        false => Lead::Page(expression, is_number(document, field)),
                    });
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

/// Whether something is a number, and no text.
pub(super) fn is_number(document: &Document, schema: &Value) -> bool {
    ["integer", "number"].contains(&said(document, schema, "type"))
}

/// What a schema says in a word.
fn said<'a>(document: &'a Document, schema: &'a Value, key: &str) -> &'a str {
    document.resolve(schema).ok().and_then(|schema| text(Some(schema), key)).unwrap_or_default()
}
