//! `trunkline restore`: a data folder out of a backup.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::key_source;
use crate::{exit::Exit, output::Output};

/// Makes a data folder of a backup, for a server to be started with.
///
/// The master key is taken from TRUNKLINE_KEY or TRUNKLINE_KEY_FILE, or from trunkline.key in the folder,
/// which may hold nothing else.
#[derive(Debug, Args)]
pub(crate) struct Restore {
    /// The backup.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The folder to make.
    #[arg(long, env = "TRUNKLINE_DATA", value_name = "DIR")]
    data: PathBuf,
}

impl Restore {
    pub(crate) async fn run(self, output: &Output) -> Result<(), Exit> {
        let made = trunkline::restore(&self.file, &self.data, &key_source()).await?;
        if output.is_json() {
            output.value(&json!({
                "integrations": made.integrations, "tokens": made.tokens, "undecryptable": made.undecryptable,
            }));
            return Ok(());
        }
        let plural = if made.integrations == 1 { "" } else { "s" };
        output.line(format!("{}: {} integration{plural} restored", self.data.display(), made.integrations));
        if made.tokens > 0 {
            output.line(format!(
                "  note: API tokens that were revoked since the backup was made hold again, {} in all; see \
                 trunkline token list",
                made.tokens
            ));
        }
        for id in made.undecryptable {
            output.line(format!("  note: {id} was damaged already when the backup was made; enter it anew"));
        }
        Ok(())
    }
}
