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

impl Blame {
    /// The same for people.
    pub const fn who(self) -> &'static str {
        match self {
            Self::Caller => "the caller acts",
            Self::Operator => "the operator of Trunkline acts",
            Self::Upstream => "the service has to recover",
            Self::Us => "a bug of Trunkline",
        }
    }
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
    /// What it means, in a sentence.
    pub means: &'static str,
    /// What to do about it, for whoever reads the error. Words of the API stand between backticks.
    pub advice: &'static str,
}

macro_rules! kinds {
    ($(#[doc = $means:literal] $kind:ident = $code:literal, $title:literal, $answers:literal, $retry:ident, $breaker:ident, $blame:ident, $outcome:ident, $advice:literal;)*) => {
        /// The class of an error. What follows from it stands in its [`Row`]; no other code matches on it
        /// to decide an answer, a retry or a breaker's state.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Kind { $(#[doc = $means] $kind),* }

        impl Kind {
            /// Every kind, in the order of the table.
            pub const ALL: &'static [Kind] = &[$(Kind::$kind),*];

            /// What follows from this kind.
            pub const fn row(self) -> Row {
                match self {
                    $(Kind::$kind => Row {
                        code: $code, title: $title, answers: $answers, retry: Retry::$retry,
                        breaker: BreakerEffect::$breaker, blame: Blame::$blame, outcome: Outcome::$outcome,
                        means: $means.trim_ascii(), advice: $advice,
                    }),*
                }
            }
        }
    };
}

kinds! {
    /// A configuration or a request is wrong in itself.
    InvalidConfig = "invalid_config", "The input is not valid", 422, Never, Ignore, Caller, NotSent,
        "Correct what `detail` names: it says the key and, for a slip, the nearest that is known. Sent again as it is, it is refused again.";
    /// What was asked for is not something this type, scheme or build can do.
    Unsupported = "unsupported", "Not supported", 422, Never, Ignore, Caller, NotSent,
        "Ask for something that this type, scheme or action can do: `detail` says what there is.";
    /// No integration has this id.
    UnknownIntegration = "unknown_integration", "No such integration", 404, Never, Ignore, Caller, NotSent,
        "See how it is spelled: `GET /api/v1/integrations/list` has the ids of all. It may have been removed.";
    /// The integration has no connection of this name.
    UnknownConnection = "unknown_connection", "No such connection", 404, Never, Ignore, Caller, NotSent,
        "See how it is spelled, or add it: `GET …/connections` lists those of the integration.";
    /// No event of this id came to the integration, or it is forgotten.
    UnknownEvent = "unknown_event", "No such event", 404, Never, Ignore, Caller, NotSent,
        "List those that are kept with `GET …/events`; `webhooks.keep` says for how long they are.";
    /// The id is taken, or the thing changed since it was read.
    Conflict = "conflict", "Conflicts with what is stored", 409, Never, Ignore, Caller, NotSent,
        "Read what is stored now and make the change to that; a new one needs an id that is not taken.";
    /// The integration is switched off.
    Disabled = "disabled", "The integration is disabled", 409, Never, Ignore, Caller, NotSent,
        "Switch the integration, or the connection, on if it is meant to take calls.";
    /// The service understood and refused: a 4xx, a constraint violation.
    Rejected = "rejected", "The service rejected the request", 422, Never, Success, Caller, Rejected,
        "Correct the request by what the service said, which is in `upstream` or `context`. Sent again as it is, it is refused again.";
    /// The broker has nobody to give the message to: no queue, no stream.
    Unroutable = "unroutable", "Nobody gets the message", 422, Never, Success, Caller, Rejected,
        "Make or declare the queue, stream or topic, or correct its name. The message was not taken.";
    /// The service does not accept the credential.
    Unauthenticated = "unauthenticated", "The service did not accept the credential", 502, Refresh, Ignore, Operator, Rejected,
        "Give the integration another one. Where a fresh one could be had, that was refused too.";
    /// What stood for a person's consent is gone or used up: somebody has to connect the account again.
    NeedsReauth = "needs_reauth", "The account has to be connected again", 502, Never, Ignore, Operator, NotSent,
        "It is done on the page of the integration, with `trunkline connect`, or by the link of `GET …/oauth/authorize`.";
    /// The service knows the credential and refuses it this.
    Forbidden = "forbidden", "The credential is not allowed to do this", 502, Never, Ignore, Operator, Rejected,
        "Give the credential the permission or scope at the service, or use another one; `upstream` says what is missing, if the service does.";
    /// The service asks to slow down.
    RateLimited = "rate_limited", "The service limits the rate", 429, Paced, Ignore, Upstream, Rejected,
        "Wait until `retry_at`, which `Retry-After` says too. Set `rate_limit` so that calls stay below what the service allows.";
    /// The integration's own limits are reached, and too many wait for their turn, or for longer than they may.
    Throttled = "throttled", "Too many calls", 429, Never, Ignore, Caller, NotSent,
        "Wait for `Retry-After` and make fewer calls at a time, or raise `rate_limit`, its `max_wait` or `concurrency` of the integration.";
    /// As many calls are under way as this server takes.
    Overloaded = "overloaded", "The server is busy", 503, Never, Ignore, Operator, NotSent,
        "Wait for `Retry-After`. Where it lasts, see which service is slow; `server.calls` says how many calls may be under way.";
    /// The service is busy with a conflicting piece of work: a serialization failure, a lock timeout.
    Contended = "contended", "Conflicts with concurrent work", 409, Transient, Success, Upstream, Rejected,
        "Make the call again: nothing of it was kept. Where it happens often, let fewer callers change the same thing at the same time.";
    /// The service cannot be reached, or says it is not able to answer.
    Unavailable = "unavailable", "The service is unavailable", 502, Transient, Failure, Upstream, Unknown,
        "See that the service is up and that this server reaches it. Where `outcome` is `unknown`, find out whether it acted before you repeat what must not happen twice.";
    /// The name of the service does not exist, and will not because it is asked for again.
    UnknownHost = "unknown_host", "No host of this name", 502, Never, Ignore, Operator, NotSent,
        "See how the host in `base_url` is spelled, and that the DNS of this server knows it.";
    /// The service failed at this request: a 500.
    Failed = "failed", "The service failed at the request", 502, Harmless, Failure, Upstream, Unknown,
        "See what the service said in `upstream`, and ask its operator. It may have acted before it failed.";
    /// The service stopped it while it ran: it took longer than the service allows it, or somebody there ended it.
    Stopped = "stopped", "The service stopped the request", 504, Never, Ignore, Upstream, Rejected,
        "Ask for less at a time, or have the service allow more time. What it had begun it did not keep.";
    /// The service gave up waiting for the request: a 408. It says nothing about whether the service is up.
    RequestTimeout = "request_timeout", "The service waited for the request in vain", 504, Transient, Ignore, Upstream, Unknown,
        "Make the call again if it does no harm twice; where it happens often, see what slows requests down on their way.";
    /// The call took longer than it was given, and what the service makes of it is not known.
    Timeout = "timeout", "The service did not answer in time", 504, Transient, Failure, Upstream, Unknown,
        "Raise `timeout` or `attempt_timeout` if the service needs longer, else see why it is slow. It may have acted: find that out before you repeat what must not happen twice.";
    /// The service failed so often that it is not asked for a while.
    CircuitOpen = "circuit_open", "The circuit is open", 503, Never, Ignore, Upstream, NotSent,
        "Wait until `retry_at`, when single calls find out whether the service is back, and see why those before failed. `POST …/breaker/reset` closes the circuit at once.";
    /// The caller wants an answer from the cache or none (RFC 9111 section 5.2.1.7), and there is none.
    NotCached = "not_cached", "Not in the cache", 504, Never, Ignore, Caller, NotSent,
        "Leave out `only-if-cached` to have the service asked.";
    /// The egress guard refused an address.
    Blocked = "blocked", "The address is not allowed", 403, Never, Ignore, Operator, NotSent,
        "See that the address is right. Where the integration is meant to reach it, list it in `egress.allow` of the server's configuration.";
    /// The service broke its protocol.
    Protocol = "protocol", "The service's answer breaks its protocol", 502, Never, Failure, Upstream, Unknown,
        "See that the address leads to a service of this type and version, and that nothing between, such as a proxy, answers in its place.";
    /// The store cannot be read or written.
    Store = "store_unavailable", "The store is unavailable", 503, Never, Ignore, Operator, NotSent,
        "See that the disk of the database has room and can be written; the log of the server says more.";
    /// The server was told to stop, and begins no more calls.
    ShuttingDown = "shutting_down", "The server is shutting down", 503, Never, Ignore, Operator, NotSent,
        "Make the call again once the server has started, or to another one. Nothing was sent.";
    /// Something in Trunkline went wrong that must not: a bug of ours.
    Internal = "internal", "Internal error", 500, Never, Ignore, Us, Unknown,
        "Report it, with what the log of the server has of this `request_id`. The service may have acted.";
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
