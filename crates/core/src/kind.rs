//! The kinds of error: one table, one row a kind; everything that follows from a kind is read here.

use crate::Outcome;

/// Whether an attempt that failed with a kind may be repeated, provided the outcome allows it too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retry {
    /// Repeating cannot help.
    Never,
    /// Repeat once, with a fresh credential.
    Refresh,
    /// The cause passes by itself: wait and repeat.
    Transient,
    /// The service asks for a pause: as [`Retry::Transient`], but what repeating may do twice is repeated
    /// only after a pause whose length is known.
    Paced,
    /// The service stumbled over this very request: repeat only what changes nothing or carries a key.
    Harmless,
}

/// What an attempt that failed with a kind tells a circuit breaker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BreakerEffect {
    /// Nothing: the attempt says nothing about the service.
    Ignore,
    /// The service answered, so it is up.
    Success,
    /// The service failed.
    Failure,
}

/// Who has to act.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Blame {
    /// The caller: the request or configuration is wrong.
    Caller,
    /// The operator: a credential or a permission is missing.
    Operator,
    /// The service behind the integration.
    Upstream,
    /// Trunkline itself: a bug.
    Us,
}

/// One row of the table: what follows from a [`Kind`].
#[derive(Debug, Clone, Copy)]
pub struct Row {
    /// The stable code in answers, logs and metrics.
    pub code: &'static str,
    /// The short, constant title of an RFC 9457 problem.
    pub title: &'static str,
    /// The HTTP status that the API answers with.
    pub answers: u16,
    /// Whether to repeat.
    pub retry: Retry,
    /// What the breaker hears.
    pub breaker: BreakerEffect,
    /// Who has to act.
    pub blame: Blame,
    /// Whether the service can have acted, unless the place that fails knows better.
    pub outcome: Outcome,
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident = $code:literal, $title:literal, $answers:literal, $retry:ident, $breaker:ident, $blame:ident, $outcome:ident;)*) => {
        /// The class of an error. What follows from it stands in its [`Row`]; no other code matches on it
        /// to decide an answer, a retry or a breaker's state.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Kind { $($(#[$doc])* $kind),* }

        impl Kind {
            /// Every kind, in the order of the table.
            pub const ALL: &'static [Kind] = &[$(Kind::$kind),*];

            /// What follows from this kind.
            pub const fn row(self) -> Row {
                match self {
                    $(Kind::$kind => Row {
                        code: $code, title: $title, answers: $answers, retry: Retry::$retry,
                        breaker: BreakerEffect::$breaker, blame: Blame::$blame, outcome: Outcome::$outcome,
                    }),*
                }
            }
        }
    };
}

