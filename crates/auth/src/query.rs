//! Query parameters that are part of a signature: nobody but us says what they are.

use http::{Uri, uri::PathAndQuery};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use trunkline_core::{Error, Result};

/// All but the unreserved characters (RFC 3986 section 2.3).
const PARAM: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Adds a parameter at the end, in the place of those of its name.
///
/// # Errors
///
/// `invalid_config` where the URI becomes too long.
pub(crate) fn set(uri: &mut Uri, name: &str, value: &str) -> Result<()> {
    let pair = format!("{}={}", utf8_percent_encode(name, PARAM), utf8_percent_encode(value, PARAM));
    change(uri, name, Some(&pair))
}

/// Takes out the parameters of this name.
///
/// # Errors
///
/// None but in theory: the URI becomes shorter.
pub(crate) fn remove(uri: &mut Uri, name: &str) -> Result<()> {
    let has = uri.query().is_some_and(|query| query.split('&').any(|pair| is_named(pair, name)));
    if has { change(uri, name, None) } else { Ok(()) }
}

fn change(uri: &mut Uri, name: &str, with: Option<&str>) -> Result<()> {
    let mut text = uri.path().to_owned();
    let others = uri.query().unwrap_or_default().split('&').filter(|pair| !pair.is_empty());
    for pair in others.filter(|pair| !is_named(pair, name)).chain(with) {
        text.push(if text.contains('?') { '&' } else { '?' });
        text.push_str(pair);
    }
    let mut parts = std::mem::take(uri).into_parts();
    let long = || Error::invalid("the URL is too long with its signature");
    parts.path_and_query = Some(PathAndQuery::try_from(text).map_err(|_| long())?);
    *uri = Uri::from_parts(parts).map_err(|_| long())?;
    Ok(())
}

/// Whether a pair has this name, however it is spelt.
fn is_named(pair: &str, name: &str) -> bool {
    let found = pair.split('=').next().unwrap_or(pair).replace('+', " ");
    percent_decode_str(&found).decode_utf8_lossy() == name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parameter_replaces_those_of_its_name_and_leaves_the_others_as_they_are() {
        for (uri, with) in [
            ("http://h/x", "http://h/x?a%20b=%3D%2F"),
            ("http://h/x?c=%2f&d", "http://h/x?c=%2f&d&a%20b=%3D%2F"),
            ("http://h/x?a+b=1&c=2&%61%20b", "http://h/x?c=2&a%20b=%3D%2F"),
        ] {
            let mut uri: Uri = uri.parse().unwrap();
            set(&mut uri, "a b", "=/").unwrap();
            assert_eq!(uri, with);
            remove(&mut uri, "a b").unwrap();
            assert!(!uri.to_string().contains("a%20b="), "{uri}");
        }
    }
}
