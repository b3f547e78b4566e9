//! `trunkline connector schema`: the JSON Schema of manifests, for editors.

use clap::Args;
use trunkline::{Catalog, connectors::exchanges_schema};

use crate::{exit::Exit, output::Output};

/// Prints the JSON Schema of manifests. An editor takes it for a file that begins with
/// `# yaml-language-server: $schema=connector.schema.json`.
#[derive(Debug, Args)]
pub(crate) struct Schema {
    /// That of recorded exchanges.
    #[arg(long)]
    exchanges: bool,
}

impl Schema {
    pub(crate) fn run(self, output: &Output) -> Result<(), Exit> {
        output.value(&if self.exchanges { exchanges_schema() } else { Catalog::get().manifest_schema() });
        Ok(())
    }
}
