//! Base URLs with inputs in them: for a host that nobody said, for one of several servers, and for variables.

use serde_json::Value;

use super::{
    document::{members, text},
    names,
    notes::{Notes, shown},
    servers::{input, trimmed, url},
};
use crate::Input;

/// A base URL whose host nobody said.
pub(super) fn unknown(written: &str) -> (String, Vec<Input>) {
    let path = if written.starts_with('/') && !written.contains(['{', '}', '?', '#']) { written } else { "" };
    let input = Input {
        help: "The host that the service is at, and its port where it is not 443".to_owned(),
        example: Some("api.example.com".to_owned()),
        pattern: Some("^[A-Za-z0-9.:-]+$".to_owned()),
        ..input("host", "Host")
    };
    (format!("https://{{{{ inputs.host }}}}{path}"), vec![input])
}

/// One of several base URLs.
pub(super) fn chosen(servers: &[&Value]) -> (String, Vec<Input>) {
    let mut choices: Vec<String> = Vec::new();
    let mut help = Vec::new();
    for server in servers {
        let Some(url) = url(server).map(|url| without_query(trimmed(url))) else { continue };
        if choices.iter().any(|known| known == url) {
            continue;
        }
        choices.push(url.to_owned());
        let said = text(Some(server), "description").map(|said| format!("{url}: {}", said.trim()));
        help.extend(said);
    }
    let input = Input {
        help: help.join("\n"),
        default: choices.first().cloned(),
        choices,
        ..input("server", "Server")
    };
    ("{{ inputs.server }}".to_owned(), vec![input])
}

/// A base URL with an input for each of its variables.
pub(super) fn templated(server: &Value, notes: &Notes) -> (String, Vec<Input>) {
    let whole = trimmed(url(server).unwrap_or_default());
    let mut rest = without_query(whole);
    if rest != whole {
        notes.tell("servers", "what follows the ? of its URL is not carried over");
    }
    let (mut base_url, mut inputs) = (String::new(), Vec::<Input>::new());
    while let Some((plain, after)) = rest.split_once('{') {
        let Some((name, after)) = after.split_once('}') else { break };
        base_url.push_str(plain);
        rest = after;
        let variable =
            members(server, "variables").find(|(known, _)| *known == name).map(|(_, variable)| variable);
        match variable_of(name, variable) {
            Ok(input) => {
                base_url.push_str(&format!("{{{{ inputs.{} }}}}", input.name));
                if !inputs.iter().any(|known| known.name == input.name) {
                    inputs.push(input);
                }
            }
            Err(value) => {
                let name = shown(name);
                notes.tell(
                    format!("servers.variables.{name}"),
                    format!(
                        "can have values that no expression in a URL can; it is always `{}`",
                        shown(&value)
                    ),
                );
                base_url.push_str(value.trim_matches('/'));
            }
        }
    }
    base_url.push_str(&rest.replace(['{', '}'], ""));
    (base_url.replace("//", "/").replacen(":/", "://", 1), inputs)
}

/// The input for a variable; its one value where others cannot stand in a URL.
fn variable_of(name: &str, variable: Option<&Value>) -> Result<Input, String> {
    let default = scalar(variable.and_then(|variable| variable.get("default")));
    let listed = variable.and_then(|variable| variable.get("enum")).and_then(Value::as_array);
    let mut choices: Vec<String> =
        listed.into_iter().flatten().filter_map(|choice| scalar(Some(choice))).collect();
    let fits = |value: &String| {
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_' | ':');
        !value.trim_matches('.').is_empty() && value.chars().all(allowed)
    };
    if let Some(default) = &default {
        if !fits(default) || !choices.iter().all(fits) {
            return Err(default.replace(['{', '}', '?', '#'], ""));
        }
        if !choices.is_empty() && !choices.contains(default) {
            choices.insert(0, default.clone());
        }
    }
    choices.retain(fits);
    let help = text(variable, "description").unwrap_or_default().trim().to_owned();
    Ok(Input { help, default, choices, ..input(&names::identifier(name), &names::title(name)) })
}

fn scalar(value: Option<&Value>) -> Option<String> {
    match value? {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

fn without_query(url: &str) -> &str {
    trimmed(url.split(['?', '#']).next().unwrap_or_default())
}