kinds! {
    /// A configuration or a request is wrong in itself.
    InvalidConfig = "invalid_config", "The input is not valid", 422, Never, Ignore, Caller, NotSent;
    /// What was asked for is not something this type, scheme or build can do.
    Unsupported = "unsupported", "Not supported", 422, Never, Ignore, Caller, NotSent;
    /// No integration has this id.
    UnknownIntegration = "unknown_integration", "No such integration", 404, Never, Ignore, Caller, NotSent;
    /// The integration has no connection of this name.
    UnknownConnection = "unknown_connection", "No such connection", 404, Never, Ignore, Caller, NotSent;
    /// No event of this id came to the integration, or it is forgotten.
    UnknownEvent = "unknown_event", "No such event", 404, Never, Ignore, Caller, NotSent;
    /// The id is taken, or the thing changed since it was read.
    Conflict = "conflict", "Conflicts with what is stored", 409, Never, Ignore, Caller, NotSent;
    /// The integration is switched off.
    Disabled = "disabled", "The integration is disabled", 409, Never, Ignore, Caller, NotSent;
    /// The service understood and refused: a 4xx, a constraint violation.
    Rejected = "rejected", "The service rejected the request", 422, Never, Success, Caller, Rejected;
    /// The broker has nobody to give the message to: no queue, no stream.
    Unroutable = "unroutable", "Nobody gets the message", 422, Never, Success, Caller, Rejected;
    /// The service does not accept the credential.
    Unauthenticated = "unauthenticated", "The service did not accept the credential", 502, Refresh, Ignore, Operator, Rejected;
    /// What stood for a person's consent is gone or used up: somebody has to connect the account again.
    NeedsReauth = "needs_reauth", "The account has to be connected again", 502, Never, Ignore, Operator, NotSent;
    /// The service knows the credential and refuses it this.
    Forbidden = "forbidden", "The credential is not allowed to do this", 502, Never, Ignore, Operator, Rejected;
    /// The service asks to slow down.
    RateLimited = "rate_limited", "The service limits the rate", 429, Paced, Ignore, Upstream, Rejected;
    /// Our own limiter or a full queue of the integration.
    Throttled = "throttled", "Too many calls", 429, Never, Ignore, Caller, NotSent;
    /// As many calls are under way as this server takes.
    Overloaded = "overloaded", "The server is busy", 503, Never, Ignore, Operator, NotSent;
    /// The service is busy with a conflicting piece of work: a serialization failure, a lock timeout.
    Contended = "contended", "Conflicts with concurrent work", 409, Transient, Success, Upstream, Rejected;
    /// The service cannot be reached, or says it is not able to answer.
    Unavailable = "unavailable", "The service is unavailable", 502, Transient, Failure, Upstream, Unknown;
    /// The name of the service does not exist, and will not because it is asked for again.
    UnknownHost = "unknown_host", "No host of this name", 502, Never, Ignore, Operator, NotSent;
    /// The service failed at this request: a 500.
    Failed = "failed", "The service failed at the request", 502, Harmless, Failure, Upstream, Unknown;
    /// The service stopped it while it ran: it took longer than the service allows it, or somebody there ended it.
    Stopped = "stopped", "The service stopped the request", 504, Never, Ignore, Upstream, Rejected;
    /// The service gave up waiting for the request: a 408. It says nothing about whether the service is up.
    RequestTimeout = "request_timeout", "The service waited for the request in vain", 504, Transient, Ignore, Upstream, Unknown;
    /// The service did not answer in time.
    Timeout = "timeout", "The service did not answer in time", 504, Transient, Failure, Upstream, Unknown;
    /// The breaker is open.
    CircuitOpen = "circuit_open", "The circuit is open", 503, Never, Ignore, Upstream, NotSent;
    /// The caller wants an answer from the cache or none (RFC 9111 section 5.2.1.7), and there is none.
    NotCached = "not_cached", "Not in the cache", 504, Never, Ignore, Caller, NotSent;
    /// The egress guard refused an address.
    Blocked = "blocked", "The address is not allowed", 403, Never, Ignore, Operator, NotSent;
    /// The service broke its protocol.
    Protocol = "protocol", "The service's answer breaks its protocol", 502, Never, Failure, Upstream, Unknown;
    /// The store cannot be read or written.
    Store = "store_unavailable", "The store is unavailable", 503, Never, Ignore, Operator, NotSent;
    /// The server is draining.
    ShuttingDown = "shutting_down", "The server is shutting down", 503, Never, Ignore, Operator, NotSent;
    /// A bug of ours.
    Internal = "internal", "Internal error", 500, Never, Ignore, Us, Unknown;
}

impl Kind {
    /// The stable code in answers, logs and metrics, such as `rate_limited`.
    pub const fn code(self) -> &'static str {
        self.row().code
    }

    /// Whether it says something of a service, as against the caller, this server, or what stands between.
    pub const fn is_of_a_service(self) -> bool {
        matches!(
            self,
            Self::Rejected
                | Self::Unauthenticated
                | Self::Forbidden
                | Self::RateLimited
                | Self::Contended
                | Self::Unavailable
                | Self::Failed
                | Self::Stopped
                | Self::RequestTimeout
                | Self::Timeout
                | Self::Protocol
        )
    }

    /// The kind with this code.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.code() == code)
    }
}

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique_and_answers_are_errors() {
        let mut codes: Vec<_> = Kind::ALL.iter().map(|kind| kind.code()).collect();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), Kind::ALL.len());
        assert!(Kind::ALL.iter().all(|kind| (400..600).contains(&kind.row().answers)));
    }

    #[test]
    fn what_was_not_sent_never_blames_a_breaker() {
        for kind in Kind::ALL.iter().map(|kind| kind.row()).filter(|row| row.outcome == Outcome::NotSent) {
            assert_eq!(kind.breaker, BreakerEffect::Ignore, "{}", kind.code);
        }
    }
}
