//! The records of calls that came with an idempotency key: found, begun and ended in a transaction of the
//! caller's. Marks of messages are in the same table.

use sqlx::{Sqlite, Transaction};
use trunkline_core::{Result, now_ms};

use super::{SqliteStore, generation, place};
use crate::{
    BegunCall, CallTerm, marks, seal,
    store::{CALLS, full, superseded},
    trouble,
};

/// The table, as envelopes are bound to it.
pub(super) const TABLE: &str = "calls";

/// How many expired records a call takes away: more than the one that it adds, and never all at once.
const PRUNED: i64 = 8;

impl SqliteStore {
    pub(super) async fn begin_in(
        &self,
        tx: &mut Transaction<'static, Sqlite>,
        id: &str,
        record: &[u8],
        term: CallTerm,
    ) -> Result<BegunCall> {
        let failed = |error| trouble::sql("write to the store", error);
        let found = sqlx::query(
            "SELECT id, generation, updated_at_ms, sealed FROM calls WHERE id = ?1 AND until_ms > ?2",
        )
        .bind(id)
        .bind(term.now_ms)
        .fetch_optional(&mut **tx)
        .await
        .map_err(failed)?;
        if let Some(row) = found {
            return Ok(BegunCall::Before(self.read(&self.keyring(), TABLE, &row)?));
        }
        Self::prune_in(tx, term.now_ms).await?;
        let total: i64 =
            sqlx::query_scalar("SELECT total FROM calls_total").fetch_one(&mut **tx).await.map_err(failed)?;
        if total >= i64::from(term.most) {
            let marks = marks::all();
            let oldest: Option<i64> =
                sqlx::query_scalar("SELECT min(until_ms) FROM calls WHERE NOT (id >= ?1 AND id < ?2)")
                    .bind(marks.start)
                    .bind(marks.end)
                    .fetch_one(&mut **tx)
                    .await
                    .map_err(failed)?;
            return Err(full(CALLS, term, oldest));
        }
        let next = Self::next(tx).await?;
        self.add_in(tx, id, next, record, term).await?;
        Ok(BegunCall::Now(generation(next)))
    }

    /// Takes a few of those away that have expired.
    pub(super) async fn prune_in(tx: &mut Transaction<'static, Sqlite>, now_ms: i64) -> Result<()> {
        let gone = sqlx::query(
            "DELETE FROM calls WHERE id IN
             (SELECT id FROM calls WHERE until_ms <= ?1 ORDER BY until_ms LIMIT ?2)",
        )
        .bind(now_ms)
        .bind(PRUNED)
        .execute(&mut **tx)
        .await;
        gone.map(drop).map_err(|error| trouble::sql("write to the store", error))
    }

    /// Adds a record at the generation `next`.
    pub(super) async fn add_in(
        &self,
        tx: &mut Transaction<'static, Sqlite>,
        id: &str,
        next: i64,
        record: &[u8],
        term: CallTerm,
    ) -> Result<()> {
        let sealed = seal::seal(&self.keyring(), place(TABLE, id, generation(next)), record)?;
        // What is in its place has expired and was not taken away yet.
        let added = sqlx::query(
            "INSERT INTO calls (id, generation, updated_at_ms, until_ms, sealed) VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT (id) DO UPDATE SET generation = ?2, updated_at_ms = ?3, until_ms = ?4, sealed = ?5",
        )
        .bind(id)
        .bind(next)
        .bind(term.now_ms)
        .bind(term.until_ms)
        .bind(sealed)
        .execute(&mut **tx)
        .await;
        added.map(drop).map_err(|error| trouble::sql("write to the store", error))
    }

    pub(super) async fn end_in(
        &self,
        tx: &mut Transaction<'static, Sqlite>,
        id: &str,
        at: u64,
        record: Option<&[u8]>,
    ) -> Result<()> {
        let at = i64::try_from(at).unwrap_or(0);
        let query = match record {
            Some(record) => {
                let next = Self::next(tx).await?;
                let sealed = seal::seal(&self.keyring(), place(TABLE, id, generation(next)), record)?;
                sqlx::query(
                    "UPDATE calls SET generation = ?3, updated_at_ms = ?4, sealed = ?5
                     WHERE id = ?1 AND generation = ?2",
                )
                .bind(id)
                .bind(at)
                .bind(next)
                .bind(now_ms())
                .bind(sealed)
            }
            None => sqlx::query("DELETE FROM calls WHERE id = ?1 AND generation = ?2").bind(id).bind(at),
        };
        let done =
            query.execute(&mut **tx).await.map_err(|error| trouble::sql("write to the store", error))?;
        if done.rows_affected() == 1 { Ok(()) } else { Err(superseded()) }
    }
}
