//! `Source`: a manifest that a command is about, of this build or in a file, with the exchanges beside it.

use std::path::{Path, PathBuf};

use clap::Args;
use trunkline::{
    Connector, Error, Result,
    connectors::{BUILT_IN, EXCHANGES, Exchanges, manifests},
    parse,
};

use crate::{commands::read, exit::Exit, output::plain};

/// A manifest, and the exchanges beside it.
pub(super) struct Source {
    /// The name of the connector, as its file has it.
    pub(super) name: String,
    /// The path of its file; its name where it is of this build.
    pub(super) place: String,
    pub(super) text: String,
    pub(super) exchanges: Option<Beside>,
}

/// The exchanges beside a manifest.
pub(super) struct Beside {
    pub(super) place: String,
    pub(super) text: String,
}

/// Where connectors are beside those of this build.
#[derive(Debug, Args)]
pub(super) struct Folder {
    /// A folder of connectors of your own, such as server.connectors names.
    #[arg(long, value_name = "FOLDER")]
    connectors: Option<PathBuf>,
}

impl Folder {
    /// All that there are, by their names. One in the folder takes the place of one of this build.
    pub(super) fn all(&self) -> Result<Vec<Source>, Exit> {
        let own = self.connectors.as_deref().map_or(Ok(Vec::new()), folder)?;
        let built_in = BUILT_IN.iter().filter(|(name, _)| !own.iter().any(|own| own.name == *name));
        let mut all: Vec<_> = built_in.map(|(name, text)| Source::built_in(name, text)).collect();
        all.extend(own);
        all.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(all)
    }

    /// The one of this name.
    pub(super) fn find(&self, name: &str) -> Result<Source, Exit> {
        let mut all = self.all()?;
        if let Some(at) = all.iter().position(|source| source.name == name) {
            return Ok(all.swap_remove(at));
        }
        let known = all.iter().map(|source| &*source.name);
        let near = parse::nearest(name, known.clone()).map(|near| format!("did you mean `{near}`? "));
        let (near, known) = (near.unwrap_or_default(), known.collect::<Vec<_>>().join(", "));
        Err(Exit::input(format!("there is no connector {}; {near}there are: {known}", plain(name))))
    }
}

impl Source {
    fn built_in(name: &str, text: &str) -> Self {
        let exchanges = EXCHANGES.iter().find(|(known, _)| *known == name);
        Self {
            name: name.to_owned(),
            place: name.to_owned(),
            text: text.to_owned(),
            exchanges: exchanges.map(|(_, text)| Beside {
                place: format!("the exchanges of {name}"),
                text: (*text).to_owned(),
            }),
        }
    }

    /// That of a file.
    pub(super) fn file(path: &Path) -> Result<Self, Exit> {
        let place = path.display().to_string();
        let beside = Exchanges::beside(path);
        let exchanges = match beside.exists() {
            true => {
                let place = beside.display().to_string();
                Some(Beside { text: read(&place)?, place })
            }
            false => None,
        };
        let name = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
        Ok(Self { name, text: read(&place)?, place, exchanges })
    }

    /// The connector that it describes.
    pub(super) fn connector(&self) -> Result<Connector> {
        let connector = Connector::parse(&self.text)?;
        if connector.manifest().name != self.name {
            return Err(Error::invalid("name: is not that of the file; rename one of them"));
        }
        Ok(connector)
    }
}

/// The manifests of a folder.
pub(super) fn folder(path: &Path) -> Result<Vec<Source>, Exit> {
    manifests(path)?.iter().map(|path| Source::file(path)).collect()
}

/// Whether this is a path, and no name.
pub(super) fn is_path(text: &str) -> bool {
    text.contains(['/', '.', std::path::MAIN_SEPARATOR])
}
