//! The table of special addresses: never dialled, private, reserved; whatever is in no row is public.
//!
//! An own table because `IpAddr::is_global` is unstable and knows neither metadata services nor what
//! IANA registered since. Ranges are those of the IANA special-purpose registries (RFC 6890).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use Class::{Never, Private, Reserved};

/// What the table says of an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// In no row.
    Public,
    /// No rule opens it; the reason.
    Never(&'static str),
    /// Somebody's own network, or this machine.
    Private,
    /// Opened only by a rule that lists the row's range or a part of it.
    Reserved(IpNet),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Class {
    Never,
    Private,
    Reserved,
}

struct Row {
    net: IpNet,
    class: Class,
    what: &'static str,
}

const LINK_LOCAL: &str = "link-local";
const METADATA: &str = "cloud metadata";

/// The first row that holds an address decides: `never` comes before `private` before `reserved`, so
/// that a single address is not lost in the wider range around it.
#[rustfmt::skip]
const TABLE: &[Row] = &[
    v4([169, 254, 0, 0], 16, Never, LINK_LOCAL),          // RFC 3927; metadata of AWS, GCP, Azure, OCI, …
    v6([0xfe80], 10, Never, LINK_LOCAL),                  // RFC 4291 2.5.6
    v4([168, 63, 129, 16], 32, Never, METADATA),          // Azure WireServer: learn.microsoft.com what-is-ip-address-168-63-129-16
    v4([100, 100, 100, 200], 32, Never, METADATA),        // Alibaba Cloud ECS
    v4([192, 0, 0, 192], 32, Never, METADATA),            // Oracle Cloud Classic
    v6([0xfd00, 0x0ec2, 0, 0, 0, 0, 0, 0x0254], 128, Never, METADATA), // AWS IMDS: EC2 guide, "IPv6 on AWS"
    v6([0xfd00, 0x0ec2, 0, 0, 0, 0, 0, 0x0023], 128, Never, METADATA), // AWS EKS Pod Identity agent
    v6([0xfd20, 0x00ce, 0, 0, 0, 0, 0, 0x0254], 128, Never, METADATA), // Google Compute Engine, IPv6-only instances
    v6([0xfd00, 0x00c1, 0, 0, 0, 0, 0xa9fe, 0xa9fe], 128, Never, METADATA), // Oracle Cloud: oci-python-sdk
    v6([0xfd00, 0x0042, 0, 0, 0, 0, 0, 0x0042], 128, Never, METADATA), // Scaleway: cloud-init's datasource
    v6([0xfd00, 0xa9fe, 0xa9fe, 0, 0, 0, 0, 0x0001], 128, Never, METADATA), // Akamai (Linode)
    v6([0xfd00, 0x0100, 0, 0, 0, 0, 0x0100, 0x0200], 128, Never, METADATA), // Alibaba Cloud ECS
    v4([0, 0, 0, 0], 8, Never, "this network"),           // RFC 791 3.2; Linux dials loopback
    v6([0; 8], 128, Never, "unspecified"),                // RFC 4291 2.5.2; Linux dials loopback
    v4([224, 0, 0, 0], 4, Never, "multicast"),            // RFC 1112
    v6([0xff00], 8, Never, "multicast"),                  // RFC 4291 2.7
    v4([255, 255, 255, 255], 32, Never, "broadcast"),     // RFC 8190

    v4([10, 0, 0, 0], 8, Private, "private"),             // RFC 1918
    v4([172, 16, 0, 0], 12, Private, "private"),          // RFC 1918
    v4([192, 168, 0, 0], 16, Private, "private"),         // RFC 1918
    v4([100, 64, 0, 0], 10, Private, "shared"),           // RFC 6598
    v4([127, 0, 0, 0], 8, Private, "loopback"),           // RFC 1122 3.2.1.3
    v6([0, 0, 0, 0, 0, 0, 0, 1], 128, Private, "loopback"), // RFC 4291 2.5.3
    v6([0xfc00], 7, Private, "unique local"),             // RFC 4193
    v6([0xfec0], 10, Private, "site-local"),              // RFC 3879, deprecated but still routed by some

    v4([192, 0, 0, 0], 24, Reserved, "protocol assignments"), // RFC 6890 2.1
    v4([192, 0, 2, 0], 24, Reserved, "documentation"),    // RFC 5737
    v4([198, 51, 100, 0], 24, Reserved, "documentation"), // RFC 5737
    v4([203, 0, 113, 0], 24, Reserved, "documentation"),  // RFC 5737
    v4([192, 88, 99, 0], 24, Reserved, "6to4 relays"),    // RFC 7526
    v4([198, 18, 0, 0], 15, Reserved, "benchmarking"),    // RFC 2544
    v4([240, 0, 0, 0], 4, Reserved, "future use"),        // RFC 1112 4
    v6([0; 8], 96, Reserved, "IPv4-compatible"),          // RFC 4291 2.5.5.1
    v6([0x0064, 0xff9b, 1], 48, Reserved, "local NAT64"), // RFC 8215
    v6([0x0100], 64, Reserved, "discard"),                // RFC 6666
    v6([0x0100, 0, 0, 1], 64, Reserved, "dummy prefix"),  // RFC 9780
    v6([0x2001], 23, Reserved, "protocol assignments"),   // RFC 2928; Teredo (RFC 4380) is in it
    v6([0x2001, 0x0db8], 32, Reserved, "documentation"),  // RFC 3849
    v6([0x2002], 16, Reserved, "6to4"),                   // RFC 3056
    v6([0x3fff], 20, Reserved, "documentation"),          // RFC 9637
    v6([0x5f00], 16, Reserved, "segment routing"),        // RFC 9602
];

const fn v4([a, b, c, d]: [u8; 4], prefix: u8, class: Class, what: &'static str) -> Row {
    Row { net: IpNet::V4(Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), prefix)), class, what }
}

