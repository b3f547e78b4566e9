//! `Pages`: how a list comes in pages, as it is written.

mod address;
mod link;
mod paging;
mod sent;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use trunkline_core::{Error, Result, parse};

pub use self::paging::{Next, Paging, Started};
use crate::template::{Template, below};

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
    /// yields nothing on the last page. For `cursor` and `url`; for `offset` and `page` whether there is another one, such as
    /// `{{ body.offset + (body.items | length) < body.total }}`. Unless it is set, these end at a page without records.
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
    /// Query parameters that ask for one page by themselves, such as the one before a record. With one of them a list is not
    /// read on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conflicts_with: Vec<String>,
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
        if let Some(next) = &next {
            asks_for_what_is_there(next).map_err(|error| error.at(&below(place, "next")))?;
        }
        Ok(Paging::new(self.clone(), next))
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
        if self.query.as_ref().is_some_and(|query| self.conflicts_with.contains(query)) {
            return Err((
                "conflicts_with",
                Error::invalid("names the parameter that asks for the next page"),
            ));
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

/// What a text yields that asks for nothing, or for what is not there, is the same on every page.
fn asks_for_what_is_there(next: &Template) -> Result<()> {
    if !next.asks() {
        return Err(Error::invalid(
            "has no expression, such as {{ body.next }}; as it is, it is always the same",
        ));
    }
    let unknown = next.names().into_iter().find(|name| {
        let root = name.split('.').next().unwrap_or_default();
        !["body", "request"].contains(&root)
    });
    match unknown {
        None => Ok(()),
        Some(name) => {
            Err(Error::invalid(format!("{{{{ {name} }}}} is nothing that is given; body and request are")))
        }
    }
}

#[cfg(test)]
mod tests;
