//! What is refused of a document, and what it costs.

use proptest::prelude::*;
use serde_json::{Value, json, value::to_raw_value};

use apollo_compiler::ast::OperationType;

use super::{super::limits::LimitsConfig, *};

fn limits(json: Value) -> Limits {
    serde_json::from_value::<LimitsConfig>(json).unwrap().open().unwrap()
}

fn read(text: &str) -> Result<Document> {
    Document::read(&Arc::from(text), &limits(json!({})))
}

fn refused(text: &str) -> String {
    read(text).expect_err(text).message().to_owned()
}

/// The operation of this name, checked with these variables.
fn checked(document: &Document, name: Option<&str>, variables: &Value) -> Result<u64> {
    let raw = to_raw_value(variables).unwrap();
    let variables = Variables::of(Some(&raw), &[])?;
    let operation = document.operation(name)?;
    document.check(operation, &variables)?;
    Ok(document.cost(operation, &variables))
}

#[test]
fn what_is_wrong_with_a_document_is_said_with_line_and_column() {
    for (text, words) in [
        ("{\n  a(\n}", "at line 3 column 1"),
        ("", "syntax error: Unexpected <EOF>, at line 1 column 1"),
        ("# nothing", "at line 1"),
        ("fragment F on T { a }", "holds no operation"),
        ("{ a } type T { a: Int }", "at line 1 column 7"),
        ("query A { a } query A { b }", "two operations of the name A, at line 1 column 15"),
        ("{ a }\n{ b }", "two operations without a name, at line 2 column 1"),
        ("{ ...F }", "there is no fragment F, at line 1 column 3"),
        (
            "{ ...F } fragment F on T { a ...G } fragment G on T { ...F }",
            "contains itself, at line 1 column 55",
        ),
        ("{ a } fragment F on T { a } fragment F on T { b }", "two fragments of the name F"),
        ("query Q { a(b: [{c: $x}]) }", "$x is used, but Q does not declare it, at line 1 column 21"),
        ("{ ...F } fragment F on T { a @include(if: $x) }", "$x is used, but operation does not declare it"),
        ("query($x: Int, $x: Int) { a(x: $x) }", "$x is declared twice"),
    ] {
        let message = refused(text);
        assert!(message.contains(words), "{text:?}: {message}");
    }
}

#[test]
fn the_operation_is_the_one_that_is_named_or_the_only_one() {
    let two = read("query A { a } mutation B { b }").unwrap();
    assert_eq!(two.operation(Some("B")).unwrap().does, OperationType::Mutation);
    let named = |document: &Document, name| document.operation(name).unwrap_err().message().to_owned();
    assert!(named(&two, None).contains("name one of A, B"));
    assert!(named(&two, Some("C")).contains("only A, B"));
    let one = read("query Orders { a }").unwrap();
    assert_eq!(one.operation(None).unwrap().does, OperationType::Query);
    assert!(named(&one, Some("Order")).contains("did you mean Orders?"));
    assert!(named(&read("{ a }").unwrap(), Some("A")).contains("leave it out"));
}

#[test]
fn a_variable_that_must_be_there_is_missed_before_anything_is_sent() {
    let document = read(
        "query A($id: ID!, $n: Int! = 5, $o: Int) { a(id: $id, n: $n, o: $o) } query B($p: Int) { b(p: $p) }",
    )
    .unwrap();
    for (variables, words) in [
        (json!({"id": 1}), None),
        (json!({"id": 1, "p": 2}), None),
        (json!({"id": 1, "n": null}), Some("variables.n: is of type Int!, not null")),
        (json!({"id": null}), Some("variables.id: is of type ID!, not null")),
        (json!({}), Some("id is missing; it is of type ID!")),
        (json!({"id": 1, "op": 2}), Some("declares no $op")),
    ] {
        let found = checked(&document, Some("A"), &variables);
        match words {
            None => assert!(found.is_ok(), "{variables}: {found:?}"),
            Some(words) => assert!(found.unwrap_err().message().contains(words), "{variables}"),
        }
    }
    let near = read("query($before: Int) { a(b: $before) }").unwrap();
    let error = checked(&near, None, &json!({"befor": 1})).unwrap_err();
    assert!(error.message().contains("did you mean before?"), "{error}");
}

