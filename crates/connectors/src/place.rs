//! `Place`: where what an expression yields is put, and what it must be to stand there.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;
use trunkline_core::{Error, Result, exact};

/// What a segment of a path may have as it is (RFC 3986 section 2.3).
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Where a value is put.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// Where it can do no harm, or is checked later.
    Free,
    /// In a path: it is one segment or a part of one, and leads nowhere else.
    Path,
    /// In the address of a service.
    Address,
}

impl Place {
    /// Puts a value behind what there is of a text.
    ///
    /// # Errors
    ///
    /// `invalid_config` where it may not stand there. The value is not in the message: it may be secret.
    pub(crate) fn put(self, out: &mut String, value: &str) -> Result<()> {
        match self {
            Self::Address if is_placeholder(value) => out.push_str(value),
            Self::Address if is_in_host(out) => {
                let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_' | ':');
                if value.is_empty() || !value.chars().all(allowed) {
                    return Err(Error::invalid(
                        "a part of a host's name has letters, digits and . - _ alone",
                    ));
                }
                out.push_str(value);
            }
            Self::Path | Self::Address => {
                if value.trim_matches('.').is_empty() {
                    return Err(Error::invalid("a part of a path cannot be empty, nor consist of dots"));
                }
                // Escaped slashes are slashes again to some services.
                if value.split(['/', '\\']).any(climbs) {
                    return Err(Error::invalid("a part of a path cannot have . or .. between slashes"));
                }
                out.extend(utf8_percent_encode(value, SEGMENT));
            }
            Self::Free => out.push_str(value),
        }
        Ok(())
    }

    /// A value that is the whole of a text.
    ///
    /// # Errors
    ///
    /// As [`Place::put`].
    pub(crate) fn whole(self, value: Value) -> Result<Value> {
        let Some(text) = exact::text(&value).filter(|_| self == Self::Path) else { return Ok(value) };
        let mut out = String::new();
        self.put(&mut out, &text)?;
        Ok(out.into())
    }
}

/// Whether a segment of a path leads to where it is, or out of that; what stands behind `;` in it some services strip.
fn climbs(segment: &str) -> bool {
    matches!(segment.split(';').next(), Some("." | ".."))
}

/// Whether a text ends within the host of a URL, or before it.
fn is_in_host(text: &str) -> bool {
    text.split_once("://").is_none_or(|(_, rest)| !rest.contains(['/', '?', '#']))
}

/// Whether each connection has a value of its own there.
fn is_placeholder(value: &str) -> bool {
    value.starts_with("{{connection.") && value.ends_with("}}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_leads_to_no_other_host_and_no_other_path() {
        let put = |place: Place, before: &str, value: &str| {
            let mut out = before.to_owned();
            place.put(&mut out, value).map(|()| out)
        };
        assert_eq!(put(Place::Path, "/a/", "x/..y/z?a#").unwrap(), "/a/x%2F..y%2Fz%3Fa%23");
        assert_eq!(put(Place::Address, "https://", "eu.acme").unwrap(), "https://eu.acme");
        assert_eq!(put(Place::Address, "https://h/", "a b").unwrap(), "https://h/a%20b");
        assert_eq!(
            put(Place::Address, "https://", "{{connection.host}}").unwrap(),
            "https://{{connection.host}}"
        );
        assert_eq!(put(Place::Free, "", "x/y").unwrap(), "x/y");
        for (place, before, value) in [
            (Place::Path, "/a/", ".."),
            (Place::Path, "/a/", ""),
            (Place::Path, "/a/", "x/../y"),
            (Place::Path, "/a/", "x\\.."),
            (Place::Path, "/a/", "..;a/y"),
            (Place::Address, "https://", "evil.example/"),
            (Place::Address, "https://", "a@evil.example"),
            (Place::Address, "https://h/", "."),
        ] {
            assert!(put(place, before, value).is_err(), "{value}");
        }
    }
}
