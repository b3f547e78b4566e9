//! The store in a data directory: SQLite, one file for integrations and calls and one for activity, every
//! document sealed.

mod activity;
mod backup;
mod boot;
mod calls;
mod connect;
mod course;
mod events;
mod keys;
mod marks;
mod parts;
mod rewrap;
mod rounds;
mod tokens;

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError, atomic::AtomicBool},
};

use arc_swap::ArcSwap;
use sqlx::{Row as _, Sqlite, SqlitePool, Transaction, sqlite::SqliteRow};
use trunkline_core::{BoxFuture, Outcome, Result, now_ms};
use zeroize::Zeroizing;

use crate::{
    BegunCall, CallTerm, Events, KeySource, Keyring, Keys, Marks, Part, PartKind, Store, Stored, Tokens,
    files,
    seal::{self, Place},
    store::compare,
    trouble::{self, Trouble},
};

use activity::Activity;
pub use backup::{Backup, backup, restore};
use course::Course;

/// How to open a [`SqliteStore`].
#[derive(Debug)]
pub struct SqliteOptions {
    /// Where the master key comes from.
    pub key: KeySource,
    /// How many of the newest segments of activity to keep.
    pub activity_segments: u32,
}

impl Default for SqliteOptions {
    /// The key in the data directory; 64 segments of activity.
    fn default() -> Self {
        Self { key: KeySource::DataDir, activity_segments: 64 }
    }
}

/// A [`Store`] in a data directory that this process alone uses.
///
/// An acknowledged write of an integration is in the file system's hands for good: write-ahead log with
/// `synchronous=FULL`, answered after the commit. Activity lives in a file of its own without that
/// promise, so that it never makes a configuration wait.
///
/// The directory is given up when the store is dropped; [`close`](Store::close) it first where it is to
/// be opened again by the same process.
#[derive(Debug)]
pub struct SqliteStore {
    /// One connection: SQLite has one writer, and a queue in the pool is fairer than its busy handler.
    writer: SqlitePool,
    /// Reads never wait for a write.
    reader: SqlitePool,
    activity: Activity,
    /// Replaced whole when a key is added or removed.
    keyring: ArcSwap<Keyring>,
    /// Whether that is under way.
    rotating: AtomicBool,
    /// How far everything has moved to the newest key.
    course: Course,
    /// Where the keys come from.
    key: KeySource,
    dir: PathBuf,
    /// Held while any connection is open, so the last to go.
    lock: Mutex<Option<files::Lock>>,
    /// What tells the directory from all others.
    name: Option<String>,
}

impl SqliteStore {
    /// Opens the store in `data_dir`, creating what is missing.
    ///
    /// In this order, and nothing is written to the database before the last step: lock the directory,
    /// check the database for damage, check its version, find the master key and prove that it is the
    /// one, migrate. A first start makes the database under another name and moves it into place whole,
    /// so an empty or headless database file is always damage, never a new beginning.
    ///
    /// # Errors
    ///
    /// Read [`Trouble::of`](crate::Trouble::of) for what to do. `store_unavailable`: in use by another
    /// process (`Locked`), damaged (`Corrupt`), written by a newer version (`Newer`), or files that
    /// cannot be read or written (none). `invalid_config`: the master key is missing, wrong, not a key,
    /// or open to others (`Key`). Damage to `activity.db` is never an error: it is moved aside.
    pub async fn open(data_dir: &Path, options: SqliteOptions) -> Result<Self> {
        let dir = std::path::absolute(data_dir).map_err(|error| trouble::io("find", data_dir, error))?;
        files::create_dir(&dir)?;
        let lock = files::Lock::take(&dir)?;
        // What goes by it begins anew where it cannot be kept.
        let name = lock.name().ok();
        let database = dir.join("trunkline.db");
        let (keyring, writer) = Box::pin(boot::start(&dir, &database, &options.key)).await?;
        let activity = Activity::open(&dir.join("activity.db"), options.activity_segments).await;
        let reader =
            connect::pool().connect_lazy_with(connect::durable(&database).pragma("query_only", "ON"));
        Ok(Self {
            writer,
            reader,
            activity,
            keyring: ArcSwap::from_pointee(keyring),
            rotating: AtomicBool::new(false),
            course: Course::default(),
            key: options.key,
            dir,
            name,
            lock: Mutex::new(Some(lock)),
        })
    }

    /// The master keys as they are now. What is written is sealed with them inside its transaction.
    fn keyring(&self) -> Arc<Keyring> {
        self.keyring.load_full()
    }

