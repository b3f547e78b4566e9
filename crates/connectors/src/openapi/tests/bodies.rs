//! Bodies: which kind is chosen, and what of it is asked for.

use super::*;

/// A document of one operation whose body has these kinds.
fn of_content(content: Value) -> Imported {
    let mut body = json!({ "required": true });
    body["content"] = content;
    imported(&of_operation(json!({ "requestBody": body })))
}

#[test]
fn json_is_chosen_before_forms_and_these_before_parts() {
    let schema = json!({"schema": {"type": "object", "properties": {"a": {"type": "array", "items": {"type": "string"}}}}});
    let kinds = [
        (
            "multipart/form-data",
            json!({"multipart": [{"name": "a", "value": "x"}, {"name": "a", "value": "y"}]}),
        ),
        ("application/x-www-form-urlencoded", json!({"data": [["a", "x"], ["a", "y"]]})),
        (
            "application/scim+json",
            json!({"json": {"a": ["x", "y"]}, "headers": {"Content-Type": "application/scim+json"}}),
        ),
        ("application/json; charset=utf-8", json!({"json": {"a": ["x", "y"]}})),
    ];
    let mut content = Map::from_iter([("text/plain".to_owned(), json!({}))]);
    for (media, mut expected) in kinds {
        content.insert(media.to_owned(), schema.clone());
        expected["method"] = "POST".into();
        expected["endpoint"] = "/things".into();
        let imported = of_content(content.clone().into());
        assert_eq!(imported.request("do", json!({"a": ["x", "y"]})).unwrap(), expected, "{media}");
    }
}

#[test]
fn a_form_has_brackets_where_the_document_asks_for_them() {
    let properties =
        json!({"list": {"type": "array", "items": {"type": "string"}}, "map": {"type": "object"}});
    let form = |encoding: Value| {
        let schema = json!({ "type": "object", "properties": properties });
        of_content(json!({"application/x-www-form-urlencoded": {"schema": schema, "encoding": encoding}}))
    };
    let deep = form(json!({"list": {"style": "deepObject"}, "map": {"style": "deepObject"}}));
    assert_eq!(deep.manifest.body, Body::Form);
    assert_eq!(deep.request("do", json!({"list": ["a"]})).unwrap()["data"], json!({"list": ["a"]}));
    assert!(!deep.notes("", "goes out"), "{:?}", deep.left_out);
    let plain = form(json!({}));
    assert_eq!(plain.manifest.body, Body::RepeatedForm);
    assert!(plain.notes(".map", "`map` goes out as brackets"), "{:?}", plain.left_out);
    let json = form(json!({"list": {"contentType": "application/json"}, "map": {"style": "deepObject"}}));
    assert!(json.notes(".list", "the document has a JSON text"), "{:?}", json.left_out);
}

#[test]
fn a_file_is_given_as_base64_with_its_name() {
    for (version, file) in [
        ("3.0.3", json!({"type": "string", "format": "binary"})),
        ("3.1.0", json!({"contentMediaType": "application/octet-stream"})),
    ] {
        let schema = json!({"type": "object", "required": ["file"], "properties": {"file": file, "purpose": {"type": "string"}}});
        let mut document =
            of_operation(json!({"requestBody": {"content": {"multipart/form-data": {"schema": schema}}}}));
        document["openapi"] = version.into();
        let imported = imported(&document);
        let input = json!({"file": {"base64": "AAE=", "filename": "a.bin"}, "purpose": "test"});
        let octets = "application/octet-stream";
        let parts = json!([{"name": "file", "base64": "AAE=", "filename": "a.bin", "content_type": octets}, {"name": "purpose", "value": "test"}]);
        assert_eq!(imported.request("do", input).unwrap()["multipart"], parts, "{version}");
        assert!(imported.request("do", json!({"file": "AAE="})).is_err(), "{version}");
    }
}

#[test]
fn a_body_that_is_no_object_is_the_body_of_the_input() {
    let imported =
        of_content(json!({"application/json": {"schema": {"type": "array", "items": {"type": "integer"}}}}));
    assert_eq!(imported.request("do", json!({"body": [1, 2]})).unwrap()["json"], json!([1, 2]));
    assert!(imported.request("do", json!({})).is_err());
    let anything = of_content(json!({"application/json": {}}));
    assert_eq!(anything.request("do", json!({"body": "x"})).unwrap()["json"], "x");
}

