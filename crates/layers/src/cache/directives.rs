//! `Cache-Control` as a list of directives (RFC 9111 section 5.2), read strictly where a lax reading would keep
//! what must not be kept.

use std::borrow::Cow;

use http::HeaderValue;

/// What stands behind a directive's `=`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Argument<'a> {
    /// Nothing, and no `=`.
    None,
    /// A token, or a quoted string without its quotes.
    Text(Cow<'a, str>),
    /// Neither: white space, single quotes, a string without an end.
    Broken,
}

impl Argument<'_> {
    /// Seconds (RFC 9111 section 1.2.2): digits; what is too large for the clock is for ever.
    pub(super) fn seconds(&self) -> Option<u64> {
        let Self::Text(text) = self else { return None };
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        digits.then(|| text.parse().unwrap_or(u64::MAX).min(FOREVER))
    }
}

/// The largest number of seconds that RFC 9111 section 1.2.2 wants to be told apart.
pub(super) const FOREVER: u64 = 1 << 31;

/// Calls `each` with the name, in lower case, and the argument of every directive in all lines of a header.
pub(super) fn each<'a>(
    lines: impl IntoIterator<Item = &'a HeaderValue>,
    mut each: impl FnMut(&str, Argument<'_>),
) {
    for line in lines {
        let line = String::from_utf8_lossy(line.as_bytes());
        for member in members(&line) {
            let (name, argument) = match member.split_once('=') {
                None => (member, Argument::None),
                Some((name, argument)) => (name, self::argument(argument, name.ends_with([' ', '\t']))),
            };
            each(&name.trim().to_ascii_lowercase(), argument);
        }
    }
}

/// The members of a list, parted by commas that are in no quoted string (RFC 9110 section 5.6.1).
pub(super) fn members(line: &str) -> impl Iterator<Item = &str> {
    let mut quoted = false;
    let mut escaped = false;
    let pieces = line.split(move |c| {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            ',' if !quoted => return true,
            _ => {}
        }
        false
    });
    pieces.map(str::trim).filter(|piece| !piece.is_empty())
}

fn argument(text: &str, spaced: bool) -> Argument<'_> {
    if let Some(inner) = text.strip_prefix('"') {
        return match inner.strip_suffix('"') {
            Some(inner) if !spaced && !inner.ends_with('\\') => Argument::Text(match inner.contains('\\') {
                true => Cow::Owned(inner.replace("\\\\", "\0").replace('\\', "").replace('\0', "\\")),
                false => Cow::Borrowed(inner),
            }),
            _ => Argument::Broken,
        };
    }
    let token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&*+-.^_`|~".contains(&byte);
    match !spaced && !text.is_empty() && text.bytes().all(token) {
        true => Argument::Text(Cow::Borrowed(text)),
        false => Argument::Broken,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &'static str) -> Vec<(String, Option<u64>)> {
        let mut found = Vec::new();
        each([&HeaderValue::from_static(line)], |name, argument| {
            found.push((name.to_owned(), argument.seconds()));
        });
        found
    }

    #[test]
    fn seconds_are_digits_alone() {
        // RFC 9111 sections 1.2.2 and 5.2.
        for (line, seconds) in [
            ("max-age=60", Some(60)),
            ("MaX-aGe=60", Some(60)),
            ("max-age=\"60\"", Some(60)),
            ("max-age=0060", Some(60)),
            ("max-age=99999999999999999999999", Some(FOREVER)),
            ("max-age=-60", None),
            ("max-age='60'", None),
            ("max-age=60.0", None),
            ("max-age=60a", None),
            ("max-age =60", None),
            ("max-age= 60", None),
            ("max-age=", None),
            ("max-age", None),
            ("max-age=\"60", None),
            ("max-age=\"\"", None),
        ] {
            assert_eq!(read(line), [("max-age".to_owned(), seconds)], "{line}");
        }
    }

    #[test]
    fn what_is_quoted_is_no_directive() {
        // RFC 9110 section 5.6.4.
        for line in ["e=\"max-age=9\", b", "e=\"a, max-age=9\", b", "e=\"\\\", max-age=9\", b", ",, e=1 ,b,"]
        {
            let names: Vec<_> = read(line).into_iter().map(|(name, _)| name).collect();
            assert_eq!(names, ["e", "b"], "{line}");
        }
    }
}
