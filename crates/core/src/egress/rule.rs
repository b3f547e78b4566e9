//! A rule of `egress.allow`: a host or a network, and a port or any.

use std::net::IpAddr;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use super::{host::Host, table};
use crate::{Error, Result};

/// One parsed rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Rule {
    peer: Peer,
    /// `None`: any port.
    port: Option<u16>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Peer {
    Name(String),
    Net(IpNet),
}

impl Rule {
    /// Reads `host:port`, `10.2.0.0/16:443`, `[fd00::/8]:443`; without the port it means any.
    pub(super) fn parse(text: &str) -> Result<Self> {
        read(text.trim()).map_err(|why| {
            Error::invalid(format!(
                "egress.allow: {text:?} is not a rule: {why}; rules look like \"billing.corp.local:8443\", \
                 \"10.2.0.0/16:443\" or \"[fd00::/8]:443\", and without the port they mean any port"
            ))
        })
    }

    /// Whether the rule is for this host name and port.
    pub(super) fn names(&self, name: &str, port: u16) -> bool {
        self.covers(port) && matches!(&self.peer, Peer::Name(own) if own == name)
    }

    /// Whether the rule is for a network that holds this address.
    pub(super) fn lists(&self, ip: IpAddr, port: u16) -> bool {
        self.covers(port) && matches!(&self.peer, Peer::Net(net) if net.contains(&ip))
    }

    /// As [`Rule::lists`], but the network must not reach beyond `range`: `0.0.0.0/0` is no decision
    /// about a reserved range, `198.18.0.0/16` is.
    pub(super) fn lists_within(&self, range: IpNet, ip: IpAddr, port: u16) -> bool {
        self.lists(ip, port) && matches!(&self.peer, Peer::Net(net) if range.contains(net))
    }

    fn covers(&self, port: u16) -> bool {
        self.port.is_none_or(|own| own == port)
    }
}

/// Splits the port off, then reads what is before it.
fn read(text: &str) -> Result<Rule, String> {
    if text.contains('*') {
        return Err("there are no wildcards, list each host".into());
    }
    let (peer, port) = match text.strip_prefix('[') {
        Some(rest) => {
            let (inside, after) = rest.split_once(']').ok_or("the bracket is not closed")?;
            let port = match after {
                "" => None,
                _ => Some(after.strip_prefix(':').ok_or("after the bracket comes \":\" and the port")?),
            };
            (v6(inside)?, port)
        }
        // More than one colon: IPv6 without brackets. Only a network shows where it ends.
        None if text.matches(':').nth(1).is_some() => match text.parse::<Ipv6Net>() {
            Ok(_) => (v6(text)?, None),
            Err(_) => return Err("a bare IPv6 address or a URL is ambiguous, use \"[address]:port\"".into()),
        },
        None => match text.split_once(':') {
            Some((peer, port)) => (other(peer)?, Some(port)),
            None => (other(text)?, None),
        },
    };
    let port = match port.map(|digits| (digits, digits.parse::<u16>())) {
        None => None,
        Some((digits, Ok(port))) if port > 0 && digits.bytes().all(|byte| byte.is_ascii_digit()) => {
            Some(port)
        }
        Some((digits, _)) => return Err(format!("{digits:?} is not a port between 1 and 65535")),
    };
    Ok(Rule { peer, port })
}

fn v6(text: &str) -> Result<Peer, String> {
    let net = match text.contains('/') {
        true => text.parse().ok(),
        false => text.parse().ok().and_then(|ip| Ipv6Net::new(ip, 128).ok()),
    };
    let net = net.ok_or("what stands in brackets is not an IPv6 address or network")?;
    // Such addresses are judged by the IPv4 address inside, so the rule would match nothing.
    if net.prefix_len() >= 96 && matches!(table::unwrap(net.addr().into()), (IpAddr::V4(_), _)) {
        return Err("write the IPv4 address that is inside instead".into());
    }
    whole(net.into())
}

