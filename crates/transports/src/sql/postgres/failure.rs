//! `Failure`: why a job did not succeed, before it is known what that means for what it was to do.

use trunkline_core::{Error, Kind, Outcome};

use super::refusal::Refusal;

/// Why a job did not succeed.
#[derive(Debug)]
pub(super) enum Failure {
    /// The connection is gone, or says what cannot be understood.
    Lost(Error),
    /// The server refused something. Boxed: it is large, and rare.
    Refused(Box<Refusal>),
    /// A COMMIT that rolled back.
    NotCommitted,
    /// Something that this side refuses, before or while the server works.
    Ours(Error),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Lost(error)
    }
}

/// How far a job has come, which is what its failure means.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Progress {
    /// Whether something was sent that can take effect without another word from here.
    pub(super) exposed: bool,
    /// Whether the server has begun to run it.
    pub(super) begun: bool,
}

impl Failure {
    /// The error for the caller. `left` says whether anything was sent at all.
    pub(super) fn explain(self, left: bool, only_reads: bool, progress: Progress) -> Error {
        let lost = match (left, progress.exposed && !only_reads) {
            (false, _) => Outcome::NotSent,
            (true, false) => Outcome::Rejected,
            (true, true) => Outcome::Unknown,
        };
        match self {
            Self::Lost(error) => error.outcome_is(lost),
            // A server that goes before it has begun has not run it: what a session that was idle gets to hear.
            Self::Refused(refusal) if refusal.is_fatal() => {
                let outcome = if progress.begun { lost } else { Outcome::NotSent };
                refusal.error().outcome_is(outcome)
            }
            Self::Refused(refusal) => {
                let error = refusal.error();
                if error.outcome() == Outcome::Unknown && only_reads { error.outcome_is(Outcome::Rejected) } else { error }
            }
            Self::NotCommitted => Error::new(Kind::Contended, "the database rolled the transaction back"),
            Self::Ours(error) => error,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_lost_was_applied_perhaps_only_if_it_could_be() {
        let lost = |left, only_reads, exposed| {
            let error = Error::new(Kind::Unavailable, "the connection broke");
            Failure::Lost(error).explain(left, only_reads, Progress { exposed, begun: true }).outcome()
        };
        assert_eq!(lost(false, false, true), Outcome::NotSent);
        assert_eq!(lost(true, true, true), Outcome::Rejected, "it only reads");
        assert_eq!(lost(true, false, false), Outcome::Rejected, "COMMIT was not sent");
        assert_eq!(lost(true, false, true), Outcome::Unknown);
    }

    #[test]
    fn a_server_that_leaves_before_it_begins_has_done_nothing() {
        let left = |begun| {
            let refusal = Refusal::read(b"VFATAL\0C57P01\0Mterminating connection\0\0");
            Failure::Refused(refusal.into()).explain(true, false, Progress { exposed: true, begun }).outcome()
        };
        assert_eq!((left(false), left(true)), (Outcome::NotSent, Outcome::Unknown));
    }
}
