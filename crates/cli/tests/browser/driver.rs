//! A driver that says what it can be asked for, so that a form can be drawn.

use http::Response;
use serde_json::{Value, json};
use trunkline::Body;
use trunkline_testkit::Peer;

/// A driver that adds up, whose `/schema` is a JSON Schema of its requests.
pub(crate) async fn adder() -> Peer {
    Peer::http(|received| {
        let question: Value = serde_json::from_slice(&received.body).unwrap();
        let answer = match received.uri.path() {
            "/schema" => json!({
                "type": "object", "required": ["numbers"], "additionalProperties": false,
                "properties": {
                    "numbers": {
                        "type": "object", "title": "Numbers", "description": "What is added up",
                        "properties": { "first": { "type": "integer" }, "second": { "type": "integer" } },
                    },
                    "note": { "type": "string", "description": "Comes back as it is" },
                },
            }),
            "/call" => {
                let request = &question["request"];
                let sum: i64 =
                    ["first", "second"].iter().filter_map(|key| request["numbers"][key].as_i64()).sum();
                json!({ "sum": sum, "note": request["note"] })
            }
            _ => json!({}),
        };
        let body = json!({ "json": answer }).to_string();
        Response::builder().header("content-type", "application/json").body(Body::from(body)).unwrap()
    })
    .await
}
