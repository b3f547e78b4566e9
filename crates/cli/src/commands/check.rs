//! `trunkline check`: whether a file is valid, without a server and without the network.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;
use trunkline::{IntegrationConfig, Manager, Result, Source};
use trunkline_server::File;

use super::read;
use crate::{exit::Exit, output::Output};

/// Checks a configuration file, or a file with one integration, in YAML or JSON. Nothing is sent
/// anywhere.
#[derive(Debug, Args)]
pub(crate) struct Check {
    /// The file, or - for standard input.
    #[arg(value_name = "FILE")]
    file: String,
}

impl Check {
    pub(crate) async fn run(self, output: &Output) -> Result<(), Exit> {
        let name = self.file.as_str();
        let text = read(name)?;
        let (integrations, connectors) = integrations(&text).map_err(|error| error.at(name))?;
        let mut builder = Manager::builder();
        if let Some(folder) = connectors {
            builder = builder.connectors_in(folder);
        }
        let manager = builder.build().await.map_err(|error| error.at("server.connectors"))?;
        manager.set_source(Source::File, &integrations).await.map_err(|error| error.at(name))?;
        let mut warnings = Vec::new();
        for config in &integrations {
            // With what the connectors of the folder say.
            let whole = manager.get(config.id()).and_then(|handle| handle.config());
            let told = whole.as_ref().unwrap_or(config).warnings();
            warnings.extend(told.into_iter().map(|warning| format!("{}: {warning}", config.id())));
        }
        if output.is_json() {
            output.value(&json!({ "valid": true, "integrations": integrations.len(), "warnings": warnings }));
            return Ok(());
        }
        let plural = if integrations.len() == 1 { "" } else { "s" };
        output.line(format!("{name}: valid, {} integration{plural}", integrations.len()));
        for warning in warnings {
            output.line(format!("  note: {warning}"));
        }
        Ok(())
    }
}

/// The integrations of a configuration file and its folder of connectors, or the one integration that the file is.
fn integrations(text: &str) -> Result<(Vec<IntegrationConfig>, Option<PathBuf>)> {
    match trunkline_server::document(text)? {
        one if one.get("integration_id").is_some() => Ok((vec![IntegrationConfig::from_json(one)?], None)),
        _ => File::parse(text).map(|file| (file.integrations, file.server.connectors)),
    }
}
