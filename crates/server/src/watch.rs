//! Watches the configuration file: what changes is taken over while the server runs, and a bad file
//! changes nothing.

use std::{path::PathBuf, time::Duration};

use tokio::time::{MissedTickBehavior, interval};
use trunkline::{Manager, Result, Source};

use crate::settings::File;

/// How often the file is looked at. Reading it beats watching events: it sees mounted secrets, editors
/// that rename, and network file systems alike.
const EVERY: Duration = Duration::from_secs(1);

/// What may be reached by a file, and by rules from elsewhere.
fn rules(file: &File, extra: &[String]) -> Vec<String> {
    file.egress.allow.iter().chain(extra).cloned().collect()
}

/// Takes over what of a file can change while the server runs. `extra` are rules from elsewhere. Where it fails, only the rules
/// have changed.
pub(crate) async fn apply(manager: &Manager, file: &File, extra: &[String]) -> Result<()> {
    // An integration may forward as soon as it is there.
    manager.egress().set_allow(&rules(file, extra))?;
    manager.set_source(Source::File, &file.integrations).await
}

/// Looks at the file for as long as it is polled.
pub(crate) async fn watch(
    manager: Manager,
    path: PathBuf,
    mut seen: Option<String>,
    held: File,
    extra: Vec<String>,
) {
    let mut current = held.clone();
    let mut tick = interval(EVERY);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tick.tick().await;
        let text = tokio::fs::read_to_string(&path).await.ok();
        if text == seen {
            continue;
        }
        seen = text;
        // An editor may be in the middle of replacing it.
        let Some(text) = &seen else {
            tracing::warn!(path = %path.display(), "the configuration file is gone; what it said stays in force");
            continue;
        };
        let file = match File::parse(text) {
            Ok(file) => file,
            Err(error) => {
                tracing::error!(path = %path.display(), %error, "the changed configuration file is not valid; nothing was changed");
                continue;
            }
        };
        match apply(&manager, &file, &extra).await {
            Ok(()) => {
                tracing::info!(path = %path.display(), integrations = file.integrations.len(), "configuration file taken over");
                current = file.clone();
            }
            Err(error) => {
                let _ = manager.egress().set_allow(&rules(&current, &extra));
                tracing::error!(path = %path.display(), %error, "the changed configuration file is not valid; nothing was changed");
            }
        }
        if format!("{:?}", file.server) != format!("{:?}", held.server)
            || file.egress.profile != held.egress.profile
        {
            tracing::warn!("changes to server: and egress.profile take effect at the next start");
        }
    }
}
