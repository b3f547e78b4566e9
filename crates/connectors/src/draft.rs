//! `Draft`: a manifest as far as it can be made out, and all that is wrong with it; and the same of its exchanges.

use serde_json::Value;
use trunkline_core::{Error, parse};

use crate::{
    Connector, Exchanges, Finding, Manifest, Places, mended::mended, published, schema::Checker, yaml,
};

/// What a text describes, as far as it can be made out, and all that is wrong with it.
#[derive(Debug)]
pub struct Draft {
    /// The manifest, without what has no place in it.
    pub manifest: Option<Manifest>,
    /// Its connector; `None` where something stands in it for what is wrong, so that more would seem to be wrong than is.
    pub connector: Option<Connector>,
    /// What is wrong, in the order of the lines.
    pub findings: Vec<Finding>,
}

impl Draft {
    /// Reads a manifest. What this finds beyond [`Connector::parse`] are schemas of actions that are none, or do not say what
    /// was meant, and webhooks that ask for what connections may have of their own.
    pub fn of(text: &str) -> Self {
        let value = match yaml::parse(text) {
            Ok(value) => value,
            Err(error) => {
                let line = yaml::read::<Value>(text).err().and_then(|error| error.location());
                let found = Finding { line: line.map(|at| at.line()), message: error.message().to_owned() };
                return Self { manifest: None, connector: None, findings: vec![found] };
            }
        };
        if value.is_null() {
            let message = "is empty; a manifest has name, title and integration".to_owned();
            return Self { manifest: None, connector: None, findings: vec![Finding { line: None, message }] };
        }
        let places = Places::of(text);
        let shape = published::MANIFEST.all(&value).unwrap_or_default();
        let mut wrong: Vec<_> = shape.into_iter().map(|wrong| wrong.error).collect();
        let there = value["pages"].as_object().into_iter().flat_map(|pages| pages.keys().cloned());
        let there: Vec<_> = there.collect();
        let mended = mended(value, &published::MANIFEST);
        let read = mended.map(|(value, same)| Ok((parse::value::<Manifest>(value, "")?, same)));
        let (mut manifest, mut connector) = (None, None);
        match read {
            Some(Ok((read, same))) => {
                let (drafted, mut more) = Connector::drafted(read.clone());
                // One that is there and wrong is there.
                more.retain(|error| {
                    !there.iter().any(|name| error.message().contains(&*format!("no `{name}` among")))
                });
                let schemas = drafted.schemas().into_iter().chain(drafted.left_to_connections());
                let schemas: Vec<_> = schemas.collect();
                connector = (same && more.is_empty()).then_some(drafted);
                wrong.extend(more.into_iter().chain(schemas));
                manifest = Some(read);
            }
            Some(Err(error)) if wrong.is_empty() => wrong.push(error),
            _ => {}
        }
        Self { manifest, connector, findings: places.all(&wrong) }
    }
}

/// The connector that a text describes, or all that is wrong with it, as [`Draft::of`] finds it.
///
/// # Errors
///
/// At least one finding.
pub fn lint(text: &str) -> Result<Connector, Vec<Finding>> {
    match Draft::of(text) {
        Draft { connector: Some(connector), findings, .. } if findings.is_empty() => Ok(connector),
        Draft { findings, .. } => Err(findings),
    }
}

/// The exchanges that a text has, for a manifest that has their actions; or all that is wrong with them.
///
/// # Errors
///
/// At least one finding.
pub fn lint_exchanges(text: &str, manifest: &Manifest) -> Result<Exchanges, Vec<Finding>> {
    value(text, &published::EXCHANGES)?;
    let places = Places::of(text);
    let exchanges = Exchanges::parse(text).map_err(|error| vec![places.find(&error)])?;
    let actions = &manifest.actions;
    let asked = exchanges.exchanges.iter().enumerate();
    let unknown = asked.filter_map(|(n, exchange)| {
        let action = exchange.action.as_ref().filter(|action| !actions.contains_key(*action))?;
        let near = parse::nearest(action, actions.keys().map(String::as_str));
        let near = near.map(|near| format!(", did you mean `{near}`?")).unwrap_or_default();
        let message = format!("exchanges[{n}].action: the connector has no `{action}`{near}");
        Some(places.find(&Error::invalid(message)))
    });
    let unknown: Vec<_> = unknown.collect();
    if unknown.is_empty() { Ok(exchanges) } else { Err(unknown) }
}

/// The document, which has the shape that a schema asks for.
fn value(text: &str, schema: &Checker) -> Result<Value, Vec<Finding>> {
    let value = yaml::parse(text).map_err(|error| {
        let line = yaml::read::<Value>(text).err().and_then(|error| error.location());
        vec![Finding { line: line.map(|at| at.line()), message: error.message().to_owned() }]
    })?;
    let wrong: Vec<_> = schema.all(&value).unwrap_or_default().into_iter().map(|wrong| wrong.error).collect();
    if wrong.is_empty() {
        return Ok(value);
    }
    Err(Places::of(text).all(&wrong))
}

#[cfg(test)]
mod tests;
