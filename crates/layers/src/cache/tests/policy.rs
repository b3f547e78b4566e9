//! What may be kept, as a table.

use trunkline_core::Kind;

use super::*;
use crate::testing::headers;

const DATE: &str = "Thu, 01 Jan 2026 00:00:00 GMT";
const LATER: &str = "Thu, 01 Jan 2026 01:00:00 GMT";

type Lines = &'static [(&'static str, &'static str)];

fn config(json: &str) -> Policy {
    Policy::new(&serde_json::from_str(json).unwrap())
}

fn judge(policy: &Policy, asked: Lines, status: u16, reply: Lines) -> Option<Stored> {
    let now = tokio::time::Instant::now();
    let moment = Moment { asked: now, came: now, wall: httpdate::parse_http_date(DATE).unwrap() };
    let (asked, reply) = (headers(asked), headers(reply));
    let status = StatusCode::from_u16(status).unwrap();
    policy
        .judge(&asked, Head { status, headers: &reply, failure: None, redirected: false, ttl: None, moment })
}

#[test]
fn what_a_service_allows_is_kept_and_nothing_else() {
    const FRESH: (&str, &str) = ("cache-control", "max-age=60");
    for (rule, asked, status, reply, kept) in [
        // RFC 9111 section 3: something must allow it.
        ("3", &[][..], 200, &[FRESH][..], true),
        ("3", &[], 200, &[("expires", LATER)], true),
        ("3", &[], 200, &[("cache-control", "s-maxage=60")], true),
        ("3", &[], 200, &[], false),
        ("4.2.2: nothing is guessed", &[], 200, &[("cache-control", "public")], false),
        ("4.2.2: nothing is guessed", &[], 200, &[("date", DATE)], false),
        // Kept to be asked about.
        ("4.3", &[], 200, &[("etag", "\"a\"")], true),
        ("4.3", &[], 200, &[("last-modified", DATE)], true),
        ("4.3", &[], 200, &[("last-modified", "junk")], false),
        ("5.2.2.4", &[], 200, &[("cache-control", "no-cache, max-age=60"), ("etag", "\"a\"")], true),
        ("4.2.1", &[], 200, &[("cache-control", "max-age=0")], false),
        ("5.3", &[], 200, &[("expires", "0")], false),
        // What forbids it wins.
        ("5.2.2.5", &[], 200, &[("cache-control", "max-age=60, No-Store")], false),
        ("5.2.2.5", &[], 200, &[FRESH, ("cache-control", "no-store")], false),
        ("5.2.2.7", &[], 200, &[("cache-control", "private, max-age=60")], false),
        ("5.2.2.7", &[], 200, &[("cache-control", "private=\"x\", max-age=60")], true),
        ("4.1", &[], 200, &[FRESH, ("vary", "*")], false),
        // Status codes.
        ("3.3", &[], 206, &[FRESH], false),
        ("3", &[], 304, &[FRESH], false),
        ("3", &[], 404, &[FRESH], true),
        ("3", &[], 500, &[FRESH], true),
        ("3", &[], 299, &[FRESH], true),
        ("3", &[], 599, &[FRESH], true),
        ("5.2.2.3", &[], 599, &[("cache-control", "max-age=60, must-understand")], false),
        ("5.2.2.3", &[], 404, &[("cache-control", "max-age=60, must-understand, no-store")], true),
        ("5.2.2.3", &[], 599, &[("cache-control", "max-age=60, must-understand, no-store")], false),
        ("RFC 6585 section 4", &[], 429, &[FRESH], false),
        ("the key has no credential", &[], 401, &[FRESH], false),
        ("RFC 9110 section 15.1", &[], 302, &[("etag", "\"a\"")], false),
        // A caller's own credential.
        ("3.5", &[("authorization", "x")], 200, &[FRESH], false),
        ("3.5", &[("authorization", "x")], 200, &[("expires", LATER)], false),
        ("3.5", &[("authorization", "x")], 200, &[("cache-control", "max-age=60, public")], true),
        ("3.5", &[("authorization", "x")], 200, &[("cache-control", "max-age=60, must-revalidate")], true),
        ("3.5", &[("authorization", "x")], 200, &[("cache-control", "s-maxage=60")], true),
        ("3", &[("cookie", "a=1")], 200, &[FRESH, ("set-cookie", "a=2")], true),
        // RFC 9213 section 2.2.
        ("9213 2.2", &[], 200, &[("cache-control", "no-store"), ("cdn-cache-control", "max-age=60")], true),
        ("9213 2.2", &[], 200, &[FRESH, ("cdn-cache-control", "no-store")], false),
        ("9213 2.2", &[], 200, &[FRESH, ("cdn-cache-control", "private")], false),
        (
            "9213 2.2",
            &[],
            200,
            &[("cache-control", "no-store"), ("cdn-cache-control", "max-age=60, &&")],
            false,
        ),
        // RFC 5861.
        ("5861 3", &[], 200, &[("cache-control", "max-age=0, stale-while-revalidate=9")], true),
    ] {
        let found = judge(&config("{}"), asked, status, reply);
        assert_eq!(found.is_some(), kept, "{rule}: {asked:?} {status} {reply:?}");
    }
}

