//! `Folder`: manifests in a folder of the installation. What changes there is taken over while the manager runs, all of it at
//! once.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, SystemTime},
};

use tokio::time::{MissedTickBehavior, interval, sleep};
use trunkline_connectors::{Catalog as Connectors, Manifest};
use trunkline_core::{Error, Result};

use crate::{catalog::Catalog, registry::Registry};

/// How often it is looked at.
const EVERY: Duration = Duration::from_secs(5);
/// How long nothing of it may change before it is read.
const SETTLE: Duration = Duration::from_millis(250);

/// What the files of a folder were like.
type Look = BTreeMap<PathBuf, (u64, Option<SystemTime>)>;

/// A folder of manifests.
pub(crate) struct Folder {
    path: PathBuf,
    /// What there is without it.
    base: Arc<Connectors>,
    seen: Look,
}

impl Folder {
    /// Reads it into a catalog.
    ///
    /// # Errors
    ///
    /// `invalid_config` where it cannot be read, or a file of it is no manifest: nothing was there before.
    pub(crate) fn read(path: PathBuf, catalog: &Catalog) -> Result<Self> {
        let (seen, base) = (look(&path), catalog.connectors());
        let (connectors, wrong) = base.with_folder(&path, None, |manifest| fits(catalog, manifest))?;
        if let Some((path, error)) = wrong.into_iter().next() {
            return Err(Error::invalid(error.message().to_owned()).at(&path.display().to_string()));
        }
        catalog.set_connectors(connectors);
        Ok(Self { path, base, seen })
    }

    /// Looks at it for as long as it is polled. Integrations whose connector has changed are opened anew.
    pub(crate) async fn watch(mut self, registry: Arc<Registry>) {
        let mut tick = interval(EVERY);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tick.tick().await;
            let path = self.path.clone();
            // A file system may take its time.
            let Ok(look) = tokio::task::spawn_blocking(move || look(&path)).await else { continue };
            if look != self.seen && self.is_settled(&look).await {
                self.seen = look;
                self.take_over(&registry).await;
            }
        }
    }

    /// Whether its files stay as they are for a moment: half of a manifest can be one.
    async fn is_settled(&self, seen: &Look) -> bool {
        sleep(SETTLE).await;
        let path = self.path.clone();
        tokio::task::spawn_blocking(move || look(&path)).await.is_ok_and(|look| look == *seen)
    }

    async fn take_over(&self, registry: &Registry) {
        let catalog = registry.shared.catalog.clone();
        let (base, path, before) = (self.base.clone(), self.path.clone(), catalog.connectors());
        let known = catalog.clone();
        let read = tokio::task::spawn_blocking(move || {
            base.with_folder(&path, Some(&before), |manifest| fits(&known, manifest))
        });
        let (connectors, wrong) = match read.await {
            Ok(Ok(read)) => read,
            Ok(Err(error)) => {
                tracing::error!(%error, "the folder of connectors cannot be read; nothing was changed");
                return;
            }
            Err(_) => return,
        };
        for (path, error) in wrong {
            tracing::error!(path = %path.display(), %error, "a connector is not valid; what was there before stays");
        }
        catalog.set_connectors(connectors);
        tracing::info!(path = %self.path.display(), "connectors were read again");
        for handle in registry.all().values() {
            if handle.vendor().is_none_or(|vendor| vendor.is_of(&catalog)) {
                continue;
            }
            match handle.config() {
                Ok(config) => registry.reopen(handle, &config).await,
                Err(error) => {
                    tracing::warn!(integration = %handle.id(), %error, "what it refers to has changed and does not do; nothing was changed");
                }
            }
        }
    }
}

/// Refuses a manifest with a key that nothing reads.
fn fits(catalog: &Catalog, manifest: &Manifest) -> Result<()> {
    catalog.unknown_keys(manifest).into_iter().next().map_or(Ok(()), Err)
}

/// What its files are like. One that is gone is a change too.
fn look(path: &Path) -> Look {
    let entries = fs::read_dir(path).into_iter().flatten().flatten();
    let files = entries.filter_map(|entry| {
        // Of what a link leads to: a mounted volume changes by another place that links lead to.
        let metadata = fs::metadata(entry.path()).ok()?;
        Some((entry.path(), (metadata.len(), metadata.modified().ok())))
    });
    files.collect()
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn a_link_changes_with_what_it_leads_to() {
        let home = tempfile::tempdir().unwrap();
        let (folder, of) = (home.path().join("connectors"), |name: &str| home.path().join(name));
        fs::create_dir(&folder).unwrap();
        for (name, text) in [("first", "name: acme"), ("second", "name: acme, longer")] {
            fs::create_dir(of(name)).unwrap();
            fs::write(of(name).join("acme.yaml"), text).unwrap();
        }
        // As Kubernetes mounts a map: the file leads over a folder that is replaced as a whole.
        symlink(of("first"), of("now")).unwrap();
        symlink(of("now").join("acme.yaml"), folder.join("acme.yaml")).unwrap();
        let before = look(&folder);
        assert_eq!((before.len(), &look(&folder)), (1, &before));
        fs::remove_file(of("now")).unwrap();
        symlink(of("second"), of("now")).unwrap();
        assert_ne!(look(&folder), before);
        fs::remove_file(of("now")).unwrap();
        assert!(look(&folder).is_empty(), "what leads nowhere is gone");
    }
}
