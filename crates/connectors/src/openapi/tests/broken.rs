//! What is no document, leads out of it, or is there twice.

use super::*;

#[test]
fn what_is_no_document_of_openapi_3_is_refused_with_what_to_do() {
    for (text, words) in [
        ("swagger: '2.0'", "convert it to OpenAPI 3"),
        ("info: {}", "`openapi` is missing"),
        ("openapi: 4.0.0", "is of version 4.0.0"),
        ("openapi: [", "line 1"),
    ] {
        let error = import(text, &Options::default()).unwrap_err();
        assert!(error.message().contains(words), "{text}: {error}");
    }
    // A version that YAML takes for a number.
    import("openapi: 3.1\ninfo: {title: T}\npaths: {}", &Options::default()).unwrap();
}

#[test]
fn references_within_the_document_are_followed_wherever_they_stand() {
    let mut document = of_paths(json!({"/things/{id}": {
        "parameters": [{"$ref": "#/components/parameters/Id"}],
        "put": {"operationId": "do", "requestBody": {"$ref": "#/components/requestBodies/B"}, "responses": {"200": {"$ref": "#/components/responses/R"}}},
    }, "/other": {"$ref": "#/components/pathItems/P"}}));
    let json = |schema: Value| json!({"application/json": {"schema": schema}});
    document["components"] = json!({
        "parameters": {"Id": {"name": "id", "in": "path", "required": true, "schema": {"$ref": "#/components/schemas/a~1b%20c"}}},
        "requestBodies": {"B": {"content": json(json!({"type": "object", "properties": {"a": {"type": "string"}}}))}},
        "responses": {"R": {"content": json(json!({"type": "integer"}))}},
        "pathItems": {"P": {"get": {"operationId": "other"}}},
        "schemas": {"a/b c": {"type": "integer"}},
    });
    let imported = imported(&document);
    assert_eq!(
        imported.request("do", json!({"id": 5, "a": "x"})).unwrap(),
        json!({"method": "PUT", "endpoint": "/things/5", "json": {"a": "x"}})
    );
    assert!(imported.request("do", json!({"id": "x"})).is_err());
    assert_eq!(imported.manifest.actions["do"].output, Some(json!({"type": "integer"})));
    assert!(imported.manifest.actions.contains_key("other"));
}

#[test]
fn references_that_lead_out_nowhere_or_in_a_circle_are_listed() {
    for (reference, words) in [
        ("other.yaml#/x", "`other.yaml#/x` is outside of the document, and nothing is fetched"),
        ("https://x.example/y.json", "is outside of the document"),
        ("#/components/none", "`#/components/none` leads nowhere"),
        ("#/components/parameters/Self", "in a circle"),
    ] {
        let reference = json!({ "$ref": reference });
        let mut document = of_paths(json!({
            "/a": {"get": {"operationId": "a", "parameters": [reference], "responses": {"200": reference}}},
            "/b": {"post": {"operationId": "b", "requestBody": reference}},
            "/c": reference,
        }));
        document["components"] = json!({"parameters": {"Self": {"$ref": "#/components/parameters/Self"}}});
        let imported = imported(&document);
        assert_eq!(imported.manifest.actions.keys().collect::<Vec<_>>(), ["a"], "{reference}");
        for place in ["a.get.parameters", "a.get.responses.200", "b.post.requestBody", "paths./c"] {
            assert!(imported.notes(place, words), "{place} {reference}: {:?}", imported.left_out);
        }
        assert!(imported.notes("paths./c", "operations are left out"));
    }
    let schema = json!({"type": "object", "properties": {"x": {"$ref": "x.json"}}});
    let imported = imported(&of_operation(
        json!({"requestBody": {"content": {"application/json": {"schema": schema}}}}),
    ));
    assert!(imported.notes("x.$ref", "anything goes there"), "{:?}", imported.left_out);
    imported.request("do", json!({"x": [1]})).unwrap();
}

