//! `trunkline connector import`: a manifest out of an OpenAPI document.

use std::{
    ffi::OsString,
    fs::{self, File},
    io::{self, ErrorKind, Write},
    path::{Path, PathBuf},
    process,
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
        if let (None, Some(stem)) = (&self.name, of_file)
            && !is_name(stem)
        {
            return Err(Exit::input(format!(
                "--output: `{}` is no name of a connector; give the file another one, of the characters a-z 0-9 _ -, or the connector \
                 with --name",
                plain(stem)
            )));
        }
        let name = self.name.clone().or_else(|| of_file.map(ToOwned::to_owned));
        let options = Options { name, base_url: self.base_url.clone() };
        let imported = import(&read(&self.document)?, &options).map_err(|error| error.at(&self.document))?;
        let manifest = to_yaml(&imported.manifest);
        match &self.output {
            Some(path) => write(path, &manifest, self.force)?,
            None if output.is_json() => {}
            None => output.document(&manifest)?,
        }
        report(&imported, output)
    }
}

/// Whether a manifest can have this name.
fn is_name(text: &str) -> bool {
    let allowed = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || b"_-".contains(&c);
    (1..=64).contains(&text.len()) && text.bytes().all(allowed)
}

fn write(path: &Path, manifest: &str, force: bool) -> Result<(), Exit> {
    let written = if force { over(path, manifest) } else { fresh(path, manifest) };
    written.map_err(|error| {
        let place = plain(&path.display().to_string());
        match error.kind() {
            ErrorKind::AlreadyExists if !force => {
                Exit::input(format!("{place}: is there already; --force writes over it"))
            }
            _ => Exit::failed(format!("{place}: cannot be written: {error}")),
        }
    })
}

/// Writes a file that is not there. It is there whole or not at all.
fn fresh(path: &Path, text: &str) -> io::Result<()> {
    let mut file = File::create_new(path)?;
    file.write_all(text.as_bytes())
        .and_then(|()| file.sync_all())
        .inspect_err(|_| drop(fs::remove_file(path)))
}

/// Writes over what is there, all of it at once: who is cut off leaves the old one, and who reads it has one or the other.
fn over(path: &Path, text: &str) -> io::Result<()> {
    // A link stays one.
    let path = &fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let old = fs::metadata(path).ok();
    if old.as_ref().is_some_and(|old| !old.is_file()) {
        // A device or a pipe holds nothing that could be kept.
        return fs::write(path, text);
    }
    let mut beside = path.file_name().map_or_else(OsString::new, ToOwned::to_owned);
    beside.push(format!(".{}.tmp", process::id()));
    let beside = path.with_file_name(beside);
    fresh(&beside, text)?;
    let permissions = old.map_or(Ok(()), |old| fs::set_permissions(&beside, old.permissions()));
    permissions.and_then(|()| fs::rename(&beside, path)).inspect_err(|_| drop(fs::remove_file(&beside)))
}

/// Says what there is now, and what of the document is not in it.
fn report(imported: &Imported, output: &Output) -> Result<(), Exit> {
    let (actions, left_out) = (imported.manifest.actions.len(), &imported.left_out);
    if output.is_json() {
        let whole = json!({ "manifest": imported.manifest, "actions": actions, "left_out": left_out });
        return output.document(&format!("{whole:#}\n"));
    }
    for note in left_out {
        let place = if note.place.is_empty() { "the document" } else { &note.place };
        output.note(format!("{}: {}", plain(place), plain(&note.what)));
    }
    let count = |count: usize, what: &str| format!("{count} {what}{}", if count == 1 { "" } else { "s" });
    let (actions, notes) = (count(actions, "action"), count(left_out.len(), "thing"));
    output.note(format!("{actions}; {notes} left out, otherwise than in the document, or a guess"));
    Ok(())
}
