//! Parameters in their places: the query and the headers of an action, and its input.

use serde_json::{Map, Value};

use super::{
    document::{Document, text},
    keywords::named,
    notes::Notes,
    params::{Into, Param},
    schemas::Schemas,
    styles::{self, Written},
};
use crate::Action;

/// Puts a parameter into the query or the headers of an action. Whether it is sent; what is in the input and goes nowhere
/// else would be in the body.
pub(super) fn put<'a>(param: &Param<'a>, action: &mut Action, document: &'a Document, notes: &Notes) -> bool {
    let written = match param.into {
        Into::Path => return true,
        _ if param.value.get("content").is_some() => {
            param.left_out(notes, "its value would be a document");
            return false;
        }
        Into::Header => vec![styles::header(document, param)],
        Into::Query => match styles::query(document, param, notes) {
            Some(written) => written,
            None => {
                param.left_out(notes, "a query has no objects of any shape");
                return false;
            }
        },
    };
    let mut sent = false;
    for Written { name, text } in written {
        match param.into {
            Into::Header => drop(action.headers.insert(name, text)),
            _ if action.query.contains_key(&name) => {
                notes.tell(&*param.place, format!("another parameter is sent as {} already", named(&name)));
                continue;
            }
            _ => drop(action.query.insert(name, text.into())),
        }
        sent = true;
    }
    sent
}

/// The schema of a parameter, with what is said of it.
pub(super) fn schema<'a>(param: &Param<'a>, schemas: &mut Schemas<'a, '_>) -> Value {
    schemas.place.clone_from(&param.place);
    let made = param.schema.map(|schema| schemas.schema(schema));
    let described = text(Some(param.value), "description").map(|text| schemas.described(text));
    let mut schema = match made {
        Some(Value::Object(schema)) => schema,
        _ => Map::new(),
    };
    // What is not sent is not asked for: a caller who gives it all the same shall hear of it.
    for name in styles::unsent(schemas.shop.document, param) {
        let properties = schema.entry("properties").or_insert_with(|| Map::new().into());
        if let Some(properties) = properties.as_object_mut() {
            properties.insert(name.to_owned(), Value::Bool(false));
        }
        if let Some(required) = schema.get_mut("required").and_then(Value::as_array_mut) {
            required.retain(|required| required != name);
        }
    }
    let mut put = |key: &str, value: Option<Value>| {
        if let Some(value) = value.filter(|_| !schema.contains_key(key)) {
            schema.insert(key.to_owned(), value);
        }
    };
    put("description", described.map(Value::from));
    put("deprecated", param.value.get("deprecated").filter(|is| **is == Value::Bool(true)).cloned());
    let several = param.value.get("examples").and_then(Value::as_object).into_iter().flatten();
    let examples: Vec<_> = (param.value.get("example").into_iter())
        .chain(several.filter_map(|(_, example)| example.get("value")))
        .filter(|example| !example.is_object())
        .take(3)
        .cloned()
        .collect();
    put("examples", Some(examples).filter(|examples| !examples.is_empty()).map(Value::from));
    schema.into()
}