#[test]
fn an_operation_without_a_name_or_with_that_of_another_is_named_for_what_it_does() {
    let imported = imported(&of_paths(json!({
        "/a": {"get": {"operationId": "Same"}},
        "/b/{id}": {"get": {"operationId": "same"}, "delete": {}},
        "/v1/c": {"get": {"operationId": "GetC"}, "post": {"operationId": "éà"}},
        "/v2/c": {"get": {}},
        "/2fa": {"put": {"operationId": "2fa"}},
    })));
    let names: Vec<_> = imported.manifest.actions.keys().collect();
    assert_eq!(names, ["_2fa", "create_c", "delete_b", "get_b_id", "get_c", "get_c_2", "same"]);
    assert!(
        imported.notes("paths./b/{id}.get", "`same` is the name of another action; this one is `get_b_id`")
    );
}

#[test]
fn what_has_no_place_in_a_manifest_is_listed() {
    let mut document = of_operation(json!({
        "callbacks": {"done": {}}, "x-mine": 1, "madeUp": 2, "deprecated": true, "description": "Does it.",
        "responses": {"200": {"content": {"application/pdf": {}}, "links": {"next": {}}}},
    }));
    document["paths"]["/things"]["trace"] = json!({});
    document["webhooks"] = json!({"sent": {}});
    let imported = imported(&document);
    for (place, words) in [
        ("things.post", "callbacks are not carried over"),
        ("things.post", "`madeUp` is not known"),
        ("things.trace", "TRACE cannot be called"),
        ("responses.200", "no JSON but application/pdf"),
        ("responses.200", "links are not carried over"),
        ("webhooks", "what the service sends by itself"),
        ("", "extensions of vendors are not read: x-mine"),
    ] {
        assert!(imported.notes(place, words), "{words}: {:?}", imported.left_out);
    }
    assert_eq!(imported.manifest.actions["do"].description, "Deprecated. Does it.");
}

#[test]
fn what_nests_without_end_becomes_a_manifest_that_can_be_read_again() {
    // Each refers to the next, so that none of them is deep by itself.
    let chain: Map<_, _> = (0..2_000)
        .map(|n| {
            let next = format!("#/components/schemas/s{}", n + 1);
            (format!("s{n}"), json!({"type": "object", "properties": {"next": {"$ref": next}}}))
        })
        .chain([("s2000".to_owned(), json!({"type": "string"}))])
        .collect();
    let body = |schema: Value| json!({"requestBody": {"content": {"application/json": {"schema": schema}}}});
    let mut of_chain = of_operation(body(json!({"$ref": "#/components/schemas/s0"})));
    of_chain["components"] = json!({ "schemas": chain });
    let mut deep = json!({"type": "string"});
    for _ in 0..40 {
        deep = json!({"type": "object", "properties": {"x": deep}});
    }
    for document in [of_chain, of_operation(body(deep))] {
        let imported = imported(&document);
        crate::lint(&to_yaml(&imported.manifest)).unwrap();
        let deep = imported.left_out.iter().any(|left| left.what.contains("lies too deep"));
        assert!(deep, "{:?}", imported.left_out);
    }
}

#[test]
fn what_stands_beside_the_reference_of_a_path_is_listed() {
    let mut document = of_paths(json!({"/things": {
        "$ref": "#/components/pathItems/things", "summary": "Things", "parameters": [],
        "post": {"operationId": "add"}, "x-own": 1,
    }}));
    document["components"] = json!({"pathItems": {"things": {"get": {"operationId": "list"}}}});
    let imported = imported(&document);
    assert_eq!(imported.manifest.actions.keys().collect::<Vec<_>>(), ["list"]);
    assert!(imported.notes("paths./things.post", "the operation is left out"), "{:?}", imported.left_out);
    assert!(imported.notes("paths./things", "`parameters` stands beside a $ref"), "{:?}", imported.left_out);
}
