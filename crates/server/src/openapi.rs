//! The OpenAPI document, made from the table of routes and the schemas of the configuration itself.

mod activity;
mod keys;

use std::sync::OnceLock;

use serde_json::{Map, Value, json};
use trunkline::{
    Catalog, ConnectionConfig, DeviceCode, FlowState, Health, Kind, Redelivery, WebhookEvent, schema,
};

use crate::{
    api::{ROUTES, Route, events, oauth, tokens},
    tokens::{Made, New},
    wishes,
};

/// The methods that `any` stands for, and whether they usually carry a body.
const ANY: [(&str, bool); 7] = [
    ("get", false),
    ("head", false),
    ("options", false),
    ("post", true),
    ("put", true),
    ("patch", true),
    ("delete", true),
];

/// The document (OpenAPI 3.1).
pub(crate) fn document() -> &'static Value {
    static DOCUMENT: OnceLock<Value> = OnceLock::new();
    DOCUMENT.get_or_init(|| {
        let mut paths = Map::new();
        for route in ROUTES {
            let described = paths.entry(route.path).or_insert_with(|| json!({}));
            if route.path.ends_with("/call") {
                described[route.method] = keyed(operation(route, route.method));
            } else if route.method == "any" {
                for (method, has_body) in ANY {
                    described[method] = operation(route, method);
                    if has_body {
                        described[method]["requestBody"] =
                            json!({ "content": { "*/*": { "schema": reference("Anything") } } });
                    }
                }
            } else {
                described[route.method] = operation(route, route.method);
            }
        }
        json!({
            "openapi": "3.1.0",
            "info": {
                "title": "Trunkline",
                "version": env!("CARGO_PKG_VERSION"),
                "description": "One place, one API and one pipeline for everything an application calls outside itself.",
                "license": { "name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0" },
            },
            "paths": paths,
            "components": {
                "schemas": schemas(),
                "securitySchemes": {
                    "bearer": { "type": "http", "scheme": "bearer" },
                    "token": { "type": "apiKey", "in": "header", "name": "Trunkline-Token" },
                },
            },
            "security": [{}, { "bearer": [] }, { "token": [] }],
        })
    })
}

/// What a route does with one method.
fn operation(route: &Route, method: &str) -> Value {
    let mut operation = json!({
        "summary": route.summary,
        "operationId": operation_id(method, route.path),
        "tags": [match route.path {
            path if path.contains("/oauth") => "accounts",
            path if path.starts_with("/api/v1/integrations") => "integrations",
            path if path.starts_with("/api/v1/connectors") => "connectors",
            _ => "operations",
        }],
        "parameters": parameters(route),
        "responses": {
            route.answer.0.to_string(): {
                "description": "Done",
                "content": { media(route.answer.1): { "schema": reference(route.answer.1) } },
            },
            "default": {
                "description": "A problem; its kind says which",
                "content": { "application/problem+json": { "schema": reference("Problem") } },
            },
        },
    });
    if let Some(request) = route.request {
        let content = json!({ "application/json": { "schema": reference(request) } });
        operation["requestBody"] = json!({ "required": request != "Redelivery", "content": content });
    }
    operation
}

/// An operation that is done once for each `Idempotency-Key`.
fn keyed(mut operation: Value) -> Value {
    operation["description"] = "With an Idempotency-Key the call is made once, however often the request is repeated within 24 hours. \
        A repetition gets the same answer, of whatever status, and nothing is sent; a call that was refused before anything was \
        sent can be repeated. The call goes on to its end if its caller goes away. The key is not passed on: retry_config.idempotency_header \
        says in which header the service takes one. Rows of a query are streamed as lines of JSON to clients that accept \
        application/x-ndjson; such an answer is not kept, and takes no key."
        .into();
    if let Some(parameters) = operation["parameters"].as_array_mut() {
        parameters.push(json!({
            "name": "Idempotency-Key", "in": "header",
            "description": "Chosen by the client, new for each call: 1 to 255 visible ASCII characters",
            "schema": { "type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$" },
        }));
    }
    let replayed =
        json!({ "description": "true where the answer was given before", "schema": { "const": "true" } });
    operation["responses"]["200"]["headers"] = json!({ "Idempotency-Replayed": replayed });
    let problem = operation["responses"]["default"]["content"].clone();
    for (status, description) in [
        (
            "409",
            "Among others: the call with this key is under way (idempotency_in_progress, with Retry-After), was cut off \
             (idempotency_unknown), or had an answer of more than 1 MiB (idempotency_not_kept)",
        ),
        (
            "422",
            "Among others: the key was used for another integration, another connection or another body (idempotency_mismatch)",
        ),
    ] {
        operation["responses"][status] = json!({ "description": description, "content": problem });
    }
    operation
}

fn reference(component: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{component}") })
}

fn operation_id(method: &str, path: &str) -> String {
    let words = path.trim_start_matches("/api/v1").split(['/', '.']).filter(|word| !word.is_empty());
    let words: Vec<_> = words.map(|word| word.trim_matches(['{', '}'])).collect();
    format!("{method}_{}", words.join("_"))
}

