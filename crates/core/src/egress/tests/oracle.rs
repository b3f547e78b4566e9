//! What the guard must decide without rules, worked out from section 3g as text: it shares nothing with
//! the guard's table.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::egress::{Profile, Zone};

/// Section 3g, and the metadata addresses (last line) that vendors added.
pub(super) const NEVER: &str = "169.254.0.0/16 fe80::/10 168.63.129.16/32 100.100.100.200/32 192.0.0.192/32 \
    fd00:ec2::254/128 fd00:ec2::23/128 fd20:ce::254/128 0.0.0.0/8 ::/128 224.0.0.0/4 ff00::/8 255.255.255.255/32 \
    fd00:c1::a9fe:a9fe/128 fd00:42::42/128 fd00:a9fe:a9fe::1/128 fd00:100::100:200/128";
pub(super) const PRIVATE: &str =
    "10.0.0.0/8 172.16.0.0/12 192.168.0.0/16 100.64.0.0/10 127.0.0.0/8 ::1/128 fc00::/7 fec0::/10";
pub(super) const RESERVED: &str = "192.0.0.0/24 192.0.2.0/24 198.51.100.0/24 203.0.113.0/24 192.88.99.0/24 198.18.0.0/15 \
    240.0.0.0/4 ::/96 64:ff9b:1::/48 100::/64 100:0:0:1::/64 2001::/23 2001:db8::/32 2002::/16 3fff::/20 5f00::/16";
pub(super) const MAPPED: &str = "::ffff:0:0/96";
pub(super) const NAT64: &str = "64:ff9b::/96";

/// Width, bits and whether they are IPv4.
pub(super) fn bits(ip: IpAddr) -> (u32, u128) {
    match ip {
        IpAddr::V4(ip) => (32, ip.to_bits().into()),
        IpAddr::V6(ip) => (128, ip.to_bits()),
    }
}

pub(super) fn ip(width: u32, bits: u128) -> IpAddr {
    match width {
        32 => Ipv4Addr::from_bits(bits as u32).into(),
        _ => Ipv6Addr::from_bits(bits).into(),
    }
}

/// First and last address of `a.b.c.d/n`.
pub(super) fn ends(cidr: &str) -> (u32, u128, u128) {
    let (address, length) = cidr.split_once('/').unwrap();
    let (width, first) = bits(address.parse().unwrap());
    let free = width - length.parse::<u32>().unwrap();
    let last = if free == 128 { u128::MAX } else { first + ((1 << free) - 1) };
    (width, first, last)
}

pub(super) fn within(list: &str, address: IpAddr) -> bool {
    let (width, bits) = bits(address);
    list.split_whitespace()
        .map(ends)
        .any(|(wide, first, last)| wide == width && (first..=last).contains(&bits))
}

/// Takes IPv4 out of its IPv6 wrappings.
pub(super) fn inside(address: IpAddr) -> IpAddr {
    match within(MAPPED, address) || within(NAT64, address) {
        true => ip(32, bits(address).1 & 0xffff_ffff),
        false => address,
    }
}

/// What 3g says without any rule.
pub(super) fn expected(profile: Profile, zone: Zone, address: IpAddr) -> bool {
    let private_is_open = matches!((profile, zone), (Profile::Lab, _) | (Profile::Guarded, Zone::Service));
    match inside(address) {
        ip if within(NEVER, ip) || profile == Profile::Strict => false,
        ip if within(PRIVATE, ip) => private_is_open && !within(NAT64, address),
        ip => !within(RESERVED, ip),
    }
}

pub(super) fn embedded(v4: Ipv4Addr, prefix: &str) -> IpAddr {
    let (_, first, _) = ends(prefix);
    ip(128, first | u128::from(v4.to_bits()))
}

/// First, last and their neighbours outside, of every range in 3g; IPv4 also inside IPv6.
pub(super) fn boundaries() -> Vec<IpAddr> {
    let mut all = Vec::new();
    let ranges = [NEVER, PRIVATE, RESERVED, MAPPED, NAT64].into_iter().flat_map(str::split_whitespace);
    for (width, first, last) in ranges.map(ends) {
        let max = if width == 32 { u128::from(u32::MAX) } else { u128::MAX };
        let points = [first.checked_sub(1), Some(first), Some(last), last.checked_add(1)];
        all.extend(points.into_iter().flatten().filter(|bits| *bits <= max).map(|bits| ip(width, bits)));
    }
    let v4 = all.iter().filter_map(|ip| if let IpAddr::V4(v4) = ip { Some(*v4) } else { None });
    let inside: Vec<_> = v4.flat_map(|v4| [embedded(v4, MAPPED), embedded(v4, NAT64)]).collect();
    all.extend(inside);
    all
}
