//! Forms: how lists and objects in them are written, and what a file is.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{
    document::{Document, members, text},
    fields::Fields,
    keywords::named,
    notes::{Notes, shown},
};
use crate::{Body, body::is_json, lint::is_media};

/// How a form is written: with brackets where the document asks for them, or else with lists that repeat their name. Notes
/// the fields that go out in another way than the document says.
pub(super) fn read(
    document: &Document,
    fields: &Fields<'_>,
    content: &Value,
    place: &str,
    notes: &Notes,
) -> Body {
    let encoding = |name: &str| content.get("encoding").and_then(|encoding| encoding.get(name));
    let is_deep = |name: &str| text(encoding(name), "style") == Some("deepObject");
    let nested = fields.fields.iter().map(|(name, schema)| (*name, document.shape(schema)));
    let nested: Vec<_> = nested.filter(|(_, shape)| shape.array || shape.object).collect();
    let lists = || nested.iter().filter(|(_, shape)| shape.array);
    let body = match lists().count() > 0 && !lists().any(|(name, _)| is_deep(name)) {
        true => Body::RepeatedForm,
        false => Body::Form,
    };
    for (name, shape) in nested.iter().filter(|(name, _)| !is_deep(name)) {
        let json = text(encoding(name), "contentType").is_some_and(|media| media.contains("json"));
        let (here, there) = match (json, shape.object) {
            (true, _) => ("as brackets, `name[field]=…` and `name[0]=…`", "a JSON text"),
            (false, true) => ("as brackets, `name[field]=…`", "otherwise"),
            (false, false) if body == Body::RepeatedForm => continue,
            (false, false) => ("as `name[0]=…&name[1]=…`", "`name=…&name=…`"),
        };
        notes.tell(
            format!("{place}.{}", shown(name)),
            format!("{} goes out {here}; the document has {there}", named(name)),
        );
    }
    body
}

/// The media types of parts, by their names, where they are not the usual ones. Notes what else the document says of parts, which
/// is not said of them when they go out.
pub(super) fn parts(
    document: &Document,
    fields: &Fields<'_>,
    content: &Value,
    place: &str,
    notes: &Notes,
) -> BTreeMap<String, String> {
    let mut types = BTreeMap::new();
    for (name, encoding) in members(content, "encoding") {
        let place = format!("{place}.encoding.{}", shown(name));
        if encoding.get("headers").and_then(Value::as_object).is_some_and(|headers| !headers.is_empty()) {
            notes.tell(&*place, "headers of a part are not sent");
        }
        let field = fields.fields.get(name.as_str());
        let is_file = field.is_some_and(|field| file(document, field).is_some());
        let shape = field.map(|field| document.shape(field)).unwrap_or_default();
        let usual = match (is_file, shape.object) {
            (true, _) => "application/octet-stream",
            (false, true) => "application/json",
            (false, false) => "text/plain",
        };
        let Some(media) = text(Some(encoding), "contentType").filter(|media| *media != usual) else {
            continue;
        };
        let said = shown(media);
        if is_file && !is_media(media) {
            let what =
                format!("goes out as {usual} unless `content_type` says otherwise; the document has {said}");
            notes.tell(&*place, what);
        } else if !is_media(media) || shape.object && !is_file && !is_json(media) {
            notes.tell(&*place, format!("goes out as {usual}; the document has {said}"));
        } else {
            types.insert(name.clone(), media.to_owned());
        }
    }
    types
}

/// The schema of a part that is a file, or a list of them; `None` where it is none.
pub(super) fn file(document: &Document, field: &Value) -> Option<Value> {
    let field = document.resolve(field).ok()?;
    if let Some(items) = field.get("items") {
        return file(document, items).map(|file| json!({ "type": "array", "items": file }));
    }
    let is = |key: &str, value: &str| text(Some(field), key) == Some(value);
    // As 3.0 has it, and as 3.1 does.
    if !is("format", "binary") && !is("contentMediaType", "application/octet-stream") {
        return None;
    }
    let mut schema = json!({
        "type": "object", "required": ["base64"], "additionalProperties": false,
        "properties": {
            "base64": { "type": "string", "contentEncoding": "base64" },
            "filename": { "type": "string" },
            "content_type": { "type": "string" },
        },
    });
    if let Some(said) = text(Some(field), "description") {
        schema["description"] = said.into();
    }
    Some(schema)
}