fn parameters(route: &Route) -> Vec<Value> {
    let text = json!({ "type": "string" });
    let named = route.path.split('/').filter_map(|word| word.strip_prefix('{')?.strip_suffix('}'));
    let path = named.map(|name| json!({ "name": name, "in": "path", "required": true, "schema": text }));
    let query = route.query.iter().map(|name| json!({ "name": name, "in": "query", "schema": text }));
    // What goes down the pipeline.
    let calls = matches!(route.answer.1, "Anything" | "Events") && route.path.starts_with("/api/");
    let wishes = wishes::HEADERS.iter().filter(|_| calls);
    let headers = wishes
        .map(|(name, says)| json!({ "name": name, "in": "header", "description": says, "schema": text }));
    path.chain(query).chain(headers).collect()
}

fn media(component: &str) -> &'static str {
    match component {
        "Text" => "text/plain",
        "Page" => "text/html",
        "Events" => "text/event-stream",
        "Anything" => "*/*",
        _ => "application/json",
    }
}

fn schemas() -> Value {
    let text = json!({ "type": "string" });
    let integration = Catalog::get().integration_schema();
    let mut read = integration.clone();
    read["properties"]["state"] = json!({ "$ref": "#/components/schemas/State" });
    let revoked = json!({
        "type": "boolean",
        "description": "Where accounts were connected to what was removed: whether their providers were told",
    });
    let account = json!({ "enum": ["not_connected", "pending", "connected", "needs_reauth"] });
    let mut state = FlowState::schema();
    state["properties"]["account"] = account.clone();
    let connection = ConnectionConfig::schema();
    let mut connection_read = connection.clone();
    connection_read["properties"]["state"] = json!({ "$ref": "#/components/schemas/State" });
    let object = json!({ "type": "object" });
    let objects = json!({ "type": "object", "additionalProperties": object });
    let published = json!({
        "type": "object", "required": ["common", "types", "auth_types"],
        "properties": { "common": object, "types": objects, "auth_types": objects },
    });
    let health = Health::schema();
    let kinds: Vec<_> = Kind::ALL.iter().map(|kind| kind.code()).collect();
    let mut schemas = json!({
        "Integration": integration,
        "State": state,
        "Read": read,
        "Patch": { "type": "object", "description": "Keys of an integration to change; null removes one" },
        "Registered": {
            "type": "object",
            "properties": {
                "integration_id": text, "status": text, "revoked": revoked,
                "warnings": { "type": "array", "items": text },
            },
        },
        "List": { "type": "array", "items": {
            "type": "object",
            "properties": {
                "integration_id": text, "name": text, "type": text, "description": text,
                "connector": { "type": "string", "description": "Not there where it has none, as is vendor" },
                "vendor": { "type": "string", "description": "Whose service the connector is for, as people call it" },
                "enabled": { "type": "boolean" }, "source": { "enum": ["store", "file", "demo"] },
                "updated_at_ms": { "type": "integer" }, "error": text, "account": account,
            },
        } },
        "Connection": connection,
        "ConnectionRead": connection_read,
        "Connected": {
            "type": "object",
            "properties": {
                "integration_id": text, "connection": text, "status": text, "revoked": revoked,
                "warnings": { "type": "array", "items": text },
            },
        },
        "ConnectionList": {
            "type": "object",
            "properties": {
                "connections": { "type": "array", "items": {
                    "type": "object",
                    "properties": {
                        "connection": text, "description": text, "enabled": { "type": "boolean" },
                        "generation": { "type": "integer" }, "updated_at_ms": { "type": "integer" }, "error": text,
                        "account": account,
                        "health": { "$ref": "#/components/schemas/Health" },
                    },
                } },
                "next": { "type": "string", "description": "What to give as after for those that follow, if there are more" },
            },
        },
        "HealthOfAll": {
            "type": "object",
            "description": "Whether each integration is up; with details=true its Health instead",
            "additionalProperties": { "anyOf": [{ "type": "boolean" }, { "$ref": "#/components/schemas/Health" }] },
        },
        "Health": health,
        "Request": {
            "type": "object",
            "description": "For type rest. Give at most one of json, data, multipart and base64",
            "properties": {
                "method": text, "endpoint": text,
                "headers": { "type": "object", "additionalProperties": text },
                "params": { "type": "object" },
                "json": true, "data": true,
                "multipart": { "type": "array", "items": { "type": "object", "required": ["name"], "properties": {
                    "name": text, "filename": text, "content_type": text, "value": text, "base64": text,
                } } },
                "base64": text,
                "connection": { "type": "string", "description": "Whose credentials it uses; default unless set" },
                "action": { "type": "string", "description": "An action of the integration's connector, in the place of method, endpoint and body" },
                "input": { "type": "object", "description": "What the action is given" },
                "pages": { "type": ["boolean", "object"], "description": "true for a list to its end, page by page; an object says how far" },
                "timeout": { "type": ["number", "string"], "description": "How long the call may take at most, in seconds or as \"250ms\"" },
            },
            "examples": [{ "method": "GET", "endpoint": "/orders", "params": { "page": 1 } }],
        },
        "Tested": {
            "type": "object",
            "properties": {
                "status": { "enum": ["success", "error"] }, "result": true, "error": text, "warning": text,
                "service": { "type": "object", "additionalProperties": text },
                "problem": { "$ref": "#/components/schemas/Problem" },
                "steps": { "type": "array", "items": {
                    "type": "object",
                    "required": ["step", "ok"],
                    "properties": {
                        "step": { "type": "string", "description": "Those that it did not come to are missing" },
                        "ok": { "type": "boolean" },
                        "ms": { "type": "number", "description": "Milliseconds that it took" },
                        "detail": { "type": "string", "description": "Whom it was about, or why it failed" },
                    },
                } },
            },
        },
        "Trial": {
            "type": "object",
            "required": ["integration"],
            "properties": {
                "integration": { "$ref": "#/components/schemas/Integration" },
                "request": { "type": "object", "description": "What is asked of the service, as for a call; the probe unless given" },
            },
        },
        "Removed": { "type": "object", "properties": { "id": text, "status": text } },
        "Problem": {
            "type": "object",
            "description": "RFC 9457",
            "properties": {
                "type": text, "title": text, "status": { "type": "integer" }, "detail": text,
                "kind": { "type": "string", "examples": kinds }, "integration": text, "connection": text,
                "outcome": { "enum": ["not_sent", "rejected", "applied", "unknown"] },
                "attempts": { "type": "integer" }, "request_id": text, "retry_at": text,
                "context": {
                    "type": "object", "additionalProperties": { "type": "string" },
                    "description": "What more is known, such as sqlstate, constraint, table and column of a database",
                },
                "retry_suppressed": { "type": "string", "description": "Why it was not attempted again, though that would do no harm" },
                "upstream": { "type": "object", "properties": { "status": { "type": "integer" }, "body": true } },
            },
        },
        "WebhookEvent": schema::<WebhookEvent>(),
        "WebhookEvents": { "type": "array", "items": { "$ref": "#/components/schemas/WebhookEvent" } },
        "Redelivery": schema::<Redelivery>(),
        "Redelivered": schema::<events::Again>(),
        "Schemas": published,
        "Standing": schema::<oauth::Shown>(),
        "Link": schema::<oauth::Link>(),
        "Disconnected": schema::<oauth::Disconnected>(),
        "DeviceCode": schema::<DeviceCode>(),
        "Tokens": {
            "type": "object",
            "description": "As a token endpoint answers them (RFC 6749 section 5.1); at least one of the two tokens",
            "properties": {
                "access_token": text, "refresh_token": text, "token_type": text, "scope": text,
                "expires_in": { "type": "integer", "description": "Seconds" },
            },
        },
        "Events": {
            "type": "string",
            "description": "Messages of the service are events without a name, or named text or binary (base64); others are \
                reconnected, dropped, next and complete (GraphQL), and error, which is the last. With Upgrade: websocket the same \
                as messages",
        },
        "Page": text,
        "Text": text,
        "Anything": true,
        "Input": { "type": "object", "description": "What the action takes; its schema is at /api/v1/connectors/{name}" },
    });
    schemas["ActivityList"] = activity::list();
    schemas["ActivitySummary"] = activity::summary();
    schemas["Keys"] = keys::list();
    schemas["Rotated"] = keys::rotated();
    schemas["Rotation"] = keys::rotation();
    schemas["ApiTokens"] = schema::<tokens::List>();
    schemas["NewApiToken"] = schema::<New>();
    schemas["MadeApiToken"] = schema::<Made>();
    schemas["Version"] =
        whole(json!({ "version": { "type": "string" }, "uptime_seconds": { "type": "integer" } }));
    schemas["Version"]["properties"]["public_url"] = json!({
        "type": "string",
        "description": "Where browsers and services reach the server; not there where server.public_url has to be set first",
    });
    schemas
}

/// An object that always has all of its properties.
fn whole(properties: Value) -> Value {
    let names: Vec<_> = properties.as_object().map(Map::keys).into_iter().flatten().cloned().collect();
    let mut object = json!({ "type": "object", "required": names });
    object["properties"] = properties;
    object
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reference_leads_somewhere_and_no_operation_id_is_there_twice() {
        let document = document();
        let text = document.to_string();
        for reference in text.split("#/components/schemas/").skip(1) {
            let name = reference.split('"').next().unwrap();
            assert!(document["components"]["schemas"].get(name).is_some(), "{name}");
        }
        let paths = document["paths"].as_object().unwrap().values();
        let operations = paths.flat_map(|methods| methods.as_object().unwrap().values());
        let mut ids: Vec<_> = operations.map(|operation| &operation["operationId"]).collect();
        let all = ids.len();
        ids.sort_by_key(|id| id.as_str());
        ids.dedup();
        assert_eq!(ids.len(), all);
    }
}
