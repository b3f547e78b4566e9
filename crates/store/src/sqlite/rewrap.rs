//! Moves what is sealed to another master key, a few rows at a time, and counts what each key seals.

use std::collections::BTreeMap;

use sqlx::{AssertSqlSafe, Sqlite, SqliteConnection, SqlitePool, Transaction};
use trunkline_core::{Error, Result};

use super::{boot, calls, course::Running, events, finish, generation, parts, place, tokens};
use crate::{
    KeyId, Keyring,
    seal::{self, OVERHEAD},
    trouble,
};

/// A table of which every row has a `generation`, and an envelope in `sealed` or nothing. It has SQLite's `rowid`.
struct Sealed {
    table: &'static str,
    /// What its rows are called in their place, in SQL.
    row: &'static str,
}

/// Every table with envelopes, but that of the key check.
const SEALED: [Sealed; 6] = [
    Sealed { table: super::INTEGRATIONS, row: "id" },
    Sealed { table: parts::TABLE, row: "id" },
    Sealed { table: calls::TABLE, row: "id" },
    Sealed { table: tokens::TABLE, row: "id" },
    Sealed { table: events::EVENTS, row: "integration || '/' || id" },
    Sealed { table: events::DELIVERIES, row: "CAST(number AS TEXT)" },
];

/// Rows of a transaction …
const ROWS: i64 = 64;
/// … and about how many bytes: others who write wait for as long as that takes.
const BYTES: usize = 1 << 20;

/// What became of the envelopes.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Moved {
    pub(super) rewrapped: u64,
    /// Those that do not open stay as they are.
    pub(super) left: u64,
    /// Whether somebody stopped it.
    pub(super) stopped: bool,
}

/// Wraps under the primary key whatever is under another one. Each transaction is whole by itself, so it can be
/// cut off anywhere and begun again. `watched` is told how far it is, and may stop it between two of them.
pub(super) async fn all(
    pool: &SqlitePool,
    keyring: &Keyring,
    watched: Option<&Running<'_>>,
) -> Result<Moved> {
    let mut moved = Moved::default();
    for sealed in &SEALED {
        let mut after = Some(i64::MIN);
        while let Some(at) = after {
            let Some(mut tx) = begin(pool, watched).await? else { return Ok(stopped(keyring, moved)) };
            let done = batch(&mut tx, keyring, sealed, at, &mut moved).await.map_err(failed);
            after = finish(tx, done).await?;
            if let Some(watched) = watched {
                watched.moved(moved.rewrapped);
            }
        }
    }
    // Last, so that it says whether all of that is done.
    let Some(mut tx) = begin(pool, watched).await? else { return Ok(stopped(keyring, moved)) };
    let done = boot::rewrap_key_check(&mut tx, keyring).await;
    finish(tx, done).await?;
    if moved.rewrapped > 0 || moved.left > 0 {
        let Moved { rewrapped, left, .. } = moved;
        tracing::info!(key_id = %keyring.primary().id(), rewrapped, left, "moved to the new master key");
    }
    Ok(moved)
}

fn stopped(keyring: &Keyring, moved: Moved) -> Moved {
    let Moved { rewrapped, left, .. } = moved;
    tracing::info!(key_id = %keyring.primary().id(), rewrapped, left, "the move to the new master key was stopped");
    Moved { stopped: true, ..moved }
}

fn failed(error: sqlx::Error) -> Error {
    trouble::sql("move the store to the new master key", error)
}

/// The next transaction; none where it is to stop. What can be stopped waits while another program writes to the
/// database, such as one that copies it.
async fn begin(
    pool: &SqlitePool,
    watched: Option<&Running<'_>>,
) -> Result<Option<Transaction<'static, Sqlite>>> {
    loop {
        if watched.is_some_and(Running::is_to_stop) {
            return Ok(None);
        }
        match pool.begin_with("BEGIN IMMEDIATE").await {
            Err(error) if watched.is_some() && trouble::is_busy(&error) => {}
            begun => return begun.map(Some).map_err(failed),
        }
    }
}

/// The same for a few rows behind `after`; says after which to go on.
async fn batch(
    connection: &mut SqliteConnection,
    keyring: &Keyring,
    Sealed { table, row }: &Sealed,
    after: i64,
    moved: &mut Moved,
) -> sqlx::Result<Option<i64>> {
    let sql = AssertSqlSafe(format!(
        "SELECT rowid, {row}, generation FROM {table} WHERE rowid > ?1 AND substr(sealed, 3, 16) <> ?2
         ORDER BY rowid LIMIT ?3"
    ));
    let primary = keyring.primary().id();
    let rows: Vec<(i64, String, i64)> = sqlx::query_as(sql)
        .bind(after)
        .bind(&primary.as_bytes()[..])
        .bind(ROWS)
        .fetch_all(&mut *connection)
        .await?;
    let mut bytes = 0;
    let mut last = None;
    for (rowid, name, at) in rows {
        // One by one: all of them may not fit into memory.
        let sql = AssertSqlSafe(format!("SELECT sealed FROM {table} WHERE rowid = ?1"));
        let envelope: Vec<u8> = sqlx::query_scalar(sql).bind(rowid).fetch_one(&mut *connection).await?;
        match seal::rewrap(keyring, place(table, &name, generation(at)), &envelope) {
            Ok(None) => {}
            Ok(Some(envelope)) => {
                let sql = AssertSqlSafe(format!("UPDATE {table} SET sealed = ?1 WHERE rowid = ?2"));
                sqlx::query(sql).bind(envelope).bind(rowid).execute(&mut *connection).await?;
                moved.rewrapped += 1;
            }
            Err(error) => {
                tracing::warn!(%error, table, row = name, "left under an older master key");
                moved.left += 1;
            }
        }
        last = Some(rowid);
        bytes += envelope.len();
        if bytes >= BYTES {
            break;
        }
    }
    Ok(last)
}

/// How many envelopes are sealed with which key. What is no envelope is sealed with none.
pub(super) async fn count(connection: &mut SqliteConnection) -> sqlx::Result<BTreeMap<KeyId, u64>> {
    let mut found = BTreeMap::new();
    // One that was not migrated yet has fewer.
    let tables: Vec<String> = sqlx::query_scalar("SELECT name FROM sqlite_schema WHERE type = 'table'")
        .fetch_all(&mut *connection)
        .await?;
    for Sealed { table, .. } in SEALED.iter().filter(|sealed| tables.iter().any(|name| name == sealed.table))
    {
        let sql = AssertSqlSafe(format!(
            "SELECT substr(sealed, 3, 16), count(*) FROM {table}
             WHERE substr(sealed, 1, 2) = x'0101' AND length(sealed) >= {OVERHEAD} GROUP BY 1"
        ));
        let rows: Vec<(Vec<u8>, i64)> = sqlx::query_as(sql).fetch_all(&mut *connection).await?;
        for (id, count) in rows {
            if let Ok(id) = id.try_into() {
                *found.entry(KeyId::new(id)).or_default() += u64::try_from(count).unwrap_or(0);
            }
        }
    }
    Ok(found)
}
