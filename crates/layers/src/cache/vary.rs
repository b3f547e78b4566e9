//! `Vary`: which of several responses a request selects (RFC 9111 section 4.1).

use http::{HeaderMap, HeaderName, header};

use super::directives::members;

/// A header of a request as it was; `None` where it was not there.
type Value = Option<Box<[u8]>>;

/// The request headers that selected a response, with what they were.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Selection(Box<[(HeaderName, Value)]>);

impl Selection {
    /// What `reply` says it was selected by, in the request that `asked` for it; `None` where it says that
    /// nothing in a request can tell (`*`), or what cannot be read.
    pub(super) fn of(reply: &HeaderMap, asked: &HeaderMap) -> Option<Self> {
        let mut names: Vec<HeaderName> = Vec::new();
        for line in reply.get_all(header::VARY) {
            for name in members(line.to_str().ok()?) {
                let name = (name != "*").then(|| name.parse().ok())??;
                if !names.contains(&name) {
                    names.push(name);
                }
            }
        }
        let values = names.into_iter().map(|name| {
            let value = value(asked, &name);
            (name, value)
        });
        Some(Self(values.collect()))
    }

    /// Whether a request with these headers selects the same.
    pub(super) fn is_of(&self, asked: &HeaderMap) -> bool {
        self.0.iter().all(|(name, before)| value(asked, name) == *before)
    }

    /// Whether every request selects it.
    pub(super) fn is_of_all(&self) -> bool {
        self.0.is_empty()
    }

    /// Bytes in memory.
    pub(super) fn size(&self) -> usize {
        self.0
            .iter()
            .map(|(name, value)| 64 + name.as_str().len() + value.as_ref().map_or(0, |v| v.len()))
            .sum()
    }
}

/// A header in the spelling that equal ones share: its lines joined, without the white space around commas.
fn value(headers: &HeaderMap, name: &HeaderName) -> Value {
    headers.get(name)?;
    let mut joined = Vec::new();
    for (at, line) in headers.get_all(name).iter().enumerate() {
        if at > 0 {
            joined.push(b',');
        }
        let mut quoted = false;
        for &byte in line.as_bytes().trim_ascii() {
            quoted ^= byte == b'"';
            if byte == b',' && !quoted {
                joined.truncate(joined.trim_ascii_end().len());
            }
            let after_comma = !quoted && joined.last() == Some(&b',') && matches!(byte, b' ' | b'\t');
            if !after_comma {
                joined.push(byte);
            }
        }
    }
    Some(joined.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::headers;

    #[test]
    fn a_request_selects_what_its_headers_selected_before() {
        // RFC 9111 section 4.1.
        for (vary, before, now, same) in [
            (&["foo"][..], &[("foo", "1")][..], &[("foo", "1")][..], true),
            (&["Foo"], &[("foo", "1")], &[("foo", "2")], false),
            (&["foo"], &[("foo", "1")], &[], false),
            (&["foo"], &[], &[("foo", "1")], false),
            (&["foo"], &[], &[("foo", "")], false),
            (&["foo"], &[], &[("other", "1")], true),
            (&["foo, bar"], &[("foo", "1"), ("bar", "2")], &[("bar", "2"), ("foo", "1")], true),
            (&["foo, bar"], &[("foo", "1"), ("bar", "2")], &[("foo", "1")], false),
            (&["foo", "bar"], &[("foo", "1"), ("bar", "2")], &[("foo", "1"), ("bar", "3")], false),
            (&["foo"], &[("foo", "1, 2")], &[("foo", "1"), ("foo", "2")], true),
            (&["foo"], &[("foo", "1,2")], &[("foo", " 1 ,  2 ")], true),
            (&["foo"], &[("foo", "\"1, 2\"")], &[("foo", "\"1,2\"")], false),
            (&[""], &[], &[("foo", "1")], true),
        ] {
            let vary: Vec<_> = vary.iter().map(|&line| ("vary", line)).collect();
            let selection = Selection::of(&headers(&vary), &headers(before)).unwrap();
            assert_eq!(selection.is_of(&headers(now)), same, "{vary:?} {before:?} {now:?}");
        }
    }

    #[test]
    fn a_star_anywhere_selects_nothing() {
        // RFC 9110 section 12.5.5.
        for lines in
            [&["*"][..], &["*, *"], &["*", "*"], &[", *"], &["", "*"], &["*, foo"], &["foo, *"], &["a b"]]
        {
            let vary: Vec<_> = lines.iter().map(|&line| ("vary", line)).collect();
            assert_eq!(Selection::of(&headers(&vary), &HeaderMap::new()), None, "{lines:?}");
        }
    }
}
