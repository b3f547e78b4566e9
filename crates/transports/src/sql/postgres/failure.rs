//! `Failure`: why a job did not succeed, before it is known what that means for what it was to do.

use trunkline_core::{Error, Kind, Outcome};

use super::{codes, refusal::Refusal};

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
    /// The statement that is being prepared or heard, counted from 0.
    pub(super) place: Option<usize>,
    /// Whether something was sent that can take effect without another word from here.
    pub(super) exposed: bool,
    /// Whether the server has begun to run it.
    pub(super) begun: bool,
    /// Whether it runs by itself what may commit as it goes: `CALL`, and `DO`.
    pub(super) commits: bool,
}

impl Progress {
    /// Whether something may stay of what the server refuses in the end.
    pub(super) fn may_have_committed(self) -> bool {
        self.commits && self.exposed && self.begun
    }
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
            Self::Refused(refusal) if refusal.is_fatal() => {
                let ran = progress.begun || !codes::is_leave(refusal.code());
                refusal.error().outcome_is(if ran { lost } else { Outcome::NotSent })
            }
            Self::Refused(refusal) => {
                let error = refusal.error();
                if progress.may_have_committed() {
                    error.outcome_is(lost)
                } else if error.outcome() == Outcome::Unknown && only_reads {
                    error.outcome_is(Outcome::Rejected)
                } else {
                    error
                }
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
            Failure::Lost(error)
                .explain(left, only_reads, Progress { exposed, begun: true, ..Progress::default() })
                .outcome()
        };
        assert_eq!(lost(false, false, true), Outcome::NotSent);
        assert_eq!(lost(true, true, true), Outcome::Rejected, "it only reads");
        assert_eq!(lost(true, false, false), Outcome::Rejected, "COMMIT was not sent");
        assert_eq!(lost(true, false, true), Outcome::Unknown);
    }

    #[test]
    fn a_server_that_leaves_before_it_begins_has_done_nothing() {
        let left = |code, begun| {
            let refusal = Refusal::read(format!("VFATAL\0C{code}\0Mterminating connection\0\0").as_bytes());
            let progress = Progress { exposed: true, begun, ..Progress::default() };
            Failure::Refused(refusal.into()).explain(true, false, progress).outcome()
        };
        assert_eq!((left("57P01", false), left("57P01", true)), (Outcome::NotSent, Outcome::Unknown));
        // What a pooler says of a server that is gone: nobody knows how far that had come.
        assert_eq!(left("08P01", false), Outcome::Unknown);
    }

    #[test]
    fn what_a_procedure_committed_before_it_failed_stays() {
        let failed = |begun, commits| {
            let refusal = Refusal::read(b"VERROR\0C40001\0Mcould not serialize\0\0");
            let progress = Progress { exposed: true, begun, commits, ..Progress::default() };
            Failure::Refused(refusal.into()).explain(true, false, progress).outcome()
        };
        assert_eq!(failed(true, true), Outcome::Unknown);
        assert_eq!(failed(false, true), Outcome::Rejected, "it was not begun");
        assert_eq!(failed(true, false), Outcome::Rejected, "a statement is undone");
    }
}
