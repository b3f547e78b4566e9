//! How long a response is fresh, and how old it is (RFC 9111 section 4.2).

use std::time::{Duration, SystemTime};

use http::{HeaderMap, HeaderName, StatusCode, header};
use tokio::time::Instant;

use super::control::Said;

/// Wall time that only goes forward: it was read once, and counts on by the monotonic clock. When somebody sets
/// the machine's clock, nothing that is kept gets older or younger.
#[derive(Debug, Clone, Copy)]
pub(super) struct Clock {
    wall: SystemTime,
    at: Instant,
}

impl Clock {
    pub(super) fn new() -> Self {
        Self { wall: SystemTime::now(), at: Instant::now() }
    }

    pub(super) fn wall(&self, at: Instant) -> SystemTime {
        self.wall + at.saturating_duration_since(self.at)
    }
}

/// When a response was asked for, and when it came.
#[derive(Debug, Clone, Copy)]
pub(super) struct Moment {
    pub(super) asked: Instant,
    pub(super) came: Instant,
    /// The wall's time when it came.
    pub(super) wall: SystemTime,
}

/// For how long a response is fresh.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lifetime {
    /// The service says so.
    Said(u64),
    /// The service says nothing, the configuration does.
    Configured(u64),
    /// Nobody says anything. There are no heuristics here (RFC 9111 section 4.2.2 allows them, and does not ask
    /// for them): what an API does not allow to be kept is asked for again.
    Unknown,
}

impl Lifetime {
    /// RFC 9111 section 4.2.1, for a shared cache. `ttl` is what the configuration adds, if it may.
    pub(super) fn of(
        said: &Said,
        status: StatusCode,
        headers: &HeaderMap,
        moment: Moment,
        ttl: Option<Duration>,
    ) -> Self {
        if let Some(seconds) = said.s_maxage.or(said.max_age) {
            return Self::Said(seconds);
        }
        if !said.targeted && headers.contains_key(header::EXPIRES) {
            // RFC 9111 section 5.3: what is no date, such as 0, is in the past.
            let date = date(headers, &header::DATE).unwrap_or(moment.wall);
            let expires = date_of_one(headers, &header::EXPIRES);
            let left = expires.and_then(|expires| expires.duration_since(date).ok()).unwrap_or_default();
            return Self::Said(left.as_secs());
        }
        match ttl.filter(|_| said.public || is_heuristically_cacheable(status)) {
            Some(ttl) => Self::Configured(ttl.as_secs().max(1)),
            None => Self::Unknown,
        }
    }

    pub(super) fn seconds(self) -> u64 {
        match self {
            Self::Said(seconds) | Self::Configured(seconds) => seconds,
            Self::Unknown => 0,
        }
    }
}

/// How old a response was when it came (RFC 9111 section 4.2.3, `corrected_initial_age`).
pub(super) fn initial_age(headers: &HeaderMap, moment: Moment) -> Duration {
    // Dates have whole seconds: less than one is not age but rounding.
    let apparent = date(headers, &header::DATE)
        .and_then(|date| moment.wall.duration_since(date).ok())
        .map_or(0, |age| age.as_secs());
    let corrected = Duration::from_secs(said_age(headers)) + (moment.came - moment.asked);
    corrected.max(Duration::from_secs(apparent))
}