#[test]
fn lists_cost_what_their_argument_says() {
    for (text, variables, cost) in [
        ("{ a { b c } }", json!({}), 3),
        ("{ a(first: 10) { b c } }", json!({}), 21),
        ("query($n: Int) { a(first: $n) { b { c(last: 3) { d } } } }", json!({"n": 2}), 1 + 2 * (2 + 3)),
        ("query($n: Int = 4) { a(limit: $n) { b } }", json!({}), 5),
        ("query($n: Int) { a(limit: $n) { b } }", json!({}), 2),
        (
            "{ a(first: 2) { ...F ... on T { ...F } } } fragment F on T { b(last: 5) { c } }",
            json!({}),
            1 + 2 * 12,
        ),
    ] {
        assert_eq!(checked(&read(text).unwrap(), None, &variables).unwrap(), cost, "{text}");
    }
}

#[test]
fn what_is_too_deep_or_too_long_is_refused() {
    let nested = |levels: usize| format!("{}a{}", "{a".repeat(levels), "}".repeat(levels));
    assert!(read(&nested(50)).is_ok());
    assert!(refused(&nested(51)).contains("is 51 fields deep; this integration allows 50"));
    for levels in [300, 5000, 100_000] {
        refused(&nested(levels));
        refused(&"{a".repeat(levels));
        let value = format!("{{a(b:{}{})}}", "[".repeat(levels), "]".repeat(levels));
        assert_eq!(read(&value).is_ok(), levels == 300);
    }
    assert!(refused(&format!("{{ {} }}", "a ".repeat(20_000))).contains("token"));
    let three = limits(json!({"depth": 3}));
    assert!(Document::read(&"{ a { ...F } } fragment F on T { b { c } }".into(), &three).is_ok());
    assert!(Document::read(&"{ a { ...F } } fragment F on T { b { c { d } } }".into(), &three).is_err());
}

#[test]
fn fragments_that_unfold_into_billions_of_fields_are_refused_at_once() {
    let mut text = "{ ...F0 }".to_owned();
    for n in 0..60 {
        text.push_str(&format!("fragment F{n} on T {{ ...F{0} ...F{0} ... on T {{ ...F{0} }} }}", n + 1));
    }
    text.push_str("fragment F60 on T { a }");
    assert!(refused(&text).contains("unfold into more than"));
    // A chain that is read from its end.
    let chain: String = (0..900).rev().map(|n| format!("fragment F{n} on T {{ ...F{} }}", n + 1)).collect();
    assert!(read(&format!("fragment F900 on T {{ a }} {chain} {{ ...F0 }}")).is_ok());
    refused(&format!("{{ ...F0 }} {} fragment F900 on T {{ a }}", {
        let chain: String = (0..900).map(|n| format!("fragment F{n} on T {{ ...F{} }}", n + 1)).collect();
        chain
    }));
}

#[test]
fn a_document_is_checked_against_a_schema_once_and_again_for_another() {
    let known = |sdl: &str| Known::read(sdl).unwrap();
    let [first, other] = ["type Query { a(n: Int!): Int b: Int }", "type Query { c: Int }"].map(known);
    let document = read("{\n a(n: 1) b }").unwrap();
    document.validate(&first).unwrap();
    document.validate(&first).unwrap();
    let message = document.validate(&other).unwrap_err().message().to_owned();
    assert!(message.contains("at line 2 column 2") && message.contains("; "), "{message}");
    let many = read(&format!("{{ {} }}", (0..30).map(|n| format!("f{n} ")).collect::<String>())).unwrap();
    let message = many.validate(&first).unwrap_err().message().to_owned();
    assert!(message.ends_with("and 20 more"), "{message}");
}

proptest! {
    #[test]
    fn no_text_is_too_strange_to_be_read(
        text in ".{0,60}",
        words in prop::collection::vec(
            prop::sample::select(vec![
                "{", "}", "(", ")", "[", "]", "...", "on", "T", "a", "$x", ":", "!", "@", "=", "1", "\"s\"", "\"\"\"",
                "query", "mutation", "fragment", "#", "\n", "F", "...F", "fragment F on T {", "first: 9",
            ]),
            0..40,
        ),
    ) {
        let _ = read(&text);
        if let Ok(document) = read(&words.join(" ")) {
            let known = Known::read("type Query { a(first: Int): T } type T { a: Int }").unwrap();
            let _ = document.validate(&known);
        }
    }
}
