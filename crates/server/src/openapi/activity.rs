//! What the document says of activity.

use serde_json::{Value, json};

use super::whole;

/// Records, as they are listed.
pub(super) fn list() -> Value {
    let (text, integer, number) =
        (json!({ "type": "string" }), json!({ "type": "integer" }), json!({ "type": "number" }));
    let status = json!({ "type": ["integer", "null"] });
    let tried = whole(json!({
        "after_ms": { "type": "number", "description": "When it set off, after the call began" },
        "millis": number, "kind": text, "status": status,
    }));
    json!({ "type": "array", "items": whole(json!({
        "at_ms": integer, "request_id": text, "integration": text, "connection": text, "operation": text, "kind": text,
        "action": { "type": ["string", "null"], "description": "What was done by name: an action of a connector" },
        "status": status,
        "partial_errors": { "type": "integer", "description": "How many parts failed of an answer that is a success all the same" },
        "attempts": integer, "millis": number, "bytes_sent": integer, "bytes_received": integer,
        "cache": text,
        "tries": { "type": "array", "description": "Its attempts, in their order", "items": tried },
        "number": { "type": "integer", "description": "Grows from record to record; what before and Last-Event-ID take" },
    })) })
}

/// Figures of a period.
pub(super) fn summary() -> Value {
    let integer = json!({ "type": "integer" });
    let begins = json!({ "type": "integer", "description": "When it begins" });
    let steps = json!({ "type": "array", "items": figures("at_ms", begins) });
    whole(json!({
        "since_ms": integer, "until_ms": integer, "step_ms": integer,
        "integrations": { "type": "object", "additionalProperties": figures("steps", steps) },
    }))
}

/// What is counted of calls, with one thing more.
fn figures(name: &str, more: Value) -> Value {
    let (count, millis) = (json!({ "type": "integer" }), json!({ "type": ["number", "null"] }));
    let mut figures = json!({
        "calls": count, "errors": count, "attempts": count,
        "cache_hits": { "type": "integer", "description": "Answered by the cache, with or without asking whether it still may" },
        "p50_ms": millis, "p95_ms": millis, "p99_ms": millis,
    });
    figures[name] = more;
    whole(figures)
}
