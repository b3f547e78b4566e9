//! What happens before a database is used: damage, version and key are checked without writing a byte;
//! then it is created, migrated, and moved to a new master key.

use std::{collections::BTreeMap, fs::File, io::Read as _, path::Path};

use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, SqliteConnection, SqlitePool};
use trunkline_core::{Error, Kind, Result};

use super::{connect, rewrap};
use crate::{
    KeyId, KeySource, Keyring, files,
    seal::{self, Place},
    trouble::{self, Trouble},
};

/// Every migration in order. The version of a database is how many of them it has had, in `user_version`.
const MIGRATIONS: &[&str] = &[
    include_str!("../../migrations/0001_init.sql"),
    include_str!("../../migrations/0002_calls.sql"),
    include_str!("../../migrations/0003_parts.sql"),
    include_str!("../../migrations/0004_events.sql"),
    include_str!("../../migrations/0005_tokens.sql"),
    include_str!("../../migrations/0006_once.sql"),
    include_str!("../../migrations/0007_rounds.sql"),
    include_str!("../../migrations/0008_marks.sql"),
];

/// The last table that each of them makes.
const TABLES: [&str; MIGRATIONS.len()] =
    ["key_check", "calls_total", "parts", "deliveries", "tokens", "begun", "rounds", "marks_total"];

/// `application_id` in the header of a database of ours: "TRNK".
const APPLICATION_ID: i32 = 0x5452_4e4b;

/// What the key check record holds, and where.
const KEY_CHECK: &[u8] = b"trunkline key check";
const KEY_CHECK_PLACE: Place<'_> = Place { table: "key_check", row: "1", field: "sealed", generation: 0 };

/// What is known of an existing database before its first write.
pub(super) struct Found {
    version: usize,
    pub(super) key_check: Vec<u8>,
    /// How many envelopes are sealed with which key.
    pub(super) sealed: BTreeMap<KeyId, u64>,
}

/// Checks the database, or creates it, and opens it for writing.
pub(super) async fn start(dir: &Path, database: &Path, key: &KeySource) -> Result<(Keyring, SqlitePool)> {
    let found = inspect(database).await?;
    let keyring = match &found {
        Some(found) => {
            let keyring = key.load(dir, Some(seal::key_id(&found.key_check)?))?;
            verify(&keyring, database, found)?;
            keyring
        }
        None => {
            let keyring = key.load(dir, None)?;
            create(database, &keyring).await?;
            keyring
        }
    };
    let failed = |error| trouble::sql("open the database", error);
    let pool = connect::pool().connect_with(connect::durable(database)).await.map_err(failed)?;
    if let Some(found) = found {
        let mut tx = pool.begin_with("BEGIN IMMEDIATE").await.map_err(failed)?;
        migrate(&mut tx, found.version).await?;
        tx.commit().await.map_err(failed)?;
        if keyring.older().len() > 0 {
            rewrap::all(&pool, &keyring, None).await?;
        }
    }
    Ok((keyring, pool))
}

/// Looks for damage and reads what the next steps need. Neither the database nor its log is touched.
pub(super) async fn inspect(database: &Path) -> Result<Option<Found>> {
    let log = files::len(&files::beside(database, "-wal"))?.unwrap_or(0);
    match files::len(database)? {
        None if log > 0 => return Err(trouble::corrupt(database, "is missing, but its -wal file is there")),
        None => return Ok(None),
        Some(0) => return Err(trouble::corrupt(database, "is empty")),
        Some(length) => check_header(database, length, log == 0)?,
    }
    // What the log holds is part of the database: after a kill in a checkpoint, the file alone may look
    // damaged. Reading through the log changes neither, but needs the -shm file; without a log not even that.
    let damaged = |error: sqlx::Error| match trouble::primary_code(&error) {
        // SQLITE_ERROR is what a schema that makes no sense gives.
        Some(1 | 11 | 26) => trouble::corrupt(database, "is damaged").source(error),
        _ => trouble::sql("check the database", error),
    };
    let mut connection = connect::inspect(database, log == 0).connect().await.map_err(damaged)?;
    let found = read(&mut connection, database, damaged).await;
    let _ = connection.close().await; // read-only: nothing can be lost
    found.map(Some)
}

