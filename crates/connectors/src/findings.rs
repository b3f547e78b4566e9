//! `Finding`: what is wrong with a manifest or its exchanges, all of it and where.

use serde_json::Value;
use trunkline_core::{Error, parse};

use crate::{Connector, Exchanges, Manifest, lines::Lines, published, schema::Checker, yaml};

/// Something that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The line where it is, or begins, as far as that is known. The first is 1.
    pub line: Option<u64>,
    /// What it is, after the path to it.
    pub message: String,
}

/// Where findings are in a text.
#[derive(Debug)]
pub struct Places(Lines);

impl Places {
    /// Those of a document that can be read.
    pub fn of(text: &str) -> Self {
        Self(Lines::of(text))
    }

    /// The findings that errors are, in the order of their lines.
    fn all(&self, wrong: &[Error]) -> Vec<Finding> {
        let mut all: Vec<_> = wrong.iter().map(|error| self.find(error)).collect();
        all.sort_by_key(|finding| finding.line);
        all
    }

    /// The finding that an error is whose message begins with a path.
    pub fn find(&self, error: &Error) -> Finding {
        let message = error.message().to_owned();
        // `auth.key: inputs: …` is at `auth.key.inputs`.
        let is_step = |step: &&str| !step.is_empty() && !step.contains(' ');
        let path: Vec<_> = message.split(": ").take_while(is_step).collect();
        Finding { line: self.0.find(&path.join(".")), message }
    }
}

/// The connector that a text describes, or all that is wrong with it. What this finds beyond [`Connector::parse`] is a schema of
/// an action that is none.
///
/// # Errors
///
/// At least one finding.
pub fn lint(text: &str) -> Result<Connector, Vec<Finding>> {
    let value = value(text, &published::MANIFEST)?;
    let places = Places::of(text);
    let all = |wrong: Vec<Error>| places.all(&wrong);
    let manifest: Manifest = parse::value(value, "").map_err(|error| all(vec![error]))?;
    let connector = Connector::checked(manifest).map_err(all)?;
    let wrong = connector.schemas();
    if wrong.is_empty() { Ok(connector) } else { Err(all(wrong)) }
}

/// The exchanges that a text has, for a connector that has their actions; or all that is wrong with them.
///
/// # Errors
///
/// At least one finding.
pub fn lint_exchanges(text: &str, connector: &Connector) -> Result<Exchanges, Vec<Finding>> {
    value(text, &published::EXCHANGES)?;
    let places = Places::of(text);
    let exchanges = Exchanges::parse(text).map_err(|error| vec![places.find(&error)])?;
    let actions = &connector.manifest().actions;
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
    let wrong = schema.all(&value).unwrap_or_default();
    if wrong.is_empty() {
        return Ok(value);
    }
    Err(Places::of(text).all(&wrong))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{BUILT_IN, EXCHANGES};

    fn found(text: &str) -> Vec<(u64, String)> {
        let findings = lint(text).unwrap_err();
        findings.into_iter().map(|finding| (finding.line.unwrap_or_default(), finding.message)).collect()
    }

    fn assert_found(text: &str, expected: &[(u64, &str)]) {
        let found = found(text);
        let same = found.len() == expected.len()
            && found.iter().zip(expected).all(|(is, should)| is.0 == should.0 && is.1.starts_with(should.1));
        assert!(same, "{found:#?}");
    }

    #[test]
    fn all_that_is_wrong_is_found_with_its_line() {
        let shape = "
name: acme
titel: Acme
integration: {base_url: 'https://acme.example'}
pages:
  default: {type: cursor, items: /data, size: {qery: limit, max: 100}}
actions:
  list: {title: List, methd: GET, path: /x}
  add: {title: 5, method: POST, path: /x}
";
        assert_found(
            shape,
            &[
                (0, "title: is missing"),
                (3, "titel: is not known, did you mean `title`?"),
                (6, "pages.default.size.qery: is not known, did you mean `query`?"),
                (8, "actions.list.methd: is not known, did you mean `method`?"),
                (9, "actions.add.title: "),
            ],
        );
        let meaning = "
name: Acme
title: Acme
integration: {base_url: 'https://{{ inputs.', auth_type: basic}
auth:
  - {id: key, title: Key, auth_type: bearer, inputs: [{name: a-b, title: A}]}
pages: {default: {type: cursor, next: x}}
actions:
  list: {title: List, method: get, path: /x}
  add: {title: Add, method: POST, path: '/{{ input.id'}
";
        assert_found(
            meaning,
            &[
                (2, "name: "),
                (4, "integration.auth_type: "),
                (4, "integration.base_url: "),
                (6, "auth.key.inputs.a-b: "),
                (7, "pages.default.query: "),
                (9, "actions.list: method: "),
                (10, "actions.add.path: "),
            ],
        );
        let names = "
name: acme
title: Acme
integration: {base_url: 'https://{{ inputs.site }}'}
actions:
  list: {title: List, method: GET, path: '/{{ input.id }}', pages: none}
";
        assert_found(
            names,
            &[
                (4, "integration: {{ inputs.site }}"),
                (6, "actions.list: {{ input.id }}"),
                (6, "actions.list.pages: "),
            ],
        );
        let schemas = "
name: acme
title: Acme
inputs: [{name: a, title: A, pattern: '['}]
integration: {base_url: 'https://acme.example'}
actions:
  list: {title: List, method: GET, path: /x, input: {type: object, properties: {a: {type: strin}}}}
";
        assert_found(
            schemas,
            &[(4, "inputs: is no JSON Schema: "), (7, "actions.list.input: is no JSON Schema: ")],
        );
        assert_found("name: [\n", &[(1, "")]);
    }

    #[test]
    fn exchanges_of_actions_that_are_not_there_are_found() {
        let (_, manifest) = BUILT_IN.iter().find(|(name, _)| *name == "hubspot").unwrap();
        let connector = lint(manifest).unwrap();
        let text = "exchanges:\n  - name: x\n    probe: true\n  - name: y\n    action: create_contct\n";
        let findings = lint_exchanges(text, &connector).unwrap_err();
        assert_eq!(findings[0].line, Some(5));
        assert!(findings[0].message.ends_with("did you mean `create_contact`?"), "{findings:?}");
    }

    #[test]
    fn nothing_is_wrong_with_the_manifests_of_this_build_and_their_exchanges() {
        for ((name, manifest), (_, exchanges)) in BUILT_IN.iter().zip(EXCHANGES) {
            let connector = lint(manifest).unwrap_or_else(|findings| panic!("{name}: {findings:#?}"));
            lint_exchanges(exchanges, &connector).unwrap_or_else(|findings| panic!("{name}: {findings:#?}"));
        }
    }
}