#[test]
fn a_ttl_adds_what_the_service_says_nothing_of_and_nothing_else() {
    let policy = config(r#"{"ttl": 60}"#);
    for (asked, status, reply, seconds) in [
        (&[][..], 200, &[][..], Some(60)),
        (&[], 404, &[], Some(60)),
        (&[], 200, &[("last-modified", DATE)], Some(60)),
        (&[], 200, &[("cache-control", "public")], Some(60)),
        (&[], 500, &[], None),
        (&[], 302, &[], None),
        // The service has a word of its own.
        (&[], 200, &[("cache-control", "max-age=5")], Some(5)),
        (&[], 200, &[("cache-control", "max-age=0"), ("etag", "\"a\"")], Some(0)),
        (&[], 200, &[("expires", "0"), ("etag", "\"a\"")], Some(0)),
        (&[], 200, &[("cache-control", "no-store")], None),
        (&[], 200, &[("cache-control", "private")], None),
        // What is somebody's own.
        (&[("cookie", "a=1")], 200, &[], None),
        (&[("authorization", "x")], 200, &[], None),
        (&[], 200, &[("set-cookie", "a=1")], None),
    ] {
        let found = judge(&policy, asked, status, reply).map(|stored| stored.lifetime.seconds());
        assert_eq!(found, seconds, "{asked:?} {status} {reply:?}");
    }
}

#[test]
fn grace_is_what_the_service_says_or_else_what_is_configured() {
    // RFC 5861 sections 3 and 4, RFC 9111 sections 4.2.4 and 5.2.2.10.
    let policy = config(r#"{"stale_while_revalidate": 30, "stale_if_error": "5m"}"#);
    for (control, grace) in [
        ("max-age=60", (30, 300)),
        ("max-age=60, stale-while-revalidate=5", (5, 300)),
        ("max-age=60, stale-while-revalidate=0, stale-if-error=0", (0, 0)),
        ("max-age=60, must-revalidate, stale-if-error=5", (0, 0)),
        ("max-age=60, proxy-revalidate", (0, 0)),
        ("s-maxage=60", (0, 0)),
        ("s-maxage=60, stale-while-revalidate=5", (5, 0)),
    ] {
        let reply: Lines = vec![("cache-control", control)].leak();
        let stored = judge(&policy, &[], 200, reply).unwrap();
        assert_eq!((stored.while_revalidate.as_secs(), stored.if_error.as_secs()), grace, "{control}");
    }
}

#[test]
fn what_belongs_to_a_connection_or_is_withheld_is_not_kept() {
    // RFC 9111 sections 3.1, 5.2.2.4 and 5.2.2.7, RFC 9110 section 6.6.1.
    let stored = judge(
        &config("{}"),
        &[],
        200,
        &[
            ("cache-control", "max-age=60, private=\"x-private\", no-cache=\"set-cookie, x-b\""),
            ("connection", "x-hop, close"),
            ("x-hop", "1"),
            ("keep-alive", "1"),
            ("proxy-authenticate", "Basic"),
            ("transfer-encoding", "chunked"),
            ("upgrade", "h2c"),
            ("x-private", "1"),
            ("set-cookie", "a=1"),
            ("x-b", "1"),
            ("x-kept", "1"),
            ("x-kept", "2"),
        ],
    );
    let kept = stored.unwrap().headers;
    let mut names: Vec<_> = kept.keys().map(HeaderName::as_str).collect();
    names.sort_unstable();
    assert_eq!(names, ["cache-control", "date", "x-kept"]);
    assert_eq!((kept["date"].to_str().unwrap(), kept.get_all("x-kept").iter().count()), (DATE, 2));
}

#[test]
fn an_error_is_kept_as_the_error_that_it_was() {
    let error = trunkline_core::Error::new(Kind::Rejected, "the service answered 404 Not Found");
    let stored = judge(&config("{}"), &[], 404, &[("cache-control", "max-age=60")]).unwrap();
    let stored = Stored { failure: Some(Failure::of(&error)), ..stored };
    let again = stored.answer(&http::Method::GET, &HeaderMap::new(), stored.came, false).unwrap_err();
    assert_eq!((again.kind(), again.message()), (Kind::Rejected, "the service answered 404 Not Found"));
    assert_eq!(again.reply().unwrap().headers["age"], "0");
}
