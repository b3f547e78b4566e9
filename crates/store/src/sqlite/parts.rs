//! The parts of integrations: put, deleted and listed, in a transaction of the caller's where something changes.

use sqlx::{Sqlite, Transaction};
use trunkline_core::{Result, now_ms};

use super::{SqliteStore, generation, place};
use crate::{
    Part, PartKind, Stored, seal,
    store::{compare_part, no_connection},
    trouble,
};

/// The table, as envelopes are bound to it.
pub(super) const TABLE: &str = "parts";

impl SqliteStore {
    pub(super) async fn part(&self, part: Part<'_>) -> Result<Option<Stored>> {
        let keyring = self.keyring();
        let row = sqlx::query("SELECT id, generation, updated_at_ms, sealed FROM parts WHERE id = ?1")
            .bind(part.key())
            .fetch_optional(&self.reader)
            .await
            .map_err(|error| trouble::sql("read the store", error))?;
        row.map(|row| {
            self.read(&keyring, TABLE, &row).map(|stored| Stored { id: part.connection.to_owned(), ..stored })
        })
        .transpose()
    }

    pub(super) async fn parts_after(
        &self,
        kind: PartKind,
        integration: &str,
        after: &str,
        most: u32,
    ) -> Result<Vec<Stored>> {
        let (keyring, keys) = (self.keyring(), kind.after(integration, after));
        let rows = sqlx::query(
            "SELECT id, generation, updated_at_ms, sealed FROM parts WHERE id > ?1 AND id < ?2 ORDER BY id LIMIT ?3",
        )
        .bind(keys.start)
        .bind(keys.end)
        .bind(most)
        .fetch_all(&self.reader)
        .await
        .map_err(|error| trouble::sql("read the store", error))?;
        let prefix = kind.of(integration).len();
        let named = |stored: Stored| Stored { id: stored.id[prefix..].to_owned(), ..stored };
        rows.iter().map(|row| self.read(&keyring, TABLE, row).map(named)).collect()
    }

    pub(super) async fn put_part_in(
        &self,
        tx: &mut Transaction<'static, Sqlite>,
        part: Part<'_>,
        expected: Option<u64>,
        document: &[u8],
    ) -> Result<u64> {
        let (key, failed) = (part.key(), |error| trouble::sql("write to the store", error));
        compare_part(part, at(tx, &key).await?, expected, true)?;
        if let (None, Some(owner)) = (expected, part.owner())
            && at(tx, &owner.key()).await?.is_none()
        {
            return Err(no_connection(part));
        }
        if part.kind == PartKind::Connection && expected.is_none() {
            forget(tx, &part.grant().key()).await?;
        }
        let next = Self::next(tx).await?;
        let sealed = seal::seal(&self.keyring(), place(TABLE, &key, generation(next)), document)?;
        sqlx::query(
            "INSERT INTO parts (id, generation, updated_at_ms, sealed) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (id) DO UPDATE SET generation = ?2, updated_at_ms = ?3, sealed = ?4",
        )
        .bind(key)
        .bind(next)
        .bind(now_ms())
        .bind(sealed)
        .execute(&mut **tx)
        .await
        .map_err(failed)?;
        Ok(generation(next))
    }

    pub(super) async fn delete_part_in(
        tx: &mut Transaction<'static, Sqlite>,
        part: Part<'_>,
        expected: Option<u64>,
    ) -> Result<()> {
        let key = part.key();
        compare_part(part, at(tx, &key).await?, expected, false)?;
        forget(tx, &key).await?;
        if part.kind == PartKind::Connection {
            forget(tx, &part.grant().key()).await?;
        }
        Ok(())
    }

    /// Deletes all parts of an integration.
    pub(super) async fn delete_parts_in(
        tx: &mut Transaction<'static, Sqlite>,
        integration: &str,
    ) -> Result<()> {
        for kind in PartKind::ALL {
            let keys = kind.after(integration, "");
            sqlx::query("DELETE FROM parts WHERE id > ?1 AND id < ?2")
                .bind(keys.start)
                .bind(keys.end)
                .execute(&mut **tx)
                .await
                .map_err(|error| trouble::sql("write to the store", error))?;
        }
        Ok(())
    }
}

async fn at(tx: &mut Transaction<'static, Sqlite>, key: &str) -> Result<Option<u64>> {
    let at: Option<i64> = sqlx::query_scalar("SELECT generation FROM parts WHERE id = ?1")
        .bind(key)
        .fetch_optional(&mut **tx)
        .await
        .map_err(|error| trouble::sql("read the store", error))?;
    Ok(at.map(generation))
}

async fn forget(tx: &mut Transaction<'static, Sqlite>, key: &str) -> Result<()> {
    let gone = sqlx::query("DELETE FROM parts WHERE id = ?1").bind(key).execute(&mut **tx).await;
    gone.map(drop).map_err(|error| trouble::sql("write to the store", error))
}
