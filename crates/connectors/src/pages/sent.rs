//! What a request asks for, in its query or its body.

use serde_json::{Map, Value};
use url::form_urlencoded;

/// What a request asks for in a query parameter or a body.
pub(super) fn asked<'a>(request: &'a Value, query: Option<&str>, send: Option<&str>) -> Option<&'a Value> {
    match (query, send) {
        (Some(name), _) => request.get("params")?.get(name),
        (None, Some(pointer)) => request.get("json")?.pointer(pointer),
        (None, None) => None,
    }
}

/// Whether a request has a query parameter, by itself or in its endpoint.
pub(super) fn has(request: &Value, name: &str) -> bool {
    let query = request.get("endpoint").and_then(Value::as_str).and_then(|endpoint| endpoint.split_once('?'));
    asked(request, Some(name), None).is_some_and(|value| !value.is_null())
        || query
            .is_some_and(|(_, query)| form_urlencoded::parse(query.as_bytes()).any(|(key, _)| key == name))
}

/// Takes a query parameter out of the endpoint, so that it is in one place alone and what asks for another page takes its
/// place. What is asked for beside the endpoint stays.
pub(super) fn take(request: &mut Value, name: &str) {
    let endpoint = request.get("endpoint").and_then(Value::as_str);
    let Some((path, query)) = endpoint.and_then(|endpoint| endpoint.split_once('?')) else { return };
    let mut taken = None;
    let kept: Vec<_> = query
        .split('&')
        .filter(|pair| match form_urlencoded::parse(pair.as_bytes()).next() {
            Some((key, value)) if key == name => {
                taken = Some(Value::from(value));
                false
            }
            _ => true,
        })
        .collect();
    let Some(taken) = taken else { return };
    let endpoint = if kept.is_empty() { path.to_owned() } else { format!("{path}?{}", kept.join("&")) };
    request["endpoint"] = endpoint.into();
    if asked(request, Some(name), None).is_none_or(Value::is_null) {
        ask(request, Some(name), None, taken);
    }
}

/// Asks for it.
pub(super) fn ask(request: &mut Value, query: Option<&str>, send: Option<&str>, value: Value) {
    let Some(request) = request.as_object_mut() else { return };
    let (root, pointer) = match (query, send) {
        (Some(name), _) => ("params", format!("/{}", name.replace('~', "~0").replace('/', "~1"))),
        (None, Some(pointer)) => ("json", pointer.to_owned()),
        (None, None) => return,
    };
    let mut at = request.entry(root).or_insert_with(|| Map::new().into());
    for step in pointer.split('/').skip(1).map(|step| step.replace("~1", "/").replace("~0", "~")) {
        if !at.is_object() {
            *at = Map::new().into();
        }
        at = at.as_object_mut().expect("it was made one").entry(step).or_insert(Value::Null);
    }
    *at = value;
}
