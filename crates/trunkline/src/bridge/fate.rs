//! `fate`: what becomes of a message when it was passed on in vain. It follows from the row of the error's kind, from its
//! outcome and from what doing it twice means, and nothing else decides it.

use trunkline_core::{Blame, Error, IntegrationId, Kind, Outcome, Retry};

/// Characters that are kept of a reason.
const REASON: usize = 500;
/// What people are told of a call that is not made again because it may have been done.
pub(crate) const MAY: &str = "may have been done; see whether it was, and forward it again by hand if not: ";

/// What becomes of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It was dealt with all the same.
    Done,
    /// The integration cannot be called now, whatever the message: it is kept, and that does not count against it.
    Wait,
    /// It may be the message's fault: it comes again, until it has done so too often.
    Again,
    /// Repeating cannot help: it is put aside.
    Aside,
}

/// What becomes of a message that a call failed for. One that is made `once` is not made again where it may have been done.
pub(crate) fn fate(error: &Error, once: bool) -> Fate {
    let row = error.kind().row();
    match (error.outcome(), row.retry) {
        (Outcome::Applied, _) => Fate::Done,
        (Outcome::Unknown, _) if once => Fate::Aside,
        // The service says that the same request fails in the same way. A limit, or a credential, is about all of them.
        (Outcome::Unknown, _) | (Outcome::Rejected, Retry::Transient | Retry::Harmless | Retry::Never)
            if error.is_lasting() =>
        {
            Fate::Aside
        }
        // … or that it does not.
        (Outcome::Rejected, Retry::Never) if error.is_passing() => Fate::Again,
        // It says so itself, or what stands before it: as when it is being replaced by its next version.
        (Outcome::Unknown, _) if error.kind() == Kind::Unavailable && error.reply().is_some() => Fate::Wait,
        // A connection that is lost, a timeout, a 500: what many messages do, or only this one.
        (Outcome::Unknown, _) => Fate::Again,
        (Outcome::NotSent | Outcome::Rejected, Retry::Transient | Retry::Paced | Retry::Refresh) => {
            Fate::Wait
        }
        (Outcome::Rejected, Retry::Harmless) => Fate::Again,
        // A limit says when there is room again; anything else is wrong in the request.
        (Outcome::NotSent, _) if row.blame == Blame::Caller && error.wait().is_none() => Fate::Aside,
        (Outcome::NotSent, _) => Fate::Wait,
        (Outcome::Rejected, Retry::Never) if row.blame == Blame::Caller => Fate::Aside,
        // Not allowed, or it took the service too long: perhaps only this one.
        (Outcome::Rejected, Retry::Never) => Fate::Again,
    }
}

/// Why a message did not reach an integration, as it is kept beside the message.
pub(crate) fn reason(to: &IntegrationId, error: &Error, once: bool) -> String {
    let last = once || error.is_lasting();
    let may = if last && error.outcome() == Outcome::Unknown { MAY } else { "" };
    let reason = format!("{to}: {}: {may}{}", error.kind(), error.message());
    reason.chars().filter(|c| !c.is_control()).take(REASON).collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use http::StatusCode;
    use trunkline_core::Reply;

    use super::*;

    #[test]
    fn only_what_may_be_the_fault_of_the_message_counts_against_it() {
        let of = |kind, outcome| fate(&Error::new(kind, "no").outcome_is(outcome), false);
        let usual = |kind: Kind| of(kind, kind.row().outcome);
        for kind in [
            Kind::CircuitOpen,
            Kind::Overloaded,
            Kind::RateLimited,
            Kind::Contended,
            Kind::Unauthenticated,
            Kind::NeedsReauth,
            Kind::UnknownHost,
            Kind::Blocked,
            Kind::ShuttingDown,
        ] {
            assert_eq!(usual(kind), Fate::Wait, "{kind}");
        }
        for kind in [Kind::Failed, Kind::Timeout, Kind::Unavailable, Kind::Protocol, Kind::Forbidden] {
            assert_eq!(usual(kind), Fate::Again, "{kind}");
        }
        for kind in [Kind::Rejected, Kind::Unroutable, Kind::InvalidConfig, Kind::Unsupported] {
            assert_eq!(usual(kind), Fate::Aside, "{kind}");
        }
        assert_eq!(of(Kind::Unavailable, Outcome::NotSent), Fate::Wait);
        assert_eq!(of(Kind::Protocol, Outcome::Applied), Fate::Done);
    }

    #[test]
    fn a_limit_is_waited_for_and_so_is_a_service_that_says_it_is_unavailable() {
        let throttled = Error::new(Kind::Throttled, "no").retry_after(Duration::from_secs(1));
        assert_eq!(fate(&throttled, false), Fate::Wait);
        let reply = Reply::new(StatusCode::SERVICE_UNAVAILABLE, "");
        assert_eq!(fate(&Error::new(Kind::Unavailable, "no").replied(reply), false), Fate::Wait);
    }

    #[test]
    fn a_service_that_says_whether_repeating_helps_is_believed() {
        let of = |kind, outcome| Error::new(kind, "no").outcome_is(outcome);
        let (unknown, rejected) = (Outcome::Unknown, Outcome::Rejected);
        for (kind, outcome) in
            [(Kind::Failed, unknown), (Kind::Unavailable, unknown), (Kind::Contended, rejected)]
        {
            assert_eq!(fate(&of(kind, outcome).lasting(), false), Fate::Aside, "{kind}");
            assert_ne!(fate(&of(kind, outcome), false), Fate::Aside, "{kind}");
        }
        // The limit of a day is over by and by.
        assert_eq!(fate(&of(Kind::RateLimited, rejected).lasting(), false), Fate::Wait);
        assert_eq!(fate(&of(Kind::Unauthenticated, rejected).lasting(), false), Fate::Wait);
        assert_eq!(fate(&of(Kind::Rejected, rejected).passing(), false), Fate::Again);
        assert_eq!(fate(&of(Kind::Failed, unknown).passing(), true), Fate::Aside, "it may have been done");
    }

    #[test]
    fn what_is_made_once_is_put_aside_where_it_may_have_been_done_and_only_there() {
        for kind in Kind::ALL {
            for outcome in [Outcome::NotSent, Outcome::Rejected, Outcome::Applied] {
                let error = Error::new(*kind, "no").outcome_is(outcome);
                assert_eq!(fate(&error, true), fate(&error, false), "{kind} {outcome:?}");
            }
            let reply = Reply::new(StatusCode::SERVICE_UNAVAILABLE, "");
            let unknown = Error::new(*kind, "no").outcome_is(Outcome::Unknown).replied(reply);
            assert_eq!(fate(&unknown, true), Fate::Aside, "{kind}");
        }
        let to = IntegrationId::new("tw").unwrap();
        let told = |once| reason(&to, &Error::new(Kind::Timeout, "no"), once);
        assert!(told(true).starts_with("tw: timeout: may have been done; "), "{}", told(true));
        assert_eq!(told(false), "tw: timeout: no");
    }
}
