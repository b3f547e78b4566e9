//! What may be kept, and for how long (RFC 9111 section 3).

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};

use super::{
    CacheConfig,
    control::{Said, TARGETED},
    entry::{Failure, Stored},
    freshness::{Lifetime, Moment, initial_age, is_heuristically_cacheable},
    validators::has_validator,
    vary::Selection,
};

/// What the configuration adds to what services say.
#[derive(Debug)]
pub(super) struct Policy {
    ttl: Option<Duration>,
    while_revalidate: Duration,
    if_error: Duration,
    pub(super) max_body: usize,
}

/// Bytes of a body that is kept unless configured otherwise.
const MAX_BODY: u32 = 1 << 20;
/// Header fields that an answer adds to what is kept: `Age`, and those of the server.
const ROOM: usize = 5;

/// The head of a reply, and what else is known of it.
#[derive(Debug)]
pub(super) struct Head<'a> {
    pub(super) status: StatusCode,
    pub(super) headers: &'a HeaderMap,
    pub(super) failure: Option<Failure>,
    pub(super) redirected: bool,
    /// How long its caller lets it be kept, whatever the configuration says.
    pub(super) ttl: Option<Duration>,
    pub(super) moment: Moment,
}

impl Policy {
    pub(super) fn new(config: &CacheConfig) -> Self {
        let seconds =
            |configured: Option<trunkline_core::Seconds>| configured.map(trunkline_core::Seconds::get);
        Self {
            ttl: seconds(config.ttl),
            while_revalidate: seconds(config.stale_while_revalidate).unwrap_or_default(),
            if_error: seconds(config.stale_if_error).unwrap_or_default(),
            max_body: usize::try_from(config.max_body.unwrap_or(MAX_BODY)).unwrap_or(usize::MAX),
        }
    }

    /// Whether replies may be kept of which nobody but the configuration says so.
    pub(super) fn adds(&self) -> bool {
        self.ttl.is_some()
    }

    /// Whether anything lets a reply with these headers be kept. Most replies of APIs have nothing of the kind, and
    /// one look at each name finds that out.
    pub(super) fn may_keep(&self, headers: &HeaderMap) -> bool {
        const SIGNS: [HeaderName; 5] =
            [header::CACHE_CONTROL, header::EXPIRES, header::ETAG, header::LAST_MODIFIED, TARGETED];
        self.adds() || !self.if_error.is_zero() || headers.keys().any(|name| SIGNS.contains(name))
    }

    /// What is kept of a reply to a GET or a query with the headers `asked`, its body to be filled in; `None`
    /// where it may not be kept (RFC 9111 section 3), or could never be used.
    pub(super) fn judge(&self, asked: &HeaderMap, head: Head<'_>) -> Option<Stored> {
        let Head { status, headers, failure, redirected, ttl, moment } = head;
        if ttl.is_none() && !self.may_keep(headers) {
            return None;
        }
        let said = Said::of(headers);
        if redirected || !may_store(&said, status, asked) {
            return None;
        }
        let selection = Selection::of(headers, asked)?;
        // The configuration speaks for a service, not for a user whose cookies come and go with the reply.
        let personal = asked.contains_key(header::COOKIE)
            || asked.contains_key(header::AUTHORIZATION)
            || headers.contains_key(header::SET_COOKIE);
        let ttl = ttl.or(self.ttl).filter(|_| !personal);
        let lifetime = Lifetime::of(&said, status, headers, moment, ttl);
        let explicit = matches!(lifetime, Lifetime::Said(_)) || said.public;
        if !explicit && !is_heuristically_cacheable(status) {
            return None;
        }
        let grace = |said_so: Option<u64>, configured: Duration, known: bool| match said_so {
            _ if said.never_stale() => Duration::ZERO,
            Some(seconds) => Duration::from_secs(seconds),
            None if personal || !known || said.s_maxage.is_some() => Duration::ZERO,
            None => configured,
        };
        let known = lifetime != Lifetime::Unknown;
        let while_revalidate = grace(said.stale_while_revalidate, self.while_revalidate, known);
        let if_error = grace(said.stale_if_error, self.if_error, true);
        let useful = lifetime.seconds() > 0 || !while_revalidate.is_zero() || !if_error.is_zero();
        if !useful && !has_validator(headers) {
            return None;
        }
        let age = initial_age(headers, moment);
        let mut headers = kept(headers, &said, moment.wall);
        // Its copies are as wide, and need not grow for what each answer adds.
        headers.reserve(ROOM);
        Some(Stored {
            status,
            headers,
            body: Bytes::new(),
            failure,
            selection,
            said,
            lifetime,
            age,
            came: moment.came,
            while_revalidate,
            if_error,
        })
    }
}

