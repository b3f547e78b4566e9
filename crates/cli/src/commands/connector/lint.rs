//! `trunkline connector lint`: what is wrong with manifests.

use clap::Args;

use crate::{exit::Exit, output::Output};

/// Checks manifests and the exchanges beside them, and says all that is wrong with them.
#[derive(Debug, Args)]
pub(crate) struct Lint {
    /// Manifests, or folders of them.
    #[arg(value_name = "FILE|FOLDER", required = true)]
    paths: Vec<String>,
}

impl Lint {
    pub(crate) async fn run(self, _output: &Output) -> Result<(), Exit> {
        let _ = self.paths;
        Ok(())
    }
}
