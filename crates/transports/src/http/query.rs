//! Query parameters that are credentials: nobody but us says what they are, and they go nowhere else.

use std::borrow::Cow;

use http::{Uri, uri::PathAndQuery};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use trunkline_core::{Error, Kind, Result};

/// What may not stand in the name or value of a query parameter: all but the unreserved characters.
pub(crate) const PARAM: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A `path?query` without those parameters of which `drop`, given name and value, says so.
pub(crate) fn without(text: &str, drop: impl Fn(&str, &str) -> bool) -> Cow<'_, str> {
    let Some((path, query)) = text.split_once('?') else { return Cow::Borrowed(text) };
    let dropped = |pair: &&str| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        drop(&decode(name), &decode(value))
    };
    if !query.split('&').any(|pair| dropped(&pair)) {
        return Cow::Borrowed(text);
    }
    let kept: Vec<_> = query.split('&').filter(|pair| !dropped(pair)).collect();
    let separator = if kept.is_empty() { "" } else { "?" };
    Cow::Owned(format!("{path}{separator}{}", kept.join("&")))
}

/// The same URI with the parameter `name` once, of this `value`; or, with `keep` off, without it where
/// it has this value.
pub(crate) fn place(uri: Uri, name: &str, value: &str, keep: bool) -> Result<Uri> {
    let whole = uri.path_and_query().map_or("/", PathAndQuery::as_str);
    let mut text = without(whole, |found, its| found == name && (keep || its == value)).into_owned();
    if keep {
        text.push(if text.contains('?') { '&' } else { '?' });
        text.extend(utf8_percent_encode(name, PARAM));
        text.push('=');
        text.extend(utf8_percent_encode(value, PARAM));
    }
    with(uri, text)
}

/// The same URI without the parameters that a signature added to those of `own` to make `signed`. A service that
/// redirects may repeat them.
pub(crate) fn unsigned(uri: Uri, signed: &Uri, own: &Uri) -> Result<Uri> {
    let Some(whole) = uri.path_and_query().map(PathAndQuery::as_str) else { return Ok(uri) };
    let has = |uri: &Uri, name: &str, value: &str| {
        uri.query().unwrap_or_default().split('&').any(|pair| {
            let (found, its) = pair.split_once('=').unwrap_or((pair, ""));
            decode(found) == name && decode(its) == value
        })
    };
    let ours = |name: &str, value: &str| has(signed, name, value) && !has(own, name, value);
    match without(whole, ours) {
        Cow::Borrowed(_) => Ok(uri),
        Cow::Owned(text) => with(uri, text),
    }
}

/// The same URI with this path and query.
fn with(uri: Uri, text: String) -> Result<Uri> {
    let mut parts = uri.into_parts();
    let bad = |_| Error::new(Kind::Protocol, "the service redirects to something that is no http URL");
    parts.path_and_query = Some(PathAndQuery::try_from(text).map_err(bad)?);
    Uri::from_parts(parts).map_err(|_| Error::new(Kind::Protocol, "the service redirects to no http URL"))
}

fn decode(text: &str) -> Cow<'_, str> {
    match text.contains('+') {
        true => Cow::Owned(percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned()),
        false => percent_decode_str(text).decode_utf8_lossy(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parameter_is_found_in_any_spelling_of_its_name() {
        for (text, rest) in [
            ("/x", "/x"),
            ("/x?a=1", "/x?a=1"),
            ("/x?api_key=1", "/x"),
            ("/x?api%5Fkey=1&a=%20", "/x?a=%20"),
            ("x?a&api_key&b", "x?a&b"),
            ("/x?api_keys=1", "/x?api_keys=1"),
        ] {
            assert_eq!(without(text, |name, _| name == "api_key"), rest, "{text}");
        }
    }

    #[test]
    fn what_a_signature_added_is_taken_out_and_nothing_else() {
        for (uri, rest) in [
            ("http://o/y", "http://o/y"),
            ("http://o/y?a=1&sig=x%2F&t=9", "http://o/y?a=1"),
            ("http://o/y?a=1&sig=other&t=9", "http://o/y?a=1&sig=other"),
            ("http://o/y?sig=x/", "http://o/y"),
        ] {
            let [signed, own] = ["http://h/x?a=1&sig=x%2F&t=9", "http://h/x?a=1"].map(Uri::from_static);
            let unsigned = unsigned(uri.parse().unwrap(), &signed, &own).unwrap();
            assert_eq!(unsigned, rest);
        }
    }

    #[test]
    fn a_credential_is_placed_once_at_home_and_taken_out_abroad() {
        for (uri, home, abroad) in [
            ("http://h/x", "http://h/x?k=s%20s", "http://h/x"),
            ("http://h/x?k=other&a=1", "http://h/x?a=1&k=s%20s", "http://h/x?k=other&a=1"),
            ("http://h/x?k=s+s&a=1", "http://h/x?a=1&k=s%20s", "http://h/x?a=1"),
            ("http://h/x?k=s%20s", "http://h/x?k=s%20s", "http://h/x"),
        ] {
            assert_eq!(place(uri.parse().unwrap(), "k", "s s", true).unwrap().to_string(), home);
            assert_eq!(place(uri.parse().unwrap(), "k", "s s", false).unwrap().to_string(), abroad);
        }
    }
}
