//! The master keys of a store that is in use: listed, replaced, removed.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use trunkline_core::{BoxFuture, Error, Kind, Result};

use super::{SqliteStore, boot, rewrap};
use crate::{KeyId, KeyUse, Keyring, Keys, MasterKey, Rotation, RotationState, key_source, seal, trouble};

/// Keys of a ring. Nobody needs as many, and a key file is of limited size.
const MOST: usize = 64;

impl Keys for SqliteStore {
    fn list(&self) -> BoxFuture<'_, Result<Vec<KeyUse>>> {
        Box::pin(async {
            let failed = |error| trouble::sql("read the store", error);
            let mut connection = self.reader.acquire().await.map_err(failed)?;
            let mut found = rewrap::count(&mut connection).await.map_err(failed)?;
            let ring = self.keyring();
            let mut keys: Vec<KeyUse> = Vec::new();
            for id in ring.keys().map(MasterKey::id) {
                // One that is written down twice is one key.
                if !keys.iter().any(|key| key.id == id) {
                    let envelopes = found.remove(&id).unwrap_or(0);
                    keys.push(KeyUse { id, primary: keys.is_empty(), given: true, envelopes });
                }
            }
            let missing = |(id, envelopes)| KeyUse { id, primary: false, given: false, envelopes };
            keys.extend(found.into_iter().map(missing));
            Ok(keys)
        })
    }

    fn rotate(&self) -> BoxFuture<'_, Result<Rotation>> {
        Box::pin(async {
            let _turn = self.turn()?;
            let ring = Arc::new(self.next_ring().await?);
            let running = self.course.begin(self.used().await?.under(ring.older()));
            // From here on it seals what is written. Who has begun to write holds the one connection that writes,
            // and has ended before anything is looked for.
            self.keyring.store(ring.clone());
            let moved = rewrap::all(&self.writer, &ring, Some(&running)).await?;
            let older = ring.older().map(MasterKey::id).collect();
            let rewrap::Moved { rewrapped, left, stopped } = moved;
            Ok(Rotation { primary: ring.primary().id(), older, rewrapped, left, stopped })
        })
    }

    fn rotation(&self) -> BoxFuture<'_, Result<RotationState>> {
        Box::pin(async {
            if let Some(state) = self.course.state() {
                return Ok(state);
            }
            let check = self.used().await?.check;
            // One may have begun, or ended, while that was read.
            let otherwise = if check == self.keyring().primary().id() {
                RotationState::Done
            } else {
                RotationState::Unfinished
            };
            Ok(self.course.state().unwrap_or(otherwise))
        })
    }

    fn stop(&self) {
        self.course.stop();
    }

    fn remove(&self, id: KeyId) -> BoxFuture<'_, Result<()>> {
        Box::pin(async move {
            let _turn = self.turn()?;
            let ring = self.keyring();
            if ring.get(id).is_none() {
                let message = format!("there is no key {id}; list them to see which there are");
                return Err(Error::invalid(message));
            }
            if ring.primary().id() == id {
                let message =
                    format!("key {id} seals everything that is written; put another in its place first");
                return Err(Error::new(Kind::Conflict, message));
            }
            // Nothing is sealed with it any more: only the first key seals.
            self.is_unused(id).await?;
            self.take_out(id).await?;
            self.keyring.store(Arc::new(ring.without(id)));
            tracing::info!(key_id = %id, "removed an older master key");
            Ok(())
        })
    }
}

