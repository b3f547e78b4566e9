//! What expressions yield, and what is wrong with them.

use serde_json::json;

use super::*;

fn rendered(template: &Value, names: &Value) -> Result<Option<Value>> {
    Template::parse(template, "")?.render(&Scope::new(names), Place::Free)
}

#[test]
fn a_text_that_is_one_expression_is_what_it_yields_and_nothing_is_left_out() {
    let names = json!({"input": {"amount": 5, "tags": ["a"], "who": "Ann"}});
    let template = json!({
        "amount": "{{ input.amount }}", "tags": "{{ input.tags }}", "hello": "Hello {{ input.who }}!",
        "gone": "{{ input.gone.deeper }}", "list": [1, "{{ input.gone }}", "{{ input.who | upper }}"],
        "or": "{{ input.gone | default('x') }}", "braces": "{{ '}}' }}", "tenant": "{{connection.key}}",
    });
    let expected = json!({
        "amount": 5, "tags": ["a"], "hello": "Hello Ann!", "list": [1, "ANN"], "or": "x", "braces": "}}",
        "tenant": "{{connection.key}}",
    });
    assert_eq!(rendered(&template, &names).unwrap(), Some(expected));
}

#[test]
fn a_number_that_is_handed_on_is_the_one_that_was_written() {
    let names = exact::read(br#"{"n": 1.10, "big": 12345678901234567890123, "l": [1e2], "s": "\u00001.10"}"#)
        .unwrap();
    let template = json!({
        "n": "{{ n }}", "big": "{{ big }}", "l": "{{ l }}", "text": "{{ big }}/{{ n }}",
        "or": "{{ gone | default(n) }}", "s": "{{ s }}", "reckoned": "{{ n * 2 }}", "more": "{{ n < 1 }}",
    });
    let made = rendered(&template, &names).unwrap().unwrap();
    assert_eq!(
        exact::written(&made).unwrap().get(),
        r#"{"big":12345678901234567890123,"l":[1e2],"more":false,"n":1.10,"or":1.10,"reckoned":2.2,"s":"\u00001.10","text":"12345678901234567890123/1.10"}"#
    );
}

#[test]
fn what_is_no_expression_or_misses_a_part_is_an_error_that_names_it() {
    for (template, names, words) in [
        (json!({"a": {"b": "{{ 1 + }}"}}), json!({}), "a.b"),
        (json!({"a": "{{ x"}), json!({}), "without }}"),
        (json!({"a": "x {{ input.id }}"}), json!({"input": {}}), "input.id: is missing"),
        (
            json!({"a": "{{ input.id | uper }}"}),
            json!({}),
            "a: {{ input.id | uper }}: there is no filter `uper`",
        ),
        (json!({"a": "x {{ input }}"}), json!({"input": {}}), "no part of a text"),
    ] {
        let error = rendered(&template, &names).unwrap_err();
        assert!(error.message().contains(words), "{template}: {error}");
    }
}
