//! `trunkline list`: which integrations there are.

use clap::Args;
use http::Method;
use serde_json::Value;

use crate::{
    client::Server,
    exit::Exit,
    output::{Output, plain},
};

/// Lists all integrations.
#[derive(Debug, Args)]
pub(crate) struct List {}

impl List {
    pub(crate) async fn run(self, server: &Server, output: &Output) -> Result<(), Exit> {
        let list = server.json(Method::GET, "/api/v1/integrations/list", None).await?;
        if output.is_json() {
            output.value(&list);
            return Ok(());
        }
        let rows: Vec<_> = list.as_array().into_iter().flatten().map(row).collect();
        if rows.is_empty() {
            output.line("no integrations yet; register one with `trunkline register FILE`");
            return Ok(());
        }
        output.table(["ID", "TYPE", "STATE", "NAME"], &rows);
        Ok(())
    }
}

fn row(item: &Value) -> [String; 4] {
    let text = |key: &str| plain(item.get(key).and_then(Value::as_str).unwrap_or_default());
    [text("integration_id"), text("type"), state(item).to_owned(), text("name")]
}

/// How an integration or connection of a list is, in a word or two.
pub(super) fn state(item: &Value) -> &'static str {
    let account = item.get("account").and_then(Value::as_str);
    match (item.get("error"), item.get("enabled").and_then(Value::as_bool), account) {
        (Some(_), ..) => "broken",
        (None, Some(false), _) => "off",
        (.., Some("needs_reauth")) => "reconnect",
        (.., Some("not_connected" | "pending")) => "not connected",
        _ => "on",
    }
}
