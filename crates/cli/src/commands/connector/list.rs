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
        // One that is broken keeps none of the others from being listed.
        let rows: Vec<_> =
            self.folder.all()?.into_iter().map(|source| (source.connector(), source)).collect();
        if output.is_json() {
            let listed = rows.iter().map(|(connector, source)| match connector {
                Ok(connector) => {
                    let manifest = connector.manifest();
                    json!({
                        "name": manifest.name, "title": manifest.title, "description": manifest.description,
                        "categories": manifest.categories, "actions": manifest.actions.len(), "from": source.place,
                    })
                }
                Err(error) => json!({ "name": source.name, "from": source.place, "error": error.message() }),
            });
            output.value(&listed.collect::<Vec<_>>());
        } else {
            let rows: Vec<_> = rows
                .iter()
                .map(|(connector, source)| match connector {
                    Ok(connector) => {
                        let manifest = connector.manifest();
                        let actions = manifest.actions.len().to_string();
                        [plain(&manifest.name), actions, plain(&manifest.title), plain(&manifest.description)]
                    }
                    Err(error) => [
                        plain(&source.name),
                        "-".to_owned(),
                        "-".to_owned(),
                        format!("broken: {}", plain(error.message())),
                    ],
                })
                .collect();
            output.table(["NAME", "ACTIONS", "TITLE", "WHAT FOR"], &rows);
        }
        let broken: Vec<_> = rows.iter().filter(|(connector, _)| connector.is_err()).collect();
        match &broken[..] {
            [] => Ok(()),
            [(_, one)] => Err(Exit::input(format!("{} is broken", plain(&one.place)))),
            several => Err(Exit::input(format!("{} of {} connectors are broken", several.len(), rows.len()))),
        }
    }
}
