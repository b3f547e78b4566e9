//! `trunkline connector import`: a manifest out of an OpenAPI document.

use std::{
    fs::OpenOptions,
    io::{ErrorKind, Write},
    path::{Path, PathBuf},
};

use clap::Args;
use serde_json::json;
use trunkline::connectors::{Imported, Options, import, to_yaml};

use crate::{
    commands::read,
    exit::Exit,
    output::{Output, plain},
};

/// Makes a manifest of an OpenAPI document, 3.0 or 3.1, for you to edit. What of it could not be carried over is listed on
/// standard error.
#[derive(Debug, Args)]
pub(crate) struct Import {
    /// The document, in YAML or JSON, or - for standard input. Nothing that it refers to is fetched.
    #[arg(value_name = "FILE")]
    document: String,
    /// Where the manifest is written; to standard output unless given. The file has to have its name.
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// The name of the connector. That of the file unless given, or made of the document's title.
    #[arg(long)]
    name: Option<String>,
    /// The base URL, in the place of the document's servers.
    #[arg(long, value_name = "URL")]
    base_url: Option<String>,
    /// Writes over a file that is there.
    #[arg(long, requires = "output")]
    force: bool,
}

impl Import {
    pub(crate) fn run(self, output: &Output) -> Result<(), Exit> {
        let of_file = self.output.as_deref().and_then(Path::file_stem).and_then(|stem| stem.to_str());
        let name = self.name.clone().or_else(|| of_file.map(ToOwned::to_owned));
        let options = Options { name, base_url: self.base_url.clone() };
        let imported = import(&read(&self.document)?, &options).map_err(|error| error.at(&self.document))?;
        let manifest = to_yaml(&imported.manifest);
        match &self.output {
            Some(path) => write(path, &manifest, self.force)?,
            None if output.is_json() => {}
            None => drop(output.bytes(manifest.as_bytes())),
        }
        report(&imported, output);
        Ok(())
    }
}

fn write(path: &Path, manifest: &str, force: bool) -> Result<(), Exit> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(force).create_new(!force);
    let written = options.open(path).and_then(|mut file| file.write_all(manifest.as_bytes()));
    written.map_err(|error| {
        let place = plain(&path.display().to_string());
        match error.kind() {
            ErrorKind::AlreadyExists => {
                Exit::input(format!("{place}: is there already; --force writes over it"))
            }
            _ => Exit::failed(format!("{place}: cannot be written: {error}")),
        }
    })
}

/// Says what there is now, and what of the document is not in it.
fn report(imported: &Imported, output: &Output) {
    let (actions, left_out) = (imported.manifest.actions.len(), &imported.left_out);
    if output.is_json() {
        output.value(&json!({ "manifest": imported.manifest, "actions": actions, "left_out": left_out }));
        return;
    }
    for note in left_out {
        let place = if note.place.is_empty() { "the document" } else { &note.place };
        output.note(format!("{}: {}", plain(place), plain(&note.what)));
    }
    let count = |count: usize, what: &str| format!("{count} {what}{}", if count == 1 { "" } else { "s" });
    let (actions, notes) = (count(actions, "action"), count(left_out.len(), "thing"));
    output.note(format!("{actions}; {notes} left out, otherwise than in the document, or a guess"));
}
