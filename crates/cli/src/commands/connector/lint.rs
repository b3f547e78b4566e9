//! `trunkline connector lint`: all that is wrong with manifests and the exchanges beside them.

use std::{path::Path, sync::Arc};

use clap::Args;
use serde_json::{Map, json};
use trunkline::{
    Catalog, Connector, Manager,
    connectors::{Draft, Exchanges, Finding, Places, lint_exchanges},
};

use super::source::{Source, folder};
use crate::{
    exit::Exit,
    output::{Output, plain},
};

/// Checks manifests and the exchanges beside them, and says all that is wrong with them, and where. Nothing is sent anywhere.
#[derive(Debug, Args)]
pub(crate) struct Lint {
    /// Manifests, or folders of them.
    #[arg(value_name = "FILE|FOLDER", required = true)]
    paths: Vec<String>,
}

/// A finding, and the file that it is in.
struct Found {
    place: String,
    finding: Finding,
}

impl Lint {
    pub(crate) async fn run(self, output: &Output) -> Result<(), Exit> {
        let mut sources = Vec::new();
        // A pattern names exchanges too, which are checked with their manifests.
        for path in self.paths.iter().map(Path::new).filter(|path| !Exchanges::is_one(path)) {
            match path.is_dir() {
                true => sources.extend(folder(path)?),
                false => sources.push(Source::file(path)?),
            }
        }
        if sources.is_empty() {
            return Err(Exit::input("no manifest is named; exchanges are checked with theirs"));
        }
        let mut found = Vec::new();
        for source in &sources {
            found.extend(linted(source).await?);
        }
        if output.is_json() {
            let findings = found.iter().map(|Found { place, finding }| {
                json!({ "file": place, "line": finding.line, "message": finding.message })
            });
            output.value(&json!({ "files": sources.len(), "findings": findings.collect::<Vec<_>>() }));
        } else {
            for Found { place, finding } in &found {
                let line = finding.line.map(|line| format!(":{line}")).unwrap_or_default();
                output.line(format!("{}{line}: {}", plain(place), plain(&finding.message)));
            }
        }
        let count = |count: usize, what: &str| format!("{count} {what}{}", if count == 1 { "" } else { "s" });
        let files = count(sources.len(), "manifest");
        match found.len() {
            0 if output.is_json() => Ok(()),
            0 => {
                output.line(format!("{files}: nothing is wrong"));
                Ok(())
            }
            wrong => Err(Exit::input(format!("{} in {files}", count(wrong, "finding")))),
        }
    }
}

/// All that is wrong with a manifest and its exchanges.
async fn linted(source: &Source) -> Result<Vec<Found>, Exit> {
    let at = |place: &str, findings: Vec<Finding>| {
        findings.into_iter().map(|finding| Found { place: place.to_owned(), finding }).collect::<Vec<_>>()
    };
    let Draft { manifest, connector, mut findings } = Draft::of(&source.text);
    let places = Places::of(&source.text);
    if let Some(manifest) = &manifest {
        findings.extend(Catalog::get().unknown_keys(manifest).iter().map(|error| places.find(error)));
    }
    if let Some(connector) = connector {
        let more = completed(source, &Arc::new(connector), findings.is_empty()).await?;
        // An integration says the first of them again.
        let is_new = |more: &Finding| findings.iter().all(|known| known.line != more.line);
        let more: Vec<_> = more.into_iter().filter(is_new).collect();
        findings.extend(more);
    }
    findings.sort_by_key(|finding| finding.line);
    let mut found = at(&source.place, findings);
    if let (Some(beside), Some(manifest)) = (&source.exchanges, &manifest) {
        let findings = lint_exchanges(&beside.text, manifest).err().unwrap_or_default();
        found.extend(at(&beside.place, findings));
    }
    Ok(found)
}

/// What is wrong with the integrations that a connector makes, in each way to authenticate, and with its name.
async fn completed(source: &Source, connector: &Arc<Connector>, fine: bool) -> Result<Vec<Finding>, Exit> {
    let places = Places::of(&source.text);
    let manager = Manager::builder().connector(connector.clone()).build().await?;
    let name = &connector.manifest().name;
    let mut found = Vec::new();
    if fine && let Err(error) = source.connector() {
        found.push(places.find(&error));
    }
    let ways = connector.manifest().auth.iter().map(|auth| Some(&auth.id));
    for auth in ways.chain(connector.manifest().auth.is_empty().then_some(None)) {
        let mut config = Map::new();
        config.insert("integration_id".to_owned(), "lint".into());
        config.insert("connector".to_owned(), name.clone().into());
        config.extend(auth.map(|auth| ("auth".to_owned(), auth.clone().into())));
        let checked = manager.read(config.into()).and_then(|config| manager.check(&config));
        if let Err(error) = checked {
            let of_auth = error.message().starts_with("auth_");
            let error = match auth.filter(|_| of_auth) {
                Some(auth) => error.at(&format!("auth.{auth}")),
                None => error.at("integration"),
            };
            let finding = places.find(&error);
            // What all ways have in common is said once.
            if !found.contains(&finding) {
                found.push(finding);
            }
        }
    }
    manager.close().await;
    Ok(found)
}
