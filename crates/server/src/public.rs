//! `Public`: the URL under which browsers reach the server, and so where providers send them back to.

use std::net::SocketAddr;

use trunkline::{Error, Result};
use url::{Host, Position, Url};

/// Where browsers reach the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Public {
    /// Without a slash at its end.
    url: String,
    host: String,
    /// The host, and the port where it is not the usual one: what browsers write into `Host`.
    authority: String,
    /// Empty, or one that begins with a slash and does not end with one.
    path: String,
    secure: bool,
}

impl Public {
    /// As it is configured. Otherwise it follows from where the server listens, if only this machine gets there:
    /// nobody knows by which name others do.
    ///
    /// # Errors
    ///
    /// `invalid_config` for what is no URL that a browser may come back to with a code in it.
    pub(crate) fn new(configured: Option<&str>, listen: SocketAddr) -> Result<Option<Self>> {
        match configured {
            Some(text) => Self::parse(text).map(Some),
            None if listen.ip().is_loopback() => Self::parse(&format!("http://{listen}")).map(Some),
            None => Ok(None),
        }
    }

    /// The URL as it is configured.
    ///
    /// # Errors
    ///
    /// As [`Public::new`].
    pub(crate) fn parse(text: &str) -> Result<Self> {
        let invalid = |what: &str| Err(Error::invalid(format!("server.public_url: {what}")));
        let Ok(url) = Url::parse(text.trim()) else {
            return invalid("is not a URL such as https://trunkline.example.com");
        };
        let Some(host) = url.host().filter(|_| matches!(url.scheme(), "http" | "https")) else {
            return invalid("is not a URL such as https://trunkline.example.com");
        };
        if !url.username().is_empty() || url.password().is_some() {
            return invalid("has a user name or a password in it; leave them out");
        }
        if url.query().is_some() || url.fragment().is_some() {
            return invalid("ends with a query or a fragment; leave it out");
        }
        let local = match &host {
            Host::Domain(name) => *name == "localhost" || name.ends_with(".localhost"),
            Host::Ipv4(ip) => ip.is_loopback(),
            Host::Ipv6(ip) => ip.is_loopback(),
        };
        let secure = url.scheme() == "https";
        // RFC 9700 section 2.6: what comes back to it must not be read on the way.
        if !secure && !local {
            return invalid("must be https, unless it is on this machine");
        }
        let path = url.path().trim_end_matches('/').to_owned();
        let authority = url[Position::BeforeHost..Position::AfterPort].to_owned();
        let url = format!("{}{path}", &url[..Position::AfterPort]);
        Ok(Self { host: host.to_string(), url, authority, path, secure })
    }

    /// The URL of something of the server; `path` begins with a slash.
    pub(crate) fn at(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }

    /// The path of something of the server, as browsers see it.
    pub(crate) fn path(&self, path: &str) -> String {
        format!("{}{path}", self.path)
    }

    /// The name by which browsers reach it.
    pub(crate) fn host(&self) -> &str {
        &self.host
    }

    /// Whether this is what a browser that comes here writes into `Host`.
    pub(crate) fn is_at(&self, host: &str) -> bool {
        self.authority.eq_ignore_ascii_case(host)
    }

    /// Whether nobody reads along.
    pub(crate) fn is_secure(&self) -> bool {
        self.secure
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn public(text: &str) -> Result<Option<Public>> {
        Public::new(Some(text), "127.0.0.1:1".parse().unwrap())
    }

    #[test]
    fn it_follows_from_a_loopback_address_and_from_no_other() {
        for (listen, url) in [
            ("127.0.0.1:8700", Some("http://127.0.0.1:8700/x")),
            ("[::1]:8700", Some("http://[::1]:8700/x")),
            ("0.0.0.0:8700", None),
            ("10.0.0.1:80", None),
        ] {
            let public = Public::new(None, listen.parse().unwrap()).unwrap();
            assert_eq!(public.map(|public| public.at("/x")).as_deref(), url, "{listen}");
        }
    }

    #[test]
    fn a_prefix_of_the_path_stays_and_a_slash_at_the_end_does_not() {
        for (text, at, path, host) in [
            ("https://TL.example.com", "https://tl.example.com/x", "/x", "tl.example.com"),
            ("https://tl.example.com:443/", "https://tl.example.com/x", "/x", "tl.example.com"),
            ("https://h.example:8443/tl/", "https://h.example:8443/tl/x", "/tl/x", "h.example:8443"),
            ("http://localhost:1", "http://localhost:1/x", "/x", "localhost:1"),
        ] {
            let public = public(text).unwrap().unwrap();
            assert_eq!((&*public.at("/x"), &*public.path("/x")), (at, path));
            assert!(public.is_at(host) && !public.is_at("other.example"), "{public:?}");
        }
    }

    #[test]
    fn what_a_code_must_not_come_back_to_is_refused_by_the_name_of_its_key() {
        for (text, word) in [
            ("tl.example.com", "not a URL"),
            ("ftp://tl.example.com", "not a URL"),
            ("http://tl.example.com", "https"),
            ("http://localhost.example.com", "https"),
            ("https://me:hunter2@tl.example.com", "password"),
            ("https://tl.example.com/?a", "query"),
            ("https://tl.example.com/#a", "fragment"),
        ] {
            let error = public(text).unwrap_err().to_string();
            assert!(error.contains("server.public_url: ") && error.contains(word), "{text}: {error}");
            assert!(!error.contains("hunter2"), "{error}");
        }
    }
}
