//! [`backup`] and [`restore`]: a copy of the database while it is in use, and the way back.

use std::{fs, path::Path};

use sqlx::{ConnectOptions as _, Connection as _, SqliteConnection};
use trunkline_core::{Error, Result};

use super::{INTEGRATIONS, boot, connect, generation, place, tokens};
use crate::{KeyId, KeySource, Keyring, files, seal, trouble};

/// By how much a restore raises the last generation: more than were given out since the backup was made,
/// so that none comes back.
const LEAP: i64 = 1 << 32;

/// What is in a backup.
#[derive(Debug, Clone)]
pub struct Backup {
    /// How many integrations it holds.
    pub integrations: usize,
    /// How many API tokens it holds, also those that were revoked since: restored, they hold again.
    pub tokens: usize,
    /// The master key that it is sealed with, and that a restore needs. The key itself is not in it.
    pub key_id: KeyId,
    /// Further keys that some of it is sealed with: it was made in the middle of a rotation.
    pub other_keys: Vec<KeyId>,
    /// Integrations whose document does not open, known after a restore only.
    pub undecryptable: Vec<String>,
}

/// Copies the integrations of `data_dir`, what is kept of calls with an idempotency key, and API tokens, into `file`, which
/// must not exist, as they are at one moment. Whoever uses the directory goes on meanwhile. Activity and master
/// key are not part of it.
///
/// # Errors
///
/// `store_unavailable` when there is no database, it is damaged, or the copy cannot be written;
/// `invalid_config` when `file` exists. No part of a copy is left behind then.
pub async fn backup(data_dir: &Path, file: &Path) -> Result<Backup> {
    let database = data_dir.join("trunkline.db");
    if files::len(&database)?.is_none() {
        let message = format!("there is no {}; name the data directory with --data", database.display());
        return Err(Error::invalid(message));
    }
    if files::len(file)?.is_some() {
        return Err(Error::invalid(format!("{} exists; choose another name", file.display())));
    }
    in_place(file, async |new| {
        files::create_private(new)?;
        copy(&database, new).await.map_err(|error| trouble::sql("copy the database", error))?;
        // Looked at as any database is before it is used.
        let found = boot::inspect(new).await?.ok_or_else(|| trouble::corrupt(new, "is missing"))?;
        let mut connection = look_at(new).await?;
        let integrations = sqlx::query_scalar::<_, i64>("SELECT count(*) FROM integrations")
            .fetch_one(&mut connection)
            .await
            .map_err(|error| trouble::sql("check the copy", error))?;
        let tokens = count_tokens(new).await?;
        let key_id = seal::key_id(&found.key_check)?;
        Ok(Backup {
            integrations: usize::try_from(integrations).unwrap_or(0),
            tokens,
            key_id,
            other_keys: found.sealed.into_keys().filter(|id| *id != key_id).collect(),
            undecryptable: Vec::new(),
        })
    })
    .await
}

/// Makes a data directory of a backup. `data_dir` may hold the master key and nothing else; it is created
/// when it is missing.
///
/// # Errors
///
/// `invalid_config` when something is in the directory, or the key is missing or not the backup's
/// ([`Trouble::Key`](crate::Trouble::Key), naming the one that is wanted); `store_unavailable` when the backup is damaged or
/// newer than this program, or the copy cannot be written. No part of a database is left behind then.
pub async fn restore(file: &Path, data_dir: &Path, key: &KeySource) -> Result<Backup> {
    if boot::inspect(file).await?.is_none() {
        return Err(Error::invalid(format!("there is no {}", file.display())));
    }
    files::create_dir(data_dir)?;
    let _lock = files::Lock::take(data_dir)?;
    only_a_key(data_dir)?;
    let database = data_dir.join("trunkline.db");
    in_place(&database, async |new| {
        files::create_private(new)?;
        fs::copy(file, new).map_err(|error| trouble::io("copy the backup to", new, error))?;
        let found = boot::inspect(new).await?.ok_or_else(|| trouble::corrupt(new, "is missing"))?;
        let key_id = seal::key_id(&found.key_check)?;
        let keyring = key.load(data_dir, Some(key_id))?;
        boot::verify(&keyring, file, &found)?;
        let (integrations, undecryptable) = open_all(new, &keyring).await?;
        let tokens = count_tokens(new).await?;
        leap(new).await.map_err(|error| trouble::sql("prepare the database", error))?;
        let other_keys = found.sealed.into_keys().filter(|id| *id != key_id).collect();
        Ok(Backup { integrations, tokens, key_id, other_keys, undecryptable })
    })
    .await
}

