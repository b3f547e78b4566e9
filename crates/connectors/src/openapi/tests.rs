//! Small documents, each for a rule of its own.

mod bodies;
mod broken;
mod paging;
mod parameters;
mod schemas;
mod security;
mod servers;

use serde_json::{Map, Value, json};

use super::*;
use crate::{Asked, to_yaml};

fn imported(document: &Value) -> Imported {
    import(&document.to_string(), &Options::default()).unwrap()
}

/// A document of these paths.
fn of_paths(paths: Value) -> Value {
    let mut document = json!({
        "openapi": "3.0.3", "info": {"title": "Test", "version": "1"}, "servers": [{"url": "https://api.example"}],
    });
    document["paths"] = paths;
    document
}

/// A document of one operation, `POST /things`.
fn of_operation(mut operation: Value) -> Value {
    operation["operationId"] = "do".into();
    of_paths(json!({ "/things": { "post": operation } }))
}

impl Imported {
    fn request(&self, action: &str, input: Value) -> Result<Value> {
        let connector = Connector::new(self.manifest.clone()).unwrap();
        let input = serde_json::from_value(input).unwrap();
        let asked = Asked { input, over: Map::new() };
        connector.request(&Map::new(), action, asked).map(|answer| answer.request)
    }

    fn input(&self, action: &str) -> &Value {
        self.manifest.actions[action].input.as_ref().unwrap()
    }

    /// Whether something was noted at a place that ends so, with these words.
    fn notes(&self, place: &str, words: &str) -> bool {
        self.left_out.iter().any(|left| left.place.ends_with(place) && left.what.contains(words))
    }
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
    let pets = imported(&pets());
    let input = json!({"filter_status": "new", "tags": ["a", "b"], "x_foo": "1"});
    assert_eq!(
        pets.request("list_pets", input).unwrap(),
        json!({"method": "GET", "endpoint": "/pets", "headers": {"X-Foo": "1"}, "params": {"filter[status]": "new", "tags": "a,b"}})
    );
    let input = json!({"name_in_path": "a/b", "name": null, "age": 1, "mother": {"name": "m"}});
    assert_eq!(
        pets.request("put_pet", input).unwrap(),
        json!({"method": "PUT", "endpoint": "/pets/a%2Fb", "json": {"name": null, "age": 1, "mother": {"name": "m"}}})
    );
    let error = pets.request("put_pet", json!({"name_in_path": "a", "name": "b", "age": 0})).unwrap_err();
    assert!(error.message().starts_with("input.age"), "{error}");
    let manifest = &pets.manifest;
    assert_eq!(manifest.integration["base_url"], "https://{{ inputs.region }}.pets.example/v1");
    let auth_config = json!({"key": "{{ inputs.api_key }}", "header": "X-Key"});
    assert_eq!(Value::from(manifest.auth[0].auth_config.clone()), auth_config);
    assert_eq!(manifest.actions["list_pets"].pages.as_deref(), Some("default"));
    for words in ["cookies", "a guess", "is the name of something else"] {
        assert!(pets.notes("", words), "{words}: {:?}", pets.left_out);
    }
    let again = Connector::parse(&to_yaml(manifest)).unwrap();
    assert_eq!(json!(again.manifest()), json!(manifest));
}
