//! Bodies as they are handed to `rest`.

use std::{borrow::Cow, collections::BTreeMap};

use serde_json::{Map, Value, json};
use trunkline_core::exact;

use crate::Body;

/// Puts a body into a request. Parts of one have these media types, by their names.
pub(crate) fn put(
    request: &mut Map<String, Value>,
    kind: Body,
    body: Value,
    media: &BTreeMap<String, String>,
) {
    let (key, body) = match (kind, body) {
        (Body::RepeatedForm, Value::Object(fields)) => ("data", repeated(fields)),
        (Body::Multipart, Value::Object(fields)) => ("multipart", parts(fields, media).into()),
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

fn json(value: &Value) -> String {
    exact::written(value).map_or_else(|_| value.to_string(), |raw| raw.get().to_owned())
}

fn text(value: &Value) -> String {
    exact::text(value).map_or_else(|| json(value), Cow::into_owned)
}

/// Pairs, of which `rest` makes a form.
fn repeated(fields: Map<String, Value>) -> Value {
    let mut out = Vec::new();
    fields.into_iter().for_each(|(name, value)| flat(name, value, &mut out));
    out.into_iter().map(|(name, value)| json!([name, value])).collect()
}

/// One part for each value, and for each item of a list. An object with `base64` is a file, any other is JSON; so is a list whose
/// media type says so.
fn parts(fields: Map<String, Value>, media: &BTreeMap<String, String>) -> Vec<Value> {
    let mut out = Vec::new();
    for (name, value) in fields {
        let said = media.get(&name).map(String::as_str);
        let values = match value {
            Value::Array(items) if !said.is_some_and(is_json) || items.iter().any(is_file) => items,
            value => vec![value],
        };
        let values = values.into_iter().filter(|value| !value.is_null());
        out.extend(values.map(|value| part(&name, value, said)));
    }
    out
}

/// A part, and the media type that it has unless it says otherwise itself.
fn part(name: &str, value: Value, said: Option<&str>) -> Value {
    match value {
        Value::Object(mut file) if file.contains_key("base64") => {
            // A part without the name of a file is a field to most who read it (RFC 7578 section 4.2).
            if file.get("filename").is_none_or(Value::is_null) {
                file.insert("filename".to_owned(), name.into());
            }
            let media = file.entry("content_type").or_insert(Value::Null);
            if media.is_null() {
                *media = said.unwrap_or("application/octet-stream").into();
            }
            file.insert("name".to_owned(), name.into());
            file.into()
        }
        Value::Object(_) | Value::Array(_) => {
            let media = said.filter(|said| is_json(said)).unwrap_or("application/json");
            json!({ "name": name, "value": json(&value), "content_type": media })
        }
        value => {
            let mut part = json!({ "name": name, "value": text(&value) });
            if let Some(media) = said {
                part["content_type"] = media.into();
            }
            part
        }
    }
}

fn is_file(value: &Value) -> bool {
    value.get("base64").is_some()
}

/// Whether a media type is one of the kinds of JSON.
pub(crate) fn is_json(media: &str) -> bool {
    let kind = media.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    kind == "application/json" || kind.ends_with("+json")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put_into(kind: Body, body: Value) -> Value {
        let mut request = Map::new();
        put(&mut request, kind, body, &BTreeMap::new());
        request.into()
    }

    #[test]
    fn parts_have_the_media_types_that_are_said_of_them() {
        let said = [
            ("photo", "image/png"),
            ("note", "text/markdown"),
            ("tags", "application/json"),
            ("map", "application/ld+json"),
        ];
        let said = said.map(|(name, media)| (name.to_owned(), media.to_owned())).into();
        let photos = json!([{"base64": "AAE="}, {"base64": "AAE=", "content_type": "image/gif"}]);
        let body = json!({"photo": photos, "note": "*x*", "tags": ["a", 1], "map": {"a": 1}, "n": 1});
        let mut request = Map::new();
        put(&mut request, Body::Multipart, body, &said);
        assert_eq!(
            request["multipart"],
            json!([
                {"name": "map", "value": "{\"a\":1}", "content_type": "application/ld+json"},
                {"name": "n", "value": "1"},
                {"name": "note", "value": "*x*", "content_type": "text/markdown"},
                {"name": "photo", "base64": "AAE=", "filename": "photo", "content_type": "image/png"},
                {"name": "photo", "base64": "AAE=", "filename": "photo", "content_type": "image/gif"},
                {"name": "tags", "value": "[\"a\",1]", "content_type": "application/json"},
            ])
        );
    }

    #[test]
    fn a_list_in_a_repeated_form_repeats_its_name() {
        let body = json!({"To": "+1", "Url": ["a", "b"], "None": null, "o": {"k": [1, true]}});
        let pairs = json!([["To", "+1"], ["Url", "a"], ["Url", "b"], ["o[k]", 1], ["o[k]", true]]);
        assert_eq!(put_into(Body::RepeatedForm, body), json!({ "data": pairs }));
    }

    #[test]
    fn parts_are_texts_files_and_json() {
        let file = json!({"base64": "AAE=", "filename": "a.png", "content_type": "image/png"});
        let nameless = put_into(Body::Multipart, json!({"file": {"base64": "AAE="}}));
        let octets = "application/octet-stream";
        assert_eq!(
            nameless["multipart"],
            json!([{"name": "file", "base64": "AAE=", "filename": "file", "content_type": octets}])
        );
        let parts = put_into(Body::Multipart, json!({"n": 1, "file": [file], "o": {"a": "b"}, "none": null}));
        assert_eq!(
            parts,
            json!({"multipart": [
                {"name": "file", "base64": "AAE=", "filename": "a.png", "content_type": "image/png"},
                {"name": "n", "value": "1"},
                {"name": "o", "value": "{\"a\":\"b\"}", "content_type": "application/json"},
            ]})
        );
    }
}
