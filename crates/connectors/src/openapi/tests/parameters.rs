//! Parameters: where they go, how they are written, and what they are called.

use super::*;

/// A document of one operation with these parameters, `GET /things/{id}`.
fn of_parameters(parameters: Value) -> Imported {
    let path = json!({"name": "id", "in": "path", "required": true, "schema": {"type": "string"}});
    let mut operation = json!({ "operationId": "do" });
    operation["parameters"] = parameters;
    imported(&of_paths(json!({ "/things/{id}": { "parameters": [path], "get": operation } })))
}

fn params(imported: &Imported, input: Value) -> Value {
    let mut input = input;
    input["id"] = "1".into();
    imported.request("do", input).unwrap()["params"].clone()
}

#[test]
fn a_value_is_written_in_the_style_of_its_parameter() {
    let list = json!({"type": "array", "items": {"type": "string"}});
    let object =
        json!({"type": "object", "properties": {"gt": {"type": "integer"}, "in": {"type": "object"}}});
    for (parameter, value, expected) in [
        (json!({"schema": list}), json!(["a", "b"]), json!({"p": ["a", "b"]})),
        (json!({"schema": list, "explode": false}), json!(["a", "b"]), json!({"p": "a,b"})),
        (
            json!({"schema": list, "style": "pipeDelimited", "explode": false}),
            json!(["a", "b"]),
            json!({"p": "a|b"}),
        ),
        (
            json!({"schema": list, "style": "spaceDelimited", "explode": false}),
            json!(["a"]),
            json!({"p": "a"}),
        ),
        (json!({"schema": object}), json!({"gt": 5}), json!({"gt": 5})),
        (json!({"schema": object, "style": "deepObject"}), json!({"gt": 5}), json!({"p[gt]": 5})),
        (json!({"schema": list, "style": "deepObject"}), json!(["a"]), json!({"p[]": ["a"]})),
        (
            json!({"schema": {"anyOf": [object, {"type": "integer"}]}, "style": "deepObject"}),
            json!(5),
            json!({"p": 5}),
        ),
        (
            json!({"schema": {"type": ["array", "string"], "items": {}}, "explode": false}),
            json!("a"),
            json!({"p": "a"}),
        ),
    ] {
        let mut parameter = parameter;
        parameter["name"] = "p".into();
        parameter["in"] = "query".into();
        let imported = of_parameters(json!([parameter]));
        assert_eq!(params(&imported, json!({ "p": value })), expected, "{parameter}");
        assert_eq!(params(&imported, json!({})), Value::Null, "{parameter}");
    }
}

#[test]
fn a_header_and_a_path_have_lists_with_commas() {
    let ids = json!({"name": "id", "in": "path", "required": true, "schema": {"type": "array", "items": {"type": "integer"}}});
    let header =
        json!({"name": "X-Ids", "in": "header", "schema": {"type": "array", "items": {"type": "integer"}}});
    let imported = of_parameters(json!([ids, header]));
    let request = imported.request("do", json!({"id": [1, 2], "x_ids": [3, 4]})).unwrap();
    assert_eq!(
        (&request["endpoint"], &request["headers"]),
        (&json!("/things/1%2C2"), &json!({"X-Ids": "3,4"}))
    );
}

