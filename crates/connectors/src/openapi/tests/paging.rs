//! How lists come in pages, as far as names tell.

use super::*;

/// The pages of `GET /things` with these query parameters, whose answer has these fields.
fn pages(parameters: &[(&str, Value)], fields: Value, headers: Value) -> Value {
    let parameters = parameters.iter().map(|(name, more)| {
        let mut parameter = json!({"name": name, "in": "query", "schema": {"type": "string"}});
        parameter.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        parameter
    });
    let mut schema = json!({"type": if fields.is_array() { "array" } else { "object" }});
    if fields.is_object() {
        schema["properties"] = fields;
    }
    let mut response = json!({"content": {"application/json": {"schema": schema}}});
    response["headers"] = headers;
    let parameters: Vec<_> = parameters.collect();
    let operation = json!({"operationId": "do", "parameters": parameters, "responses": {"200": response}});
    let imported = imported(&of_paths(json!({ "/things": { "get": operation } })));
    let name = imported.manifest.actions["do"].pages.clone();
    assert_eq!(name.is_some(), imported.notes("paths", "is a guess"));
    name.map(|name| json!(imported.manifest.pages[&name])).unwrap_or_default()
}

#[test]
fn the_way_to_the_next_page_is_known_by_names() {
    let list = || json!({"type": "array", "items": {"type": "object"}});
    let text = || json!({"type": "string"});
    let none = || json!({});
    let number = || json!({"schema": {"type": "integer"}});
    for (parameters, fields, expected) in [
        (
            vec![("starting_after", none()), ("limit", json!({"description": "Between 1 and 100."}))],
            json!({"data": list(), "has_more": {"type": "boolean"}}),
            json!({"type": "cursor", "items": "/data", "next": "{{ body.data[-1].id if body.has_more }}", "query": "starting_after", "size": {"query": "limit", "max": 100}}),
        ),
        (
            vec![("ending_before", none()), ("starting_after", none())],
            json!({"data": list(), "has_more": {"type": "boolean"}}),
            json!({"type": "cursor", "items": "/data", "next": "{{ body.data[-1].id if body.has_more }}", "query": "starting_after", "conflicts_with": ["ending_before"]}),
        ),
        (
            vec![("PageSize", json!({"schema": {"type": "integer", "maximum": 1000}}))],
            json!({"things": list(), "next_page_uri": text(), "other": list()}),
            json!({"type": "url", "items": "/things", "next": "{{ body.next_page_uri }}", "size": {"query": "PageSize", "max": 1000}}),
        ),
        (
            vec![("cursor", none())],
            json!({"items": list(), "meta": {"type": "object", "properties": {"next_cursor": text()}}}),
            json!({"type": "cursor", "items": "/items", "next": "{{ body.meta.next_cursor }}", "query": "cursor"}),
        ),
        (
            vec![("page", none()), ("per_page", json!({"description": "results per page (max 50)"}))],
            json!({"data": list(), "next_page": text()}),
            json!({"type": "cursor", "items": "/data", "next": "{{ body.next_page }}", "query": "page", "size": {"query": "per_page", "max": 50}}),
        ),
        (
            vec![("page", number())],
            json!({"data": list(), "next_page": text()}),
            json!({"type": "url", "items": "/data", "next": "{{ body.next_page }}"}),
        ),
        (
            vec![("after", none())],
            json!({"results": list(), "paging": {"type": "object", "properties": {"next": {"type": "object", "properties": {"after": text()}}}}}),
            json!({"type": "cursor", "items": "/results", "next": "{{ body.paging.next.after }}", "query": "after"}),
        ),
        (
            vec![("offset", none()), ("limit", json!({"schema": {"type": "integer", "default": 20}}))],
            json!({"results": list(), "next": text()}),
            json!({"type": "url", "items": "/results", "next": "{{ body.next }}", "size": {"query": "limit", "max": 20}}),
        ),
        (
            vec![("startAt", none())],
            json!({"values": list()}),
            json!({"type": "offset", "items": "/values", "query": "startAt"}),
        ),
        (
            vec![("page[number]", json!({"schema": {"type": "integer", "minimum": 0}}))],
            json!({"data": list()}),
            json!({"type": "page", "items": "/data", "query": "page[number]", "first": 0}),
        ),
        (vec![("page", none())], json!({"count": text()}), Value::Null),
        (vec![], json!({"data": list()}), Value::Null),
    ] {
        assert_eq!(pages(&parameters, fields.clone(), json!({})), expected, "{parameters:?} {fields}");
    }
    let header = json!({"Link": {"schema": {"type": "string"}}});
    assert_eq!(pages(&[("page", none())], json!([]), header), json!({"type": "link"}));
}

#[test]
fn what_most_lists_come_by_is_the_usual_way() {
    let list = |field: &str, query: &str| {
        let schema = json!({"type": "object", "properties": {field: {"type": "array", "items": {}}}});
        json!({"get": {
            "parameters": [{"name": query, "in": "query"}], "responses": {"200": {"content": {"application/json": {"schema": schema}}}},
        }})
    };
    let imported = imported(&of_paths(json!({
        "/a": list("data", "page"), "/b": list("data", "page"), "/c": list("data", "offset"),
    })));
    let manifest = &imported.manifest;
    assert_eq!(manifest.pages.keys().collect::<Vec<_>>(), ["default", "offset_data"]);
    let of = |action: &str| manifest.actions[action].pages.as_deref();
    assert_eq!(
        (of("get_a"), of("get_b"), of("get_c")),
        (Some("default"), Some("default"), Some("offset_data"))
    );
    assert!(imported.notes("paths", "`default` says is a guess by names, for `get_a`, `get_b`"));
}
