//! `trunkline backup`: a copy of the database, while the server goes on.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use crate::{exit::Exit, output::Output};

/// Copies the database into a file, also while a server uses it, and checks the copy.
///
/// The master key is not in it: keep that apart. Neither is the record of activity.
#[derive(Debug, Args)]
pub(crate) struct Backup {
    /// The file to write, which must not exist.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The folder of the database.
    #[arg(long, env = "TRUNKLINE_DATA", value_name = "DIR", default_value = "data")]
    data: PathBuf,
}

impl Backup {
    pub(crate) async fn run(self, output: &Output) -> Result<(), Exit> {
        let made = trunkline::backup(&self.data, &self.file).await?;
        let key = made.key_id.to_string();
        if output.is_json() {
            let others: Vec<_> = made.other_keys.iter().map(ToString::to_string).collect();
            output.value(&json!({ "integrations": made.integrations, "key_id": key, "other_keys": others }));
            return Ok(());
        }
        let plural = if made.integrations == 1 { "" } else { "s" };
        output.line(format!("{}: {} integration{plural}", self.file.display(), made.integrations));
        output.line(format!("  to restore it, keep the master key too (its id is {key})"));
        for other in made.other_keys {
            output.line(format!("  and key {other}: the keys were being changed"));
        }
        Ok(())
    }
}