#[test]
fn what_cannot_be_sent_is_listed_and_not_in_the_input() {
    for (parameter, words) in [
        (json!({"name": "p", "in": "cookie", "required": true}), "is required, and left out: cookies"),
        (
            json!({"name": "p", "in": "query", "schema": {"type": "object"}}),
            "a query has no objects of any shape",
        ),
        (
            json!({"name": "p", "in": "query", "content": {"application/json": {}}}),
            "its value would be a document",
        ),
        (json!({"name": "p", "in": "path", "required": true}), "is not in the path, and left out"),
        (json!({"name": "p", "in": "matrix"}), "is in no place that is known"),
        (json!({"name": "Host", "in": "header"}), "belongs to the connection"),
        (json!({"name": "Authorization", "in": "header"}), "passed over"),
        (json!({"name": "a b", "in": "header"}), "is not the name of a header"),
    ] {
        let imported = of_parameters(json!([parameter]));
        let place = format!("parameters.{}", parameter["name"].as_str().unwrap());
        assert!(imported.notes(&place, words), "{parameter}: {:?}", imported.left_out);
        let input = imported.input("do");
        assert_eq!(input["properties"], json!({"id": {"type": "string"}}), "{parameter}");
        assert_eq!(input["required"], json!(["id"]), "{parameter}");
    }
    let nested = json!({"type": "object", "properties": {"a": {"type": "object"}}});
    let imported =
        of_parameters(json!([{"name": "p", "in": "query", "style": "deepObject", "schema": nested}]));
    assert!(imported.notes("parameters.p", "`a` is an object within an object"), "{:?}", imported.left_out);
}

#[test]
fn an_operation_has_the_parameters_of_its_path_and_its_own_win() {
    let own = json!({"name": "id", "in": "path", "required": true, "schema": {"type": "integer"}, "description": "A number"});
    let limit = json!({"name": "limit", "in": "query", "example": 5, "deprecated": true, "schema": {"type": "integer"}});
    let imported = of_parameters(json!([own, limit]));
    let properties = json!({
        "id": {"type": "integer", "description": "A number"},
        "limit": {"type": "integer", "examples": [5], "deprecated": true},
    });
    assert_eq!(imported.input("do")["properties"], properties);
}

#[test]
fn names_that_are_the_same_in_two_places_are_told_apart() {
    let document = of_paths(json!({ "/things/{id}/{rest}": { "put": {
        "operationId": "do",
        "parameters": [
            {"name": "id", "in": "path", "required": true}, {"name": "id", "in": "query"},
            {"name": "date<", "in": "query"}, {"name": "date", "in": "query"}, {"name": "$top", "in": "query"},
        ],
        "requestBody": {"content": {"application/json": {"schema": {"type": "object", "properties": {"id": {}}}}}},
    } } }));
    let imported = imported(&document);
    let input = json!({
        "id": 1, "id_in_path": 2, "id_in_query": 3, "date_lt": 4, "date": 5, "top": 6, "rest": "x",
    });
    let expected = json!({
        "method": "PUT", "endpoint": "/things/2/x", "json": {"id": 1},
        "params": {"id": 3, "date<": 4, "date": 5, "$top": 6},
    });
    assert_eq!(imported.request("do", input).unwrap(), expected);
    assert!(imported.notes("parameters.id", "is the name of something else too"));
    assert!(imported.notes(".put", "`{rest}`, which is no parameter"));
}

#[test]
fn a_field_that_cannot_be_sent_cannot_be_given() {
    let filter = json!({"type": "object", "required": ["b"], "properties": {"a": {"type": "string"}, "b": {"type": "object"}}});
    let inline = json!({"name": "filter", "in": "query", "style": "deepObject", "schema": filter});
    let imported = of_parameters(json!([inline]));
    assert!(imported.notes(".filter", "its field `b` is an object within an object; left out"));
    assert_eq!(params(&imported, json!({"filter": {"a": "x"}})), json!({"filter[a]": "x"}));
    let error = imported.request("do", json!({"id": "1", "filter": {"b": {"c": 1}}})).unwrap_err();
    assert_eq!(error.message(), "input.filter.b: cannot be given");

    let mut document = of_paths(json!({"/things": {"get": {"operationId": "do", "parameters": [
        {"name": "filter", "in": "query", "style": "deepObject", "schema": {"$ref": "#/components/schemas/Filter"}},
        {"name": "other", "in": "query", "style": "deepObject", "schema": {"$ref": "#/components/schemas/Filter"}},
    ]}}}));
    document["components"]["schemas"]["Filter"] =
        json!({"type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "object"}}});
    let referred = super::imported(&document);
    let error = referred.request("do", json!({"filter": {"b": {"c": 1}}})).unwrap_err();
    assert!(error.message().contains("cannot be given"), "{error}");
}