impl SqliteStore {
    /// The right to change the keys, until it is dropped.
    fn turn(&self) -> Result<Turn<'_>> {
        if self.rotating.swap(true, Ordering::AcqRel) {
            return Err(Error::new(
                Kind::Conflict,
                "the keys are being changed already; wait for the end of that",
            ));
        }
        Ok(Turn(&self.rotating))
    }

    /// The ring to move to, which is on the disk: the one in the file where somebody has put another key in front,
    /// the present one where the last rotation did not end, otherwise one with a new key.
    async fn next_ring(&self) -> Result<Keyring> {
        let held = self.keyring();
        let (given, used) = self.given().await?;
        if given.primary().id() != held.primary().id() {
            if let Some(file) = self.key.file(&self.dir) {
                key_source::sync(&file);
            }
            return Ok(given);
        }
        if used.check != given.primary().id() {
            return Ok(given);
        }
        if given.keys().count() >= MOST {
            let message = format!("there are {MOST} keys; remove older ones first");
            return Err(Error::new(Kind::Conflict, message));
        }
        let Some(file) = self.key.file(&self.dir) else {
            return Err(by_hand(
                "the keys are in TRUNKLINE_KEY, which a running server cannot change: put a new one (openssl rand -hex 32) \
                 and a blank before what is there, and start again; the start moves everything to it",
            ));
        };
        let ring = given.with(MasterKey::generate()?);
        key_source::replace(&file, &ring).map_err(|error| {
            by_hand(format!(
                "{}: put a new key (openssl rand -hex 32) on a line before those in it, and rotate again; no restart \
                 is needed",
                error.message()
            ))
            .source(error)
        })?;
        let key_id = ring.primary().id();
        tracing::warn!(path = %file.display(), %key_id, "generated a new master key; keep a copy of it");
        Ok(ring)
    }

    /// Takes a key that nothing needs out of the file, or sees that somebody has done so.
    async fn take_out(&self, id: KeyId) -> Result<()> {
        let unused = format!("nothing is sealed with key {id} any more");
        let Some(file) = self.key.file(&self.dir) else {
            let message = format!("{unused}: take it out of TRUNKLINE_KEY; the next start does without it");
            return Err(by_hand(message));
        };
        let (given, _) = self.given().await?;
        if given.primary().id() != self.keyring().primary().id() {
            let message = format!("{} has another key in front: rotate first", file.display());
            return Err(Error::new(Kind::Conflict, message));
        }
        if given.get(id).is_none() {
            return Ok(());
        }
        key_source::replace(&file, &given.without(id)).map_err(|error| {
            let how = "take its line out of the file, and remove it again";
            by_hand(format!("{}, but {unused}: {how}", error.message())).source(error)
        })
    }

    /// The keys as they are given now, which must be all that something is sealed with, and what that is.
    async fn given(&self) -> Result<(Keyring, Used)> {
        let held = self.keyring();
        let given = self.key.load(&self.dir, Some(held.primary().id()))?;
        let used = self.used().await?;
        let lost = used.ids().find(|id| held.get(*id).is_some() && given.get(*id).is_none());
        match lost {
            None => Ok((given, used)),
            Some(id) => {
                let message =
                    format!("the key file has lost key {id}, which something is sealed with: put it back");
                Err(Error::new(Kind::Conflict, message))
            }
        }
    }

    async fn used(&self) -> Result<Used> {
        let failed = |error| trouble::sql("read the store", error);
        let mut connection = self.reader.acquire().await.map_err(failed)?;
        let check = boot::key_check(&mut connection).await.map_err(failed)?;
        let envelopes = rewrap::count(&mut connection).await.map_err(failed)?;
        Ok(Used { check: seal::key_id(&check)?, envelopes })
    }

    /// Refuses while something is sealed with the key.
    async fn is_unused(&self, id: KeyId) -> Result<()> {
        let used = self.used().await?;
        let what = match used.envelopes.get(&id) {
            Some(1) => "1 envelope is".to_owned(),
            Some(count) => format!("{count} envelopes are"),
            None if used.check == id => "the record that tells keys apart is".to_owned(),
            None => return Ok(()),
        };
        let message = format!("{what} still sealed with key {id}: rotate, and remove what is damaged");
        Err(Error::new(Kind::Conflict, message))
    }
}

/// What is sealed with which key.
struct Used {
    /// The key of the key check record, which a rotation moves last.
    check: KeyId,
    envelopes: BTreeMap<KeyId, u64>,
}

impl Used {
    fn ids(&self) -> impl Iterator<Item = KeyId> {
        std::iter::once(self.check).chain(self.envelopes.keys().copied())
    }

    /// How many envelopes are sealed with one of these.
    fn under<'a>(&self, keys: impl Iterator<Item = &'a MasterKey>) -> u64 {
        keys.filter_map(|key| self.envelopes.get(&key.id())).sum()
    }
}

/// The right to change the keys.
struct Turn<'a>(&'a AtomicBool);

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}

/// What only the operator can do.
fn by_hand(message: impl Into<String>) -> Error {
    Error::new(Kind::Unsupported, message.into())
}