#[test]
fn what_no_input_can_make_is_listed_with_what_becomes_of_the_operation() {
    let content = json!({"text/csv": {}});
    let needed = of_content(content.clone());
    assert!(needed.notes("post.requestBody", "the operation is left out"));
    assert!(needed.manifest.actions.is_empty());
    let other = imported(&of_operation(json!({"requestBody": {"content": content}})));
    assert!(other.notes("post.requestBody", "it is sent without"));
    assert_eq!(other.request("do", json!({})).unwrap(), json!({"method": "POST", "endpoint": "/things"}));
    let list = of_content(json!({"application/x-www-form-urlencoded": {"schema": {"type": "array"}}}));
    assert!(list.notes("post.requestBody", "a form that is no object"));
    for content in
        [json!({"application/x-www-form-urlencoded": {}}), json!({"multipart/form-data": {}}), json!({})]
    {
        let needed = of_content(content.clone());
        assert!(needed.notes("post.requestBody", "the operation is left out"), "{content}");
        let other = imported(&of_operation(json!({"requestBody": {"content": content}})));
        assert!(other.notes("post.requestBody", "it is sent without"), "{content}");
    }
}

#[test]
fn an_object_of_any_fields_is_the_body_of_the_input_and_one_of_none_is_no_body() {
    for more in [
        json!({}),
        json!({"additionalProperties": true}),
        json!({"additionalProperties": {"type": "string"}}),
    ] {
        let mut schema = json!({"type": "object", "properties": {}});
        schema.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let open = of_content(json!({"application/json": {"schema": schema}}));
        let request = open.request("do", json!({"body": {"any": "thing"}})).unwrap();
        assert_eq!(request["json"], json!({"any": "thing"}), "{schema}");
        assert_eq!(open.request("do", json!({"body": {}})).unwrap()["json"], json!({}), "{schema}");
        assert!(open.request("do", json!({})).is_err(), "{schema}");
    }
    let schema = json!({"type": "object", "properties": {}, "additionalProperties": false});
    let none = of_content(json!({"application/json": {"schema": schema}}));
    assert!(none.request("do", json!({"body": {}})).is_err());
    assert!(none.request("do", json!({})).unwrap().get("json").is_none());
    // As Stripe's document has it of each GET.
    let body = json!({"content": {"application/x-www-form-urlencoded": {"schema": {"type": "object", "properties": {}}}}});
    let got = imported(&of_paths(json!({"/things": {"get": {"operationId": "do", "requestBody": body}}})));
    assert!(got.request("do", json!({})).unwrap().get("data").is_none());
    assert!(got.notes("get.requestBody", "a body of any fields, which is not sent"), "{:?}", got.left_out);
}

#[test]
fn a_body_that_has_to_be_there_though_nothing_in_it_has_is_listed() {
    let schema = json!({"type": "object", "properties": {"at": {"type": "string"}}});
    let needed = of_content(json!({"application/json": {"schema": schema}}));
    assert!(needed.notes("post.requestBody", "is not sent where none of its fields is given"));
    let may = imported(&of_operation(
        json!({"requestBody": {"content": {"application/json": {"schema": schema}}}}),
    ));
    assert!(!may.notes("post.requestBody", "none of its fields"), "{:?}", may.left_out);
}

#[test]
fn a_body_of_a_method_that_has_none_is_sent_and_listed() {
    let schema = json!({"type": "object", "properties": {"at": {"type": "string"}}});
    let body = json!({"content": {"application/json": {"schema": schema}}});
    let document = of_paths(json!({"/things": {"delete": {"operationId": "do", "requestBody": body}}}));
    let imported = imported(&document);
    assert_eq!(imported.request("do", json!({"at": "now"})).unwrap()["json"], json!({"at": "now"}));
    assert!(imported.notes("requestBody", "DELETE has a body"));
    // Where nothing is given there is none.
    assert!(imported.request("do", json!({})).unwrap().get("json").is_none());
}

