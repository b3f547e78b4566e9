//! What services write in their headers, and what is made of it.

use std::time::{SystemTime, UNIX_EPOCH};

use proptest::prelude::*;

use super::*;

fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in pairs {
        headers.append(name.parse::<HeaderName>().unwrap(), value.parse().unwrap());
    }
    headers
}

fn pause(status: u16, pairs: &[(&str, &str)]) -> Option<u64> {
    let heard = Signals::default().hear(StatusCode::from_u16(status).unwrap(), &headers(pairs), None)?;
    // Times since 1970 are measured against a clock that goes on.
    heard.pause.map(|pause| pause.as_secs_f64().round() as u64)
}

fn since_1970(seconds: f64, scale: f64) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs_f64();
    format!("{}", ((now + seconds) * scale).round())
}

#[test]
fn the_three_ways_to_say_when_there_is_more_are_the_same_pause() {
    for reset in ["30".to_owned(), since_1970(30.0, 1.0), since_1970(30.0, 1000.0)] {
        for name in ["x-ratelimit", "ratelimit", "x-rate-limit"] {
            let pairs =
                [(format!("{name}-remaining"), "0".to_owned()), (format!("{name}-reset"), reset.clone())];
            let pairs: Vec<_> = pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
            assert!((29..=30).contains(&pause(200, &pairs).unwrap()), "{pairs:?}");
        }
    }
    assert_eq!(pause(200, &[("x-ratelimit-remaining", "1"), ("x-ratelimit-reset", "30")]), None);
    assert_eq!(pause(200, &[("x-ratelimit-remaining", "0")]), None, "nobody said until when");
    assert_eq!(pause(200, &[("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "soon")]), None);
}

#[test]
fn retry_after_counts_where_it_speaks_of_load_and_nothing_is_believed_for_ever() {
    assert_eq!(pause(429, &[("retry-after", "7")]), Some(7));
    assert_eq!(pause(503, &[("retry-after", "7")]), Some(7));
    assert_eq!(pause(202, &[("retry-after", "7")]), None, "when the result will be there");
    assert_eq!(pause(429, &[("retry-after", "86400")]), Some(3600));
    assert_eq!(pause(200, &[("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "86400")]), Some(900));
    let both = [("retry-after", "7"), ("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "9")];
    assert_eq!(pause(429, &both), Some(9), "the strictest wins");
}

fn policies(limits: &str, policies: &str) -> Heard {
    let headers = headers(&[("ratelimit", limits), ("ratelimit-policy", policies)]);
    Signals::default().hear(StatusCode::OK, &headers, None).unwrap_or_default()
}

fn policy(requests: u32, seconds: u64, left: Option<u32>) -> Policy {
    Policy { requests, per: Duration::from_secs(seconds), left }
}

#[test]
fn the_structured_fields_of_the_current_draft() {
    let heard = policies(
        r#""burst";r=0;t=5, "daily";r=900;t=80000"#,
        r#""burst";q=100;w=60, "daily";q=1000;w=86400"#,
    );
    assert_eq!(heard.pause, Some(Duration::from_secs(5)));
    assert_eq!(heard.policies, [policy(100, 60, Some(0)), policy(1000, 86_400, Some(900))]);
    let other = policies(r#""bytes";r=10;t=5"#, r#""bytes";q=100;w=60;qu="content-bytes", "plain";q=5;w=1"#);
    assert_eq!(other.policies, [policy(5, 1, None)], "bytes are no requests");
}

#[test]
fn the_forms_of_the_draft_before_it() {
    let heard = policies("limit=100, remaining=0, reset=20", "100;w=60, 1000;w=3600");
    assert_eq!(heard.pause, Some(Duration::from_secs(20)));
    assert_eq!(heard.policies, [policy(100, 60, Some(0)), policy(1000, 3600, None)]);
    assert_eq!(policies("limit=100, remaining=5, reset=20", "").pause, None);
    assert_eq!(policies("0", "0;w=0, 99999999999;w=1").policies, [], "a policy of nothing is none");
}

#[test]
fn headers_of_a_services_own_are_read_if_they_are_named() {
    let names = |json: &str| serde_json::from_str::<HeaderNames>(json).unwrap();
    let own = names(r#"{"remaining": "X-Left", "reset": "X-More", "retry_after": "X-Retry-In"}"#);
    let signals = Signals::new([&own].into_iter()).unwrap();
    let pause = |pairs: &[(&str, &str)]| {
        signals.hear(StatusCode::OK, &headers(pairs), None).and_then(|heard| heard.pause)
    };
    assert_eq!(pause(&[("x-left", "0"), ("x-more", "4")]), Some(Duration::from_secs(4)));
    assert_eq!(pause(&[("x-retry-in", "6")]), Some(Duration::from_secs(6)));
    for wrong in [r#"{"remaining": "X-Left"}"#, r#"{"limit": "X-All"}"#] {
        assert!(Signals::new([&names(wrong)].into_iter()).is_err(), "{wrong}");
    }
}

#[test]
fn where_requests_come_back_one_by_one_the_first_of_them_is_waited_for() {
    let own: HeaderNames =
        serde_json::from_str(r#"{"remaining": "X-Left", "reset": "X-Full", "limit": "X-All"}"#).unwrap();
    let signals = Signals::new([&own].into_iter()).unwrap();
    let pause = |pairs: &[(&str, &str)]| {
        signals.hear(StatusCode::OK, &headers(pairs), None).and_then(|heard| heard.pause)
    };
    let full = |all| pause(&[("x-left", "0"), ("x-full", "1m0s"), ("x-all", all)]);
    assert_eq!(full("500"), Some(Duration::from_millis(120)));
    // What cannot be understood makes nothing faster.
    for all in ["0", "many", ""] {
        assert_eq!(full(all), Some(Duration::from_secs(60)), "{all}");
    }
    assert_eq!(pause(&[("x-left", "0"), ("x-full", "1m0s")]), Some(Duration::from_secs(60)));
    assert_eq!(pause(&[("x-left", "3"), ("x-full", "1m0s"), ("x-all", "500")]), None);
}

proptest! {
    #[test]
    fn nothing_that_a_service_sends_breaks_it(
        limits in r#"[ -~]{0,40}|("[a-z]{0,3}";[rtqw]=-?[0-9]{0,20},? ?){0,3}"#,
        policies in r#"[ -~]{0,40}|([0-9]{0,20};w=[0-9]{0,20},? ?){0,3}"#,
        reset in r"[ -~]{0,20}|-?[0-9]{0,30}(\.[0-9]+)?(e[0-9]{1,3}|[dhmsnu]{1,2})?|inf|NaN|[0-9]{4}-[0-9]{2}-[0-9]{2}T00:00:00Z",
    ) {
        let headers = headers(&[
            ("ratelimit", &limits), ("ratelimit-policy", &policies),
            ("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", &reset),
        ]);
        if let Some(heard) = Signals::default().hear(StatusCode::OK, &headers, None) {
            prop_assert!(heard.pause.is_none_or(|pause| pause <= LONGEST));
            prop_assert!(heard.policies.iter().all(|policy| policy.requests > 0 && !policy.per.is_zero()));
        }
    }
}
