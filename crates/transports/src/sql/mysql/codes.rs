//! What goes wrong, as kinds and outcomes: one table of the error numbers of MySQL and MariaDB (MySQL: Server Error
//! Message Reference; MariaDB: Error Codes), and what a lost connection means.

use mysql_async::{DriverError, Error as Lost, IoError, ServerError};
use trunkline_core::{Error, Kind, Outcome};

/// How far a job had come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// Nothing of it was sent: connecting, logging in, setting up.
    Connecting,
    /// Its text is with the server, which has run nothing yet.
    Preparing,
    /// It is running, and nothing of it stays if it fails: it reads, or its transaction is not committed yet.
    Running,
    /// A statement that commits by itself is running: nothing of it stays if the server says that it failed.
    Alone,
    /// The transaction is being committed.
    Committing,
    /// A procedure is running that may commit as it goes.
    Procedure,
}

/// Error numbers with one meaning each.
#[rustfmt::skip]
const KINDS: &[(Kind, &[u16])] = &[
    // Access denied, with and without a password; account locked, password expired.
    (Kind::Unauthenticated, &[1045, 1698, 1820, 1862, 3118, 4151]),
    // No access to a database, table, column, routine; no privilege; this host may not connect.
    (Kind::Forbidden, &[1044, 1095, 1130, 1142, 1143, 1227, 1370, 1410, 3879]),
    // Too many connections: of the server, of the user, in the hour; too many prepared statements.
    (Kind::Unavailable, &[1040, 1203, 1226, 1129, 1135, 1461]),
    // Shutting down; killed; not a primary any more; a cluster without a quorum.
    (Kind::Unavailable, &[1053, 1077, 1079, 1080, 1927, 1047, 3032, 3169, 4031]),
    // Lock wait timeout, deadlock, certification failure, changed while it was read.
    (Kind::Contended, &[1205, 1213, 1020, 3101, 3572, 1637]),
    // Statement timeout; stopped by somebody.
    (Kind::Stopped, &[3024, 1969, 1317]),
    // Out of memory, of disk, of file handles; broken tables; other faults of the server.
    (Kind::Failed, &[1028, 1005, 1021, 1023, 1024, 1026, 1034, 1037, 1038, 1041, 1105, 1114, 1180, 1181, 1194, 1195, 1030, 126, 145]),
];

/// Numbers that say that the server takes no writes: since it has become a replica, perhaps.
const MOVED: &[u16] = &[1290, 1836];

/// Numbers that say that nobody let the statement in: too many, shutting down.
const NOT_TAKEN: &[u16] = &[1040, 1203, 1226, 1129, 1135, 1461, 1047];

/// Numbers with which a server takes its leave: a statement that commits by itself may have done so.
const GOING_AWAY: &[u16] = &[1053, 1077, 1079, 1080, 1152, 1184, 1927];

/// Numbers that say that a procedure was not even begun.
const NOT_BEGUN: &[u16] = &[1064, 1305, 1318, 1370, 1044, 1142, 1227, 1295, 1792, 1290, 1414];

/// Whether the error is that the server has no TLS.
pub(super) fn has_no_tls(error: &Lost) -> bool {
    matches!(error, Lost::Driver(DriverError::NoClientSslFlagFromServer))
}

/// Whether the address of the server may be that of another one by now, which a new connection finds.
pub(super) fn moved(number: u16) -> bool {
    MOVED.contains(&number)
}

/// Whether the error is a row that is larger than we take.
pub(super) fn is_too_large(error: &Lost) -> bool {
    match error {
        Lost::Driver(DriverError::PacketTooLarge) => true,
        // The type of what is within is not exported.
        Lost::Io(IoError::Io(error)) => {
            error.get_ref().is_some_and(|inner| inner.to_string().contains("larger than max_allowed_packet"))
        }
        _ => false,
    }
}

/// The number of an error that the server sent.
pub(super) fn number(error: &Lost) -> Option<u16> {
    match error {
        Lost::Server(error) => Some(error.code),
        _ => None,
    }
}