/// RFC 9111 section 3, but for the last condition, which is about the lifetime.
fn may_store(said: &Said, status: StatusCode, asked: &HeaderMap) -> bool {
    let understood = is_understood(status);
    // Section 5.2.2.3: whoever understands the status does not mind the `no-store` for those who do not.
    let no_store = said.no_store && !(said.must_understand && understood);
    // Section 3.5. Only the caller's own credential is seen here. The one that Trunkline adds is the same for all
    // who share a key, since integration and connection are part of it.
    let shared = said.public || said.must_revalidate || said.s_maxage.is_some();
    status.as_u16() < 600
        && !is_never_stored(status)
        && (understood || !said.must_understand)
        && !no_store
        && !said.private
        && (shared || !asked.contains_key(header::AUTHORIZATION))
}

/// Statuses whose meaning for a cache is known: those of RFC 9110 section 15, and 308, 451 and 507 of their RFCs.
fn is_understood(status: StatusCode) -> bool {
    matches!(status.as_u16(), 200..=205 | 300..=303 | 305 | 307 | 308 | 400..=417 | 421 | 422 | 426 | 451 | 500..=505 | 507)
}

/// 206 and 304 are no whole response (RFC 9111 section 3.3); 428, 429, 431 and 511 must not be stored (RFC 6585);
/// 401 and 407 judge a credential, which changes while the key does not.
fn is_never_stored(status: StatusCode) -> bool {
    matches!(status.as_u16(), ..200 | 206 | 304 | 401 | 407 | 428 | 429 | 431 | 511)
}

/// Of one connection only, and so not kept (RFC 9111 section 3.1).
const OF_CONNECTION: [HeaderName; 9] = [
    header::CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    header::PROXY_AUTHENTICATE,
    HeaderName::from_static("proxy-authentication-info"),
    header::PROXY_AUTHORIZATION,
    header::TE,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];

/// The headers that are kept, copied: as they come they are slices of what was read from the wire, and would
/// hold all of that in memory.
fn kept(headers: &HeaderMap, said: &Said, wall: SystemTime) -> HeaderMap {
    let named: Vec<&str> = headers
        .get_all(header::CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(',').map(str::trim))
        .collect();
    let goes = |name: &HeaderName| {
        OF_CONNECTION.contains(name)
            || said.withheld.contains(name)
            || named.iter().any(|named| named.eq_ignore_ascii_case(name.as_str()))
    };
    let mut kept = HeaderMap::with_capacity(headers.len() + 2);
    for (name, value) in headers.iter().filter(|(name, _)| !goes(name)) {
        let mut copy = HeaderValue::from_bytes(value.as_bytes()).expect("it is a header value");
        copy.set_sensitive(value.is_sensitive());
        kept.append(name, copy);
    }
    // RFC 9110 section 6.6.1: whoever keeps a response without a date says when it came.
    let date = || HeaderValue::from_str(&httpdate::fmt_http_date(wall)).expect("a date is a header value");
    kept.entry(header::DATE).or_insert_with(date);
    kept
}

#[cfg(test)]
#[path = "tests/policy.rs"]
mod tests;
