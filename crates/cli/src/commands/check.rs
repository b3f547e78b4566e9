//! `trunkline check`: whether a file is valid, without a server and without the network.

use clap::Args;
use serde_json::json;
use trunkline::{IntegrationConfig, Manager, Source};
use trunkline_server::File;

use super::read;
use crate::{exit::Exit, output::Output};

/// Checks a configuration file, or a file with one integration. Nothing is sent anywhere.
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
        // One integration is a JSON object with an id; everything else is a configuration file.
        let one = serde_json::from_str::<serde_json::Value>(&text)
            .ok()
            .filter(|json| json.get("integration_id").is_some());
        let integrations = match one {
            Some(json) => vec![IntegrationConfig::from_json(json).map_err(|error| error.at(name))?],
            None => File::parse(&text).map_err(|error| error.at(name))?.integrations,
        };
        let manager = Manager::builder().build().await?;
        manager.set_source(Source::File, &integrations).await.map_err(|error| error.at(name))?;
        let warnings: Vec<_> = integrations
            .iter()
            .flat_map(|config| {
                config.warnings().into_iter().map(move |warning| format!("{}: {warning}", config.id()))
            })
            .collect();
        if output.is_json() {
            output.value(&json!({ "valid": true, "integrations": integrations.len(), "warnings": warnings }));
            return Ok(());
        }
        output.line(format!("{name}: valid, {} integrations", integrations.len()));
        for warning in warnings {
            output.line(format!("  note: {warning}"));
        }
        Ok(())
    }
}