    async fn begin(&self) -> Result<Transaction<'static, Sqlite>> {
        // Takes the write lock at once: a read that later turns into a write could find its snapshot stale.
        self.writer
            .begin_with("BEGIN IMMEDIATE")
            .await
            .map_err(|error| trouble::sql("write to the store", error))
    }

    /// The generation that `id` is at.
    async fn generation(tx: &mut Transaction<'static, Sqlite>, id: &str) -> Result<Option<u64>> {
        let at: Option<i64> = sqlx::query_scalar("SELECT generation FROM integrations WHERE id = ?1")
            .bind(id)
            .fetch_optional(&mut **tx)
            .await
            .map_err(|error| trouble::sql("read the store", error))?;
        Ok(at.map(generation))
    }

    async fn put_in(
        &self,
        tx: &mut Transaction<'static, Sqlite>,
        id: &str,
        expected: Option<u64>,
        document: &[u8],
    ) -> Result<u64> {
        compare(id, Self::generation(tx, id).await?, expected, true)?;
        if expected.is_none() {
            Self::delete_parts_in(tx, id).await?;
            Self::delete_events_in(tx, id).await?;
        }
        let next = Self::next(tx).await?;
        let sealed = seal::seal(&self.keyring(), place(INTEGRATIONS, id, generation(next)), document)?;
        sqlx::query(
            "INSERT INTO integrations (id, generation, updated_at_ms, sealed) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (id) DO UPDATE SET generation = ?2, updated_at_ms = ?3, sealed = ?4",
        )
        .bind(id)
        .bind(next)
        .bind(now_ms())
        .bind(sealed)
        .execute(&mut **tx)
        .await
        .map_err(|error| trouble::sql("write to the store", error))?;
        Ok(generation(next))
    }

    /// A generation that was never given out.
    async fn next(tx: &mut Transaction<'static, Sqlite>) -> Result<i64> {
        sqlx::query_scalar("UPDATE generation SET last = last + 1 WHERE id = 1 RETURNING last")
            .fetch_one(&mut **tx)
            .await
            .map_err(|error| trouble::sql("write to the store", error))
    }

    async fn delete_in(tx: &mut Transaction<'static, Sqlite>, id: &str, expected: Option<u64>) -> Result<()> {
        compare(id, Self::generation(tx, id).await?, expected, false)?;
        sqlx::query("DELETE FROM integrations WHERE id = ?1")
            .bind(id)
            .execute(&mut **tx)
            .await
            .map_err(|error| trouble::sql("write to the store", error))?;
        Self::delete_parts_in(tx, id).await?;
        Self::delete_marks_in(tx, id).await?;
        Self::delete_events_in(tx, id).await
    }

    /// Opens an envelope; `before` as in [`SqliteStore::read`].
    fn opened(&self, before: &Keyring, place: Place<'_>, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
        seal::open(before, place, sealed).or_else(|error| match Trouble::of(&error) {
            Some(Trouble::Key) => seal::open(&self.keyring(), place, sealed),
            _ => Err(error),
        })
    }

    /// What a row holds. `before` are the keys as they were before it was looked for: since then one of them may
    /// have been replaced and removed.
    fn read(&self, before: &Keyring, table: &str, row: &SqliteRow) -> Result<Stored> {
        // Columns one by one: a damaged one must not take the other rows along. Without its id a row is
        // nobody's, so that is damage to the whole.
        let failed = |error| trouble::sql("read the store", error);
        let id: String = row.try_get(0).map_err(failed)?;
        let at: Result<i64> = row.try_get(1).map_err(failed);
        let sealed: Result<&[u8]> = row.try_get(3).map_err(failed);
        let at = at.map(generation);
        let open = |at, sealed: &[u8]| self.opened(before, place(table, &id, at), sealed);
        Ok(Stored {
            generation: *at.as_ref().unwrap_or(&0),
            updated_at_ms: row.try_get(2).unwrap_or(0),
            document: at.and_then(|at| open(at, sealed?)),
            id,
        })
    }
}

/// The table of integrations, as envelopes are bound to it.
const INTEGRATIONS: &str = "integrations";

/// Where what stands in a row is sealed for.
fn place<'a>(table: &'a str, id: &'a str, generation: u64) -> Place<'a> {
    Place { table, row: id, field: "sealed", generation }
}

/// SQLite's integers are signed, generations are not. A negative one is damage; 0 was never given out, so
/// that the envelope does not open.
fn generation(stored: i64) -> u64 {
    u64::try_from(stored).unwrap_or(0)
}

