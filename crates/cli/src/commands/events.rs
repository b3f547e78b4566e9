//! `trunkline events`: webhooks that came, and how far they are on their way.

use clap::Args;
use http::Method;
use serde_json::{Value, json};

use crate::{
    client::{Server, path},
    exit::Exit,
    output::{Output, plain},
};

/// Lists the webhooks that came to an integration, the newest first; shows one, or forwards it once more.
#[derive(Debug, Args)]
pub(crate) struct Events {
    /// The integration.
    id: String,
    /// The event to show, with what came.
    event: Option<String>,
    /// An event to forward once more: wherever it has not arrived, unless it may have been done there and would be done twice.
    #[arg(long, value_name = "EVENT", conflicts_with = "event")]
    redeliver: Option<String>,
    /// The one entry of webhooks.to that it is forwarded to, whatever became of it there before.
    #[arg(long, value_name = "NAME", requires = "redeliver")]
    to: Option<String>,
    /// As something new, under another idempotency key: it is done twice there if it was done.
    #[arg(long, requires = "to")]
    anew: bool,
    /// How many are listed.
    #[arg(long, default_value_t = 20)]
    limit: u32,
}

impl Events {
    pub(crate) async fn run(self, server: &Server, output: &Output) -> Result<(), Exit> {
        if let Some(event) = &self.redeliver {
            let path = format!("{}/redeliver", of(&self.id, event)?);
            let asked = json!({ "to": self.to, "anew": self.anew });
            let said = server.json(Method::POST, &path, Some(&asked)).await?;
            if output.is_json() {
                output.value(&said);
                return Ok(());
            }
            output.line(format!("{} is forwarded once more to {}", plain(event), names(&said, "to")));
            let left_out = names(&said, "left_out");
            if !left_out.is_empty() {
                output.line(format!(
                    "not to {left_out}: it may have been done there; see whether it was, and say --to if not"
                ));
            }
            return Ok(());
        }
        if let Some(event) = &self.event {
            output.value(&server.json(Method::GET, &of(&self.id, event)?, None).await?);
            return Ok(());
        }
        let path = path(&self.id, &format!("/events?limit={}", self.limit))?;
        let list = server.json(Method::GET, &path, None).await?;
        if output.is_json() {
            output.value(&list);
            return Ok(());
        }
        let rows: Vec<_> = list.as_array().into_iter().flatten().map(row).collect();
        if rows.is_empty() {
            output.line(format!("no webhooks yet; they come in at /hooks/{}", self.id));
            return Ok(());
        }
        output.table(["ID", "TYPE", "STATE", "ATTEMPTS", "LAST ERROR"], &rows);
        Ok(())
    }
}

/// A list of names as text.
fn names(said: &Value, key: &str) -> String {
    let names = said.get(key).and_then(Value::as_array).into_iter().flatten();
    names.filter_map(Value::as_str).map(plain).collect::<Vec<_>>().join(", ")
}

/// The path of an event. What is no id could be another path.
fn of(id: &str, event: &str) -> Result<String, Exit> {
    let allowed = |c: u8| c.is_ascii_alphanumeric() || b"-._~:@+=".contains(&c);
    if !event.bytes().all(allowed) || !event.bytes().any(|c| c.is_ascii_alphanumeric()) {
        return Err(Exit::input("unknown_event: no event has such an id; list them to see which there are"));
    }
    path(id, &format!("/events/{event}"))
}

fn row(event: &Value) -> [String; 5] {
    let text = |value: &Value, key: &str| plain(value.get(key).and_then(Value::as_str).unwrap_or_default());
    let deliveries = || event.get("deliveries").and_then(Value::as_array).into_iter().flatten();
    let attempts = deliveries().filter_map(|delivery| delivery.get("attempts")?.as_u64()).max();
    let error = deliveries().map(|delivery| text(delivery, "error")).find(|error| !error.is_empty());
    [
        text(event, "id"),
        text(event, "type"),
        text(event, "state"),
        attempts.map(|attempts| attempts.to_string()).unwrap_or_default(),
        error.unwrap_or_default(),
    ]
}
