//! `Catalog`: the connectors that there are: those of this build, and those of a folder, which take the place of what has
//! their name.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::{Arc, LazyLock},
};

use trunkline_core::{Error, Result, parse};

use crate::{Connector, Exchanges, Manifest};

macro_rules! built_in {
    ($($name:literal)*) => {
        /// The manifests of this build, by name.
        pub const BUILT_IN: &[(&str, &str)] = &[$(($name, include_str!(concat!("../catalog/", $name, ".yaml")))),*];

        /// The exchanges of those manifests, by name.
        pub const EXCHANGES: &[(&str, &str)] =
            &[$(($name, include_str!(concat!("../catalog/", $name, ".exchanges.yaml")))),*];
    };
}

built_in! {
    "anthropic" "github" "google_sheets" "hubspot" "jira" "notion" "openai" "salesforce" "sendgrid" "slack" "stripe" "twilio"
}

/// The connectors that there are.
#[derive(Debug, Clone, Default)]
pub struct Catalog {
    known: BTreeMap<String, Arc<Connector>>,
    /// What is wrong with files, by the names of their connectors.
    wrong: BTreeMap<String, String>,
}

impl Catalog {
    /// Those of this build.
    pub fn built_in() -> &'static Self {
        static CATALOG: LazyLock<Catalog> = LazyLock::new(|| {
            let parsed = BUILT_IN.iter().map(|(name, text)| {
                let connector =
                    Connector::parse(text).expect("the manifests of this build are right, as a test shows");
                ((*name).to_owned(), Arc::new(connector))
            });
            Catalog { known: parsed.collect(), wrong: BTreeMap::new() }
        });
        &CATALOG
    }

    /// These and those of a folder: each of its [`manifests`] that `fits` says nothing against. What is wrong with a file is
    /// told with its path; then what was read from it `before` stays.
    ///
    /// # Errors
    ///
    /// `invalid_config` where the folder cannot be read.
    pub fn with_folder(
        &self,
        folder: &Path,
        before: Option<&Self>,
        fits: impl Fn(&Manifest) -> Result<()>,
    ) -> Result<(Self, Vec<(PathBuf, Error)>)> {
        let (mut catalog, mut wrong) = (self.clone(), Vec::new());
        for path in manifests(folder)? {
            let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default().to_owned();
            let fitting = |connector: Connector| fits(connector.manifest()).map(|()| connector);
            match read(&path, &stem).and_then(fitting) {
                Ok(connector) => {
                    // What says the same is the same: integrations of it go on as they are.
                    let same = before
                        .and_then(|before| before.get(&stem))
                        .filter(|known| known.says_what(&connector));
                    let connector = same.cloned().unwrap_or_else(|| Arc::new(connector));
                    catalog.known.insert(stem, connector);
                }
                Err(error) => {
                    if let Some(kept) = before.and_then(|before| before.get(&stem)) {
                        catalog.known.insert(stem.clone(), kept.clone());
                    }
                    catalog.wrong.insert(stem, error.message().to_owned());
                    wrong.push((path, error));
                }
            }
        }
        Ok((catalog, wrong))
    }

    /// Adds a connector, in the place of one that has its name.
    pub fn insert(&mut self, connector: Arc<Connector>) {
        self.known.insert(connector.manifest().name.clone(), connector);
    }

    /// The connector of this name.
    pub fn get(&self, name: &str) -> Option<&Arc<Connector>> {
        self.known.get(name)
    }

    /// The connector of this name, or what there is.
    ///
    /// # Errors
    ///
    /// `invalid_config`, with the nearest name.
    pub fn find(&self, name: &str) -> Result<&Arc<Connector>> {
        self.get(name).ok_or_else(|| {
            let known = self.known.keys().map(String::as_str);
            let near = parse::nearest(name, known.clone()).map(|near| format!("did you mean `{near}`? "));
            let list = known.collect::<Vec<_>>().join(", ");
            Error::invalid(format!(
                "connector: there is none of this name; {}there are: {list}",
                near.unwrap_or_default()
            ))
        })
    }

    /// What is wrong with files of the folder, by the names of the connectors that they are for. Of these what was there
    /// before holds, if anything was.
    pub fn wrong(&self) -> &BTreeMap<String, String> {
        &self.wrong
    }

    /// All of them, by name.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Connector>> {
        self.known.values()
    }
}

