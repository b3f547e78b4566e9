//! `CacheStatus`: what the cache did with a call, as HTTP says it (RFC 9211).

use std::fmt;

/// What the cache did with a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CacheStatus {
    /// Why the call went on to the service; `None` where it did not, which is a hit.
    pub forward: Option<Forward>,
    /// The status that the service answered with, where it is not the one that the caller gets.
    pub forward_status: Option<u16>,
    /// Whether the reply is kept, or will be when all of it has come.
    pub stored: bool,
    /// Whether the call waited for another one to the same end instead of going on itself.
    pub collapsed: bool,
    /// For how many more seconds the reply is fresh; negative when it is stale.
    pub ttl: Option<i64>,
}

/// Why a call went on to the service (RFC 9211 section 2.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Forward {
    /// The cache was not asked.
    Bypass,
    /// The method is none that a cache answers.
    Method,
    /// Nothing is stored for this operation.
    UriMiss,
    /// Something is stored, for other request headers.
    VaryMiss,
    /// What is stored is fresh, but the request wants the service to be asked.
    Request,
    /// What is stored is stale.
    Stale,
}

impl Forward {
    /// The token of RFC 9211.
    pub fn token(self) -> &'static str {
        match self {
            Self::Bypass => "bypass",
            Self::Method => "method",
            Self::UriMiss => "uri-miss",
            Self::VaryMiss => "vary-miss",
            Self::Request => "request",
            Self::Stale => "stale",
        }
    }
}

impl CacheStatus {
    /// A reply that was stored, and is fresh for `ttl` more seconds.
    pub fn hit(ttl: i64) -> Self {
        Self { forward: None, forward_status: None, stored: false, collapsed: false, ttl: Some(ttl) }
    }

    /// A call that went on to the service.
    pub fn forward(forward: Forward) -> Self {
        Self { forward: Some(forward), forward_status: None, stored: false, collapsed: false, ttl: None }
    }

    /// One word for activity and metrics: `hit`, `stale` (served all the same), `revalidated`, `collapsed`,
    /// `miss`, or `bypass`.
    pub fn word(&self) -> &'static str {
        match self.forward {
            None if self.ttl.is_some_and(|ttl| ttl < 0) => "stale",
            None if self.collapsed => "collapsed",
            None => "hit",
            Some(Forward::Bypass | Forward::Method) => "bypass",
            Some(_) if self.forward_status == Some(304) => "revalidated",
            // Forwarded in vain: what is stored was served, since the service failed.
            Some(_) if self.ttl.is_some_and(|ttl| ttl < 0) && !self.stored => "stale",
            Some(_) => "miss",
        }
    }
}

impl fmt::Display for CacheStatus {
    /// The parameters of the header's member, such as `hit; ttl=30` (RFC 9211 section 2).
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.forward {
            None => f.write_str("hit")?,
            Some(forward) => write!(f, "fwd={}", forward.token())?,
        }
        if let Some(status) = self.forward_status {
            write!(f, "; fwd-status={status}")?;
        }
        if self.stored {
            f.write_str("; stored")?;
        }
        if self.collapsed {
            f.write_str("; collapsed")?;
        }
        if let Some(ttl) = self.ttl {
            write!(f, "; ttl={ttl}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_reads_as_rfc_9211_section_2_writes_it() {
        let miss = CacheStatus { stored: true, ..CacheStatus::forward(Forward::UriMiss) };
        let validated =
            CacheStatus { forward_status: Some(304), ttl: Some(60), ..CacheStatus::forward(Forward::Stale) };
        let in_vain = CacheStatus { forward_status: Some(503), ttl: Some(-5), ..validated };
        for (status, text, word) in [
            (CacheStatus::hit(30), "hit; ttl=30", "hit"),
            (CacheStatus::hit(-3), "hit; ttl=-3", "stale"),
            (CacheStatus { collapsed: true, ..CacheStatus::hit(9) }, "hit; collapsed; ttl=9", "collapsed"),
            (miss, "fwd=uri-miss; stored", "miss"),
            (validated, "fwd=stale; fwd-status=304; ttl=60", "revalidated"),
            (in_vain, "fwd=stale; fwd-status=503; ttl=-5", "stale"),
            (CacheStatus::forward(Forward::Bypass), "fwd=bypass", "bypass"),
        ] {
            assert_eq!((status.to_string().as_str(), status.word()), (text, word));
        }
    }
}
