//! What SQLite's result codes (`rescode.html`) are as kinds of error.

use rusqlite::{
    ErrorCode,
    ffi::{self, Error as Code},
};
use trunkline_core::{Error, Kind, Outcome};

use super::guard::Guard;

/// Kinds by primary result code. All others are `failed`.
const KINDS: &[(ErrorCode, Kind)] = &[
    (ErrorCode::ConstraintViolation, Kind::Rejected),
    (ErrorCode::TypeMismatch, Kind::Rejected),
    (ErrorCode::TooBig, Kind::Rejected),
    (ErrorCode::ReadOnly, Kind::Rejected),
    (ErrorCode::Unknown, Kind::Rejected),
    (ErrorCode::ParameterOutOfRange, Kind::Rejected),
    (ErrorCode::AuthorizationForStatementDenied, Kind::Forbidden),
    (ErrorCode::PermissionDenied, Kind::Forbidden),
    (ErrorCode::DatabaseBusy, Kind::Contended),
    (ErrorCode::DatabaseLocked, Kind::Contended),
    (ErrorCode::SchemaChanged, Kind::Contended),
    (ErrorCode::OperationInterrupted, Kind::Stopped),
    (ErrorCode::OperationAborted, Kind::Failed),
    (ErrorCode::SystemIoFailure, Kind::Unavailable),
    (ErrorCode::DiskFull, Kind::Unavailable),
    (ErrorCode::CannotOpen, Kind::Unavailable),
    (ErrorCode::NotADatabase, Kind::Unavailable),
    (ErrorCode::DatabaseCorrupt, Kind::Unavailable),
    (ErrorCode::OutOfMemory, Kind::Unavailable),
    (ErrorCode::FileLockingProtocolFailed, Kind::Unavailable),
];

/// Constraints by extended result code.
const CONSTRAINTS: &[(i32, &str)] = &[
    (ffi::SQLITE_CONSTRAINT_CHECK, "check"),
    (ffi::SQLITE_CONSTRAINT_DATATYPE, "datatype"),
    (ffi::SQLITE_CONSTRAINT_FOREIGNKEY, "foreign_key"),
    (ffi::SQLITE_CONSTRAINT_NOTNULL, "not_null"),
    (ffi::SQLITE_CONSTRAINT_PRIMARYKEY, "primary_key"),
    (ffi::SQLITE_CONSTRAINT_ROWID, "primary_key"),
    (ffi::SQLITE_CONSTRAINT_TRIGGER, "trigger"),
    (ffi::SQLITE_CONSTRAINT_UNIQUE, "unique"),
];

/// The error of a statement. It is rolled back, so nothing of it was applied.
pub(super) fn error(error: &rusqlite::Error, guard: &Guard) -> Error {
    let (code, message) = match parts(error) {
        Some(parts) => parts,
        None => {
            // A statement that has another behind it, and parameters that do not fit: what the scanner sees first.
            return Error::new(Kind::Rejected, error.to_string());
        }
    };
    // What is refused while functions and virtual tables are prepared has codes of theirs.
    let refused = guard.take_refused();
    let kind = if refused.is_some() { Kind::Forbidden } else { kind(code) };
    let message = match kind {
        Kind::Stopped => "the statement took longer than statement_timeout, and was stopped".to_owned(),
        Kind::Contended => format!("another statement holds a lock: {message}"),
        Kind::Forbidden => match refused {
            Some(what) => format!("not allowed here: {what}"),
            None => message.to_owned(),
        },
        _ => message.to_owned(),
    };
    let mut told = Error::new(kind, message).outcome_is(Outcome::Rejected).with("code", name(code));
    if let Some((_, constraint)) = CONSTRAINTS.iter().find(|(known, _)| *known == code.extended_code) {
        told = told.with("constraint_kind", *constraint);
        told = about(told, parts(error).map_or("", |(_, message)| message));
    }
    if let rusqlite::Error::SqlInputError { offset, .. } = error {
        // In the text that SQLite got, where `:name` is a number.
        told = told.with("offset", offset.to_string());
    }
    told
}

/// Of `UNIQUE constraint failed: orders.id, orders.shop` or `CHECK constraint failed: positive`.
fn about(error: Error, message: &str) -> Error {
    let Some((_, what)) = message.split_once(" constraint failed: ") else { return error };
    let what = what.split_once(" (").map_or(what, |(what, _)| what);
    match what.strip_prefix("index '") {
        Some(index) => error.with("constraint", index.trim_end_matches('\'')),
        None => {
            let mut columns = what.split(", ").map(|column| column.split_once('.'));
            match columns.next().flatten() {
                Some((table, column)) => error.with("table", table).with("column", column),
                None => error.with("constraint", what),
            }
        }
    }
}

/// The error of a connection that is not made.
pub(super) fn cannot_open(error: &rusqlite::Error) -> Error {
    let told = match parts(error) {
        // The message may name the path, which is no business of callers.
        Some((code, _)) => {
            let kind = match kind(code) {
                Kind::Contended => Kind::Contended,
                _ => Kind::Unavailable,
            };
            let message = format!("the database cannot be opened: {}", ffi::code_to_str(code.extended_code));
            Error::new(kind, message).with("code", name(code))
        }
        None => Error::new(Kind::Unavailable, "the database cannot be opened"),
    };
    told.outcome_is(Outcome::NotSent)
}

/// Whether nobody knows what the disk has.
pub(super) fn is_doubtful(error: &rusqlite::Error) -> bool {
    parts(error).is_some_and(|(code, _)| code.code == ErrorCode::SystemIoFailure)
}

/// The same of an error that was made of one.
pub(super) fn tells_doubt(error: &Error) -> bool {
    let code = error
        .context()
        .iter()
        .find(|(name, _)| *name == "code")
        .and_then(|(_, code)| code.parse::<i32>().ok());
    // The primary code is in the lowest byte (sqlite.org/rescode.html).
    code.is_some_and(|code| code & 0xff == ffi::SQLITE_IOERR)
}

fn kind(code: Code) -> Kind {
    KINDS.iter().find(|(known, _)| *known == code.code).map_or(Kind::Failed, |(_, kind)| *kind)
}

/// The code as a number, which SQLite's documentation lists.
fn name(code: Code) -> String {
    code.extended_code.to_string()
}

fn parts(error: &rusqlite::Error) -> Option<(Code, &str)> {
    match error {
        rusqlite::Error::SqliteFailure(code, message) => {
            Some((*code, message.as_deref().unwrap_or_else(|| ffi::code_to_str(code.extended_code))))
        }
        rusqlite::Error::SqlInputError { error, msg, .. } => Some((*error, msg)),
        _ => None,
    }
}
