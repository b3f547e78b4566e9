//! Where placeholders stand, and what values may be there.

use serde_json::json;

use super::*;

fn with(document: Value, values: &[(&str, &str)]) -> Result<Value> {
    let Value::Object(mut document) = document else { unreachable!() };
    let values = values.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    fill(&mut document, &values)?;
    Ok(Value::Object(document))
}

fn base(url: &str, value: &str) -> Result<String> {
    let document = with(json!({ "base_url": url }), &[("a", value)])?;
    Ok(document["base_url"].as_str().unwrap().to_owned())
}

#[test]
fn each_placeholder_is_replaced_and_words_for_people_are_not() {
    let document = json!({
        "name": "{{connection.a}}", "metadata": {"x": "{{connection.a}}"},
        "headers": {"x": "{{connection.a}} and {{connection.b}}", "y": "{{other}}"},
        "list": [{"deep": "{{connection.b}}"}],
    });
    assert!(any(document.as_object().unwrap()));
    let filled = with(document, &[("a", "1"), ("b", "{{connection.a}}"), ("c", "unused")]).unwrap();
    assert_eq!(filled["headers"], json!({"x": "1 and {{connection.a}}", "y": "{{other}}"}));
    assert_eq!(
        (&filled["name"], &filled["list"][0]["deep"]),
        (&json!("{{connection.a}}"), &json!("{{connection.a}}"))
    );
    assert!(!any(json!({"name": "{{connection.a}}", "base_url": "https://h"}).as_object().unwrap()));
}

#[test]
fn a_value_that_is_missing_is_named_with_the_key_that_needs_it() {
    let error = with(json!({"headers": {"x-account": "{{connection.account}}"}}), &[]).unwrap_err();
    assert_eq!(error.message(), "values.account: is missing; headers.x-account of the integration needs it");
}

#[test]
fn in_a_host_a_value_leads_nowhere_else() {
    assert_eq!(
        base("https://{{connection.a}}.example.com/v1", "acme-1").unwrap(),
        "https://acme-1.example.com/v1"
    );
    for value in [
        "",
        "evil.com/",
        "evil.com?",
        "evil.com#",
        "u@evil.com",
        "evil.com:1",
        "a\\b",
        "%2f",
        "é",
        "a b",
        "[::1]",
    ] {
        let error = base("https://{{connection.a}}.example.com", value).unwrap_err();
        assert!(error.message().starts_with("values.a: is part of a host"), "{value}");
    }
}

#[test]
fn in_a_path_a_value_stays_one_segment() {
    for (value, found) in [("1-a", "1-a"), ("a/../b", "a%2F..%2Fb"), ("x?y#z", "x%3Fy%23z"), ("ü", "%C3%BC")]
    {
        assert_eq!(
            base("https://h/t/{{connection.a}}/v1", value).unwrap(),
            format!("https://h/t/{found}/v1")
        );
    }
    for value in ["", ".", ".."] {
        assert!(base("https://h/{{connection.a}}/v1", value).is_err(), "{value}");
    }
    assert_eq!(base("https://h?t={{connection.a}}", "1&x=2").unwrap(), "https://h?t=1%26x%3D2");
}

#[test]
fn the_whole_address_is_an_http_url() {
    assert_eq!(base("{{connection.a}}", "https://na1.example.com").unwrap(), "https://na1.example.com");
    assert_eq!(base("{{connection.a}}/v1", "http://h:8080/x/").unwrap(), "http://h:8080/x/v1");
    for value in [
        "",
        "h",
        "file:///etc/passwd",
        "https://",
        "https://u:p@h",
        "https://h?a",
        "https://h#a",
        "${env:A}",
        "ftp://h",
    ] {
        assert!(base("{{connection.a}}", value).unwrap_err().message().starts_with("values.a: "), "{value}");
    }
    for text in ["{{connection.a}}.example.com", "{{connection.a}}://h", "{{connection.a}}{{connection.a}}"] {
        assert!(base(text, "https://h").is_err(), "{text}");
    }
}

#[test]
fn no_value_makes_a_reference() {
    for (text, value) in [
        ("{{connection.a}}", "${env:KEY}"),
        ("x {{connection.a}}", "${file:/etc/passwd}"),
        ("${{connection.a}}", "{env:KEY}"),
        ("{{connection.a}}{env:KEY}", "$"),
    ] {
        let error = with(json!({"headers": {"x": text}}), &[("a", value)]).unwrap_err();
        assert!(error.message().contains("reference"), "{text} {value}: {error}");
    }
    for text in ["${env:{{connection.a}}}", "${file:/run/{{connection.a}}}"] {
        assert!(all(json!({"headers": {"x": text}}).as_object().unwrap()).is_err(), "{text}");
    }
    let kept = with(json!({"headers": {"x": "${env:A} {{connection.a}}"}}), &[("a", "b")]).unwrap();
    assert_eq!(kept["headers"]["x"], "${env:A} b");
}

#[test]
fn what_is_no_placeholder_is_said_with_its_key() {
    for text in ["{{connection.a", "{{connection.}}", "{{connection.a b}}", "{{connection.a.b}}"] {
        let error = all(json!({"headers": {"x": text}}).as_object().unwrap()).unwrap_err();
        assert!(error.message().starts_with("headers.x: "), "{error}");
    }
    let found = all(json!({"headers": {"x": "{{connection.a}}"}, "base_url": "https://{{connection.b}}"})
        .as_object()
        .unwrap());
    let mut found = found.unwrap();
    found.sort();
    assert_eq!(found, [("a".to_owned(), "headers.x".to_owned()), ("b".to_owned(), "base_url".to_owned())]);
}

#[test]
fn in_auth_config_no_value_makes_a_template() {
    for value in ["{{password}}", "{value:passphrase}", "{", "}"] {
        for place in [
            json!({"request": {"json": [{"user": "{{connection.a}}"}]}}),
            json!({"key": "x-{{connection.a}}"}),
        ] {
            let error = with(json!({"auth_config": place}), &[("a", value)]).unwrap_err();
            let message = error.message();
            assert!(
                message.starts_with("values.a: cannot have { or }") && !message.contains("pass"),
                "{error}"
            );
        }
    }
    let filled = with(json!({"auth_config": {"key": "x-{{connection.a}}"}}), &[("a", "a$(b) [c]")]).unwrap();
    assert_eq!(filled["auth_config"]["key"], "x-a$(b) [c]");
    let header = with(json!({"headers": {"x": "{{connection.a}}"}}), &[("a", "{}")]).unwrap();
    assert_eq!(header["headers"]["x"], "{}");
}
