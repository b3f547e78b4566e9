//! `trunkline connector list`: which connectors there are.

use clap::Args;
use serde_json::json;

use super::source::Folder;
use crate::{
    exit::Exit,
    output::{Output, plain},
};

/// Lists the connectors of this build, and those of a folder.
#[derive(Debug, Args)]
pub(crate) struct List {
    #[command(flatten)]
    folder: Folder,
}

impl List {
    pub(crate) fn run(self, output: &Output) -> Result<(), Exit> {
        let mut rows = Vec::new();
        for source in self.folder.all()? {
            let connector = source.connector().map_err(|error| error.at(&source.place))?;
            rows.push((connector, source));
        }
        if output.is_json() {
            let listed = rows.iter().map(|(connector, source)| {
                let manifest = connector.manifest();
                json!({
                    "name": manifest.name, "title": manifest.title, "description": manifest.description,
                    "categories": manifest.categories, "actions": manifest.actions.len(), "from": source.place,
                })
            });
            output.value(&listed.collect::<Vec<_>>());
            return Ok(());
        }
        let rows: Vec<_> = rows
            .iter()
            .map(|(connector, _)| {
                let manifest = connector.manifest();
                let actions = manifest.actions.len().to_string();
                [plain(&manifest.name), actions, plain(&manifest.title), plain(&manifest.description)]
            })
            .collect();
        output.table(["NAME", "ACTIONS", "TITLE", "WHAT FOR"], &rows);
        Ok(())
    }
}
