//! How connections to SQLite are set up: the pragmas and the pools.

use std::path::Path;

use sqlx::{
    ConnectOptions as _, Connection as _,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};

/// What every connection has in common.
fn base(file: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(file)
        .pragma("trusted_schema", "OFF") // a schema from a damaged or planted file calls no functions
        .pragma("cell_size_check", "ON") // notices damaged pages before they are used
        .disable_statement_logging()
}

/// A connection whose commits survive a power loss.
pub(super) fn durable(file: &Path) -> SqliteConnectOptions {
    base(file)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        // On macOS, fsync alone leaves data in the drive's cache; elsewhere this does nothing.
        .pragma("fullfsync", "ON")
        .pragma("checkpoint_fullfsync", "ON")
}

/// A connection whose commits survive a kill, and cost no waiting for the disk. It writes large values:
/// with larger pages than usual, one of them is a few writes instead of dozens.
pub(super) fn quick(file: &Path) -> SqliteConnectOptions {
    base(file).page_size(16_384).journal_mode(SqliteJournalMode::Wal).synchronous(SqliteSynchronous::Normal)
}

/// A connection to look at a file without changing it. `immutable` does not even look at its log.
pub(super) fn inspect(file: &Path, immutable: bool) -> SqliteConnectOptions {
    base(file).read_only(true).immutable(immutable)
}

/// One connection, kept for good.
pub(super) fn pool() -> SqlitePoolOptions {
    SqlitePoolOptions::new()
        .max_connections(1)
        .idle_timeout(None)
        .max_lifetime(None)
        // When the disk is full SQLite rolls back by itself, the ROLLBACK that sqlx sends then fails, and
        // sqlx 0.9 (sqlx-sqlite/src/connection/worker.rs) goes on believing in the transaction: every later
        // BEGIN would be refused. Such a connection is replaced.
        .before_acquire(|connection, _| Box::pin(async { Ok(!connection.is_in_transaction()) }))
}