fn other(text: &str) -> Result<Peer, String> {
    if text.contains('/') {
        let net = text.parse::<Ipv4Net>().map_err(|_| format!("{text:?} is not an IPv4 network"))?;
        return whole(net.into());
    }
    match Host::parse(text)? {
        Host::Ip(ip) => Ok(Peer::Net(ip.into())),
        Host::Name(name) => Ok(Peer::Name(name)),
    }
}

/// A network that starts in the middle of itself is a slip: one of address and length is wrong.
fn whole(net: IpNet) -> Result<Peer, String> {
    match net.trunc() {
        trunc if trunc == net => Ok(Peer::Net(net)),
        trunc => Err(format!("{net} starts at {trunc}, write that or the address alone")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Kind;

    #[test]
    fn a_rule_is_a_host_or_a_network_with_or_without_a_port() {
        let name = |text: &str| Peer::Name(text.into());
        let net = |text: &str| Peer::Net(text.parse().unwrap());
        for (text, peer, port) in [
            ("billing.corp.local:8443", name("billing.corp.local"), Some(8443)),
            (" Billing.Corp.Local.:8443 ", name("billing.corp.local"), Some(8443)),
            ("localhost", name("localhost"), None),
            ("10.2.0.0/16:443", net("10.2.0.0/16"), Some(443)),
            ("10.2.0.0/16", net("10.2.0.0/16"), None),
            ("10.2.0.1:65535", net("10.2.0.1/32"), Some(65535)),
            ("10.2.0.1", net("10.2.0.1/32"), None),
            ("0.0.0.0/0:443", net("0.0.0.0/0"), Some(443)),
            ("[fd00::/8]:443", net("fd00::/8"), Some(443)),
            ("[fd00::/8]", net("fd00::/8"), None),
            ("fd00::/8", net("fd00::/8"), None),
            ("[::1]:1", net("::1/128"), Some(1)),
            ("[::1]", net("::1/128"), None),
            ("[::/0]:443", net("::/0"), Some(443)),
        ] {
            assert_eq!(Rule::parse(text).unwrap(), Rule { peer, port }, "{text}");
        }
    }

    #[test]
    fn an_invalid_rule_is_named_and_the_right_form_shown() {
        for text in [
            "",
            ":443",
            "host:",
            "host:0",
            "host:65536",
            "host:+1",
            "host:http",
            "host:*",
            "*.corp.local:443",
            "*",
            "http://host",
            "https://host:443/",
            "host/path",
            "a b:1",
            "user@host:1",
            "10.2.0.0/33:443",
            "10.2.3.4/16:443",
            "10.2.0.0/16/8",
            "10.2/16",
            "127.1:80",
            "0x7f.1:80",
            "2130706433",
            "fd00::1",
            "fd00::1:443",
            "fd00::/8:443",
            "[fd00::/8",
            "[fd00::/8]443",
            "[fd00::/129]:443",
            "[fd00::1/8]:443",
            "[]",
            "[10.0.0.1]:443",
            "[fe80::1%eth0]:443",
            "[::ffff:10.0.0.1]:443",
            "[::ffff:0:0/96]:443",
            "[64:ff9b::/96]:443",
            "[64:ff9b::a00:1]",
            "host:80:81",
            "bücher.example:443",
        ] {
            let error = Rule::parse(text).expect_err(text);
            assert_eq!(error.kind(), Kind::InvalidConfig);
            assert!(error.message().contains(&format!("{text:?}")), "{error}");
            assert!(error.message().contains("\"10.2.0.0/16:443\""), "{error}");
        }
    }

    #[test]
    fn a_reserved_range_is_not_listed_by_a_wider_network() {
        let range = "198.18.0.0/15".parse().unwrap();
        let ip = "198.18.0.1".parse().unwrap();
        for (text, within) in [("198.18.0.0/15", true), ("198.18.0.1:443", true), ("198.0.0.0/8", false)] {
            let rule = Rule::parse(text).unwrap();
            assert!(rule.lists(ip, 443), "{text}");
            assert_eq!(rule.lists_within(range, ip, 443), within, "{text}");
        }
    }
}
