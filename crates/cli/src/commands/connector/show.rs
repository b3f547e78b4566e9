//! `trunkline connector show`: what a connector asks for, and what can be done with it.

use std::path::Path;

use clap::Args;
use serde_json::{Value, json};
use trunkline::{
    Connector,
    connectors::{Action, Input},
    parse,
};

use super::source::{Folder, Source, is_path};
use crate::{
    exit::Exit,
    output::{Output, plain},
};

/// Shows what a connector asks for and what can be done with it; of one action, what it is given.
#[derive(Debug, Args)]
pub(crate) struct Show {
    /// The name of the connector, or the path of its manifest.
    #[arg(value_name = "NAME|FILE")]
    connector: String,
    /// One of its actions.
    action: Option<String>,
    #[command(flatten)]
    folder: Folder,
}

impl Show {
    pub(crate) fn run(self, output: &Output) -> Result<(), Exit> {
        let source = match is_path(&self.connector) {
            true => Source::file(Path::new(&self.connector))?,
            false => self.folder.find(&self.connector)?,
        };
        let connector = source.connector().map_err(|error| error.at(&source.place))?;
        if let Some(name) = &self.action {
            return show(&connector, name, output);
        }
        if output.is_json() {
            output.value(connector.manifest());
        } else {
            print(&connector, output);
        }
        Ok(())
    }
}

/// Shows an action.
fn show(connector: &Connector, name: &str, output: &Output) -> Result<(), Exit> {
    let actions = &connector.manifest().actions;
    let Some(action) = actions.get(name) else {
        let near = parse::nearest(name, actions.keys().map(String::as_str));
        let near = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
        return Err(Exit::input(format!("there is no action {}{near}", plain(name))));
    };
    let schema = connector.action_schema(name).cloned().unwrap_or_default();
    if output.is_json() {
        let shown = json!({ "name": name, "action": action, "input": schema });
        output.value(&shown);
        return Ok(());
    }
    output.line(format!("{}  {}", plain(name), plain(&action.title)));
    for line in [&request(action), &action.description, action.docs.as_ref().unwrap_or(&String::new())] {
        if !line.is_empty() {
            output.line(format!("  {}", plain(line)));
        }
    }
    output.line("input:");
    output.value(&schema);
    Ok(())
}

fn print(connector: &Connector, output: &Output) {
    let manifest = connector.manifest();
    output.line(format!("{}  {}", plain(&manifest.name), plain(&manifest.title)));
    for line in [Some(&manifest.description), manifest.docs.as_ref()].into_iter().flatten() {
        if !line.is_empty() {
            output.line(format!("  {}", plain(line)));
        }
    }
    if !manifest.inputs.is_empty() {
        output.line("\ninputs");
        manifest.inputs.iter().for_each(|input| output.line(asked(input)));
    }
    for auth in &manifest.auth {
        output.line(format!(
            "\nauth {}  {} ({})",
            plain(&auth.id),
            plain(&auth.title),
            plain(&auth.auth_type)
        ));
        auth.inputs.iter().for_each(|input| output.line(asked(input)));
    }
    if manifest.actions.is_empty() {
        return;
    }
    output.line("");
    let rows: Vec<_> = manifest
        .actions
        .iter()
        .map(|(name, action)| [plain(name), plain(&request(action)), plain(&action.title)])
        .collect();
    output.table(["ACTION", "REQUEST", "WHAT IT DOES"], &rows);
}

/// An input in a line.
fn asked(input: &Input) -> String {
    let mut words = vec![input.title.clone()];
    words.extend(input.secret.then(|| "secret".to_owned()));
    words.extend((!input.is_required() && input.default.is_none()).then(|| "may be left out".to_owned()));
    words.extend(input.default.as_ref().map(|default| format!("{default} unless given")));
    words.extend((!input.choices.is_empty()).then(|| format!("one of {}", input.choices.join(", "))));
    format!("  {}  {}", plain(&input.name), plain(&words.join("; ")))
}

/// What an action sends, in a few words.
fn request(action: &Action) -> String {
    match (&action.method, &action.path, &action.request) {
        (Some(method), Some(path), _) => format!("{method} {path}"),
        (.., Some(request)) => Value::from(request.clone()).to_string().chars().take(60).collect(),
        _ => String::new(),
    }
}
