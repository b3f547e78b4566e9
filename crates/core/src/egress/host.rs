//! A host as it is configured: an address or a name, in the one spelling that a resolver cannot read
//! in another way.

use std::net::{IpAddr, Ipv6Addr};

/// The longest name that DNS can hold (RFC 1035 2.3.4).
const LONGEST: usize = 253;

/// A parsed host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Host {
    /// An IPv4 or IPv6 address.
    Ip(IpAddr),
    /// A name, in lower case and without the trailing dot.
    Name(String),
}

impl Host {
    /// Reads a host from a URL (IPv6 in brackets), a connection string (IPv6 without) or a rule; or
    /// says why it is refused and what to write.
    ///
    /// `getaddrinfo` and the WHATWG URL parser read `127.1`, `0x7f.1`, `2130706433`, `0177.0.0.1` and
    /// full-width digits as IPv4 addresses. They are refused here, so that it never depends on a
    /// resolver what a host means.
    pub(super) fn parse(host: &str) -> Result<Self, &'static str> {
        if host.is_empty() {
            return Err("the host is empty");
        }
        if host.contains('%') {
            return Err(
                "a host holds neither a zone id nor percent-encoding; leave out what starts at \"%\"",
            );
        }
        if !host.is_ascii() {
            return Err("the host is not ascii; write an international name in its xn-- form");
        }
        if let Some(inner) = host.strip_prefix('[') {
            let address = inner.strip_suffix(']').and_then(|inner| inner.parse::<Ipv6Addr>().ok());
            return address
                .map(|ip| Self::Ip(ip.into()))
                .ok_or("what stands in brackets is not an IPv6 address");
        }
        if let Ok(ip) = host.parse() {
            return Ok(Self::Ip(ip));
        }
        if !host.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.')) {
            return Err("a host name holds only letters, digits, \"-\", \"_\" and dots");
        }
        let name = host.strip_suffix('.').unwrap_or(host);
        if name.len() > LONGEST || name.split('.').any(str::is_empty) {
            return Err("a host name has at most 253 characters and no empty label");
        }
        if name.rsplit('.').next().is_some_and(is_number) {
            return Err("a host that ends in a number is read as an address; write four decimal numbers \
                        without leading zeros or trailing dot, such as 127.0.0.1");
        }
        Ok(Self::Name(name.to_ascii_lowercase()))
    }

    /// The host as a rule or a URL writes it.
    pub(super) fn authority(&self) -> String {
        match self {
            Self::Ip(IpAddr::V6(ip)) => format!("[{ip}]"),
            Self::Ip(ip) => ip.to_string(),
            Self::Name(name) => name.clone(),
        }
    }

    /// Whether the name is that of a metadata service, whatever it resolves to: Google documents
    /// `metadata.google.internal` and the short `metadata`.
    pub(super) fn is_metadata(&self) -> bool {
        matches!(self, Self::Name(name) if matches!(name.as_str(), "metadata.google.internal" | "metadata"))
    }
}

/// Decimal, octal or `0x` hexadecimal: the "ends in a number" check of the WHATWG URL standard.
fn is_number(label: &str) -> bool {
    let hex = label.strip_prefix("0x").or_else(|| label.strip_prefix("0X"));
    match hex {
        Some(digits) => digits.bytes().all(|byte| byte.is_ascii_hexdigit()),
        None => label.bytes().all(|byte| byte.is_ascii_digit()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odd_spellings_of_an_address_are_refused() {
        for host in [
            "127.1",
            "127.0.1",
            "0x7f.1",
            "0X7F.0.0.0x1",
            "0x7f000001",
            "2130706433",
            "0177.0.0.1",
            "017700000001",
            "127.0.0.01",
            "127.0.0.1.",
            "127.0.0.1..",
            "①②⑦.0.0.1",
            "１２７.0.0.1",
            "127。0。0。1",
            "256.1.1.1",
            "1.2.3.4.5",
            "example.123",
            "example.0x",
            "0",
            "0x",
            "[127.0.0.1]",
            "[127.1]",
            "[::1",
            "::1]",
            "[]",
            "[::1]]",
            "[[::1]]",
            "::1.",
            ":::1",
            "1::2::3",
            "::ffff:127.1",
            "::ffff:0177.0.0.1",
        ] {
            assert!(Host::parse(host).is_err(), "{host} is {:?}", Host::parse(host));
        }
    }

    #[test]
    fn what_no_host_name_holds_is_refused() {
        for host in [
            "",
            " ",
            ".",
            "..",
            ".a",
            "a..b",
            "a b",
            "a\0",
            "a\r\nHost: b",
            "a\t",
            "a\u{7f}",
            "a/b",
            "a\\b",
            "user@a",
            "a?b",
            "a#b",
            "a:80",
            "fe80::1%eth0",
            "[fe80::1%eth0]",
            "[fe80::1%25eth0]",
            "a%2eb",
            "a,b",
            "*.example.com",
            "bücher.example",
            "a\u{202e}b",
            "a\u{ad}b",
            "${env:HOST}",
        ] {
            assert!(Host::parse(host).is_err(), "{host:?} is {:?}", Host::parse(host));
        }
        assert!(Host::parse(&"a".repeat(LONGEST)).is_ok());
        assert!(Host::parse(&"a".repeat(LONGEST + 1)).is_err());
    }

    #[test]
    fn names_lose_their_case_and_trailing_dot_and_addresses_their_brackets() {
        for (host, plain) in [
            ("API.Example.COM.", "api.example.com"),
            ("xn--bcher-kva.example", "xn--bcher-kva.example"),
            ("my_service-1", "my_service-1"),
            ("1e100.net", "1e100.net"),
            ("4chan", "4chan"),
            ("0xyz", "0xyz"),
            ("1.2.3.4", "1.2.3.4"),
            ("[2001:DB8::1]", "[2001:db8::1]"),
            ("2001:db8::1", "[2001:db8::1]"),
        ] {
            assert_eq!(Host::parse(host).unwrap().authority(), plain);
        }
    }
}
