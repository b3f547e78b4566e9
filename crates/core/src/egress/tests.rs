//! The guard's decisions: every boundary against the oracle, then names and answers as scripts.

mod oracle;
mod wording;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use proptest::prelude::*;

use self::oracle::*;
use super::*;

const PROFILES: [Profile; 3] = [Profile::Guarded, Profile::Strict, Profile::Lab];
const ZONES: [Zone; 2] = [Zone::Http, Zone::Service];

fn everywhere() -> impl Iterator<Item = (Profile, Zone)> {
    PROFILES.into_iter().flat_map(|profile| ZONES.map(|zone| (profile, zone)))
}

fn guard(profile: Profile, rules: &[&str]) -> Egress {
    Egress::new(profile, &rules.iter().map(ToString::to_string).collect::<Vec<_>>()).unwrap()
}

/// Asks as a dialler does for a literal, and as one does whose name resolved to the address.
fn allows(guard: &Egress, zone: Zone, address: IpAddr, port: u16) -> bool {
    let addr = SocketAddr::new(address, port);
    let literal = guard.check(zone, &address.to_string(), addr);
    assert_eq!(guard.check_host(zone, &address.to_string(), port).is_ok(), literal.is_ok(), "{addr}");
    if guard.profile() != Profile::Strict {
        assert_eq!(guard.check(zone, "example.com", addr).is_ok(), literal.is_ok(), "{addr}");
    }
    assert!(literal.as_ref().err().is_none_or(|error| error.kind() == Kind::Blocked));
    literal.is_ok()
}

fn refusal(result: Result<()>) -> String {
    let error = result.expect_err("refused");
    assert_eq!(error.kind(), Kind::Blocked);
    error.message().to_owned()
}

