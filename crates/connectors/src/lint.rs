//! What makes a manifest of no use, and is wrong in itself.

use std::collections::BTreeSet;

use http::Method;
use trunkline_core::{Error, Result, parse};

use crate::{Action, Input, Manifest};

/// What is wrong that no type refuses: names, and what goes together. Each says where it is.
pub(crate) fn lint(manifest: &Manifest) -> Vec<Error> {
    let mut wrong = Vec::new();
    let name = &manifest.name;
    if !(1..=64).contains(&name.len())
        || !name.bytes().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || b"_-".contains(&c))
    {
        wrong.push(Error::invalid("name: use 1 to 64 of the characters a-z 0-9 _ -"));
    }
    for key in ["connector", "inputs", "auth", "integration_id", "auth_type", "auth_config", "enabled"] {
        if manifest.integration.contains_key(key) {
            let message = format!("integration.{key}: is for integrations to say, or for `auth`");
            wrong.push(Error::invalid(message));
        }
    }
    inputs("inputs", &manifest.inputs, BTreeSet::new(), &mut wrong);
    let mut ids = BTreeSet::new();
    for auth in &manifest.auth {
        let place = format!("auth.{}", auth.id);
        if !ids.insert(&auth.id) {
            wrong.push(Error::invalid(format!("{place}: is there twice")));
        }
        let common = manifest.inputs.iter().map(|input| &*input.name).collect();
        inputs(&format!("{place}.inputs"), &auth.inputs, common, &mut wrong);
    }
    for (name, action) in &manifest.actions {
        wrong.extend(check(name, action).err().map(|error| error.at(&format!("actions.{name}"))));
    }
    wrong
}

fn inputs<'a>(place: &str, inputs: &'a [Input], mut names: BTreeSet<&'a str>, wrong: &mut Vec<Error>) {
    for input in inputs {
        let mut tell = |what: &str| wrong.push(Error::invalid(format!("{place}.{}{what}", input.name)));
        if !is_name(&input.name) {
            tell(": a name is letters, digits and _");
        }
        if !names.insert(&input.name) {
            tell(": is there twice");
        }
        if input.secret && input.default.is_some() {
            tell(": a secret has no default");
        }
        let known = |default: &String| input.choices.is_empty() || input.choices.contains(default);
        if !input.default.as_ref().is_none_or(known) {
            tell(".default: is none of its enum");
        }
    }
}

fn check(name: &str, action: &Action) -> Result<()> {
    if !is_name(name) {
        return Err(Error::invalid("a name is letters, digits and _"));
    }
    match (&action.request, &action.method, &action.path) {
        (None, Some(method), Some(path)) => {
            if !path.starts_with('/') {
                return Err(Error::invalid("path: must begin with /"));
            }
            let known =
                Method::from_bytes(method.as_bytes()).is_ok() && *method == method.to_ascii_uppercase();
            if !known {
                return Err(Error::invalid("method: is not an HTTP method in capitals"));
            }
        }
        (None, ..) => return Err(Error::invalid("needs method and path, or request")),
        (Some(_), None, None)
            if action.query.is_empty() && action.headers.is_empty() && action.send.is_none() => {}
        (Some(_), ..) => {
            return Err(Error::invalid("request: takes the place of method, path, query, headers and send"));
        }
    }
    if let Some(returns) = &action.returns {
        parse::pointer(returns).map_err(|error| error.at("returns"))?;
    }
    let is_object = |schema: &serde_json::Value| {
        schema.get("type").is_none_or(|kind| kind == "object") && schema.is_object()
    };
    if action.input.as_ref().is_some_and(|input| !is_object(input)) {
        return Err(Error::invalid("input: must be the schema of an object"));
    }
    Ok(())
}

/// Whether an expression can ask for something of this name.
fn is_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}