/// Lets `make` fill a file beside `file`, and gives it its name when it is whole and on the disk.
async fn in_place(file: &Path, make: impl AsyncFnOnce(&Path) -> Result<Backup>) -> Result<Backup> {
    // A name that nobody else uses: what is left there from before goes.
    let new = files::beside(file, ".trunkline-partial");
    let clear = || {
        ["", "-wal", "-shm", "-journal"].iter().try_for_each(|part| files::remove(&files::beside(&new, part)))
    };
    clear()?;
    let made = match make(&new).await {
        Ok(made) => files::sync(&new).and_then(|()| files::rename(&new, file)).map(|()| made),
        Err(error) => Err(error),
    };
    if made.is_err() {
        // What went wrong first is what counts.
        let _ = clear();
    }
    made
}

/// Copies a database as it is at the beginning of this.
async fn copy(database: &Path, new: &Path) -> sqlx::Result<()> {
    // Not as one that nobody writes to: somebody may begin to.
    let mut from = connect::inspect(database, false).connect().await?;
    let copied = sqlx::query("VACUUM INTO ?1").bind(new.to_string_lossy()).execute(&mut from).await;
    from.close().await?;
    copied?;
    // The copy has no log yet, and a database of ours has one.
    connect::durable(new).connect().await?.close().await
}

async fn look_at(database: &Path) -> Result<SqliteConnection> {
    let connected = connect::inspect(database, true).connect().await;
    connected.map_err(|error| trouble::sql("check the copy", error))
}

/// How many documents there are, and the ids of those that do not open.
async fn open_all(database: &Path, keyring: &Keyring) -> Result<(usize, Vec<String>)> {
    let rows: Vec<(String, i64, Vec<u8>)> =
        sqlx::query_as("SELECT id, generation, sealed FROM integrations ORDER BY id")
            .fetch_all(&mut look_at(database).await?)
            .await
            .map_err(|error| trouble::sql("read the backup", error))?;
    let opens = |(id, at, sealed): &(String, i64, Vec<u8>)| {
        seal::open(keyring, place(INTEGRATIONS, id, generation(*at)), sealed)
    };
    let closed = rows.iter().filter(|row| opens(row).is_err()).map(|(id, ..)| id.clone()).collect();
    Ok((rows.len(), closed))
}

/// How many API tokens there are: none in a backup from before there were any.
async fn count_tokens(database: &Path) -> Result<usize> {
    let (mut connection, failed) = (look_at(database).await?, |error| trouble::sql("check the copy", error));
    let there: bool = sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE name = ?1)")
        .bind(tokens::TABLE)
        .fetch_one(&mut connection)
        .await
        .map_err(failed)?;
    if !there {
        return Ok(0);
    }
    let count: i64 =
        sqlx::query_scalar("SELECT count(*) FROM tokens").fetch_one(&mut connection).await.map_err(failed)?;
    Ok(usize::try_from(count).unwrap_or(0))
}

async fn leap(database: &Path) -> sqlx::Result<()> {
    let mut connection = connect::durable(database).connect().await?;
    sqlx::query("UPDATE generation SET last = last + ?1").bind(LEAP).execute(&mut connection).await?;
    connection.close().await
}

/// Refuses a directory in which anything but a key (and our lock) is.
fn only_a_key(dir: &Path) -> Result<()> {
    let read = |error| trouble::io("read", dir, error);
    for entry in fs::read_dir(dir).map_err(read)? {
        let name = entry.map_err(read)?.file_name();
        if name != "trunkline.key" && name != "trunkline.lock" {
            return Err(Error::invalid(format!(
                "{} is in {}: restore into a new directory, or one with nothing but trunkline.key in it",
                name.display(),
                dir.display()
            )));
        }
    }
    Ok(())
}