fn addr(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

#[test]
fn every_boundary_of_every_range_is_decided_as_the_table_says() {
    let points = boundaries();
    assert!(points.len() > 200);
    for (profile, zone) in everywhere() {
        let guard = guard(profile, &[]);
        for &point in &points {
            let want = expected(profile, zone, point);
            assert_eq!(allows(&guard, zone, point, 443), want, "{point} {zone:?} {profile:?}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn any_address_is_decided_as_the_table_says(v4: u32, v6: u128, near: usize, low: u16) {
        let ranges: Vec<_> = [NEVER, PRIVATE, RESERVED].into_iter().flat_map(str::split_whitespace).collect();
        let (width, first, _) = ends(ranges[near % ranges.len()]);
        for point in [ip(32, v4.into()), ip(128, v6), embedded(Ipv4Addr::from_bits(v4), MAPPED),
            embedded(Ipv4Addr::from_bits(v4), NAT64), ip(width, first ^ u128::from(low))]
        {
            for (profile, zone) in everywhere() {
                prop_assert_eq!(allows(&guard(profile, &[]), zone, point, 80), expected(profile, zone, point), "{}", point);
            }
        }
    }
}

#[test]
fn rules_open_everything_but_what_is_never_allowed() {
    let lists = [NEVER, PRIVATE, RESERVED, "0.0.0.0/0 ::/0 example.com metadata metadata.google.internal:80"];
    let rules: Vec<_> = lists.into_iter().flat_map(str::split_whitespace).collect();
    for (profile, zone) in everywhere() {
        let guard = guard(profile, &rules);
        for point in boundaries() {
            let never = within(NEVER, inside(point));
            assert_eq!(allows(&guard, zone, point, 80), !never, "{point} {profile:?}");
            if never {
                let message = refusal(guard.check(zone, "example.com", SocketAddr::new(point, 80)));
                assert!(
                    message.contains("is never allowed (") && !message.contains("egress.allow"),
                    "{message}"
                );
            }
        }
        for name in ["metadata", "METADATA.", "metadata.google.internal", "Metadata.Google.Internal."] {
            let message = refusal(guard.check_host(zone, name, 80));
            assert!(message.ends_with("is never allowed (cloud metadata)"), "{message}");
            refusal(guard.check(zone, name, addr("8.8.8.8:80")));
        }
    }
}

#[test]
fn a_rule_for_a_range_opens_it_on_its_port_in_every_profile() {
    for cidr in PRIVATE.split_whitespace().chain(RESERVED.split_whitespace()) {
        let (width, first, last) = ends(cidr);
        let rule = if width == 32 { format!("{cidr}:443") } else { format!("[{cidr}]:443") };
        for (profile, zone) in everywhere() {
            let guard = guard(profile, &[&rule]);
            for point in [ip(width, first), ip(width, last)] {
                assert_eq!(
                    allows(&guard, zone, point, 443),
                    !within(NEVER, point),
                    "{rule} {point} {profile:?}"
                );
                assert_eq!(
                    allows(&guard, zone, point, 80),
                    expected(profile, zone, point),
                    "{rule} {point} {profile:?}"
                );
            }
        }
    }
}

#[test]
fn a_reserved_address_is_not_opened_by_the_name_nor_by_a_wider_network() {
    for profile in PROFILES {
        let guard = guard(profile, &["db.corp.local", "0.0.0.0/0", "::/0"]);
        for address in ["198.18.0.5:443", "[2001:db8::5]:443", "[64:ff9b::a00:1]:443"] {
            let message = refusal(guard.check(Zone::Service, "db.corp.local", addr(address)));
            let line = address.replace("[64:ff9b::a00:1]", "10.0.0.1");
            assert!(message.contains(&format!("to allow it add {line:?} to egress.allow")), "{message}");
            guard.allow(&line).unwrap();
            guard.check(Zone::Service, "db.corp.local", addr(address)).unwrap();
        }
    }
}

#[test]
fn a_rule_for_a_host_opens_its_private_addresses_on_that_port_only() {
    let guard = guard(Profile::Guarded, &["Billing.Corp.Local.:8443"]);
    let http = |host: &str, to: &str| guard.check(Zone::Http, host, addr(to));
    http("billing.corp.local", "10.2.3.4:8443").unwrap();
    http("BILLING.corp.local.", "[fd00::1]:8443").unwrap();
    refusal(http("billing.corp.local", "10.2.3.4:8444"));
    refusal(http("sub.billing.corp.local", "10.2.3.4:8443"));
    refusal(http("evil.example", "10.2.3.4:8443"));
    refusal(http("10.2.3.4", "10.2.3.4:8443"));
}

#[test]
fn odd_spellings_are_refused_before_and_after_resolution_in_every_profile() {
    for host in [
        "127.1",
        "0x7f.1",
        "2130706433",
        "0177.0.0.1",
        "①②⑦.0.0.1",
        "[::ffff:a9fe:a9fe]",
        "[::127.0.0.1]",
        "127.0.0.1.",
        "169.254.169.254.",
        "fe80::1%eth0",
        "[fe80::1%25eth0]",
        "",
        "a\r\nb",
        "a\0",
    ] {
        for (profile, zone) in everywhere() {
            let guard = guard(profile, &["127.0.0.0/8", "0.0.0.0/0"]);
            let message = refusal(guard.check_host(zone, host, 80));
            assert!(!message.contains(['\r', '\n', '\0']), "{message}");
        }
    }
    let guard = guard(Profile::Lab, &[]);
    refusal(guard.check(Zone::Http, "0x7f.1", addr("127.0.0.1:80")));
}

#[test]
fn an_address_with_a_scope_is_refused() {
    let scoped = std::net::SocketAddrV6::new("fd00::1".parse().unwrap(), 80, 0, 2);
    refusal(guard(Profile::Lab, &["::/0"]).check(Zone::Service, "db.corp.local", scoped.into()));
}

#[test]
fn a_nat64_address_is_judged_by_the_address_inside() {
    for zone in ZONES {
        let guard = guard(Profile::Guarded, &[]);
        assert!(allows(&guard, zone, "64:ff9b::808:808".parse().unwrap(), 443));
        for inside in ["64:ff9b::a00:1", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::808:808"] {
            assert!(!allows(&guard, zone, inside.parse().unwrap(), 443), "{inside}");
        }
    }
}

#[test]
fn an_own_listener_is_refused_by_every_address_that_reaches_it() {
    let guard = guard(Profile::Lab, &["127.0.0.1:9000", "127.0.0.0/8", "::1/128", "192.168.7.7"]);
    guard.forbid(addr("127.0.0.1:9000"));
    guard.forbid(addr("[::ffff:127.0.0.1]:9002"));
    guard.forbid(addr("192.168.7.7:9001"));
    guard.forbid(addr("[::]:9443"));
    guard.forbid(addr("0.0.0.0:9080"));
    for own in [
        "127.0.0.1:9000",
        "127.0.0.1:9002",
        "[::ffff:127.0.0.1]:9000",
        "192.168.7.7:9001",
        "127.0.0.1:9443",
        "127.9.9.9:9443",
        "[::1]:9443",
        "[::ffff:127.0.0.1]:9443",
        "0.0.0.0:9443",
        "[::]:9443",
        "192.168.7.7:9443",
        "[::1]:9080",
        "127.0.0.1:9080",
    ] {
        for (zone, host) in [(Zone::Http, "localhost"), (Zone::Service, "db.example.com")] {
            let message = refusal(guard.check(zone, host, addr(own)));
            assert!(message.contains("is never allowed ("), "{message}");
        }
    }
    for other in ["127.0.0.1:9001", "127.0.0.2:9000", "192.168.7.8:9443", "8.8.8.8:9443"] {
        guard.check(Zone::Http, "example.com", addr(other)).unwrap();
    }
}

#[test]
fn a_database_on_localhost_works_and_http_is_refused_with_the_line_to_add() {
    let guard = guard(Profile::Guarded, &[]);
    for local in ["127.0.0.1:5432", "[::1]:5432", "10.0.0.3:5432"] {
        guard.check_host(Zone::Service, "localhost", 5432).unwrap();
        guard.check(Zone::Service, "localhost", addr(local)).unwrap();
    }
    guard.check_host(Zone::Http, "localhost", 8080).unwrap();
    assert_eq!(
        refusal(guard.check(Zone::Http, "localhost", addr("127.0.0.1:8080"))),
        "egress to localhost:8080 (127.0.0.1) is not allowed for HTTP in profile guarded; \
         to allow it add \"localhost:8080\" to egress.allow in the server's configuration"
    );
    guard.allow("localhost:8080").unwrap();
    guard.check(Zone::Http, "localhost", addr("127.0.0.1:8080")).unwrap();
}

#[test]
fn strict_refuses_an_unlisted_name_before_it_is_resolved() {
    let guard = guard(Profile::Strict, &["api.example.com:443", "10.2.0.0/16:5432"]);
    guard.check_host(Zone::Http, "API.example.com.", 443).unwrap();
    guard.check(Zone::Http, "api.example.com", addr("93.184.216.34:443")).unwrap();
    guard.check(Zone::Http, "api.example.com", addr("10.9.9.9:443")).unwrap();
    guard.check_host(Zone::Service, "10.2.3.4", 5432).unwrap();
    for (host, port) in
        [("api.example.com", 80), ("evil.example", 443), ("10.3.0.1", 5432), ("93.184.216.34", 443)]
    {
        let line = format!("\"{host}:{port}\"");
        let message = refusal(guard.check_host(Zone::Service, host, port));
        assert!(
            message.contains(&format!("for databases and brokers in profile strict; to allow it add {line}"))
        );
    }
    // The network of a rule does not vouch for names.
    refusal(guard.check(Zone::Service, "evil.example", addr("10.2.3.4:5432")));
    let message = refusal(guard.check(Zone::Http, "evil.example", addr("198.18.0.1:443")));
    assert!(message.contains("add \"evil.example:443\" and \"198.18.0.1:443\" to egress.allow"), "{message}");
}

#[test]
fn profiles_are_written_in_snake_case_and_guarded_is_the_default() {
    for profile in PROFILES {
        assert_eq!(serde_json::to_value(profile).unwrap(), profile.to_string());
    }
    assert_eq!(Profile::default(), Profile::Guarded);
}
