//! `trunkline connections`: the tenants of an integration.

use clap::{Args, Subcommand};
use http::Method;
use serde_json::Value;
use trunkline::HttpRequest;

use super::{list::state, read};
use crate::{
    client::{Server, path},
    exit::Exit,
    output::{Output, plain},
};

/// Lists, adds, shows and removes the connections of an integration: what each tenant has of its own.
#[derive(Debug, Args)]
pub(crate) struct Connections {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Lists them by name; `default` is the integration itself.
    List {
        /// The integration.
        id: String,
    },
    /// Adds one.
    Add {
        /// The integration.
        id: String,
        /// A file with the connection as JSON or YAML, or - for standard input.
        file: String,
        /// Replaces the connection if there is one of this name.
        #[arg(long)]
        replace: bool,
    },
    /// Prints one as JSON, its secrets masked.
    Show {
        /// The integration.
        id: String,
        /// The connection.
        name: String,
    },
    /// Removes one with its secrets.
    Remove {
        /// The integration.
        id: String,
        /// The connection.
        name: String,
    },
}

impl Connections {
    pub(crate) async fn run(self, server: &Server, output: &Output) -> Result<(), Exit> {
        match self.command {
            Command::List { id } => list(&id, server, output).await,
            Command::Add { id, file, replace } => add(&id, &file, replace, server, output).await,
            Command::Show { id, name } => {
                output.value(&server.json(Method::GET, &of(&id, &name, "")?, None).await?);
                Ok(())
            }
            Command::Remove { id, name } => {
                let removed = server.json(Method::DELETE, &of(&id, &name, "")?, None).await?;
                told(&removed, output);
                Ok(())
            }
        }
    }
}

/// The path of something of a connection, such as `/health`.
pub(crate) fn of(id: &str, name: &str, rest: &str) -> Result<String, Exit> {
    path(id, &format!("/connections/{}{rest}", checked(name)?))
}

/// A name that can stand in a URL. What is no name could be another path.
pub(super) fn checked(name: &str) -> Result<&str, Exit> {
    let allowed = |c: u8| c.is_ascii_alphanumeric() || b"._~-".contains(&c);
    if name.is_empty() || name == "." || name == ".." || !name.bytes().all(allowed) {
        return Err(Exit::input("the name of a connection has only the characters A-Z a-z 0-9 . _ ~ -"));
    }
    Ok(name)
}

async fn list(id: &str, server: &Server, output: &Output) -> Result<(), Exit> {
    let (first, mut all) = (path(id, "/connections?limit=100&accounts=true")?, Vec::new());
    let mut next = first.clone();
    loop {
        let mut page = server.json(Method::GET, &next, None).await?;
        if let Some(Value::Array(connections)) = page.get_mut("connections").map(Value::take) {
            all.extend(connections);
        }
        match page.get("next").and_then(Value::as_str) {
            Some(after) => next = format!("{first}&after={after}"),
            None => break,
        }
    }
    if output.is_json() {
        output.value(&all);
        return Ok(());
    }
    let rows: Vec<_> = all.iter().map(row).collect();
    output.table(["CONNECTION", "STATE", "DESCRIPTION"], &rows);
    Ok(())
}

async fn add(id: &str, file: &str, replace: bool, server: &Server, output: &Output) -> Result<(), Exit> {
    let value = trunkline_server::document(&read(file)?).map_err(|error| error.at(file))?;
    let name = value.get("connection").and_then(Value::as_str).unwrap_or_default();
    let one = of(id, name, "")?;
    // What else may be wrong, the server says when it is to be stored.
    let exists = replace && server.send(HttpRequest::get(&*one)).await?.status.is_success();
    let (method, path) = if exists { (Method::PUT, one) } else { (Method::POST, path(id, "/connections")?) };
    let answer = server.json(method, &path, Some(&value)).await?;
    told(&answer, output);
    Ok(())
}

fn told(answer: &Value, output: &Output) {
    if output.is_json() {
        return output.value(answer);
    }
    let text = |key: &str| plain(answer.get(key).and_then(Value::as_str).unwrap_or_default());
    output.line(format!("{} {} {}", text("integration_id"), text("connection"), text("status")));
    if let Some(revoked) = answer.get("revoked").and_then(Value::as_bool) {
        output.line(format!("  note: an account was connected; {}", super::disconnect::told(revoked)));
    }
    for warning in answer.get("warnings").and_then(Value::as_array).into_iter().flatten() {
        output.line(format!("  note: {}", plain(warning.as_str().unwrap_or_default())));
    }
}

fn row(item: &Value) -> [String; 3] {
    let text = |key: &str| plain(item.get(key).and_then(Value::as_str).unwrap_or_default());
    [text("connection"), state(item).to_owned(), text("description")]
}
