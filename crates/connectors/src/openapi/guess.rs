//! How a list comes in pages, as far as the names of parameters and of what is answered tell.

use serde_json::Value;

use super::{
    answers::Answered,
    document::{Document, members, text},
    fields::Fields,
    names,
    next::{Lead, is_number, lead},
    params::{Into, Param},
};
use crate::{
    Pages,
    pages::{Size, Way},
};

/// Parameters that take a cursor, the likeliest first.
const CURSORS: [&str; 16] = [
    "cursor",
    "page_token",
    "pagetoken",
    "next_token",
    "nexttoken",
    "continuation_token",
    "continuationtoken",
    "next_cursor",
    "page_cursor",
    "pagecursor",
    "start_cursor",
    "after",
    "page_after",
    "starting_after",
    "marker",
    "token",
];
/// Those that take how many records came before.
const OFFSETS: [&str; 6] = ["offset", "skip", "start_at", "startat", "page_offset", "_offset"];
/// Those that take the number of a page.
const PAGES: [&str; 6] = ["page", "page_number", "pagenumber", "page_no", "pageno", "page_index"];
/// Those that say how many records a page has.
const SIZES: [&str; 14] = [
    "per_page",
    "perpage",
    "page_size",
    "pagesize",
    "page_limit",
    "limit",
    "max_results",
    "maxresults",
    "size",
    "count",
    "max_items",
    "maxitems",
    "top",
    "first",
];
/// What stands before the most that there can be.
const MOST: [&str; 9] = [
    "between 1 and",
    "max",
    "maximum",
    "maximum of",
    "maximum is",
    "maximum value is",
    "up to",
    "at most",
    "no more than",
];
/// More records than this on a page are a misunderstanding.
const LARGEST: u64 = 100_000;
/// Fields that hold the records.
const ITEMS: [&str; 9] =
    ["data", "items", "results", "records", "values", "entries", "value", "list", "elements"];

/// How the list that an operation answers comes in pages, with a name for it. `None` where nothing says that it does.
pub(super) fn pages<'a>(
    document: &'a Document,
    path: &str,
    params: &[Param<'a>],
    answered: Answered<'a>,
) -> Option<(String, Pages)> {
    let schema = answered.schema?;
    let items = items(document, path, schema)?;
    let query = |known: &[&str]| -> Option<&Param<'a>> {
        let all = || params.iter().filter(|param| param.into == Into::Query);
        known.iter().find_map(|known| all().find(|param| plain(param.name) == *known))
    };
    let size = query(&SIZES).and_then(|param| size(document, param));
    let sent = |param: &Param<'_>| Some(param.name.to_owned());
    let made = |r#type, next: Option<String>, query| Pages {
        r#type,
        items: items.clone(),
        next: next.map(|next| format!("{{{{ {next} }}}}")),
        query,
        send: None,
        first: None,
        size: size.clone(),
        conflicts_with: Vec::new(),
    };
    let name = |way: &str| {
        let last = items.rsplit('/').next().unwrap_or_default();
        match last.is_empty() {
            true => way.to_owned(),
            false => names::begun(names::snake(&format!("{way} {last}"))),
        }
    };
    let link = answered.response.is_some_and(|response| {
        members(response, "headers").any(|(header, _)| header.eq_ignore_ascii_case("link"))
    });
    let pages = if link {
        (name("link"), made(Way::Link, None, None))
    } else if let Some(next) = last_id(document, schema, &items)
        && let Some(param) = query(&["starting_after"])
    {
        // It goes the other way.
        let conflicts_with = query(&["ending_before"]).and_then(sent).into_iter().collect();
        (name("cursor"), Pages { conflicts_with, ..made(Way::Cursor, Some(next), sent(param)) })
    } else {
        let cursor = query(&CURSORS);
        match (lead(document, schema), cursor) {
            (Some(Lead::Url(next)), _) => (name("url"), made(Way::Url, Some(next), None)),
            (Some(Lead::Page(next, number)), cursor) => {
                let pages = query(&PAGES).or(cursor).filter(|param| {
                    // Where pages are asked for by their numbers, a text leads to the next one by itself.
                    number || !param.schema.is_some_and(|schema| is_number(document, schema))
                });
                match pages {
                    Some(param) => (name("cursor"), made(Way::Cursor, Some(next), sent(param))),
                    None => (name("url"), made(Way::Url, Some(next), None)),
                }
            }
            (Some(Lead::Cursor(next) | Lead::Either(next)), Some(param)) => {
                (name("cursor"), made(Way::Cursor, Some(next), sent(param)))
            }
            // Where there are pages to go through otherwise, what is called `next` is a URL, as in Django.
            (Some(Lead::Either(next)), None) if query(&OFFSETS).or_else(|| query(&PAGES)).is_some() => {
                (name("url"), made(Way::Url, Some(next), None))
            }
            _ => match (query(&OFFSETS), query(&PAGES)) {
                (Some(param), _) => (name("offset"), made(Way::Offset, None, sent(param))),
                (None, Some(param)) => {
                    let first = first(document, param);
                    (name("page"), Pages { first, ..made(Way::Page, None, sent(param)) })
                }
                (None, None) => return None,
            },
        }
    };
    Some(pages)
}

