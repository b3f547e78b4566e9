//! Schemas of 3.0 and 3.1, and those that lead to themselves.

use super::*;

/// What a schema of this version becomes, as a field of a body, and what was noted.
fn made(version: &str, schema: Value, schemas: Value) -> (Value, Imported) {
    let mut body = json!({"type": "object", "properties": {}});
    body["properties"]["field"] = schema;
    let mut document =
        of_operation(json!({"requestBody": {"content": {"application/json": {"schema": body}}}}));
    document["openapi"] = version.into();
    document["components"]["schemas"] = schemas;
    let imported = imported(&document);
    let mut input = imported.input("do").clone();
    let mut field = input["properties"]["field"].take();
    if let Some(defs) = input.get("$defs") {
        field["$defs"] = defs.clone();
    }
    (field, imported)
}

#[test]
fn schemas_of_3_0_and_3_1_become_json_schemas_of_today() {
    for (version, schema, expected) in [
        ("3.0.3", json!({"type": "string", "nullable": true}), json!({"type": ["string", "null"]})),
        (
            "3.0.3",
            json!({"type": "string", "enum": ["a"], "nullable": true}),
            json!({"type": ["string", "null"], "enum": ["a", null]}),
        ),
        (
            "3.0.3",
            json!({"allOf": [{"type": "string"}], "nullable": true, "description": "d"}),
            json!({"anyOf": [{"allOf": [{"type": "string"}]}, {"type": "null"}], "description": "d"}),
        ),
        ("3.1.0", json!({"type": "string", "nullable": true}), json!({"type": "string"})),
        ("3.1.0", json!({"type": ["string", "null"]}), json!({"type": ["string", "null"]})),
        (
            "3.0.3",
            json!({"type": "integer", "minimum": 0, "exclusiveMinimum": true, "maximum": 9, "exclusiveMaximum": false}),
            json!({"type": "integer", "exclusiveMinimum": 0, "maximum": 9}),
        ),
        (
            "3.1.0",
            json!({"type": "integer", "exclusiveMinimum": 0}),
            json!({"type": "integer", "exclusiveMinimum": 0}),
        ),
        ("3.0.3", json!({"type": "string", "example": "x"}), json!({"type": "string", "examples": ["x"]})),
        ("3.1.0", json!({"const": "x", "examples": ["x"]}), json!({"const": "x", "examples": ["x"]})),
        (
            "3.1.0",
            json!({"type": "array", "prefixItems": [{"type": "string"}], "items": false}),
            json!({"type": "array", "prefixItems": [{"type": "string"}], "items": false}),
        ),
        ("3.1.0", json!(true), json!(true)),
        ("3.0.3", json!({"maxLength": 5.0, "xml": {}, "externalDocs": {}}), json!({"maxLength": 5})),
    ] {
        let (field, imported) = made(version, schema.clone(), json!({}));
        assert_eq!(field, expected, "{version} {schema}");
        assert_eq!(imported.left_out, [], "{version} {schema}");
    }
}

#[test]
fn what_a_keyword_cannot_be_is_listed_and_passed_over() {
    for (schema, key) in [
        (json!({"type": "file"}), "type"),
        (json!({"required": true}), "required"),
        (json!({"pattern": "("}), "pattern"),
        (json!({"pattern": "(a|b)".repeat(1_000)}), "pattern"),
        (json!({"minLength": -1}), "minLength"),
        (json!({"enum": []}), "enum"),
        (json!({"madeUp": 1}), "madeUp"),
    ] {
        let (field, imported) = made("3.0.3", schema.clone(), json!({}));
        assert_eq!(field, json!({}), "{schema}");
        assert!(imported.notes(&format!("field.{key}"), "passed over"), "{schema}: {:?}", imported.left_out);
    }
}

#[test]
fn a_schema_that_leads_deeper_into_itself_stays_and_one_that_does_not_is_opened() {
    let tree = json!({"type": "object", "properties": {"children": {"type": "array", "items": {"$ref": "#/components/schemas/Tree"}}}});
    let (field, imported) =
        made("3.0.3", json!({"$ref": "#/components/schemas/Tree"}), json!({ "Tree": tree }));
    assert_eq!(field["$ref"], "#/$defs/Tree");
    assert_eq!(field["$defs"]["Tree"]["properties"]["children"]["items"], json!({"$ref": "#/$defs/Tree"}));
    let nested = json!({"field": {"children": [{"children": [{"children": []}]}]}});
    imported.request("do", nested).unwrap();
    assert!(imported.request("do", json!({"field": {"children": [{"children": 5}]}})).is_err());

    let circle = json!({"A": {"allOf": [{"$ref": "#/components/schemas/B"}]}, "B": {"anyOf": [{"$ref": "#/components/schemas/A"}]}});
    let (_, imported) = made("3.0.3", json!({"$ref": "#/components/schemas/A"}), circle);
    assert!(imported.notes("", "leads back to itself in a circle"), "{:?}", imported.left_out);
    imported.request("do", json!({"field": 1})).unwrap();
}

