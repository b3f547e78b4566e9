//! `Refusal`: an error that the server reports, field by field, and the [`Error`] that is made of it.

use trunkline_core::{Error, Outcome};

use super::codes::{self, Verdict};

/// What the server says of an error (documentation of PostgreSQL, "Error and Notice Message Fields").
#[derive(Debug, Default)]
pub(super) struct Refusal {
    fatal: bool,
    code: String,
    message: String,
    routine: String,
    facts: Vec<(&'static str, String)>,
}

/// The fields that are passed on, by their letter.
const FACTS: [(u8, &str); 10] = [
    (b'D', "detail"),
    (b'H', "hint"),
    (b'P', "position"),
    (b'W', "where"),
    (b's', "schema"),
    (b't', "table"),
    (b'c', "column"),
    (b'd', "datatype"),
    (b'n', "constraint"),
    (b'q', "internal_query"),
];

impl Refusal {
    /// Reads the fields. Servers speak UTF-8 but for what they say before they know that we do; of a message that was
    /// cut, what there is.
    pub(super) fn read(mut body: &[u8]) -> Self {
        let (mut refusal, mut severity) = (Self::default(), None);
        while let Some((&letter, rest)) = body.split_first() {
            if letter == 0 {
                break;
            }
            let end = memchr::memchr(0, rest).unwrap_or(rest.len());
            let text = || String::from_utf8_lossy(&rest[..end]).into_owned();
            match letter {
                // Translated, and not; servers before 9.6 have only the former.
                b'S' if severity.is_none() => severity = Some(text()),
                b'V' => severity = Some(text()),
                b'C' => refusal.code = text(),
                b'M' => refusal.message = text(),
                b'R' => refusal.routine = text(),
                letter => {
                    if let Some((_, name)) = FACTS.iter().find(|(known, _)| *known == letter) {
                        refusal.facts.push((name, text()));
                    }
                }
            }
            body = rest.get(end + 1..).unwrap_or_default();
        }
        refusal.fatal = matches!(severity.as_deref(), Some("FATAL" | "PANIC"));
        refusal
    }

    /// The SQLSTATE, five characters.
    pub(super) fn code(&self) -> &str {
        &self.code
    }

    /// Which of the server's routines says it.
    pub(super) fn routine(&self) -> &str {
        &self.routine
    }

    /// What the server says in words.
    pub(super) fn message(&self) -> &str {
        &self.message
    }

    /// Whether the server closes the connection.
    pub(super) fn is_fatal(&self) -> bool {
        self.fatal
    }

    /// The error for a caller whose statement the server had begun to run, or may have.
    pub(super) fn error(self) -> Error {
        let Verdict { kind, outcome, advice } = codes::judge(&self.code);
        let message = match advice {
            Some(advice) => format!("{}; {advice}", self.message),
            None => self.message,
        };
        // A server that goes away in the middle may have gone after it had committed.
        let outcome = if self.fatal && outcome == Outcome::Rejected { Outcome::Unknown } else { outcome };
        let error = Error::new(kind, message).outcome_is(outcome).with("sqlstate", self.code);
        self.facts.into_iter().fold(error, |error, (name, value)| error.with(name, value))
    }

    /// The error for a caller whose statement was not begun.
    pub(super) fn before(self) -> Error {
        let error = self.error();
        let taken = error.outcome() == Outcome::Rejected;
        if taken { error } else { error.outcome_is(Outcome::NotSent) }
    }
}

#[cfg(test)]
mod tests {
    use trunkline_core::Kind;

    use super::*;

    const UNIQUE: &[u8] = b"SFEHLER\0VERROR\0C23505\0Mduplicate key\0DKey (id)=(1) already exists.\0spublic\0tt\0nt_pkey\0Fnbtinsert.c\0\0";

    #[test]
    fn a_refusal_keeps_what_the_server_says_of_it() {
        let refusal = Refusal::read(UNIQUE);
        assert!(!refusal.is_fatal());
        let error = refusal.error();
        assert_eq!((error.kind(), error.outcome()), (Kind::Rejected, Outcome::Rejected));
        assert_eq!(error.message(), "duplicate key");
        let facts: Vec<_> = error.context().iter().map(|(name, value)| (*name, value.as_str())).collect();
        assert_eq!(
            facts,
            [
                ("sqlstate", "23505"),
                ("detail", "Key (id)=(1) already exists."),
                ("schema", "public"),
                ("table", "t"),
                ("constraint", "t_pkey")
            ]
        );
    }

    #[test]
    fn a_refusal_that_was_cut_anywhere_is_still_one() {
        for end in 0..UNIQUE.len() {
            let _ = Refusal::read(&UNIQUE[..end]).error();
        }
    }

    #[test]
    fn a_server_that_goes_away_in_the_middle_may_have_acted() {
        let farewell = || Refusal::read(b"SFATAL\0VFATAL\0C57P01\0Mterminating connection\0\0");
        assert!(farewell().is_fatal());
        assert_eq!(farewell().error().outcome(), Outcome::Unknown);
        assert_eq!(farewell().before().outcome(), Outcome::NotSent);
        assert_eq!(farewell().before().kind(), Kind::Unavailable);
    }
}
