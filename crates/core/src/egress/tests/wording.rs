//! What a refusal says: the line to add, in the operator's words, and that the line helps.

use std::net::SocketAddr;

use super::{everywhere, guard, oracle::boundaries, refusal};
use crate::egress::{Profile, Zone};

#[test]
fn refusals_of_literals_read_like_this() {
    let guard = guard(Profile::Guarded, &[]);
    let http = |host: &str, port| refusal(guard.check_host(Zone::Http, host, port));
    assert_eq!(
        http("127.0.0.1", 8080),
        "egress to 127.0.0.1:8080 is not allowed for HTTP in profile guarded; \
         to allow it add \"127.0.0.1:8080\" to egress.allow in the server's configuration"
    );
    assert!(http("[fd00::1]", 443).contains("add \"[fd00::1]:443\" to egress.allow"));
    assert!(http("::ffff:10.0.0.1", 443).contains("add \"10.0.0.1:443\" to egress.allow"));
    let strict = refusal(super::guard(Profile::Strict, &[]).check_host(Zone::Http, "198.18.0.1", 443));
    assert!(strict.contains("to allow it add \"198.18.0.1:443\" to egress.allow"), "{strict}");
    assert_eq!(http("169.254.169.254", 80), "egress to 169.254.169.254:80 is never allowed (link-local)");
    assert_eq!(
        http("metadata.google.internal", 80),
        "egress to metadata.google.internal:80 is never allowed (cloud metadata)"
    );
    assert!(
        http("127.1", 80).starts_with("egress to \"127.1\" is not allowed: a host that ends in a number")
    );
}

#[test]
fn every_suggested_line_is_a_rule_that_opens_what_was_refused() {
    for (profile, zone) in everywhere() {
        let points: Vec<_> = boundaries();
        for (&point, host) in points.iter().flat_map(|point| [(point, None), (point, Some("db.corp.local"))])
        {
            let host = host.map_or_else(|| point.to_string(), str::to_owned);
            let (guard, to) = (guard(profile, &[]), SocketAddr::new(point, 443));
            let Err(error) = guard.check(zone, &host, to) else { continue };
            let Some((_, lines)) = error.message().split_once("add ") else { continue };
            for line in lines.split('"').skip(1).step_by(2) {
                guard.allow(line).unwrap();
            }
            guard.check(zone, &host, to).unwrap_or_else(|error| panic!("{host} {to}: {error}"));
        }
    }
}