async fn read(
    connection: &mut SqliteConnection,
    database: &Path,
    damaged: impl Fn(sqlx::Error) -> Error,
) -> Result<Found> {
    let verdict: String =
        sqlx::query_scalar("PRAGMA quick_check(1)").fetch_one(&mut *connection).await.map_err(&damaged)?;
    if verdict != "ok" {
        return Err(trouble::corrupt(database, "is damaged").with("check", verdict.trim()));
    }
    let version: i64 =
        sqlx::query_scalar("PRAGMA user_version").fetch_one(&mut *connection).await.map_err(&damaged)?;
    let known = MIGRATIONS.len();
    let version = match usize::try_from(version) {
        Ok(version) if (1..=known).contains(&version) => version,
        Ok(version) if version > known => {
            return Err(Trouble::Newer.on(Error::new(
                Kind::Store,
                format!(
                    "{} was written by a newer trunkline (version {version}, this one knows {known}): use that one, \
                     or restore a backup from before the upgrade",
                    database.display()
                ),
            )));
        }
        _ => return Err(trouble::corrupt(database, "has no version")),
    };
    for (number, table) in (1..).zip(TABLES) {
        let there: bool = sqlx::query_scalar(
            "SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?1)",
        )
        .bind(table)
        .fetch_one(&mut *connection)
        .await
        .map_err(&damaged)?;
        if there != (number <= version) {
            return Err(trouble::corrupt(database, "is of another version than it says"));
        }
    }
    let key_check: Option<Vec<u8>> = sqlx::query_scalar("SELECT sealed FROM key_check WHERE id = 1")
        .fetch_optional(&mut *connection)
        .await
        .map_err(&damaged)?;
    let Some(key_check) = key_check.filter(|sealed| seal::key_id(sealed).is_ok()) else {
        return Err(trouble::corrupt(database, "has no key check record"));
    };
    let sealed = rewrap::count(connection).await.map_err(&damaged)?;
    Ok(Found { version, key_check, sealed })
}

/// What SQLite itself does not mind in a header, or would take for something else:
/// <https://www.sqlite.org/fileformat2.html#the_database_header>.
fn check_header(database: &Path, length: u64, whole: bool) -> Result<()> {
    let mut header = Vec::with_capacity(100);
    File::open(database)
        .and_then(|file| file.take(100).read_to_end(&mut header))
        .map_err(|error| trouble::io("read", database, error))?;
    let Ok(header) = <[u8; 100]>::try_from(header) else {
        return Err(trouble::corrupt(database, "is cut off"));
    };
    if &header[..16] != b"SQLite format 3\0" {
        return Err(trouble::corrupt(database, "is not a database any more"));
    }
    if header[68..72] != APPLICATION_ID.to_be_bytes() {
        return Err(trouble::corrupt(database, "is not a database of trunkline"));
    }
    // Read and write version (2: with a log, which ours always has), and a reserved area.
    if header[18..20] != [2, 2] || header[72..92] != [0; 20] {
        return Err(trouble::corrupt(database, "has a damaged header"));
    }
    // SQLite takes what is cut off the last page for zeros. Where there is a log, that may have the rest.
    let page = match u16::from_be_bytes([header[16], header[17]]) {
        1 => 65_536,
        size => u64::from(size),
    };
    let pages = u32::from_be_bytes([header[28], header[29], header[30], header[31]]);
    if whole && length < page * u64::from(pages) {
        return Err(trouble::corrupt(database, "is cut off"));
    }
    Ok(())
}