/// The error of a job that came as far as `stage`.
pub(super) fn lost(error: Lost, stage: Stage) -> Error {
    let outcome = match stage {
        Stage::Connecting | Stage::Preparing => Outcome::NotSent,
        Stage::Running => Outcome::Rejected,
        Stage::Alone | Stage::Committing | Stage::Procedure => Outcome::Unknown,
    };
    match error {
        Lost::Server(error) => refused(&error, stage),
        Lost::Driver(DriverError::LocalInfile(_)) => {
            let message = "the database asked for a file of this machine, which it never gets";
            Error::new(Kind::Protocol, message).outcome_is(outcome)
        }
        Lost::Driver(
            error @ (DriverError::UnknownAuthPlugin { .. }
            | DriverError::MysqlOldPasswordDisabled
            | DriverError::CleartextPluginDisabled),
        ) => {
            let message = "the database wants to log in in a way that is not spoken here; give the user \
                           caching_sha2_password, mysql_native_password or ed25519";
            Error::new(Kind::Unauthenticated, message).outcome_is(outcome).source(Lost::Driver(error))
        }
        error if is_too_large(&error) => {
            Error::new(Kind::Unsupported, "a row is more than the 64 MiB that fit; select less of it")
                .outcome_is(outcome)
        }
        Lost::Io(IoError::Tls(error)) => {
            let message = "no TLS connection with the database; its certificate, or ours, is not accepted";
            Error::new(Kind::Protocol, message).outcome_is(outcome).source(error)
        }
        Lost::Io(IoError::Io(error)) if error.get_ref().is_some_and(|inner| inner.is::<rustls::Error>()) => {
            let message = "no TLS connection with the database; its certificate, or ours, is not accepted";
            Error::new(Kind::Protocol, message).outcome_is(outcome).source(error)
        }
        Lost::Io(IoError::Io(error)) if error.get_ref().is_none() || is_plain(&error) => {
            let message = match stage {
                Stage::Connecting => "cannot connect to the database",
                _ => "the connection to the database was lost",
            };
            Error::new(Kind::Unavailable, message).outcome_is(outcome).source(error)
        }
        Lost::Driver(error @ DriverError::ConnectionClosed) => {
            let message = "the connection to the database was lost";
            Error::new(Kind::Unavailable, message).outcome_is(outcome).source(Lost::Driver(error))
        }
        // Without the cause: it can hold rows.
        _ => Error::new(Kind::Protocol, "what the database sent is not of MySQL's protocol")
            .outcome_is(outcome),
    }
}

/// Whether an error is one of the network, and not of what came over it.
fn is_plain(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{
        BrokenPipe, ConnectionAborted, ConnectionRefused, ConnectionReset, HostUnreachable,
        NetworkUnreachable, NotConnected, NotFound, PermissionDenied, TimedOut, UnexpectedEof,
    };
    matches!(
        error.kind(),
        BrokenPipe
            | ConnectionAborted
            | ConnectionRefused
            | ConnectionReset
            | HostUnreachable
            | NetworkUnreachable
            | NotConnected
            | NotFound
            | PermissionDenied
            | TimedOut
            | UnexpectedEof
    )
}

/// The error that the server sent.
fn refused(error: &ServerError, stage: Stage) -> Error {
    let ServerError { code, message, state } = error;
    let kind = KINDS.iter().find(|(_, codes)| codes.contains(code)).map_or(Kind::Rejected, |(kind, _)| *kind);
    let outcome = match stage {
        Stage::Connecting => Outcome::NotSent,
        _ if NOT_TAKEN.contains(code) => Outcome::NotSent,
        Stage::Procedure if !NOT_BEGUN.contains(code) => Outcome::Unknown,
        Stage::Committing if kind != Kind::Contended => Outcome::Unknown,
        Stage::Alone if GOING_AWAY.contains(code) => Outcome::Unknown,
        // A table without transactions keeps what was done before.
        Stage::Alone if kind == Kind::Stopped => Outcome::Unknown,
        _ => Outcome::Rejected,
    };
    let said = match stage {
        Stage::Connecting => "the database refused the connection",
        _ => "the database says",
    };
    let mut told = Error::new(kind, format!("{said}: {message}"))
        .outcome_is(outcome)
        .with("code", code.to_string())
        .with("sqlstate", state.clone());
    for (key, value) in names(*code, message) {
        told = told.with(key, value);
    }
    told
}

