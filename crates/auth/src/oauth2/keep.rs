//! `Keep`: the grant of a connection, in step with where it is kept. Nothing that was issued is ever only on its way.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
    time::Duration,
};

use tokio::time::sleep;
use trunkline_core::{BoxFuture, Error, Kept, Kind, Result, Vault};
use zeroize::Zeroizing;

use super::grant::{self, Grant};

/// After a write that failed, the next one is tried after this, then twice as long …
const PAUSE: Duration = Duration::from_millis(250);
/// … and so on, up to this.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// The grant of a connection.
#[derive(Clone)]
pub(super) struct Keep(Arc<Inner>);

struct Inner {
    vault: Arc<dyn Vault>,
    bound_to: String,
    /// What could not be written yet, and the generation whose place it takes.
    unsaved: Mutex<Option<Version>>,
}

/// A grant as it was read.
#[derive(Clone)]
pub(super) struct Version {
    /// `None`: nothing is kept.
    pub(super) generation: Option<u64>,
    pub(super) grant: Grant,
}

impl Keep {
    /// What is kept in `vault`, as far as it was granted to whom, by whom and for what `bound_to` says.
    pub(super) fn new(vault: Option<Arc<dyn Vault>>, bound_to: String) -> Self {
        let vault = vault.unwrap_or_else(|| Arc::new(Memory::default()));
        Self(Arc::new(Inner { vault, bound_to, unsaved: Mutex::default() }))
    }

    /// Who this process is, among those that lease grants.
    pub(super) fn owner() -> &'static str {
        static OWNER: OnceLock<String> = OnceLock::new();
        OWNER.get_or_init(|| trunkline_core::RequestId::new().to_string())
    }

    /// Whether other processes may be at the same grant.
    pub(super) fn is_shared(&self) -> bool {
        self.0.vault.is_shared()
    }

    /// The grant as it is now.
    pub(super) async fn read(&self) -> Result<Version> {
        if let Some(unsaved) = self.0.unsaved().clone() {
            return Ok(unsaved);
        }
        let kept = self.0.vault.load().await?;
        let generation = kept.as_ref().map(|kept| kept.generation);
        let grant = kept.map(|kept| grant::read(&kept.document?)).transpose()?;
        let ours = grant.filter(|grant| grant.is_bound_to(&self.0.bound_to));
        Ok(Version { generation, grant: ours.unwrap_or_else(|| self.nothing()) })
    }

    /// Which version is kept, be it one that cannot be read.
    pub(super) async fn generation(&self) -> Result<Option<u64>> {
        Ok(self.0.vault.load().await?.map(|kept| kept.generation))
    }

    /// A grant that holds nothing yet.
    pub(super) fn nothing(&self) -> Grant {
        Grant::of(self.0.bound_to.clone())
    }

    /// Keeps `grant` in the place of a version that was read.
    ///
    /// # Errors
    ///
    /// `conflict` where that is not the present one any more.
    pub(super) async fn write(&self, before: Option<u64>, grant: Grant) -> Result<Version> {
        if self.0.unsaved().is_some() {
            return Err(Error::new(Kind::Store, "the tokens that were issued last could not be stored yet"));
        }
        let generation = Some(self.0.vault.save(before, &grant::write(&grant)).await?);
        Ok(Version { generation, grant })
    }

    /// Keeps what was issued, of which there is no other copy: in memory until it could be written.
    ///
    /// # Errors
    ///
    /// Only those that trying again does not mend: `conflict`, and that what it was for was removed.
    pub(super) async fn write_for_sure(&self, before: Option<u64>, grant: Grant) -> Result<()> {
        let version = Version { generation: before, grant };
        match self.0.save(&version).await {
            Err(error) if error.kind() == Kind::Store => {
                tracing::error!(%error, "tokens that were issued could not be stored; they are kept in memory and tried again");
                *self.0.unsaved() = Some(version);
                tokio::spawn(self.clone().insist());
                Ok(())
            }
            other => other,
        }
    }

    async fn insist(self) {
        let mut pause = PAUSE;
        loop {
            sleep(pause).await;
            let Some(version) = self.0.unsaved().clone() else { return };
            match self.0.save(&version).await {
                Err(error) if error.kind() == Kind::Store => pause = (pause * 2).min(LONGEST_PAUSE),
                result => {
                    // Two may try at the same time; the second finds nothing to say.
                    return match (self.0.unsaved().take(), result) {
                        (Some(_), Ok(())) => tracing::info!("tokens that could not be stored are stored now"),
                        (Some(_), Err(error)) => {
                            tracing::warn!(%error, "tokens that were not stored are of no use any more");
                        }
                        (None, _) => {}
                    };
                }
            }
        }
    }

    /// Whether something that was issued is not written yet.
    pub(super) fn is_busy(&self) -> bool {
        self.0.unsaved().is_some()
    }

    /// Waits until what was issued is written. Whoever tries that already may be gone, with its runtime.
    pub(super) async fn settle(&self) {
        if self.0.unsaved().is_some() {
            self.clone().insist().await;
        }
    }
}

impl Inner {
    fn unsaved(&self) -> MutexGuard<'_, Option<Version>> {
        self.unsaved.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn save(&self, version: &Version) -> Result<()> {
        self.vault.save(version.generation, &grant::write(&version.grant)).await.map(drop)
    }
}

impl fmt::Debug for Keep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Keep").field(&self.0.vault).finish()
    }
}

/// A vault for a scheme that was given none.
#[derive(Default)]
struct Memory(Mutex<(u64, Option<Zeroizing<Vec<u8>>>)>);

impl Vault for Memory {
    fn load(&self) -> BoxFuture<'_, Result<Option<Kept>>> {
        let held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = held.1.clone().map(|document| Kept { generation: held.0, document: Ok(document) });
        Box::pin(async { Ok(kept) })
    }

    fn save<'a>(&'a self, expected: Option<u64>, document: &'a [u8]) -> BoxFuture<'a, Result<u64>> {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let saved = match held.1.as_ref().map(|_| held.0) == expected {
            true => {
                *held = (held.0 + 1, Some(Zeroizing::new(document.to_vec())));
                Ok(held.0)
            }
            false => Err(Error::new(Kind::Conflict, "changed since it was read")),
        };
        Box::pin(async { saved })
    }
}

impl fmt::Debug for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Memory")
    }
}
