//! What the codes of PostgreSQL mean for a caller: one table, by code and by class (documentation of PostgreSQL,
//! appendix A, "PostgreSQL Error Codes").

use trunkline_core::{Kind, Outcome};

/// What follows from a code.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Verdict {
    pub(super) kind: Kind,
    pub(super) outcome: Outcome,
    /// What to do about it, where the server does not say.
    pub(super) advice: Option<&'static str>,
}

const fn row(kind: Kind, outcome: Outcome) -> Verdict {
    Verdict { kind, outcome, advice: None }
}

const fn advise(kind: Kind, outcome: Outcome, advice: &'static str) -> Verdict {
    Verdict { kind, outcome, advice: Some(advice) }
}

/// An error undoes what its transaction did, so nothing was applied unless a row says otherwise.
use Outcome::{NotSent, Rejected, Unknown};

/// By code, and by the two characters of a class.
const TABLE: &[(&str, Verdict)] = &[
    // Connections.
    ("08000", row(Kind::Unavailable, Unknown)),
    ("08P01", row(Kind::Protocol, Rejected)),
    ("08", row(Kind::Unavailable, Unknown)),
    ("28", row(Kind::Unauthenticated, Rejected)),
    ("3D000", row(Kind::Rejected, Rejected)),
    // What the statement asks for.
    ("0A000", row(Kind::Rejected, Rejected)),
    ("25006", advise(Kind::Rejected, Rejected, "the call or the integration is read only")),
    ("25P03", row(Kind::Unavailable, Rejected)),
    ("25P04", row(Kind::Stopped, Rejected)),
    ("40001", row(Kind::Contended, Rejected)),
    ("40003", row(Kind::Contended, Unknown)),
    ("40", row(Kind::Contended, Rejected)),
    ("42501", row(Kind::Forbidden, Rejected)),
    ("55006", row(Kind::Contended, Rejected)),
    ("55P03", row(Kind::Contended, Rejected)),
    ("72000", row(Kind::Contended, Rejected)),
    // What the server is able to do.
    ("53300", row(Kind::Unavailable, NotSent)),
    ("53", row(Kind::Unavailable, Rejected)),
    ("57014", row(Kind::Stopped, Rejected)),
    ("57P01", row(Kind::Unavailable, Rejected)),
    ("57P02", row(Kind::Unavailable, Rejected)),
    ("57P03", row(Kind::Unavailable, NotSent)),
    ("57P05", row(Kind::Unavailable, Rejected)),
    ("57P", row(Kind::Unavailable, Rejected)),
    ("57", row(Kind::Rejected, Rejected)),
    ("58", row(Kind::Failed, Rejected)),
    ("F0", row(Kind::Failed, Rejected)),
    // A foreign server may have acted for itself.
    ("HV", row(Kind::Failed, Unknown)),
    ("XX", row(Kind::Failed, Rejected)),
];

/// All others are about the statement or its data: syntax and names (42), values (22), constraints (23), `raise` (P0).
const OTHER: Verdict = row(Kind::Rejected, Rejected);

/// What a code means: its own row, or else that of the longest beginning of it.
pub(super) fn judge(code: &str) -> Verdict {
    let longest =
        TABLE.iter().filter(|(known, _)| code.starts_with(known)).max_by_key(|(known, _)| known.len());
    longest.map_or(OTHER, |(_, verdict)| *verdict)
}

/// Whether a server takes leave of its own accord, which it says in its turn: behind what it has answered so far. One
/// that has not said that it began then has not begun, as where a session was idle.
pub(super) fn is_leave(code: &str) -> bool {
    // admin_shutdown, idle_session_timeout, idle_in_transaction_session_timeout
    matches!(code, "57P01" | "57P05" | "25P03")
}

/// Why a prepared statement cannot be run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stale {
    /// Its columns are of other types than they were.
    Changed,
    /// The server knows none of this name, or another one.
    Gone,
}

/// Whether an error says that a prepared statement is no longer what it was. The server says so before it runs any of
/// it. That its columns changed has no code of its own, and words that servers translate: the routine tells.
pub(super) fn staleness(code: &str, routine: &str) -> Option<Stale> {
    match (code, routine) {
        ("26000" | "42P05", _) => Some(Stale::Gone),
        ("0A000", "RevalidateCachedQuery") => Some(Stale::Changed),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_means_what_its_row_says_or_else_its_class() {
        for (code, kind, outcome) in [
            ("23505", Kind::Rejected, Rejected),
            ("42601", Kind::Rejected, Rejected),
            ("42P01", Kind::Rejected, Rejected),
            ("22P02", Kind::Rejected, Rejected),
            ("P0001", Kind::Rejected, Rejected),
            ("25006", Kind::Rejected, Rejected),
            ("3D000", Kind::Rejected, Rejected),
            ("40001", Kind::Contended, Rejected),
            ("40P01", Kind::Contended, Rejected),
            ("40003", Kind::Contended, Unknown),
            ("55P03", Kind::Contended, Rejected),
            ("28P01", Kind::Unauthenticated, Rejected),
            ("28000", Kind::Unauthenticated, Rejected),
            ("42501", Kind::Forbidden, Rejected),
            ("53300", Kind::Unavailable, NotSent),
            ("53100", Kind::Unavailable, Rejected),
            ("57014", Kind::Stopped, Rejected),
            ("57P01", Kind::Unavailable, Rejected),
            ("57P03", Kind::Unavailable, NotSent),
            ("58030", Kind::Failed, Rejected),
            ("XX000", Kind::Failed, Rejected),
            ("08006", Kind::Unavailable, Unknown),
            ("", Kind::Rejected, Rejected),
            ("9", Kind::Rejected, Rejected),
        ] {
            let verdict = judge(code);
            assert_eq!((verdict.kind, verdict.outcome), (kind, outcome), "{code}");
        }
    }

    #[test]
    fn no_code_stands_twice() {
        let mut codes: Vec<_> = TABLE.iter().map(|(code, _)| code).collect();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), TABLE.len());
    }
}