/// What an error is about, where its message names it.
fn names(code: u16, message: &str) -> Vec<(&'static str, String)> {
    let quoted = |before: &str, quote: char| {
        let rest = &message[message.find(before)? + before.len()..];
        let rest = rest.strip_prefix(quote)?;
        Some(rest[..rest.find(quote)?].to_owned())
    };
    let mut found = Vec::new();
    let mut add = |key, value: Option<String>| found.extend(value.map(|value| (key, value)));
    match code {
        // Duplicate entry '…' for key 'users.email' (MariaDB: 'email'). The entry may hold anything, so from the end.
        1062 | 1586 => {
            let key = message.rsplit_once("for key '").map(|(_, key)| key.trim_end_matches('\''));
            let (table, key) = key.map_or((None, None), |key| {
                key.split_once('.').map_or((None, Some(key)), |(t, k)| (Some(t), Some(k)))
            });
            add("constraint", key.map(str::to_owned));
            add("table", table.map(str::to_owned));
        }
        // … fails (`db`.`table`, CONSTRAINT `name` FOREIGN KEY (`column`) REFERENCES …
        1216 | 1217 | 1451 | 1452 => {
            add("constraint", quoted("CONSTRAINT ", '`'));
            add("table", quoted("`.", '`'));
            add("column", quoted("FOREIGN KEY (", '`'));
        }
        // Check constraint 'name' is violated.
        3819 => add("constraint", quoted("constraint ", '\'')),
        // CONSTRAINT `name` failed for `db`.`table`
        4025 => {
            add("constraint", quoted("CONSTRAINT ", '`'));
            add("table", quoted("`.", '`'));
        }
        // Column 'name' cannot be null; Field 'name' doesn't have a default value; Unknown column 'name' in …
        1048 | 1054 => add("column", quoted("olumn ", '\'')),
        1364 => add("column", quoted("Field ", '\'')),
        1146 => add("table", quoted("Table ", '\'')),
        // … for column 'name' at row 1; MariaDB: for column `db`.`table`.`name` at row 1
        1264 | 1265 | 1292 | 1366 | 1406 => {
            let column = message.rsplit_once("for column ").and_then(|(_, rest)| rest.rsplit_once(" at row"));
            let column = column.map(|(column, _)| column.rsplit('.').next().unwrap_or(column));
            add("column", column.map(|column| column.trim_matches(['`', '\'']).to_owned()));
        }
        _ => {}
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(code: u16, message: &str) -> Lost {
        Lost::Server(ServerError { code, message: message.to_owned(), state: "HY000".to_owned() })
    }

    #[test]
    fn an_error_names_what_it_is_about() {
        for (code, message, expected) in [
            (1062, "Duplicate entry 'for key 'x'' for key 'users.email'", "constraint=email table=users"),
            (1062, "Duplicate entry 'a' for key 'email'", "constraint=email"),
            (
                1452,
                "Cannot add or update a child row: a foreign key constraint fails (`shop`.`line`, CONSTRAINT `of` \
                 FOREIGN KEY (`order_id`) REFERENCES `orders` (`id`))",
                "constraint=of table=line column=order_id",
            ),
            (1048, "Column 'name' cannot be null", "column=name"),
            (1364, "Field 'name' doesn't have a default value", "column=name"),
            (3819, "Check constraint 'positive' is violated.", "constraint=positive"),
            (4025, "CONSTRAINT `positive` failed for `shop`.`line`", "constraint=positive table=line"),
            (1406, "Data too long for column 'name' at row 1", "column=name"),
            (1292, "Incorrect datetime value: 'x' for column `a`.`b`.`c` at row 1", "column=c"),
            (1146, "Table 'shop.nothing' doesn't exist", "table=shop.nothing"),
            (1064, "You have an error in your SQL syntax", ""),
        ] {
            let found: Vec<_> =
                names(code, message).into_iter().map(|(key, value)| format!("{key}={value}")).collect();
            assert_eq!(found.join(" "), expected, "{message}");
        }
    }

    #[test]
    fn a_code_says_what_to_do_and_a_stage_what_was_done() {
        use Outcome::{NotSent, Rejected, Unknown};
        for (code, stage, kind, outcome) in [
            (1045, Stage::Connecting, Kind::Unauthenticated, NotSent),
            (1044, Stage::Connecting, Kind::Forbidden, NotSent),
            (1040, Stage::Connecting, Kind::Unavailable, NotSent),
            (1064, Stage::Preparing, Kind::Rejected, Rejected),
            (1142, Stage::Preparing, Kind::Forbidden, Rejected),
            (1062, Stage::Running, Kind::Rejected, Rejected),
            (1205, Stage::Running, Kind::Contended, Rejected),
            (1213, Stage::Running, Kind::Contended, Rejected),
            (1969, Stage::Running, Kind::Stopped, Rejected),
            (1053, Stage::Running, Kind::Unavailable, Rejected),
            (1062, Stage::Alone, Kind::Rejected, Rejected),
            (1062, Stage::Procedure, Kind::Rejected, Unknown),
            (1305, Stage::Procedure, Kind::Rejected, Rejected),
            (1213, Stage::Committing, Kind::Contended, Rejected),
            (1180, Stage::Committing, Kind::Failed, Unknown),
        ] {
            let told = lost(server(code, "x"), stage);
            assert_eq!((told.kind(), told.outcome()), (kind, outcome), "{code}");
            assert!(told.context().contains(&("code", code.to_string())));
        }
    }

    #[test]
    fn what_becomes_of_a_lost_connection_depends_on_how_far_a_job_had_come() {
        for (stage, outcome) in [
            (Stage::Connecting, Outcome::NotSent),
            (Stage::Preparing, Outcome::NotSent),
            (Stage::Running, Outcome::Rejected),
            (Stage::Alone, Outcome::Unknown),
            (Stage::Committing, Outcome::Unknown),
            (Stage::Procedure, Outcome::Unknown),
        ] {
            let closed = Lost::Io(IoError::Io(std::io::ErrorKind::UnexpectedEof.into()));
            let told = lost(closed, stage);
            assert_eq!((told.kind(), told.outcome()), (Kind::Unavailable, outcome));
        }
    }
}
