//! `trunkline connector test`: whether a connector still does what was recorded of it.

use std::{path::Path, sync::Arc};

use clap::Args;
use serde_json::json;
use tokio::{sync::Semaphore, task::JoinSet};
use trunkline::{Connector, connectors::Exchanges};

use super::source::{Folder, Source, folder, is_path};
use crate::{
    exit::Exit,
    output::{Output, plain},
    replay::replay,
};

/// Exchanges under way at the same time: some wait for as long as a service asks.
const AT_ONCE: usize = 16;

/// Replays the exchanges that were recorded beside a manifest, NAME.exchanges.yaml: each is asked for over the whole
/// pipeline, with a service on loopback that answers as was recorded. Says what is otherwise.
#[derive(Debug, Args)]
pub(crate) struct Test {
    /// Names of connectors, or paths of manifests and folders; all that there are unless given.
    #[arg(value_name = "NAME|FILE")]
    names: Vec<String>,
    #[command(flatten)]
    folder: Folder,
}

impl Test {
    pub(crate) async fn run(self, output: &Output) -> Result<(), Exit> {
        let sources = self.sources()?;
        if let [source] = &sources[..] {
            read(source)?;
        }
        let results = tested(&sources).await;
        let failed = results.iter().filter(|result| !result.findings.is_empty()).count();
        let broken = results.iter().filter(|result| result.name.is_none()).count();
        if output.is_json() {
            let shown = results.iter().map(|result| {
                json!({ "connector": result.connector, "exchange": result.name, "findings": result.findings })
            });
            output.value(&json!({ "passed": results.len() - failed, "failed": failed, "exchanges": shown.collect::<Vec<_>>() }));
        } else {
            print(&results, output);
        }
        let exchanges = results.len() - broken;
        let otherwise = failed - broken;
        match (broken, otherwise) {
            (0, 0) => Ok(()),
            (0, _) => Err(Exit::failed(format!(
                "{otherwise} of {exchanges} exchanges are otherwise than they were recorded"
            ))),
            _ => Err(Exit::failed(format!(
                "{broken} of {} connectors cannot be tested, and {otherwise} of {exchanges} exchanges of the others are otherwise than they were recorded",
                sources.len()
            ))),
        }
    }

    /// What is tested. What was not named may lack exchanges.
    fn sources(&self) -> Result<Vec<Source>, Exit> {
        if self.names.is_empty() {
            return Ok(self.folder.all()?.into_iter().filter(|source| source.exchanges.is_some()).collect());
        }
        let mut sources = Vec::new();
        for name in self.names.iter().filter(|name| !Exchanges::is_one(Path::new(name))) {
            if Path::new(name).is_dir() {
                sources
                    .extend(folder(Path::new(name))?.into_iter().filter(|source| source.exchanges.is_some()));
            } else if is_path(name) {
                sources.push(Source::file(Path::new(name))?);
            } else {
                sources.push(self.folder.find(name)?);
            }
        }
        Ok(sources)
    }
}

/// What became of an exchange.
struct Tested {
    connector: String,
    /// Its name; `None` where the connector, or what is recorded of it, cannot be read.
    name: Option<String>,
    findings: Vec<String>,
}

/// Replays the exchanges of all of these. One that is broken keeps none of the others from being tested.
async fn tested(sources: &[Source]) -> Vec<Tested> {
    let (places, mut under_way) = (Arc::new(Semaphore::new(AT_ONCE)), JoinSet::new());
    let mut tested = Vec::new();
    for source in sources {
        let (connector, exchanges) = match read(source) {
            Ok(read) => read,
            Err(broken) => {
                let connector = source.name.clone();
                tested.push(Tested { connector, name: None, findings: vec![broken.message] });
                continue;
            }
        };
        for at in 0..exchanges.exchanges.len() {
            let (connector, exchanges, places) = (connector.clone(), exchanges.clone(), places.clone());
            let (name, number) = (exchanges.exchanges[at].name.clone(), tested.len());
            tested.push(Tested { connector: source.name.clone(), name: Some(name), findings: Vec::new() });
            under_way.spawn(async move {
                let _place = places.acquire().await;
                (number, replay(connector, &exchanges, &exchanges.exchanges[at]).await)
            });
        }
    }
    for (number, findings) in under_way.join_all().await {
        tested[number].findings = findings;
    }
    tested
}

fn read(source: &Source) -> Result<(Arc<Connector>, Arc<Exchanges>), Exit> {
    let connector = source.connector().map_err(|error| error.at(&source.place))?;
    let Some(beside) = &source.exchanges else {
        let beside = Exchanges::beside(Path::new(&source.place)).display().to_string();
        let place = plain(&source.place);
        return Err(Exit::input(format!("{place}: has no exchanges; record them in {}", plain(&beside))));
    };
    let exchanges = Exchanges::parse(&beside.text).map_err(|error| error.at(&beside.place))?;
    Ok((Arc::new(connector), Arc::new(exchanges)))
}

fn print(results: &[Tested], output: &Output) {
    for Tested { connector, name, findings } in results {
        let word = if findings.is_empty() { "ok    " } else { "FAILED" };
        let name = name.as_deref().unwrap_or("cannot be tested");
        output.line(format!("{word}  {}: {}", plain(connector), plain(name)));
        for finding in findings {
            output.line(format!("          {}", plain(finding)));
        }
    }
}
