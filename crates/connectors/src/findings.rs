//! `Finding`: what is wrong with a manifest or its exchanges, all of it and where.

use serde_json::Value;
use trunkline_core::{Error, parse};

use crate::{
    Connector, Exchanges, Manifest, lines::Lines, mended::mended, published, schema::Checker,
    template::below, yaml,
};

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
        // `auth.key: inputs: …` is at `auth.key.inputs`. A step with spaces is one where it is there.
        let mut path = String::new();
        for step in message.split(": ") {
            let longer = below(&path, step);
            if step.is_empty() || step.contains(' ') && !self.0.has(&longer) {
                break;
            }
            path = longer;
        }
        Finding { line: self.0.find(&path), message }
    }
}

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
    /// was meant.
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
                let schemas = drafted.schemas();
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
                (6, "pages.default.next: is missing"),
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
            &[
                (4, "inputs.a: is no JSON Schema: "),
                (7, "actions.list.input.properties.a.type: is no type `strin`, did you mean `string`?"),
            ],
        );
        assert_found("name: [\n", &[(1, "")]);
        assert_found("# nothing yet\n", &[(0, "is empty; ")]);
    }

    #[test]
    fn what_is_wrong_in_shape_hides_nothing_else() {
        let text = "
name: acme
titel: Acme
inputs: [{name: a, title: A, pattern: '^x', default: y}]
integration: {base_url: 'https://{{ inputs.site }}'}
body: jsn
pages: {default: {type: cursr, next: '{{ body.x }}', query: x}, other: {type: cursor, next: '{{ body.next }}'}}
actions:
  add: {title: Add, method: POST, path: /x, repeats: nevr}
  list: {title: List, method: GET, path: '/{{ input.id }}', pages: othr}
  g h: {title: Get, method: GET, path: /x}
";
        assert_found(
            text,
            &[
                (0, "title: is missing"),
                (3, "titel: is not known, did you mean `title`?"),
                (4, "inputs.a.default: does not match its pattern"),
                (5, "integration: {{ inputs.site }}"),
                (
                    6,
                    "body: unknown value `jsn`, did you mean `json`?; known: json, form, repeated_form, multipart",
                ),
                (7, "pages.default.type: unknown value `cursr`, did you mean `cursor`?; known: cursor, url,"),
                (7, "pages.other.query: is missing"),
                (9, "actions.add.repeats: unknown value `nevr`, did you mean `never`?; known: safely,"),
                (10, "actions.list: {{ input.id }}"),
                (10, "actions.list.pages: there is no `othr` among pages, did you mean `other`?"),
                (11, "actions.g h: a name is letters"),
            ],
        );
    }

    #[test]
    fn what_is_valid_and_says_something_else_than_was_meant_is_found() {
        let text = "
name: acme
title: Acme
integration: {base_url: 'https://acme.example', rate_limit: {requests: 1, actions: [GET, lst], weights: {nope: 2}}}
pages:
  a: {type: cursor, query: after, next: '{{ bdy.next }}'}
  b: {type: url, next: body.next}
actions:
  list: {title: List, method: GTE, path: /x}
  up: {title: Up, method: GET, path: /a/../x}
  part: {title: Part, method: GET, path: '/x?a=1#part'}
  told: {title: Told, method: GET, path: /x, headers: {bad header: x}}
  add:
    title: Add
    method: POST
    path: /x
    input: {type: object, requird: [a], properties: {a: {tpye: string}}}
    output: {type: object, properties: {a: {type: strng}}}
  set: {title: Set, method: PUT, path: /x, input: {type: object, required: [nope], properties: {a: {}}}}
";
        assert_found(
            text,
            &[
                (
                    4,
                    "integration.rate_limit.actions[1]: there is no action of this name, did you mean `list`?",
                ),
                (4, "integration.rate_limit.weights.nope: there is no action of this name"),
                (6, "pages.a.next: {{ bdy.next }} is nothing that is given"),
                (7, "pages.b.next: has no expression"),
                (9, "actions.list: method: is not known, did you mean `GET`?"),
                (10, "actions.up: path: leads out of itself"),
                (11, "actions.part: path: what follows #"),
                (12, "actions.told: headers.bad header: is not the name of a header"),
                (17, "actions.add.input.properties.a.tpye: is not known, did you mean `type`?"),
                (17, "actions.add.input.requird: is not known, did you mean `required`?"),
                (18, "actions.add.output.properties.a.type: is no type `strng`, did you mean `string`?"),
                (19, "actions.set.input.required: `nope` is none of its properties"),
            ],
        );
        // A body of a GET is unusual, but some services want one, and methods of one's own are methods.
        let unusual = "
name: acme
title: Acme
integration: {base_url: 'https://acme.example'}
actions:
  search: {title: Search, method: GET, path: '/_search?x=1', send: {query: '{{ input.query }}'}, input: {type: object, properties: {query: {}}}}
  ban: {title: Ban, method: BAN, path: '/{{ \"#\" }}'}
";
        lint(unusual).unwrap();
    }

    #[test]
    fn exchanges_of_actions_that_are_not_there_are_found() {
        let (_, manifest) = BUILT_IN.iter().find(|(name, _)| *name == "hubspot").unwrap();
        let connector = lint(manifest).unwrap();
        let text = "exchanges:\n  - name: x\n    probe: true\n  - name: y\n    action: create_contct\n";
        let findings = lint_exchanges(text, connector.manifest()).unwrap_err();
        assert_eq!(findings[0].line, Some(5));
        assert!(findings[0].message.ends_with("did you mean `create_contact`?"), "{findings:?}");
    }

    #[test]
    fn nothing_is_wrong_with_the_manifests_of_this_build_and_their_exchanges() {
        for ((name, manifest), (_, exchanges)) in BUILT_IN.iter().zip(EXCHANGES) {
            let connector = lint(manifest).unwrap_or_else(|findings| panic!("{name}: {findings:#?}"));
            lint_exchanges(exchanges, connector.manifest())
                .unwrap_or_else(|findings| panic!("{name}: {findings:#?}"));
        }
    }
}