/// A name of a parameter in small letters, without brackets: `page[number]` is `page_number`.
fn plain(name: &str) -> String {
    name.to_ascii_lowercase().replace(['[', '-', '.'], "_").replace([']', '$'], "")
}

/// Where the records of an answer are, as a JSON pointer.
fn items(document: &Document, path: &str, schema: &Value) -> Option<String> {
    if document.shape(schema).array {
        return Some(String::new());
    }
    let fields = Fields::some(document, schema).fields;
    let lists: Vec<&str> =
        fields.into_iter().filter(|(_, field)| document.shape(field).array).map(|(name, _)| name).collect();
    let last = path.rsplit('/').find(|part| !part.is_empty() && !part.contains('{')).unwrap_or_default();
    let last = names::snake(last.trim_end_matches(".json"));
    let known = ITEMS.iter().find(|known| lists.contains(*known)).copied();
    let named = || lists.iter().find(|name| names::snake(name) == last).copied();
    let only = || (lists.len() == 1).then(|| lists[0]);
    let found = known.or_else(named).or_else(only)?;
    Some(format!("/{}", found.replace('~', "~0").replace('/', "~1")))
}

/// The `id` of the last record where the answer says whether there are more, as Stripe's do.
fn last_id(document: &Document, schema: &Value, items: &str) -> Option<String> {
    let fields = Fields::some(document, schema).fields;
    let list = names::below("body", items.strip_prefix('/')?);
    fields.contains_key("has_more").then(|| format!("{list}[-1].id if body.has_more"))
}

/// How many records a page has, where the document says how many it can.
fn size(document: &Document, param: &Param<'_>) -> Option<Size> {
    let schema = document.resolve(param.schema?).ok()?;
    let number = |key: &str| schema.get(key).and_then(Value::as_u64);
    let described = text(Some(param.value), "description").or_else(|| text(Some(schema), "description"));
    let max = number("maximum").or_else(|| said(described?)).or_else(|| number("default"));
    let max = max.filter(|max| (1..=LARGEST).contains(max))?;
    Some(Size { query: Some(param.name.to_owned()), send: None, max })
}

/// The most that a description says there can be: `Limit can range between 1 and 100`, `(max 100)`.
fn said(description: &str) -> Option<u64> {
    let words = description.to_ascii_lowercase().replace(|c: char| !c.is_ascii_alphanumeric(), " ");
    let words: Vec<_> = words.split_whitespace().collect();
    (1..words.len()).find_map(|at| {
        let before = format!(" {}", words[at.saturating_sub(4)..at].join(" "));
        let known = MOST.iter().any(|most| before.ends_with(&format!(" {most}")));
        words[at].parse().ok().filter(|_| known)
    })
}

/// The number of the first page, where it is not 1.
fn first(document: &Document, param: &Param<'_>) -> Option<u64> {
    let schema = document.resolve(param.schema?).ok()?;
    let zero = |key: &str| schema.get(key).and_then(Value::as_u64) == Some(0);
    (zero("default") || zero("minimum") && schema.get("default").is_none()).then_some(0)
}
