//! `Range`: a part of a response that is kept whole (RFC 9110 section 14).

use std::ops::Range;

use http::{HeaderMap, HeaderValue, header};

use super::{freshness::date, validators::strong_tag};

/// What of a body of known length a request wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Wanted {
    /// All of it: it says nothing else, or nothing that is answered by a part.
    Whole,
    /// These bytes.
    Part(Range<usize>),
    /// Bytes that there are not.
    Nothing,
}

/// What the headers of a request want of a body of `length` bytes with the `stored` headers. Of several ranges
/// none is served: a server may answer with the whole (RFC 9110 section 14.2).
pub(super) fn wanted(asked: &HeaderMap, stored: &HeaderMap, length: usize) -> Wanted {
    let Some(range) = asked.get(header::RANGE).and_then(|value| value.to_str().ok()) else {
        return Wanted::Whole;
    };
    if asked.get(header::IF_RANGE).is_some_and(|condition| !holds(condition, stored)) {
        return Wanted::Whole;
    }
    let Some((unit, set)) = range.split_once('=') else { return Wanted::Whole };
    let Some((first, last)) = set.trim().split_once('-') else { return Wanted::Whole };
    if !unit.trim().eq_ignore_ascii_case("bytes") {
        return Wanted::Whole;
    }
    match (number(first), number(last)) {
        (Ok(Some(first)), Ok(last)) if last.is_none_or(|last| first <= last) => {
            let end = last.map_or(length, |last| last.saturating_add(1).min(length));
            if first < length { Wanted::Part(first..end) } else { Wanted::Nothing }
        }
        (Ok(None), Ok(Some(0))) => Wanted::Nothing,
        (Ok(None), Ok(Some(_))) if length == 0 => Wanted::Nothing,
        (Ok(None), Ok(Some(last))) => Wanted::Part(length.saturating_sub(last)..length),
        _ => Wanted::Whole,
    }
}

/// A position, or none where nothing stands.
fn number(text: &str) -> Result<Option<usize>, ()> {
    if text.is_empty() {
        return Ok(None);
    }
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    if digits { Ok(Some(text.parse().unwrap_or(usize::MAX))) } else { Err(()) }
}

/// `If-Range`: a strong entity tag, or the very date of the last change (RFC 9110 section 13.1.5).
fn holds(condition: &HeaderValue, stored: &HeaderMap) -> bool {
    if condition.as_bytes().contains(&b'"') {
        let ours = stored.get(header::ETAG).and_then(strong_tag);
        return ours.is_some() && strong_tag(condition) == ours;
    }
    // A date is a strong validator only where the service cannot have changed it twice in that second
    // (RFC 9110 section 8.8.2.2).
    let (Some(modified), Some(sent)) = (date(stored, &header::LAST_MODIFIED), date(stored, &header::DATE))
    else {
        return false;
    };
    let strong = sent.duration_since(modified).is_ok_and(|between| between.as_secs() >= 1);
    strong && stored.get(header::LAST_MODIFIED) == Some(condition)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(lines: &[(&'static str, &'static str)]) -> Wanted {
        let mut asked = HeaderMap::new();
        for &(name, value) in lines {
            asked.append(name, HeaderValue::from_static(value));
        }
        let mut stored = HeaderMap::new();
        stored.insert("etag", HeaderValue::from_static("\"a\""));
        stored.insert("last-modified", HeaderValue::from_static("Thu, 01 Jan 2026 00:00:00 GMT"));
        stored.insert("date", HeaderValue::from_static("Thu, 01 Jan 2026 00:01:00 GMT"));
        wanted(&asked, &stored, 10)
    }

    #[test]
    fn one_range_of_bytes_is_a_part_and_all_else_the_whole() {
        // RFC 9110 sections 14.1.2 and 14.2.
        for (range, expected) in [
            ("bytes=0-1", Wanted::Part(0..2)),
            ("bytes=1-", Wanted::Part(1..10)),
            ("bytes=-3", Wanted::Part(7..10)),
            ("bytes=-30", Wanted::Part(0..10)),
            ("bytes=5-99999999999999999999999", Wanted::Part(5..10)),
            ("Bytes=9-9", Wanted::Part(9..10)),
            ("bytes=10-", Wanted::Nothing),
            ("bytes=-0", Wanted::Nothing),
            ("bytes=2-1", Wanted::Whole),
            ("bytes=0-1,3-4", Wanted::Whole),
            ("bytes=", Wanted::Whole),
            ("bytes=-", Wanted::Whole),
            ("bytes=a-b", Wanted::Whole),
            ("lines=0-1", Wanted::Whole),
            ("0-1", Wanted::Whole),
        ] {
            assert_eq!(ask(&[("range", range)]), expected, "{range}");
        }
    }

    #[test]
    fn if_range_must_hold_and_strongly() {
        // RFC 9110 section 13.1.5.
        for (condition, expected) in [
            ("\"a\"", Wanted::Part(0..2)),
            ("\"b\"", Wanted::Whole),
            ("W/\"a\"", Wanted::Whole),
            ("Thu, 01 Jan 2026 00:00:00 GMT", Wanted::Part(0..2)),
            ("Thu, 01 Jan 2026 00:00:01 GMT", Wanted::Whole),
            ("junk", Wanted::Whole),
        ] {
            assert_eq!(ask(&[("range", "bytes=0-1"), ("if-range", condition)]), expected, "{condition}");
        }
    }
}
