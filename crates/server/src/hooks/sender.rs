//! `Proxies`: who sends a webhook, behind the proxies that are known.

use std::net::IpAddr;

use http::HeaderMap;
use ipnet::IpNet;
use trunkline::{Error, Result};

/// Where every proxy on the way adds the address that it was reached from.
const FORWARDED: &str = "x-forwarded-for";

/// Proxies whose word is taken for whom they pass on.
#[derive(Debug, Clone, Default)]
pub(crate) struct Proxies(Vec<IpNet>);

impl Proxies {
    /// Those in these networks or at these addresses, and whatever is on this machine.
    ///
    /// # Errors
    ///
    /// `invalid_config` where one is no address.
    pub(crate) fn new(networks: &[String]) -> Result<Self> {
        let read = |text: &String| {
            let network = text.parse::<IpNet>().ok().or_else(|| Some(text.parse::<IpAddr>().ok()?.into()));
            network.ok_or_else(|| {
                Error::invalid(format!(
                    "server.proxies: `{text}` is no address or network such as 10.0.0.0/8"
                ))
            })
        };
        networks.iter().map(read).collect::<Result<_>>().map(Self)
    }

    fn knows(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        address.is_loopback() || self.0.iter().any(|network| network.contains(&address))
    }

    /// Who sends a request that came from this address. What is further from us than the last one that is no proxy, anybody can
    /// have written.
    pub(super) fn sender(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let mut sender = peer.to_canonical();
        let values = headers.get_all(FORWARDED).iter().rev();
        for hop in values.flat_map(|value| value.to_str().unwrap_or_default().rsplit(',')) {
            if !self.knows(sender) {
                break;
            }
            match hop.trim().parse::<IpAddr>() {
                Ok(address) => sender = address.to_canonical(),
                Err(_) => break,
            }
        }
        sender
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sender_is_the_last_that_is_no_proxy_and_what_it_says_of_itself_counts_for_nothing() {
        let proxies = Proxies::new(&["10.0.0.0/8".to_owned(), "2001:db8::1".to_owned()]).unwrap();
        for (peer, forwarded, sender) in [
            ("192.0.2.1", vec![], "192.0.2.1"),
            ("192.0.2.1", vec!["198.51.100.7"], "192.0.2.1"),
            ("127.0.0.1", vec![], "127.0.0.1"),
            ("127.0.0.1", vec!["198.51.100.7"], "198.51.100.7"),
            ("::ffff:10.1.2.3", vec!["203.0.113.9, 198.51.100.7"], "198.51.100.7"),
            ("10.1.2.3", vec!["203.0.113.9", "198.51.100.7, 10.9.9.9"], "198.51.100.7"),
            ("2001:db8::1", vec!["198.51.100.7,unknown"], "2001:db8::1"),
            ("::1", vec!["10.0.0.2"], "10.0.0.2"),
        ] {
            let mut headers = HeaderMap::new();
            for value in &forwarded {
                headers.append(FORWARDED, value.parse().unwrap());
            }
            let expected: IpAddr = sender.parse().unwrap();
            assert_eq!(proxies.sender(peer.parse().unwrap(), &headers), expected, "{peer} {forwarded:?}");
        }
        let error = Proxies::new(&["10.0.0.0/33".to_owned()]).unwrap_err();
        assert!(error.message().contains("server.proxies: `10.0.0.0/33`"), "{error}");
    }
}