#[test]
fn a_schema_that_is_used_once_stands_where_it_is_used() {
    let schemas = json!({"Kind": {"type": "string", "enum": ["a"]}, "Twice": {"type": "integer"}});
    let (field, _) = made(
        "3.0.3",
        json!({"type": "object", "properties": {
            "kind": {"$ref": "#/components/schemas/Kind", "description": "of it"},
            "x": {"$ref": "#/components/schemas/Twice"}, "y": {"$ref": "#/components/schemas/Twice"},
        }}),
        schemas,
    );
    assert_eq!(field["properties"]["kind"], json!({"type": "string", "enum": ["a"], "description": "of it"}));
    assert_eq!(field["properties"]["x"], json!({"$ref": "#/$defs/Twice"}));
    assert_eq!(field["$defs"], json!({"Twice": {"type": "integer"}}));
}

#[test]
fn inputs_are_cut_where_together_they_would_be_too_large() {
    // Each operation leads to all of these.
    let parts: Map<_, _> =
        (0..600).map(|n| (format!("p{n}"), json!({"type": "string", "maxLength": n}))).collect();
    let huge = json!({"type": "object", "properties": parts});
    let body = json!({"type": "object", "properties": {"huge": {"$ref": "#/components/schemas/Huge"}}});
    let body = json!({"content": {"application/json": {"schema": body}}});
    let operation = |n: usize| {
        (format!("/things{n}"), json!({"post": {"operationId": format!("do{n}"), "requestBody": body}}))
    };
    let of_several = |count: usize| {
        let mut document = of_paths((0..count).map(operation).collect::<Map<_, _>>().into());
        document["components"] = json!({"schemas": {"Huge": huge}});
        imported(&document)
    };
    let few = of_several(2);
    assert!(few.request("do0", json!({"huge": {"p599": 5}})).is_err());
    assert_eq!(few.left_out, []);
    let many = of_several(100);
    many.request("do0", json!({"huge": {"p599": 5}})).unwrap();
    assert!(many.request("do0", json!({"huge": 5})).is_err());
    assert!(many.notes("post.requestBody", "what lies deeper is not described"), "{:?}", many.left_out);
}

#[test]
fn an_answer_is_drawn_in_outline() {
    let schemas = json!({
        "Page": {"allOf": [{"type": "object", "properties": {"more": {"type": "boolean", "description": "d"}}}, {
            "type": "object", "properties": {"data": {"type": "array", "items": {"$ref": "#/components/schemas/User"}}},
        }]},
        "User": {"type": "object", "properties": {
            "id": {"type": "string", "maxLength": 9}, "secret": {"type": "string", "writeOnly": true},
            "kind": {"type": "string", "enum": ["a"], "nullable": true},
            "friend": {"anyOf": [{"type": "string"}, {"$ref": "#/components/schemas/User"}]},
            "boss": {"oneOf": [{"$ref": "#/components/schemas/User"}], "nullable": true},
            "self": {"$ref": "#/components/schemas/Self"},
        }},
        "Self": {"anyOf": [{"$ref": "#/components/schemas/Self"}]},
    });
    let responses =
        json!({"200": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Page"}}}}});
    let mut document = of_operation(json!({ "responses": responses }));
    document["components"] = json!({ "schemas": schemas });
    let imported = imported(&document);
    let user = json!({"type": "object", "properties": {
        "id": {"type": "string"}, "kind": {"type": ["string", "null"], "enum": ["a"]},
        "friend": {"type": ["object", "string"]}, "boss": {"type": ["object", "null"]}, "self": {},
    }});
    let page = json!({"type": "object", "properties": {"more": {"type": "boolean"}, "data": {"type": "array", "items": user}}});
    assert_eq!(imported.manifest.actions["do"].output, Some(page));
    assert!(imported.notes("", "in outline"));
}
