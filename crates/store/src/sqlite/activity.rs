//! Activity in a file of its own: worth keeping, never worth stopping or slowing anything for.

use std::path::{Path, PathBuf};

use sqlx::SqlitePool;
use trunkline_core::{Error, Kind, Result, now_ms};

use super::connect;
use crate::{
    files,
    trouble::{self, Trouble},
};

/// The schema is whatever this says: a file that does not fit it is moved aside like a damaged one.
const SCHEMA: &str = "CREATE TABLE IF NOT EXISTS segments (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    body   BLOB NOT NULL
) STRICT";

/// The newest segments of activity records.
#[derive(Debug)]
pub(super) struct Activity {
    /// `None` when the file could neither be opened nor replaced.
    pool: Option<SqlitePool>,
    keep: u32,
}

impl Activity {
    /// Opens the file, or moves a damaged one aside and starts anew, or does without.
    pub(super) async fn open(file: &Path, keep: u32) -> Self {
        let opened = match connect(file).await {
            Err(error) if Trouble::of(&error) == Some(Trouble::Corrupt) => match set_aside(file) {
                Ok(aside) => {
                    tracing::warn!(%error, aside = %aside.display(), "the activity so far is damaged and was moved aside");
                    connect(file).await
                }
                Err(error) => Err(error),
            },
            other => other,
        };
        let pool = opened
            .inspect_err(|error| tracing::warn!(%error, "no activity is kept until the next start"))
            .ok();
        Self { pool, keep }
    }

    pub(super) fn pool(&self) -> Result<&SqlitePool> {
        let off = || Error::new(Kind::Store, "activity.db could not be opened at the start; see the log");
        self.pool.as_ref().ok_or_else(off)
    }

    pub(super) async fn append(&self, segment: &[u8]) -> Result<()> {
        let failed = |error| trouble::sql("write the activity", error);
        let mut tx = self.pool()?.begin_with("BEGIN IMMEDIATE").await.map_err(failed)?;
        let inserted =
            sqlx::query("INSERT INTO segments (body) VALUES (?1)").bind(segment).execute(&mut *tx).await;
        let last = inserted.map_err(failed)?.last_insert_rowid();
        // AUTOINCREMENT leaves no gaps here: whatever is rolled back gives its number back.
        sqlx::query("DELETE FROM segments WHERE number <= ?1")
            .bind(last - i64::from(self.keep))
            .execute(&mut *tx)
            .await
            .map_err(failed)?;
        tx.commit().await.map_err(failed)
    }

    pub(super) async fn load(&self) -> Result<Vec<Vec<u8>>> {
        sqlx::query_scalar("SELECT body FROM segments ORDER BY number")
            .fetch_all(self.pool()?)
            .await
            .map_err(|error| trouble::sql("read the activity", error))
    }

    pub(super) async fn close(&self) {
        if let Some(pool) = &self.pool {
            pool.close().await;
        }
    }
}

/// Opens and checks the file. Damage, or a schema that is not ours, is [`Trouble::Corrupt`].
async fn connect(file: &Path) -> Result<SqlitePool> {
    if files::len(file)?.is_none() {
        files::create_private(file)?;
    }
    let damaged = || Trouble::Corrupt.on(Error::new(Kind::Store, format!("{} is damaged", file.display())));
    let failed = |error| match trouble::primary_code(&error) {
        Some(1 | 11 | 26) => damaged().source(error), // 1: the schema does not fit
        _ => trouble::sql("open the activity", error),
    };
    let pool = connect::pool().connect_with(connect::quick(file)).await.map_err(failed)?;
    let check = async {
        sqlx::query(SCHEMA).execute(&pool).await?;
        sqlx::query("SELECT number, body FROM segments LIMIT 1").fetch_optional(&pool).await?;
        sqlx::query_scalar::<_, String>("PRAGMA quick_check(1)").fetch_one(&pool).await
    };
    let error = match check.await {
        Ok(verdict) if verdict == "ok" => return Ok(pool),
        Ok(verdict) => damaged().with("check", verdict.trim()),
        Err(error) => failed(error),
    };
    pool.close().await;
    Err(error)
}

/// Gives a damaged file and what SQLite keeps beside it another name, and returns that.
fn set_aside(file: &Path) -> Result<PathBuf> {
    let suffix = format!(".damaged-{}", now_ms());
    // The log first: left beside a new file, it would be read as that file's.
    for part in ["-wal", "-shm", ""] {
        let from = files::beside(file, part);
        if files::len(&from)?.is_some() {
            files::rename(&from, &files::beside(&files::beside(file, &suffix), part))?;
        }
    }
    Ok(files::beside(file, &suffix))
}