/// Commits what went well and undoes the rest.
async fn finish<T>(tx: Transaction<'static, Sqlite>, result: Result<T>) -> Result<T> {
    match result {
        Ok(value) => match tx.commit().await {
            Ok(()) => Ok(value),
            Err(error) => Err(trouble::sql("write to the store", error).outcome_is(Outcome::Unknown)),
        },
        Err(error) => {
            // Where this fails, SQLite has rolled back by itself; `connect::pool` replaces the connection.
            let _ = tx.rollback().await;
            Err(error)
        }
    }
}

impl Store for SqliteStore {
    fn instance(&self) -> Option<&str> {
        self.name.as_deref()
    }

    fn load(&self) -> BoxFuture<'_, Result<Vec<Stored>>> {
        Box::pin(async {
            let keyring = self.keyring();
            let rows =
                sqlx::query("SELECT id, generation, updated_at_ms, sealed FROM integrations ORDER BY id")
                    .fetch_all(&self.reader)
                    .await
                    .map_err(|error| trouble::sql("read the store", error))?;
            let named = |stored: Stored| Stored {
                document: stored.document.map_err(|error| error.with("integration", &*stored.id)),
                ..stored
            };
            rows.iter().map(|row| self.read(&keyring, INTEGRATIONS, row).map(named)).collect()
        })
    }

    fn put<'a>(
        &'a self,
        id: &'a str,
        expected: Option<u64>,
        document: &'a [u8],
    ) -> BoxFuture<'a, Result<u64>> {
        Box::pin(async move {
            let mut tx = self.begin().await?;
            let result = self.put_in(&mut tx, id, expected, document).await;
            finish(tx, result).await
        })
    }

    fn delete<'a>(&'a self, id: &'a str, expected: Option<u64>) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let mut tx = self.begin().await?;
            let result = Self::delete_in(&mut tx, id, expected).await;
            finish(tx, result).await
        })
    }

    fn part<'a>(&'a self, part: Part<'a>) -> BoxFuture<'a, Result<Option<Stored>>> {
        Box::pin(self.part(part))
    }

    fn parts<'a>(
        &'a self,
        kind: PartKind,
        integration: &'a str,
        after: &'a str,
        most: u32,
    ) -> BoxFuture<'a, Result<Vec<Stored>>> {
        Box::pin(self.parts_after(kind, integration, after, most))
    }

    fn put_part<'a>(
        &'a self,
        part: Part<'a>,
        expected: Option<u64>,
        document: &'a [u8],
    ) -> BoxFuture<'a, Result<u64>> {
        Box::pin(async move {
            let mut tx = self.begin().await?;
            let result = self.put_part_in(&mut tx, part, expected, document).await;
            finish(tx, result).await
        })
    }

    fn delete_part<'a>(&'a self, part: Part<'a>, expected: Option<u64>) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let mut tx = self.begin().await?;
            let result = Self::delete_part_in(&mut tx, part, expected).await;
            finish(tx, result).await
        })
    }

    fn append_activity<'a>(&'a self, segment: &'a [u8]) -> BoxFuture<'a, Result<()>> {
        Box::pin(self.activity.append(segment))
    }

    fn load_activity(&self) -> BoxFuture<'_, Result<Vec<Vec<u8>>>> {
        Box::pin(self.activity.load())
    }

    fn begin_call<'a>(
        &'a self,
        id: &'a str,
        record: &'a [u8],
        term: CallTerm,
    ) -> BoxFuture<'a, Result<BegunCall>> {
        Box::pin(async move {
            let mut tx = self.begin().await?;
            let result = self.begin_in(&mut tx, id, record, term).await;
            finish(tx, result).await
        })
    }

    fn end_call<'a>(
        &'a self,
        id: &'a str,
        generation: u64,
        record: Option<&'a [u8]>,
    ) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let mut tx = self.begin().await?;
            let result = self.end_in(&mut tx, id, generation, record).await;
            finish(tx, result).await
        })
    }

    fn marks(&self) -> Option<&dyn Marks> {
        Some(self)
    }

    fn events(&self) -> Option<&dyn Events> {
        Some(self)
    }

    fn tokens(&self) -> Option<&dyn Tokens> {
        Some(self)
    }

    fn keys(&self) -> Option<&dyn Keys> {
        Some(self)
    }

    fn ping(&self) -> BoxFuture<'_, Result<()>> {
        Box::pin(async {
            let check = sqlx::query("SELECT last FROM generation WHERE id = 1").fetch_one(&self.reader).await;
            check.map(drop).map_err(|error| trouble::sql("read the store", error))
        })
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        Box::pin(async {
            self.activity.close().await;
            self.reader.close().await;
            // The last connection to close merges the log into the database.
            self.writer.close().await;
            drop(self.lock.lock().unwrap_or_else(PoisonError::into_inner).take());
        })
    }
}

#[cfg(test)]
mod tests;
