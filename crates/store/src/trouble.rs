//! What the store can be in trouble with: a fact on the error that a caller can branch on, and the
//! constructors that put it there.

use std::path::Path;

use trunkline_core::{Error, Kind};

/// The fact that carries a [`Trouble`] on an [`Error`].
const FACT: &str = "store";

/// Why the store refused, where that decides what happens next. Read it with [`Trouble::of`]; in a
/// printed error it stands as `store=corrupt` and so on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Trouble {
    /// The database is damaged. It was left as it is; `trunkline serve` exits with 65 (`EX_DATAERR` of
    /// sysexits.h) and restore steps.
    Corrupt,
    /// Another process uses the data directory.
    Locked,
    /// The database was written by a newer version.
    Newer,
    /// No master key, a wrong one, or one that others can read.
    Key,
    /// One sealed value does not open: it is damaged, or was moved, swapped or rolled back. Only the
    /// integration that it belongs to is affected.
    Undecryptable,
}

impl Trouble {
    const ALL: [Self; 5] = [Self::Corrupt, Self::Locked, Self::Newer, Self::Key, Self::Undecryptable];

    /// The word in a printed error.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Corrupt => "corrupt",
            Self::Locked => "locked",
            Self::Newer => "newer",
            Self::Key => "key",
            Self::Undecryptable => "undecryptable",
        }
    }

    /// What `error` says the store is in trouble with, if it says so.
    pub fn of(error: &Error) -> Option<Self> {
        let (_, code) = error.context().iter().find(|(key, _)| *key == FACT)?;
        Self::ALL.into_iter().find(|trouble| trouble.code() == code)
    }

    /// Puts this on `error`.
    pub(crate) fn on(self, error: Error) -> Error {
        error.with(FACT, self.code())
    }
}

/// The database file is damaged.
pub(crate) fn corrupt(file: &Path, what: &str) -> Error {
    Trouble::Corrupt.on(Error::new(
        Kind::Store,
        format!(
            "{} {what}; it was left as it is: start with a new data folder, which `trunkline restore` makes \
             from a backup",
            file.display()
        ),
    ))
}

/// A file of the data directory cannot be used.
pub(crate) fn io(doing: &'static str, file: &Path, error: std::io::Error) -> Error {
    Error::new(Kind::Store, format!("cannot {doing} {}", file.display())).source(error)
}

/// SQLite refused. The statement and its values are not part of the error.
pub(crate) fn sql(doing: &'static str, error: sqlx::Error) -> Error {
    let hint = match primary_code(&error) {
        // Result codes of https://www.sqlite.org/rescode.html
        Some(8) => ": the file system is read-only",
        Some(10) => ": the disk fails",
        Some(11 | 26) => ": the database is damaged, restore it from a backup",
        Some(13) => ": the disk is full, free some space",
        _ if matches!(error, sqlx::Error::PoolClosed) => ": the store is closed",
        _ => "",
    };
    let damaged = is_damage(&error);
    let error = Error::new(Kind::Store, format!("cannot {doing}{hint}")).source(error);
    if damaged { Trouble::Corrupt.on(error) } else { error }
}

/// Whether SQLite says that the file, not the machine, is at fault.
pub(crate) fn is_damage(error: &sqlx::Error) -> bool {
    matches!(primary_code(error), Some(11 | 26)) // SQLITE_CORRUPT, SQLITE_NOTADB
}

/// Whether another program writes to the file, and has done so for as long as SQLite waits.
pub(crate) fn is_busy(error: &sqlx::Error) -> bool {
    primary_code(error) == Some(5) // SQLITE_BUSY
}

/// SQLite's result code without its extension.
pub(crate) fn primary_code(error: &sqlx::Error) -> Option<i32> {
    let code: i32 = error.as_database_error()?.code()?.parse().ok()?;
    Some(code & 0xff)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trouble_put_on_an_error_is_read_back() {
        for trouble in Trouble::ALL {
            assert_eq!(Trouble::of(&trouble.on(Error::invalid("x"))), Some(trouble));
        }
        assert_eq!(Trouble::of(&Error::invalid("x")), None);
    }
}
