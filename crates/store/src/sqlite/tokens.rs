//! API tokens in SQLite.

use sqlx::{Sqlite, Transaction};
use trunkline_core::{BoxFuture, Result, now_ms};

use super::{SqliteStore, finish, generation, place};
use crate::{Stored, Tokens, seal, tokens::taken, trouble};

/// The table, as envelopes are bound to it.
pub(super) const TABLE: &str = "tokens";

impl Tokens for SqliteStore {
    fn list(&self) -> BoxFuture<'_, Result<Vec<Stored>>> {
        Box::pin(async {
            let keyring = self.keyring();
            let rows = sqlx::query(
                "SELECT id, generation, updated_at_ms, sealed FROM tokens ORDER BY generation, id",
            )
            .fetch_all(&self.reader)
            .await
            .map_err(|error| trouble::sql("read the store", error))?;
            rows.iter().map(|row| self.read(&keyring, TABLE, row)).collect()
        })
    }

    fn add<'a>(&'a self, id: &'a str, document: &'a [u8]) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let mut tx = self.begin().await?;
            let result = self.add_token_in(&mut tx, id, document).await;
            finish(tx, result).await
        })
    }

    fn remove<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<bool>> {
        Box::pin(async move {
            let mut tx = self.begin().await?;
            let gone = sqlx::query("DELETE FROM tokens WHERE id = ?1").bind(id).execute(&mut *tx).await;
            let gone = gone.map_err(|error| trouble::sql("write to the store", error));
            finish(tx, gone.map(|gone| gone.rows_affected() > 0)).await
        })
    }
}

impl SqliteStore {
    async fn add_token_in(
        &self,
        tx: &mut Transaction<'static, Sqlite>,
        id: &str,
        document: &[u8],
    ) -> Result<()> {
        let next = Self::next(tx).await?;
        let sealed = seal::seal(&self.keyring(), place(TABLE, id, generation(next)), document)?;
        let added = sqlx::query(
            "INSERT INTO tokens (id, generation, updated_at_ms, sealed) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (id) DO NOTHING",
        )
        .bind(id)
        .bind(next)
        .bind(now_ms())
        .bind(sealed)
        .execute(&mut **tx)
        .await
        .map_err(|error| trouble::sql("write to the store", error))?;
        if added.rows_affected() == 1 { Ok(()) } else { Err(taken()) }
    }
}
