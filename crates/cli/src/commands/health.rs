//! `trunkline health`: whether the services behind the integrations answer.

use clap::Args;
use http::Method;
use serde_json::{Value, json};

use crate::{
    client::{Server, path},
    exit::Exit,
    output::{Output, plain},
};

/// Probes one integration, or all. Fails unless all that are on are up.
#[derive(Debug, Args)]
pub(crate) struct Health {
    /// The integration.
    id: Option<String>,
}

impl Health {
    pub(crate) async fn run(self, server: &Server, output: &Output) -> Result<(), Exit> {
        let all = match &self.id {
            Some(id) => {
                let health = server.json(Method::GET, &path(id, "/health")?, None).await?;
                json!({ id: health })
            }
            None => server.json(Method::GET, "/api/v1/integrations/health?details=true", None).await?,
        };
        let rows: Vec<_> = all.as_object().into_iter().flatten().map(row).collect();
        if output.is_json() {
            output.value(&all);
        } else {
            output.table(["ID", "STATE", "REASON", "MS", "DETAIL"], &rows);
        }
        let down =
            rows.iter().filter(|row| !matches!(row[1].as_str(), "healthy" | "degraded" | "disabled")).count();
        if down > 0 { Err(Exit::failed(format!("{down} of {} not up", rows.len()))) } else { Ok(()) }
    }
}

fn row((id, health): (&String, &Value)) -> [String; 5] {
    let text = |key: &str| plain(health.get(key).and_then(Value::as_str).unwrap_or_default());
    let latency = health.get("latency_ms").and_then(Value::as_f64).unwrap_or_default();
    [plain(id), text("state"), text("reason_code"), format!("{latency:.0}"), text("detail")]
}
