//! `Origin`: a scheme, host and port that requests of one client go to, and the connections to it.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError, Weak},
};

use arc_swap::ArcSwap;
use http::{
    HeaderValue, Uri,
    uri::{Authority, Scheme},
};
use tokio::runtime::{Handle, Id};

use super::pool::Shelf;

/// Runtimes whose connections are held; more come and go only in tests.
const RUNTIMES: usize = 256;

/// The origins of one client. One that nobody uses any more ends, and its idle connections with it.
#[derive(Debug, Default)]
pub(super) struct Origins(Mutex<HashMap<(Scheme, Authority), Weak<Origin>>>);

/// An origin (RFC 6454) of one client. Its connections belong to the runtime that opened them: a server
/// with a runtime per core keeps each request on its core, and a runtime that ends takes nobody else's
/// connections with it.
#[derive(Debug)]
pub(crate) struct Origin {
    scheme: Scheme,
    authority: Authority,
    /// The value of `Host`, without a port that the scheme implies (RFC 9110 section 7.2).
    host: HeaderValue,
    shelves: ArcSwap<Vec<(Id, Arc<Shelf>)>>,
}

impl Origins {
    /// The origin of an absolute URI.
    pub(super) fn of(&self, uri: &Uri) -> Arc<Origin> {
        let scheme = uri.scheme().cloned().unwrap_or(Scheme::HTTPS);
        let authority = uri.authority().cloned().unwrap_or_else(|| Authority::from_static("invalid"));
        let key = (scheme.clone(), authority.clone());
        let mut origins = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(origin) = origins.get(&key).and_then(Weak::upgrade) {
            return origin;
        }
        // Now and then, lest those that are gone gather; not each time, since there may be thousands.
        if origins.len() == origins.capacity() {
            origins.retain(|_, origin| origin.strong_count() > 0);
        }
        let origin = Arc::new(Origin::new(scheme, authority));
        origins.insert(key, Arc::downgrade(&origin));
        origin
    }
}

impl Origin {
    fn new(scheme: Scheme, authority: Authority) -> Self {
        let implied = if scheme == Scheme::HTTPS { 443 } else { 80 };
        let host = match authority.port_u16() {
            Some(port) if port != implied => authority.as_str(),
            _ => authority.host(),
        };
        let host = HeaderValue::from_str(host).expect("an authority is made of visible characters");
        Self { scheme, authority, host, shelves: ArcSwap::default() }
    }

    pub(super) fn scheme(&self) -> &Scheme {
        &self.scheme
    }

    pub(super) fn authority(&self) -> &Authority {
        &self.authority
    }

    pub(super) fn is_secure(&self) -> bool {
        self.scheme == Scheme::HTTPS
    }

    /// The host without a port; an IPv6 address in brackets.
    pub(super) fn host(&self) -> &str {
        self.authority.host()
    }

    pub(super) fn port(&self) -> u16 {
        self.authority.port_u16().unwrap_or(if self.is_secure() { 443 } else { 80 })
    }

    pub(super) fn host_header(&self) -> &HeaderValue {
        &self.host
    }

    /// The connections of this runtime.
    pub(super) fn shelf(&self) -> Arc<Shelf> {
        let runtime = Handle::current().id();
        if let Some((_, shelf)) = self.shelves.load().iter().find(|(id, _)| *id == runtime) {
            return shelf.clone();
        }
        let shelf = Arc::new(Shelf::default());
        let mut winner = shelf.clone();
        self.shelves.rcu(|shelves| {
            // Another thread of this runtime may have been quicker.
            if let Some((_, shelf)) = shelves.iter().find(|(id, _)| *id == runtime) {
                winner = shelf.clone();
                return shelves.clone();
            }
            winner = shelf.clone();
            let skip = (shelves.len() + 1).saturating_sub(RUNTIMES);
            let mut shelves: Vec<_> = shelves.iter().skip(skip).cloned().collect();
            shelves.push((runtime, shelf.clone()));
            Arc::new(shelves)
        });
        winner
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_header_has_no_port_that_the_scheme_implies() {
        let origins = Origins::default();
        for (uri, host) in [
            ("http://a.example/", "a.example"),
            ("http://a.example:80/x", "a.example"),
            ("https://a.example:443/", "a.example"),
            ("https://a.example:80/", "a.example:80"),
            ("http://[::1]:8080/", "[::1]:8080"),
            ("http://[::1]:80/", "[::1]"),
        ] {
            assert_eq!(origins.of(&uri.parse().unwrap()).host_header(), host, "{uri}");
        }
    }

    #[test]
    fn an_origin_is_one_for_all_who_use_it_and_ends_with_them() {
        let origins = Origins::default();
        let of = |uri: &str| origins.of(&uri.parse().unwrap());
        let first = of("http://a.example/x");
        assert!(Arc::ptr_eq(&first, &of("http://A.example/y")));
        assert!(!Arc::ptr_eq(&first, &of("https://a.example/")));
        drop(first);
        for n in 0..100 {
            of(&format!("http://h{n}.example/"));
        }
        assert!(origins.0.lock().unwrap().len() < 50);
    }
}
