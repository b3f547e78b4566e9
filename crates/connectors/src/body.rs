//! Bodies as they are handed to `rest`.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value, json};

use crate::Body;

/// Puts a body into a request.
pub(crate) fn put(request: &mut Map<String, Value>, kind: Body, body: Value) {
    let (key, body) = match (kind, body) {
        (Body::RepeatedForm, Value::Object(fields)) => {
            let headers = request.entry("headers").or_insert_with(|| json!({}));
            headers["Content-Type"] = "application/x-www-form-urlencoded".into();
            ("data", repeated(fields).into())
        }
        (Body::Multipart, Value::Object(fields)) => ("multipart", parts(fields).into()),
        (Body::Json, body) => ("json", body),
        (Body::Form | Body::RepeatedForm | Body::Multipart, body) => ("data", body),
    };
    request.insert(key.to_owned(), body);
}

/// Values within one another, each with its name; those of a list have the name of the list.
fn flat(name: String, value: Value, out: &mut Vec<(String, Value)>) {
    match value {
        Value::Null => {}
        Value::Array(items) => items.into_iter().for_each(|item| flat(name.clone(), item, out)),
        Value::Object(fields) => {
            fields.into_iter().for_each(|(key, value)| flat(format!("{name}[{key}]"), value, out));
        }
        value => out.push((name, value)),
    }
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned)
}

fn repeated(fields: Map<String, Value>) -> String {
    let mut out = Vec::new();
    fields.into_iter().for_each(|(name, value)| flat(name, value, &mut out));
    let escaped = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
    let pairs = out.iter().map(|(name, value)| format!("{}={}", escaped(name), escaped(&text(value))));
    pairs.collect::<Vec<_>>().join("&")
}

/// One part for each value, and for each item of a list. An object with `base64` is a file, any other is JSON.
fn parts(fields: Map<String, Value>) -> Vec<Value> {
    let mut out = Vec::new();
    for (name, value) in fields {
        let values = match value {
            Value::Array(items) => items,
            value => vec![value],
        };
        out.extend(values.into_iter().filter(|value| !value.is_null()).map(|value| match value {
            Value::Object(mut file) if file.contains_key("base64") => {
                file.insert("name".to_owned(), name.clone().into());
                file.into()
            }
            Value::Object(_) => {
                json!({ "name": name, "value": value.to_string(), "content_type": "application/json" })
            }
            value => json!({ "name": name, "value": text(&value) }),
        }));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put_into(kind: Body, body: Value) -> Value {
        let mut request = Map::new();
        put(&mut request, kind, body);
        request.into()
    }

    #[test]
    fn a_list_in_a_repeated_form_repeats_its_name_and_nothing_breaks_out_of_its_value() {
        let body = json!({"To": "+1 & 2=3", "Url": ["a", "b"], "None": null, "o": {"k]": [1, true]}});
        let expected = "To=%2B1%20%26%202%3D3&Url=a&Url=b&o%5Bk%5D%5D=1&o%5Bk%5D%5D=true";
        let headers = json!({"Content-Type": "application/x-www-form-urlencoded"});
        assert_eq!(put_into(Body::RepeatedForm, body), json!({"data": expected, "headers": headers}));
    }

    #[test]
    fn parts_are_texts_files_and_json() {
        let file = json!({"base64": "AAE=", "filename": "a.png"});
        let parts = put_into(Body::Multipart, json!({"n": 1, "file": [file], "o": {"a": "b"}, "none": null}));
        assert_eq!(
            parts,
            json!({"multipart": [
                {"name": "file", "base64": "AAE=", "filename": "a.png"},
                {"name": "n", "value": "1"},
                {"name": "o", "value": "{\"a\":\"b\"}", "content_type": "application/json"},
            ]})
        );
    }
}
