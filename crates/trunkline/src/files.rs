//! `Files`: the files that integrations refer to, outside of their auth schemes. When one changes, such as a renewed
//! certificate, the integrations that read it are opened anew.

use std::{
    collections::{HashMap, HashSet},
    fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime},
};

use tokio::time::{MissedTickBehavior, interval};

use crate::{IntegrationConfig, registry::Registry};

/// How often files are looked at: as often as schemes read theirs.
const EVERY: Duration = Duration::from_secs(5);

/// What a file was like when it was looked at. Reading it would leave secrets in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Look {
    len: u64,
    modified: Option<SystemTime>,
}

impl Look {
    /// What no file is like.
    const NONE: Self = Self { len: u64::MAX, modified: None };

    /// `None` where there is no file.
    fn at(path: &Path) -> Option<Self> {
        let metadata = fs::metadata(path).ok()?;
        Some(Self { len: metadata.len(), modified: metadata.modified().ok() })
    }
}

/// What files were like before they were read.
pub(crate) type Looks = Vec<(Option<Look>, PathBuf)>;

/// The files that integrations were opened with, as they were then.
#[derive(Debug, Default)]
pub(crate) struct Files(Mutex<HashMap<PathBuf, Option<Look>>>);

impl Files {
    /// What the files of an integration are like that is about to be opened.
    pub(crate) fn look(config: &IntegrationConfig) -> Looks {
        let look = |path: PathBuf| (Look::at(&path), path);
        config.files().into_iter().map(look).collect()
    }

    /// Remembers that, since the integration was opened. Where others have read a file when it was like something
    /// else, all of them read it again.
    pub(crate) fn note(&self, looks: Looks) {
        if looks.is_empty() {
            return;
        }
        let mut held = self.held();
        for (look, path) in looks {
            if *held.entry(path.clone()).or_insert(look) != look {
                held.insert(path, Some(Look::NONE));
            }
        }
    }

    /// Those that are not as they were any more; from now on they are as they are.
    fn changed(&self) -> HashSet<PathBuf> {
        let before = self.held().clone();
        let looks = before.into_iter().map(|(path, before)| (Look::at(&path), before, path));
        let changed: Vec<_> = looks.filter(|(now, before, _)| now != before).collect();
        let mut held = self.held();
        changed
            .into_iter()
            .map(|(now, _, path)| {
                held.insert(path.clone(), now);
                path
            })
            .collect()
    }

    fn forget(&self, path: &Path) {
        self.held().remove(path);
    }

    fn held(&self) -> MutexGuard<'_, HashMap<PathBuf, Option<Look>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Looks at the files for as long as it is polled.
pub(crate) async fn watch(registry: Arc<Registry>) {
    let mut tick = interval(EVERY);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tick.tick().await;
        if registry.shared.files.held().is_empty() {
            continue;
        }
        // A file system may take its time.
        let looking = registry.clone();
        let changed = tokio::task::spawn_blocking(move || looking.shared.files.changed()).await;
        let Ok(mut unread) = changed else { continue };
        if unread.is_empty() {
            continue;
        }
        let changed = unread.clone();
        for handle in registry.all().values() {
            let Some(config) = handle.config_with_files() else { continue };
            let files = config.files();
            if files.iter().any(|path| changed.contains(path)) {
                unread.retain(|path| !files.contains(path));
                registry.reopen(handle, &config).await;
            }
        }
        // Whoever read these is gone.
        unread.iter().for_each(|path| registry.shared.files.forget(path));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_file_that_changes_appears_or_goes_is_seen_once() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("token");
        let reference = format!("Bearer ${{file:{}}}", path.display());
        let config = json!({"integration_id": "a", "type": "rest", "base_url": "https://h", "headers": {"x": reference}});
        let config = IntegrationConfig::from_json(config).unwrap();
        let files = Files::default();
        files.note(Files::look(&config));
        assert!(files.changed().is_empty());
        for text in [Some("one"), Some("three"), None] {
            match text {
                Some(text) => fs::write(&path, text).unwrap(),
                None => fs::remove_file(&path).unwrap(),
            }
            files.note(Files::look(&config)); // that somebody else has read it does not help those who have before
            assert_eq!(files.changed(), HashSet::from([path.clone()]), "{text:?}");
            assert!(files.changed().is_empty());
        }
    }
}