/// Proves that the keyring is the one that the database was sealed with, and has the key of a rotation that did
/// not end.
pub(super) fn verify(keyring: &Keyring, database: &Path, found: &Found) -> Result<()> {
    let wanted = seal::key_id(&found.key_check)?;
    if keyring.get(wanted).is_none() {
        return Err(Trouble::Key.on(Error::invalid(format!(
            "the wrong master key: the database is sealed with key {wanted}, given is {}; nothing was changed",
            keyring.primary().id()
        ))));
    }
    // What is damaged may look as if it had a key of its own. Two of the same key are no accident.
    let missing = |(id, count): &(&KeyId, &u64)| **count > 1 && keyring.get(**id).is_none();
    if let Some((id, count)) = found.sealed.iter().find(missing) {
        return Err(Trouble::Key.on(Error::invalid(format!(
            "a master key is missing: {count} envelopes are sealed with key {id}; put it back beside {wanted}; nothing \
             was changed"
        ))));
    }
    match seal::open(keyring, KEY_CHECK_PLACE, &found.key_check) {
        Ok(value) if **value == *KEY_CHECK => Ok(()),
        _ => Err(trouble::corrupt(database, "has a damaged key check record")),
    }
}

/// Makes a database under another name and moves it into place whole: a start that is cut off leaves
/// nothing that looks like a damaged database.
async fn create(database: &Path, keyring: &Keyring) -> Result<()> {
    let new = files::beside(database, ".new");
    for leftover in ["", "-wal", "-shm", "-journal"] {
        files::remove(&files::beside(&new, leftover))?;
    }
    files::create_private(&new)?;
    let failed = |error| trouble::sql("create the database", error);
    let mut connection = connect::durable(&new).connect().await.map_err(failed)?;
    let mut tx = connection.begin().await.map_err(failed)?;
    migrate(&mut tx, 0).await?;
    sqlx::query(AssertSqlSafe(format!("PRAGMA application_id = {APPLICATION_ID}")))
        .execute(&mut *tx)
        .await
        .map_err(failed)?;
    sqlx::query("INSERT INTO key_check (id, sealed) VALUES (1, ?1)")
        .bind(seal::seal(keyring, KEY_CHECK_PLACE, KEY_CHECK)?)
        .execute(&mut *tx)
        .await
        .map_err(failed)?;
    tx.commit().await.map_err(failed)?;
    connection.close().await.map_err(failed)?;
    // Closing merges the log, silently not if the disk is full; without it the file would be a torso.
    if files::len(&files::beside(&new, "-wal"))?.unwrap_or(0) > 0 {
        return Err(Error::new(
            Kind::Store,
            format!("cannot finish writing {}: is the disk full?", new.display()),
        ));
    }
    files::rename(&new, database)
}

/// Applies the migrations that `version` lacks.
async fn migrate(connection: &mut SqliteConnection, version: usize) -> Result<()> {
    let failed = |error| trouble::sql("migrate the database", error);
    for (number, migration) in (1..).zip(MIGRATIONS).skip(version) {
        sqlx::raw_sql(*migration).execute(&mut *connection).await.map_err(failed)?;
        // In the header, and so part of the transaction.
        sqlx::query(AssertSqlSafe(format!("PRAGMA user_version = {number}")))
            .execute(&mut *connection)
            .await
            .map_err(failed)?;
    }
    Ok(())
}

/// The key check record.
pub(super) async fn key_check(connection: &mut SqliteConnection) -> sqlx::Result<Vec<u8>> {
    sqlx::query_scalar("SELECT sealed FROM key_check WHERE id = 1").fetch_one(connection).await
}

/// Wraps the key check record under the primary key.
pub(super) async fn rewrap_key_check(connection: &mut SqliteConnection, keyring: &Keyring) -> Result<()> {
    let failed = |error| trouble::sql("move the store to the new master key", error);
    let sealed = key_check(&mut *connection).await.map_err(failed)?;
    if let Some(sealed) = seal::rewrap(keyring, KEY_CHECK_PLACE, &sealed)? {
        let sql = "UPDATE key_check SET sealed = ?1 WHERE id = 1";
        sqlx::query(sql).bind(sealed).execute(connection).await.map_err(failed)?;
    }
    Ok(())
}
