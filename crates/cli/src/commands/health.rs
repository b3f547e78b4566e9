//! `trunkline health`: whether the services behind the integrations answer.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use clap::Args;
use http::Method;
use serde_json::{Value, json};

use super::connections;
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
    /// One of its connections.
    #[arg(long, value_name = "NAME", requires = "id")]
    connection: Option<String>,
}

impl Health {
    pub(crate) async fn run(self, server: &Server, output: &Output) -> Result<(), Exit> {
        let all = match &self.id {
            Some(id) => {
                let path = match &self.connection {
                    Some(name) => connections::of(id, name, "/health")?,
                    None => path(id, "/health")?,
                };
                let health = server.json(Method::GET, &path, None).await?;
                json!({ id: health })
            }
            None => server.json(Method::GET, "/api/v1/integrations/health?details=true", None).await?,
        };
        let rows: Vec<_> = all.as_object().into_iter().flatten().map(row).collect();
        if output.is_json() {
            output.value(&all);
        } else {
            output.table(["ID", "STATE", "REASON", "EVIDENCE", "FOR", "MS", "DETAIL"], &rows);
        }
        // One whose connections are services of their own is no service itself.
        let is_down = |row: &&[String; 7]| {
            !matches!(row[1].as_str(), "healthy" | "degraded" | "disabled") && row[2] != "connection_needed"
        };
        let down = rows.iter().filter(is_down).count();
        if down > 0 { Err(Exit::failed(format!("{down} of {} not up", rows.len()))) } else { Ok(()) }
    }
}

fn row((id, health): (&String, &Value)) -> [String; 7] {
    let text = |key: &str| plain(health.get(key).and_then(Value::as_str).unwrap_or_default());
    let latency = health.get("latency_ms").and_then(Value::as_f64).unwrap_or_default();
    let since =
        health.get("since_ms").and_then(Value::as_u64).map(|since| UNIX_EPOCH + Duration::from_millis(since));
    let time = since.and_then(|since| SystemTime::now().duration_since(since).ok()).unwrap_or_default();
    let (state, reason, evidence) = (text("state"), text("reason_code"), text("evidence"));
    [plain(id), state, reason, evidence, roughly(time), format!("{latency:.0}"), text("detail")]
}

/// A time in the largest unit that it has one of.
fn roughly(time: Duration) -> String {
    match time.as_secs() {
        seconds @ 0..60 => format!("{seconds}s"),
        seconds @ 60..3600 => format!("{}m", seconds / 60),
        seconds @ 3600..86_400 => format!("{}h", seconds / 3600),
        seconds => format!("{}d", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_told_in_its_largest_unit() {
        for (seconds, text) in
            [(0, "0s"), (59, "59s"), (60, "1m"), (3599, "59m"), (7200, "2h"), (200_000, "2d")]
        {
            assert_eq!(roughly(Duration::from_secs(seconds)), text);
        }
    }
}
