//! What is found in manifests that are wrong, and where.

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
  post: {title: Post, method: POST, path: /x, parts: {photo: image/png}}
  parts: {title: Parts, method: POST, path: /x, body: multipart, parts: {photo: image/*, note: text/plain}}
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
            (4, "integration.rate_limit.actions[1]: there is no action of this name, did you mean `list`?"),
            (4, "integration.rate_limit.weights.nope: there is no action of this name"),
            (6, "pages.a.next: {{ bdy.next }} is nothing that is given"),
            (7, "pages.b.next: has no expression"),
            (9, "actions.list: method: is not known, did you mean `GET`?"),
            (10, "actions.up: path: leads out of itself"),
            (11, "actions.part: path: what follows #"),
            (12, "actions.told: headers.bad header: is not the name of a header"),
            (13, "actions.post.parts: only a body of the kind multipart has parts"),
            (14, "actions.parts.parts.photo: is no media type"),
            (19, "actions.add.input.properties.a.tpye: is not known, did you mean `type`?"),
            (19, "actions.add.input.requird: is not known, did you mean `required`?"),
            (20, "actions.add.output.properties.a.type: is no type `strng`, did you mean `string`?"),
            (21, "actions.set.input.required: `nope` is none of its properties"),
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
