use serde_json::json;

use super::*;
use crate::bridge::message::messages;

fn message(more: &str) -> Message {
    let one = format!("{{\"messages\":[{{\"queue\":\"orders\",\"token\":\"t\"{more}}}]}}");
    messages(one.as_bytes()).unwrap().remove(0)
}

fn filled(template: &Value, more: &str) -> Result<String> {
    let template = Template::parse(template, "forward[0].request")?;
    template.fill(&message(more)).map(|request| request.get().to_owned())
}

fn order() -> Message {
    message(
        r#","message_id":"m-1","key":"k","headers":{"X-Shop":"one"},"message":{"id": 7.00,"a/b":[{"n":"x y"}]}"#,
    )
}

#[test]
fn a_placeholder_alone_is_the_value_as_it_was_written() {
    for (text, value) in [
        ("{{message}}", r#"{"id": 7.00,"a/b":[{"n":"x y"}]}"#),
        ("{{message/id}}", "7.00"),
        ("{{ message/a~1b/0/n }}", "\"x y\""),
        ("{{message/a~1b/1}}", "null"),
        ("{{message_id}}", "\"m-1\""),
        ("{{key}}", "\"k\""),
        ("{{queue}}", "\"orders\""),
        ("{{headers/x-shop}}", "\"one\""),
        ("{{headers/other}}", "null"),
    ] {
        let template = Template::parse(&json!(text), "request").unwrap();
        assert_eq!(template.fill(&order()).unwrap().get(), value, "{text}");
    }
}

#[test]
fn inside_a_longer_string_it_is_text() {
    let template =
        json!({"json": {"of": ["no {{message/id}} by {{key}}", 1, null]}, "endpoint": "/orders/{{key}}"});
    let template = Template::parse(&template, "request").unwrap();
    let request: Value = serde_json::from_str(template.fill(&order()).unwrap().get()).unwrap();
    assert_eq!(request, json!({"json": {"of": ["no 7.00 by k", 1, null]}, "endpoint": "/orders/k"}));
}

#[test]
fn text_and_bytes_are_strings() {
    assert_eq!(filled(&json!("{{message}}"), ",\"text\":\"hi\"").unwrap(), "\"hi\"");
    assert_eq!(filled(&json!("{{message}}"), ",\"base64\":\"aGk=\"").unwrap(), "\"aGk=\"");
    assert_eq!(filled(&json!("{{message/id}}"), ",\"text\":\"hi\"").unwrap(), "null");
    assert_eq!(filled(&json!("{{message}}"), ",\"message\":null").unwrap(), "null");
}

#[test]
fn a_message_cannot_lead_a_path_elsewhere() {
    let template = json!({"endpoint": "/orders/{{message}}/lines"});
    let request = filled(&template, ",\"text\":\"../admin?a=ü\"").unwrap();
    assert_eq!(request, r#"{"endpoint":"/orders/..%2Fadmin%3Fa%3D%C3%BC/lines"}"#);
    for text in ["", ".", ".."] {
        let error = filled(&template, &format!(",\"text\":\"{text}\"")).unwrap_err();
        assert!(error.message().starts_with("forward[0].request.endpoint: message"), "{error}");
    }
}

#[test]
fn what_a_longer_string_needs_and_the_message_lacks_is_named() {
    for (more, text) in [
        (",\"message\":{}", "no {{message/id}}"),
        (",\"message\":{\"id\":null}", "no {{message/id}}"),
        (",\"text\":\"hi\"", "no {{key}}"),
    ] {
        let error = filled(&json!({"json": [text]}), more).unwrap_err();
        assert!(error.message().starts_with("forward[0].request.json[0]: the message has no "), "{error}");
    }
}

#[test]
fn what_cannot_be_filled_is_refused_with_its_place() {
    for (request, says) in [
        (
            json!({"json": {"a": "{{mesage}}"}}),
            "forward[0].request.json.a: unknown placeholder `{{mesage}}`, did you mean `message`?",
        ),
        (
            json!(["{{headers}}"]),
            "forward[0].request[0]: unknown placeholder `{{headers}}`; known: message, ",
        ),
        (
            json!({"endpoint": "/{{message/~2}}"}),
            "forward[0].request.endpoint: {{message/~2}}: is not a JSON pointer",
        ),
        (json!({"endpoint": "/{{message"}), "forward[0].request.endpoint: `{{` has no `}}`"),
        (json!({"json": {"{{key}}": 1}}), "forward[0].request.json: a name cannot have placeholders"),
        (
            json!({"query": "delete from {{message}}"}),
            "forward[0].request.query: a message cannot be a part of a query",
        ),
        (
            json!({"transaction": [{"query": "delete from {{message}}"}]}),
            "forward[0].request.transaction[0].query: a message cannot be a part of a query",
        ),
    ] {
        let error = Template::parse(&request, "forward[0].request").err().unwrap();
        assert!(error.message().starts_with(says), "{error}");
    }
}
