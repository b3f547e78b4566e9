//! `trunkline try`: tries an integration from a file before it is registered.

use clap::Args;
use http::Method;
use serde_json::{Value, json};

use super::{call, read};
use crate::{
    client::Server,
    exit::Exit,
    output::{Output, plain},
};

/// Tries an integration before it is registered, step by step; the server keeps nothing of it.
///
/// `trunkline try shop.json`, `trunkline try shop.json --request '{"endpoint": "/orders"}'`
#[derive(Debug, Args)]
pub(crate) struct Try {
    /// A file with the integration as JSON or YAML, or - for standard input.
    #[arg(value_name = "FILE")]
    file: String,
    /// What the service is asked, as JSON in the form of the integration's type; @FILE or @- for standard input. The
    /// probe unless given.
    #[arg(short, long, value_name = "JSON")]
    request: Option<String>,
}

impl Try {
    pub(crate) async fn run(self, server: &Server, output: &Output) -> Result<(), Exit> {
        let text = read(&self.file)?;
        let integration = trunkline_server::document(&text).map_err(|error| error.at(&self.file))?;
        let mut trial = json!({ "integration": integration });
        if let Some(request) = &self.request {
            trial["request"] = call::value(request, "--request")?;
        }
        let tested = server.json(Method::POST, "/api/v1/integrations/try", Some(&trial)).await?;
        let failed = tested.get("status").and_then(Value::as_str) != Some("success");
        let error = text_of(&tested, "error").unwrap_or("the trial failed").to_owned();
        if output.is_json() {
            output.value(&tested);
        } else {
            print(&tested, output);
        }
        if failed { Err(Exit::failed(error)) } else { Ok(()) }
    }
}

/// A line for each step.
fn print(tested: &Value, output: &Output) {
    for step in tested.get("steps").and_then(Value::as_array).into_iter().flatten() {
        let ok = step.get("ok").and_then(Value::as_bool) == Some(true);
        let (name, detail) = (text_of(step, "step").unwrap_or_default(), text_of(step, "detail"));
        // Why it failed is what the command ends with.
        let detail = plain(detail.filter(|_| ok).unwrap_or_default());
        output.line(format!("{name:<14}{:<8}{detail}", if ok { "ok" } else { "failed" }).trim_end());
    }
    for (name, value) in tested.get("service").and_then(Value::as_object).into_iter().flatten() {
        output.line(format!("{name:<14}{}", plain(value.as_str().unwrap_or_default())));
    }
    if let Some(warning) = text_of(tested, "warning") {
        output.line(format!("  note: {warning}"));
    }
}

fn text_of<'a>(value: &'a Value, key: &str) -> Option<&'a str> {
    value.get(key).and_then(Value::as_str)
}