/// A body in parts: files, texts, an object and a list, of which this is said.
fn of_parts(encoding: &Value) -> Imported {
    let schema = json!({"type": "object", "properties": {
        "file": {"type": "string", "format": "binary"}, "note": {"type": "string"}, "map": {"type": "object"},
        "tags": {"type": "array", "items": {"type": "string"}},
    }});
    of_content(json!({"multipart/form-data": {"schema": schema, "encoding": encoding}}))
}

#[test]
fn parts_go_out_with_the_media_types_that_the_document_has() {
    let encoding = json!({
        "file": {"contentType": "image/png"}, "note": {"contentType": "text/markdown; charset=utf-8"},
        "map": {"contentType": "application/json"}, "tags": {"contentType": "application/json"},
    });
    let imported = of_parts(&encoding);
    assert!(
        imported.left_out.iter().all(|left| !left.place.contains(".encoding")),
        "{:?}",
        imported.left_out
    );
    let input = json!({"file": {"base64": "AAE="}, "note": "*x*", "map": {"a": 1}, "tags": ["x", "y"]});
    let parts = json!([
        {"name": "file", "base64": "AAE=", "filename": "file", "content_type": "image/png"},
        {"name": "map", "value": "{\"a\":1}", "content_type": "application/json"},
        {"name": "note", "value": "*x*", "content_type": "text/markdown; charset=utf-8"},
        {"name": "tags", "value": "[\"x\",\"y\"]", "content_type": "application/json"},
    ]);
    assert_eq!(imported.request("do", input).unwrap()["multipart"], parts);
}

#[test]
fn what_cannot_be_said_of_parts_and_other_kinds_of_body_are_listed() {
    let encoding = json!({
        "file": {"contentType": "image/png, image/jpeg", "headers": {"X-Kind": {"schema": {"type": "string"}}}},
        "note": {"contentType": "text/*"}, "map": {"contentType": "application/xml"},
    });
    let parts = of_parts(&encoding);
    assert!(parts.notes("encoding.file", "`content_type` says otherwise"), "{:?}", parts.left_out);
    assert!(parts.notes("encoding.file", "headers of a part"), "{:?}", parts.left_out);
    assert!(parts.notes("encoding.note", "the document has text/*"), "{:?}", parts.left_out);
    assert!(parts.notes("encoding.map", "the document has application/xml"), "{:?}", parts.left_out);
    let schema = json!({"type": "object", "properties": {"a": {"type": "string"}}});
    let json =
        of_content(json!({"application/json": {"schema": schema}, "application/xml": {"schema": schema}}));
    assert!(json.notes("requestBody", "and never as application/xml"), "{:?}", json.left_out);
}

#[test]
fn what_is_answered_beside_json_is_listed() {
    let content = json!({"application/json": {"schema": {"type": "object"}}, "text/csv": {}});
    let answer = json!({"description": "", "headers": {"X-Left": {"schema": {"type": "integer"}}}, "content": content});
    let imported = imported(&of_operation(json!({"responses": {"200": answer}})));
    assert!(
        imported.notes("responses.200", "an answer of text/csv is not described"),
        "{:?}",
        imported.left_out
    );
    assert!(imported.notes("responses.200", "headers of an answer"), "{:?}", imported.left_out);
}

#[test]
fn fields_of_several_schemas_are_one_input_without_what_only_the_service_says() {
    let schema = json!({"allOf": [
        {"type": "object", "required": ["id", "a"], "properties": {"id": {"type": "string", "readOnly": true}, "a": {"type": "string"}}},
        {"type": "object", "properties": {"b": {"type": "integer"}}, "additionalProperties": false},
        {"anyOf": [{"required": ["a"]}, {"required": ["b"]}]},
    ]});
    let imported = of_content(json!({"application/json": {"schema": schema}}));
    let input = imported.input("do");
    assert_eq!(input["properties"], json!({"a": {"type": "string"}, "b": {"type": "integer"}}));
    assert_eq!(input["required"], json!(["a"]));
    assert_eq!(input["additionalProperties"], json!(false));
    assert_eq!(input["allOf"], json!([{"anyOf": [{"required": ["a"]}, {"required": ["b"]}]}]));
}