/// Takes the leading segments; the others are zero.
const fn v6<const N: usize>(head: [u16; N], prefix: u8, class: Class, what: &'static str) -> Row {
    let mut bits = 0_u128;
    let mut at = 0;
    while at < N {
        bits |= (head[at] as u128) << (112 - 16 * at);
        at += 1;
    }
    Row { net: IpNet::V6(Ipv6Net::new_assert(Ipv6Addr::from_bits(bits), prefix)), class, what }
}

fn row(ip: IpAddr) -> Option<&'static Row> {
    TABLE.iter().find(|row| row.net.contains(&ip))
}

/// The address that is really reached, and what the table says of it.
pub(super) fn judge(ip: IpAddr) -> (IpAddr, Verdict) {
    let (ip, translated) = unwrap(ip);
    let verdict = match row(ip) {
        None => Verdict::Public,
        Some(row) => match row.class {
            Never => Verdict::Never(row.what),
            // RFC 6052 3.1: the well-known prefix must not stand for private addresses, which would be
            // those of whoever runs the translator.
            Private if translated => Verdict::Reserved(row.net),
            Private => Verdict::Private,
            Reserved => behind_local_nat64(ip).map_or(Verdict::Reserved(row.net), Verdict::Never),
        },
    };
    (ip, verdict)
}

/// Takes an IPv4 address out of `::ffff:0:0/96` (RFC 4291 2.5.5.2) and `64:ff9b::/96` (RFC 6052 2.1);
/// tells whether a NAT64 would translate it.
pub(super) fn unwrap(ip: IpAddr) -> (IpAddr, bool) {
    let IpAddr::V6(v6) = ip else { return (ip, false) };
    let [.., a, b] = v6.segments();
    let v4 = IpAddr::V4(Ipv4Addr::from_bits(u32::from(a) << 16 | u32::from(b)));
    match v6.segments() {
        [0, 0, 0, 0, 0, 0xffff, _, _] => (v4, false),
        [0x64, 0xff9b, 0, 0, 0, 0, _, _] => (v4, true),
        _ => (ip, false),
    }
}

/// A rule may open `64:ff9b:1::/48`, but not a metadata service behind the translator. Its operator
/// chose the prefix length, so the IPv4 address is looked for at each place of RFC 6052 2.2.
fn behind_local_nat64(ip: IpAddr) -> Option<&'static str> {
    let IpAddr::V6(v6) = ip else { return None };
    let ([0x64, 0xff9b, 1, ..], o) = (v6.segments(), v6.octets()) else { return None };
    [
        [o[6], o[7], o[9], o[10]],
        [o[7], o[9], o[10], o[11]],
        [o[9], o[10], o[11], o[12]],
        [o[12], o[13], o[14], o[15]],
    ]
    .into_iter()
    .filter_map(|v4| row(IpAddr::from(v4)))
    .map(|row| row.what)
    .find(|what| matches!(*what, LINK_LOCAL | METADATA))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_starts_at_the_first_address_of_its_range() {
        for row in TABLE {
            assert_eq!(row.net, row.net.trunc(), "{}", row.what);
        }
    }

    #[test]
    fn an_earlier_class_is_never_hidden_behind_a_later_one() {
        let order = TABLE.iter().map(|row| row.class as u8);
        assert!(order.is_sorted());
    }

    #[test]
    fn a_metadata_service_behind_a_local_nat64_is_never_reached() {
        for (text, never) in [
            ("64:ff9b:1::a9fe:a9fe", true),
            ("64:ff9b:1:a9fe:a9:fe00::", true),
            ("64:ff9b:1:a9:fe:a9fe::", true),
            ("64:ff9b:1:0:a9:fea9:fe00:0", true),
            ("64:ff9b:1::6464:64c8", true),
            ("64:ff9b:1::a00:1", false),
            ("64:ff9b:1::", false),
        ] {
            let (_, verdict) = judge(text.parse().unwrap());
            assert_eq!(matches!(verdict, Verdict::Never(_)), never, "{text}: {verdict:?}");
        }
    }
}
