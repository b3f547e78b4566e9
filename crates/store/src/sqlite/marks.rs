//! Marks of messages in SQLite: rows of the table of calls, under ids that no idempotency key can be.

use sqlx::{Row as _, Sqlite, Transaction};
use trunkline_core::{BoxFuture, Kind, Result, now_ms};

use super::{SqliteStore, calls::TABLE, finish, generation, place};
use crate::{
    CallTerm, MarkWrite, Marked, Marks, Stored,
    marks::{FULL, all, id, is_short, named, of, once_named},
    seal,
    store::full,
    trouble,
};

impl Marks for SqliteStore {
    fn write<'a>(
        &'a self,
        marks: &'a [MarkWrite<'a>],
        term: CallTerm,
    ) -> BoxFuture<'a, Result<Vec<Result<Marked>>>> {
        Box::pin(async move {
            let mut tx = self.begin().await?;
            let result = self.write_marks_in(&mut tx, marks, term).await;
            finish(tx, result).await
        })
    }

    fn forget<'a>(&'a self, integration: &'a str) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let mut tx = self.begin().await?;
            let result = Self::delete_marks_in(&mut tx, integration).await;
            finish(tx, result).await
        })
    }
}

impl SqliteStore {
    async fn write_marks_in(
        &self,
        tx: &mut Transaction<'static, Sqlite>,
        marks: &[MarkWrite<'_>],
        term: CallTerm,
    ) -> Result<Vec<Result<Marked>>> {
        let mut done = Vec::with_capacity(marks.len());
        for mark in marks {
            let one = match *mark {
                MarkWrite::Begin { integration, name, record, beside } => {
                    self.begin_mark_in(tx, (integration, name), record, beside, term).await
                }
                MarkWrite::End { id, record } => self.end_mark_in(tx, id, record).await,
            };
            match one {
                // Of this one alone, and it has changed nothing.
                Err(error) if error.kind() == Kind::Overloaded => done.push(Err(error)),
                one => done.push(Ok(one?)),
            }
        }
        Ok(done)
    }

    async fn begin_mark_in(
        &self,
        tx: &mut Transaction<'static, Sqlite>,
        (integration, name): (&str, &str),
        record: &[u8],
        beside: bool,
        term: CallTerm,
    ) -> Result<Marked> {
        if !beside {
            let before = self.marks_in(tx, integration, name, term).await?;
            if !before.is_empty() {
                return Ok(Marked::Before(before));
            }
        }
        let failed = |error| trouble::sql("write to the store", error);
        Self::prune_in(tx, term.now_ms).await?;
        let total: i64 =
            sqlx::query_scalar("SELECT total FROM marks_total").fetch_one(&mut **tx).await.map_err(failed)?;
        if total >= i64::from(term.most) {
            let all = all();
            let oldest: Option<i64> =
                sqlx::query_scalar("SELECT min(until_ms) FROM calls WHERE id >= ?1 AND id < ?2")
                    .bind(all.start)
                    .bind(all.end)
                    .fetch_one(&mut **tx)
                    .await
                    .map_err(failed)?;
            return Err(full(FULL, term, oldest));
        }
        let next = Self::next(tx).await?;
        let id = id(integration, name, generation(next));
        self.add_in(tx, &id, next, record, term).await?;
        Ok(Marked::Now(id))
    }

    /// The marks of a name, which have more time before them by that.
    async fn marks_in(
        &self,
        tx: &mut Transaction<'static, Sqlite>,
        integration: &str,
        name: &str,
        term: CallTerm,
    ) -> Result<Vec<Stored>> {
        let (keyring, named) = (self.keyring(), named(integration, name));
        let rows = sqlx::query(
            "SELECT id, generation, updated_at_ms, sealed, until_ms FROM calls
             WHERE (id > ?1 AND id < ?2 OR id = ?3) AND until_ms > ?4",
        )
        .bind(named.start)
        .bind(named.end)
        .bind(once_named(name))
        .bind(term.now_ms)
        .fetch_all(&mut **tx)
        .await
        .map_err(|error| trouble::sql("read the store", error))?;
        let mut before = Vec::with_capacity(rows.len());
        for row in &rows {
            let stored = self.read(&keyring, TABLE, row)?;
            let until_ms: i64 = row.try_get(4).map_err(|error| trouble::sql("read the store", error))?;
            if is_short(until_ms, term) {
                sqlx::query("UPDATE calls SET until_ms = ?2 WHERE id = ?1")
                    .bind(&stored.id)
                    .bind(term.until_ms)
                    .execute(&mut **tx)
                    .await
                    .map_err(|error| trouble::sql("write to the store", error))?;
            }
            before.push(stored);
        }
        Ok(before)
    }

    async fn end_mark_in(
        &self,
        tx: &mut Transaction<'static, Sqlite>,
        id: &str,
        record: Option<&[u8]>,
    ) -> Result<Marked> {
        let query = match record {
            Some(record) => {
                let next = Self::next(tx).await?;
                let sealed = seal::seal(&self.keyring(), place(TABLE, id, generation(next)), record)?;
                sqlx::query("UPDATE calls SET generation = ?2, updated_at_ms = ?3, sealed = ?4 WHERE id = ?1")
                    .bind(id)
                    .bind(next)
                    .bind(now_ms())
                    .bind(sealed)
            }
            None => sqlx::query("DELETE FROM calls WHERE id = ?1").bind(id),
        };
        let done = query.execute(&mut **tx).await;
        done.map(|_| Marked::Ended).map_err(|error| trouble::sql("write to the store", error))
    }

    /// Deletes all marks of an integration.
    pub(super) async fn delete_marks_in(
        tx: &mut Transaction<'static, Sqlite>,
        integration: &str,
    ) -> Result<()> {
        let marks = of(integration);
        let gone =
            sqlx::query("DELETE FROM calls WHERE id > ?1 AND id < ?2").bind(marks.start).bind(marks.end);
        gone.execute(&mut **tx).await.map(drop).map_err(|error| trouble::sql("write to the store", error))
    }
}
