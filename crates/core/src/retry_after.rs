//! `Retry-After`: how long a service asks to wait, in each of the forms that HTTP has for it.

use std::time::{Duration, SystemTime};

use http::{HeaderMap, HeaderName, header};

/// The wait that the header `name` asks for, usually [`header::RETRY_AFTER`]: digits are seconds, a date is
/// measured against the reply's own `Date`, or our clock where it has none (RFC 9110 section 10.2.3). A date
/// that has passed is no wait at all. What is there twice, or is neither, is ignored.
pub fn read(headers: &HeaderMap, name: &HeaderName) -> Option<Duration> {
    let text = only(headers, name)?;
    if let Some(seconds) = seconds(text) {
        return Some(seconds);
    }
    // The year of an RFC 850 date has two digits: httpdate takes those from 70 on for the last century's.
    let until = httpdate::parse_http_date(text).ok()?;
    let sent = only(headers, &header::DATE).and_then(|date| httpdate::parse_http_date(date).ok());
    Some(until.duration_since(sent.unwrap_or_else(SystemTime::now)).unwrap_or_default())
}

/// The header's value, if there is exactly one and it is text.
fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?;
    if values.next().is_some() { None } else { value.to_str().ok().map(str::trim) }
}

/// Digits alone, and no more of them than a sane service sends.
fn seconds(text: &str) -> Option<Duration> {
    let digits = (1..=10).contains(&text.len()) && text.bytes().all(|c| c.is_ascii_digit());
    digits.then(|| text.parse().ok().map(Duration::from_secs))?
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(values: &[&str], date: Option<&str>) -> Option<Duration> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(header::RETRY_AFTER, value.parse().unwrap());
        }
        headers.extend(date.map(|date| (header::DATE, date.parse().unwrap())));
        super::read(&headers, &header::RETRY_AFTER)
    }

    #[test]
    fn the_three_forms_of_a_date_are_measured_against_the_replys_own() {
        let date = Some("Sun, 06 Nov 1994 08:49:34 GMT");
        for text in
            ["Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"]
        {
            assert_eq!(read(&[text], date), Some(Duration::from_secs(3)), "{text}");
            assert_eq!(read(&[text], None), Some(Duration::ZERO), "{text} has passed");
        }
        let soon = httpdate::fmt_http_date(SystemTime::now() + Duration::from_secs(30));
        let wait = read(&[&soon], None).unwrap();
        assert!((28..=30).contains(&wait.as_secs()), "{wait:?}");
    }

    #[test]
    fn junk_is_ignored() {
        assert_eq!(read(&["120"], None), Some(Duration::from_secs(120)));
        assert_eq!(read(&["0"], None), Some(Duration::ZERO));
        for text in ["-1", "1.5", "1e9", "99999999999", "abc", "", "+3", "3 s", "Sun, 06 Nov", "\u{661}"] {
            assert_eq!(read(&[text], None), None, "{text}");
        }
        assert_eq!(read(&["1", "2"], None), None, "two values");
    }

    proptest! {
        #[test]
        fn nothing_that_a_service_sends_breaks_it(value in "[ -~]{0,40}", date in "[ -~]{0,40}") {
            read(&[&value], Some(&date));
        }
    }
}