/// `Age`: the first of several counts, and what is no number does not (RFC 9111 section 5.1).
fn said_age(headers: &HeaderMap) -> u64 {
    let text = headers.get(header::AGE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let first = text.split(',').next().unwrap_or_default().trim();
    let digits = !first.is_empty() && first.bytes().all(|byte| byte.is_ascii_digit());
    if digits { first.parse().unwrap_or(u64::MAX).min(super::directives::FOREVER) } else { 0 }
}

/// A date (RFC 9110 section 5.6.7, in any of its three formats), from the first line.
pub(super) fn date(headers: &HeaderMap, name: &HeaderName) -> Option<SystemTime> {
    httpdate::parse_http_date(headers.get(name)?.to_str().ok()?.trim()).ok()
}

/// The same where several lines must say the same.
fn date_of_one(headers: &HeaderMap, name: &HeaderName) -> Option<SystemTime> {
    let mut lines = headers.get_all(name).iter();
    let first = lines.next();
    lines.all(|line| Some(line) == first).then(|| date(headers, name))?
}

/// RFC 9110 section 15.1. 206 is missing: parts are not kept.
pub(super) fn is_heuristically_cacheable(status: StatusCode) -> bool {
    matches!(status.as_u16(), 200 | 203 | 204 | 300 | 301 | 308 | 404 | 405 | 410 | 414 | 501)
}

#[cfg(test)]
mod tests {

    use super::*;
    use crate::testing::headers;

    const DATE: &str = "Thu, 01 Jan 2026 00:00:00 GMT";

    /// Came at [`DATE`] plus `late` seconds, after `took` seconds.
    fn moment(late: u64, took: u64) -> Moment {
        let asked = Instant::now();
        let wall = httpdate::parse_http_date(DATE).unwrap() + Duration::from_secs(late);
        Moment { asked, came: asked + Duration::from_secs(took), wall }
    }

    #[test]
    fn the_first_that_says_how_long_counts() {
        // RFC 9111 section 4.2.1, with 5.3 for the dates.
        let ttl = Some(Duration::from_secs(9));
        for (lines, status, expected) in [
            (&[("cache-control", "max-age=1, s-maxage=2"), ("expires", DATE)][..], 200, Lifetime::Said(2)),
            (&[("cache-control", "max-age=1"), ("expires", "0")], 200, Lifetime::Said(1)),
            (
                &[("cache-control", "max-age=0"), ("expires", "Thu, 01 Jan 2026 01:00:00 GMT")],
                200,
                Lifetime::Said(0),
            ),
            (&[("date", DATE), ("expires", "Thu, 01 Jan 2026 01:00:00 GMT")], 200, Lifetime::Said(3600)),
            (&[("date", DATE), ("expires", "Thursday, 01-Jan-26 01:00:00 GMT")], 200, Lifetime::Said(3600)),
            (&[("date", DATE), ("expires", "Thu Jan  1 01:00:00 2026")], 200, Lifetime::Said(3600)),
            // Without a date, since it came.
            (&[("expires", "Thu, 01 Jan 2026 01:00:00 GMT")], 200, Lifetime::Said(3590)),
            (&[("date", DATE), ("expires", "Wed, 31 Dec 2025 00:00:00 GMT")], 200, Lifetime::Said(0)),
            (&[("date", DATE), ("expires", "0")], 200, Lifetime::Said(0)),
            (&[("date", DATE), ("expires", "-1")], 200, Lifetime::Said(0)),
            (&[("expires", "Fri, 01 Jan 2027 00:00:00 GMT"), ("expires", "0")], 200, Lifetime::Said(0)),
            // RFC 9213 section 2.2.
            (
                &[("cdn-cache-control", "max-age=5"), ("cache-control", "max-age=1"), ("expires", "0")],
                200,
                Lifetime::Said(5),
            ),
            (
                &[("cdn-cache-control", "public"), ("expires", "Thu, 01 Jan 2026 01:00:00 GMT")],
                200,
                Lifetime::Configured(9),
            ),
            // RFC 9110 section 15.1.
            (&[], 200, Lifetime::Configured(9)),
            (&[("last-modified", "Thu, 01 Jan 2015 00:00:00 GMT")], 404, Lifetime::Configured(9)),
            (&[], 302, Lifetime::Unknown),
            (&[], 500, Lifetime::Unknown),
            (&[("cache-control", "public")], 599, Lifetime::Configured(9)),
        ] {
            let headers = headers(lines);
            let status = StatusCode::from_u16(status).unwrap();
            let found = Lifetime::of(&Said::of(&headers), status, &headers, moment(10, 0), ttl);
            assert_eq!(found, expected, "{lines:?} {status}");
        }
    }

    #[test]
    fn nothing_is_guessed_from_last_modified() {
        let headers = headers(&[("date", DATE), ("last-modified", "Thu, 01 Jan 2015 00:00:00 GMT")]);
        let found = Lifetime::of(&Said::default(), StatusCode::OK, &headers, moment(0, 0), None);
        assert_eq!(found, Lifetime::Unknown);
    }

    #[test]
    fn age_is_the_larger_of_what_is_said_and_what_is_seen() {
        // RFC 9111 sections 4.2.3 and 5.1.
        for (lines, late, took, age) in [
            (&[("date", DATE)][..], 0, 0, 0),
            (&[("date", DATE)], 30, 2, 30),
            (&[("date", DATE), ("age", "100")], 30, 2, 102),
            (&[("date", DATE), ("age", "5")], 30, 2, 30),
            (&[("date", "Fri, 01 Jan 2027 00:00:00 GMT"), ("age", "5")], 0, 0, 5),
            (&[("age", "7200, 0")], 0, 0, 7200),
            (&[("age", "0, 7200")], 0, 0, 0),
            (&[("age", "7200"), ("age", "0")], 0, 0, 7200),
            (&[("age", "abc")], 0, 0, 0),
            (&[("age", "-7200")], 0, 0, 0),
            (&[("age", "7200.0")], 0, 0, 0),
            (&[("age", "99999999999999999999")], 0, 0, 1 << 31),
        ] {
            let age_found = initial_age(&headers(lines), moment(late, took));
            assert_eq!(age_found, Duration::from_secs(age), "{lines:?}");
        }
    }
}