/// The connector of a file, which has the file's name.
fn read(path: &Path, name: &str) -> Result<Connector> {
    let text =
        fs::read_to_string(path).map_err(|error| Error::invalid(format!("cannot be read: {error}")))?;
    let connector = Connector::parse(&text)?;
    if connector.manifest().name != name {
        return Err(Error::invalid("name: is not that of the file; rename one of them"));
    }
    Ok(connector)
}

/// The manifests of a folder, in the order of their names: its `.yaml`, `.yml` and `.json` files, but for exchanges.
///
/// # Errors
///
/// `invalid_config` where the folder cannot be read.
pub fn manifests(folder: &Path) -> Result<Vec<PathBuf>> {
    let wrong = |error| Error::invalid(format!("{}: cannot be read: {error}", folder.display()));
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).map_err(wrong)? {
        let path = entry.map_err(wrong)?.path();
        let manifest =
            path.extension().is_some_and(|kind| ["yaml", "yml", "json"].iter().any(|known| kind == *known));
        if manifest && !Exchanges::is_one(&path) {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_manifests_of_this_build_are_right_and_have_the_names_of_their_files() {
        for (name, text) in BUILT_IN {
            let connector = Connector::parse(text).unwrap_or_else(|error| panic!("{name}: {error}"));
            assert_eq!(connector.manifest().name, *name);
            for action in connector.manifest().actions.keys() {
                let schema = connector.action_schema(action).unwrap();
                jsonschema::validator_for(schema).unwrap_or_else(|error| panic!("{name}.{action}: {error}"));
            }
        }
    }

    #[test]
    fn a_folder_adds_and_replaces_and_what_is_wrong_leaves_what_was_there() {
        let folder = tempfile::tempdir().unwrap();
        let any = |_: &Manifest| Ok(());
        let path = folder.path().join("acme.yaml");
        let manifest = |title: &str| {
            format!("name: acme\ntitle: {title}\nintegration: {{base_url: 'https://acme.example'}}\n")
        };
        fs::write(&path, manifest("Acme")).unwrap();
        fs::write(folder.path().join("notes.txt"), "no manifest").unwrap();
        fs::write(folder.path().join("acme.exchanges.yaml"), "exchanges: []").unwrap();
        let (first, wrong) = Catalog::built_in().with_folder(folder.path(), None, any).unwrap();
        assert!(wrong.is_empty());
        assert_eq!(first.get("acme").unwrap().manifest().title, "Acme");
        assert!(first.get("stripe").is_some());

        fs::write(folder.path().join("beside.yaml"), manifest("Beside").replace("acme", "beside")).unwrap();
        fs::write(&path, format!("# Looked at again\n{}", manifest("Acme"))).unwrap();
        let (again, wrong) = Catalog::built_in().with_folder(folder.path(), Some(&first), any).unwrap();
        assert!(wrong.is_empty() && again.get("beside").is_some());
        assert!(Arc::ptr_eq(again.get("acme").unwrap(), first.get("acme").unwrap()));
        fs::write(&path, manifest("Acme Inc")).unwrap();
        let (changed, _) = Catalog::built_in().with_folder(folder.path(), Some(&again), any).unwrap();
        assert_eq!(changed.get("acme").unwrap().manifest().title, "Acme Inc");
        assert!(Arc::ptr_eq(changed.get("beside").unwrap(), again.get("beside").unwrap()));

        fs::write(&path, "name: acme\ntitel: Acme\n").unwrap();
        let (second, wrong) = Catalog::built_in().with_folder(folder.path(), Some(&first), any).unwrap();
        assert_eq!(second.get("acme").unwrap().manifest().title, "Acme");
        assert!(wrong[0].1.message().contains("did you mean `title`"), "{}", wrong[0].1);
        assert!(second.wrong()["acme"].contains("did you mean `title`") && first.wrong().is_empty());
        fs::write(&path, "name: other\ntitle: Other\nintegration: {base_url: 'https://other.example'}\n")
            .unwrap();
        let (third, wrong) = Catalog::built_in().with_folder(folder.path(), Some(&second), any).unwrap();
        assert!(third.get("other").is_none() && third.get("acme").is_some());
        assert!(wrong[0].1.message().starts_with("name: "), "{}", wrong[0].1);
        assert!(second.find("acmee").unwrap_err().message().contains("did you mean `acme`"));
    }
}
