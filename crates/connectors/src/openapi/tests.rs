use serde_json::{Map, Value, json};

use super::*;
use crate::{Asked, to_yaml};

fn imported(document: &Value) -> Imported {
    import(&document.to_string(), &Options::default()).unwrap()
}

fn pets() -> Value {
    json!({
        "openapi": "3.0.3", "info": {"title": "Pet Shop", "version": "1"},
        "servers": [{"url": "https://{region}.pets.example/v1", "variables": {"region": {"default": "eu", "enum": ["eu", "us"]}}}],
        "security": [{"key": []}],
        "components": {
            "securitySchemes": {"key": {"type": "apiKey", "in": "header", "name": "X-Key"}},
            "schemas": {"Pet": {"type": "object", "required": ["id", "name"], "properties": {
                "id": {"type": "string", "readOnly": true},
                "name": {"type": "string", "nullable": true},
                "age": {"type": "integer", "minimum": 0, "exclusiveMinimum": true, "example": 3},
                "mother": {"$ref": "#/components/schemas/Pet"},
            }}},
        },
        "paths": {
            "/pets": {
                "get": {"operationId": "listPets", "parameters": [
                    {"name": "filter[status]", "in": "query", "schema": {"type": "string"}},
                    {"name": "tags", "in": "query", "explode": false, "schema": {"type": "array", "items": {"type": "string"}}},
                    {"name": "X-Foo", "in": "header", "schema": {"type": "string"}},
                    {"name": "session", "in": "cookie", "schema": {"type": "string"}},
                    {"name": "cursor", "in": "query", "schema": {"type": "string"}},
                ], "responses": {"200": {"description": "", "content": {"application/json": {"schema": {"type": "object", "properties": {
                    "data": {"type": "array", "items": {"$ref": "#/components/schemas/Pet"}}, "next_cursor": {"type": "string"},
                }}}}}}},
            },
            "/pets/{name}": {
                "put": {"parameters": [{"name": "name", "in": "path", "required": true, "schema": {"type": "string"}}],
                    "requestBody": {"required": true, "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Pet"}}}},
                    "responses": {}},
            },
        },
    })
}

#[test]
fn operations_become_actions_whose_requests_are_those_of_the_document() {
    let Imported { manifest, left_out } = imported(&pets());
    let connector = Connector::new(manifest.clone()).unwrap();
    let call = |action: &str, input: Value| {
        let input: Map<String, Value> = serde_json::from_value(input).unwrap();
        connector.request(&Map::new(), action, Asked { input, over: Map::new() })
    };
    let input = json!({"filter_status": "new", "tags": ["a", "b"], "x_foo": "1"});
    assert_eq!(
        call("list_pets", input).unwrap().request,
        json!({"method": "GET", "endpoint": "/pets", "headers": {"X-Foo": "1"}, "params": {"filter[status]": "new", "tags": "a,b"}})
    );
    let input = json!({"name_in_path": "a/b", "name": null, "age": 1, "mother": {"name": "m"}});
    assert_eq!(
        call("put_pet", input).unwrap().request,
        json!({"method": "PUT", "endpoint": "/pets/a%2Fb", "json": {"name": null, "age": 1, "mother": {"name": "m"}}})
    );
    let error = call("put_pet", json!({"name_in_path": "a", "name": "b", "age": 0})).unwrap_err();
    assert!(error.message().starts_with("input.age"), "{error}");
    assert_eq!(manifest.integration["base_url"], "https://{{ inputs.region }}.pets.example/v1");
    assert_eq!(
        manifest.auth[0].auth_config,
        *json!({"key": "{{ inputs.api_key }}", "header": "X-Key"}).as_object().unwrap()
    );
    assert_eq!(manifest.actions["list_pets"].pages.as_deref(), Some("default"));
    for words in ["cookies", "a guess", "is the name of something else"] {
        assert!(left_out.iter().any(|left| left.what.contains(words)), "{words}: {left_out:?}");
    }
    let again = Connector::parse(&to_yaml(&manifest)).unwrap();
    assert_eq!(json!(again.manifest()), json!(manifest));
}
