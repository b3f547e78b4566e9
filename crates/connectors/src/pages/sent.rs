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
