//! What is wrong with a connector that no part of it shows by itself: schemas, and names of what is not there.

use std::collections::BTreeSet;

use trunkline_core::{Error, parse};

use super::{Connector, given::all};
use crate::{
    keywords,
    schema::Checker,
    template::{Template, below},
};

impl Connector {
    /// What webhooks ask for and connections may have of their own, which no webhook knows: the event comes before anybody can
    /// tell whose it is. An integration that gives it takes webhooks all the same, so it is nothing that a manifest is refused for.
    pub(crate) fn left_to_connections(&self) -> Vec<Error> {
        const PLACE: &str = "integration.webhooks";
        let webhooks = self.manifest.integration.get("webhooks");
        let asked = webhooks.and_then(|webhooks| Template::parse(webhooks, PLACE).ok());
        let names = asked.iter().flat_map(Template::names);
        let inputs: BTreeSet<_> = names
            .filter_map(|name| name.strip_prefix("inputs.")?.split('.').next().map(ToOwned::to_owned))
            .collect();
        let left = self.inputs().filter(|input| input.is_required() && inputs.contains(&input.name));
        left.map(|input| {
            Error::invalid(format!(
                "{PLACE}: asks for the input `{name}`, which connections may have of their own, and webhooks are the \
                 integration's; say `optional: true` of `{name}`",
                name = input.name
            ))
        })
        .collect()
    }

    /// Schemas that are none, or do not say what was meant.
    pub(crate) fn schemas(&self) -> Vec<Error> {
        let place = |at: usize| match at.checked_sub(1) {
            None => "inputs".to_owned(),
            Some(auth) => format!("auth.{}.inputs", self.manifest.auth[auth].id),
        };
        let mut wrong = Vec::new();
        for (at, checker) in self.inputs.iter().enumerate() {
            // An input is found by its name.
            let error = checker.broken().map(|broken| {
                let by_name = broken.path.strip_prefix("properties.").unwrap_or_default();
                let name = by_name.split('.').next().unwrap_or_default();
                broken.what_at(&below(&place(at), name))
            });
            // What all ways to authenticate have in common is said once.
            let is_new = |error: &Error| wrong.iter().all(|known: &Error| known.message() != error.message());
            wrong.extend(error.filter(is_new));
        }
        for (name, action) in &self.manifest.actions {
            for (key, schema) in [("input", &action.input), ("output", &action.output)] {
                let Some(schema) = schema else { continue };
                let place = format!("actions.{name}.{key}");
                wrong.extend(Checker::new(schema.clone()).broken().map(|broken| broken.at(&place)));
                wrong.extend(keywords::misspelt(schema, &place));
            }
        }
        wrong
    }

    /// Where expressions ask for what nobody gives, and actions for pages that are not there.
    pub(super) fn names(&self) -> Vec<Error> {
        let mut wrong = Vec::new();
        let inputs: BTreeSet<_> = self.inputs().map(|input| &*input.name).collect();
        // Of a way that is not chosen an expression gets nothing.
        for template in [Some(&self.integration), self.base_url.as_ref()].into_iter().flatten() {
            wrong.extend(unknown("integration", &template.names(), &inputs, None));
        }
        for (auth, way) in self.manifest.auth.iter().zip(&self.auth) {
            let own = all(&self.manifest, Some(auth)).map(|input| &*input.name).collect();
            for template in way.base_url.iter().chain([&way.config]) {
                wrong.extend(unknown(&format!("auth.{}", auth.id), &template.names(), &own, None));
            }
        }
        for (name, ready) in &self.actions {
            let properties = ready.input.schema()["properties"].as_object();
            let own = properties.map(|properties| properties.keys().map(String::as_str).collect());
            for template in
                [Some(&ready.rest), ready.path.as_ref(), ready.send.as_ref()].into_iter().flatten()
            {
                wrong.extend(unknown(&format!("actions.{name}"), &template.names(), &inputs, own.as_ref()));
            }
            let pages = self.manifest.actions[name].pages.as_ref();
            if let Some(pages) = pages.filter(|pages| !self.manifest.pages.contains_key(*pages)) {
                let known = self.manifest.pages.keys().map(String::as_str);
                let near = parse::nearest(pages, known).map(|near| format!(", did you mean `{near}`?"));
                let near = near.unwrap_or_default();
                let message = format!("actions.{name}.pages: there is no `{pages}` among pages{near}");
                wrong.push(Error::invalid(message));
            }
        }
        wrong
    }
}

/// Those of these names that are of nothing that is given.
fn unknown(
    place: &str,
    names: &BTreeSet<String>,
    inputs: &BTreeSet<&str>,
    own: Option<&BTreeSet<&str>>,
) -> Vec<Error> {
    let given = |name: &&String| {
        let (root, below) = name.split_once('.').unwrap_or((name, ""));
        let first = below.split('.').next().unwrap_or_default();
        match root {
            "inputs" => inputs.contains(first),
            "input" => own.is_some_and(|own| first.is_empty() || own.contains(first)),
            _ => false,
        }
    };
    let unknown = names.iter().filter(|name| !given(name));
    unknown
        .map(|name| Error::invalid(format!("{place}: {{{{ {name} }}}} is nothing that is given")))
        .collect()
}
