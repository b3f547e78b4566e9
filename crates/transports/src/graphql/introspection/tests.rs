//! A schema that was described is the schema that was there.

use apollo_compiler::{ExecutableDocument, Schema, introspection};

use super::*;

const SDL: &str = r#"
"Where to \"begin\"\nand more"
type Query { user(id: ID! = "a", "how" how: [How!]! = [A]): User @deprecated(reason: "no") find: [Any!] node: Node }
type Mutation { save(input: New!): User! }
interface Node { id: ID! }
type User implements Node { id: ID! at: Time }
union Any = User | Other
type Other { a: Int }
enum How { A B @deprecated(reason: "old") }
input New { name: String! = "x", tags: [[String!]!] }
scalar Time
directive @own(a: Int) on FIELD
"#;

#[test]
fn what_a_service_describes_is_the_schema_that_it_has() {
    let schema = Schema::parse_and_validate(SDL, "sdl").unwrap();
    let document = ExecutableDocument::parse_and_validate(&schema, QUERY, "query").unwrap();
    let operation = document.operations.get(None).unwrap();
    let variables = apollo_compiler::validation::Valid::assume_valid(Default::default());
    let answer =
        introspection::partial_execute(&schema, &schema.implementers_map(), &document, operation, &variables);
    let answer = serde_json::to_vec(&answer.unwrap()).unwrap();
    let found = sdl(&answer).unwrap();
    let found =
        Schema::parse_and_validate(&*found, "found").unwrap_or_else(|error| panic!("{found}\n{error}"));
    // The order of types is the service's; and that a directive may stand there twice is not asked.
    let sorted = |schema: &Schema| {
        let mut lines: Vec<_> = schema.to_string().lines().map(str::to_owned).collect();
        lines.retain(|line| !line.starts_with("directive @own") && !line.starts_with("schema"));
        lines.sort();
        lines
    };
    let (wanted, found) = (sorted(&schema), sorted(&found));
    let missing: Vec<_> = wanted.iter().filter(|line| !found.contains(line)).collect();
    assert!(missing.is_empty(), "{missing:#?} of {found:#?}");
}

#[test]
fn what_is_no_description_is_a_clear_error() {
    for answer in ["{}", "<html>", r#"{"data": {"__schema": null}}"#] {
        assert_eq!(sdl(answer.as_bytes()).unwrap_err().kind(), trunkline_core::Kind::Protocol, "{answer}");
    }
}
