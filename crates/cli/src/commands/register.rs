//! `trunkline register`: registers an integration from a file.

use clap::Args;
use http::Method;
use serde_json::Value;

use super::read;
use crate::{
    client::{Server, path},
    exit::Exit,
    output::Output,
};

/// Registers an integration.
#[derive(Debug, Args)]
pub(crate) struct Register {
    /// A file with the integration as JSON or YAML, or - for standard input.
    #[arg(value_name = "FILE")]
    file: String,
    /// Replaces the integration if there is one of this id.
    #[arg(long)]
    replace: bool,
}

impl Register {
    pub(crate) async fn run(self, server: &Server, output: &Output) -> Result<(), Exit> {
        let text = read(&self.file)?;
        let value = trunkline_server::document(&text).map_err(|error| error.at(&self.file))?;
        let id = value.get("integration_id").and_then(Value::as_str).unwrap_or_default();
        let exists = self.replace && self.exists(server, id).await?;
        let answer = if exists {
            server.json(Method::PUT, &path(id, "")?, Some(&value)).await?
        } else {
            server.json(Method::POST, "/api/v1/integrations/register", Some(&value)).await?
        };
        if output.is_json() {
            output.value(&answer);
            return Ok(());
        }
        let text = |key: &str| answer.get(key).and_then(Value::as_str).unwrap_or_default();
        output.line(format!("{} {}", text("integration_id"), text("status")));
        for warning in answer.get("warnings").and_then(Value::as_array).into_iter().flatten() {
            output.line(format!("  note: {}", warning.as_str().unwrap_or_default()));
        }
        Ok(())
    }

    async fn exists(&self, server: &Server, id: &str) -> Result<bool, Exit> {
        let list = server.json(Method::GET, "/api/v1/integrations/list", None).await?;
        let mut ids =
            list.as_array().into_iter().flatten().filter_map(|item| item.get("integration_id")?.as_str());
        Ok(ids.any(|held| held == id))
    }
}
