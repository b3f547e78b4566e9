//! What the document says of master keys.

use serde_json::{Value, json};

use super::whole;

/// The keys, as they are listed.
pub(super) fn list() -> Value {
    json!({ "type": "array", "items": whole(json!({
        "id": { "type": "string" },
        "primary": { "type": "boolean", "description": "It seals what is written" },
        "given": { "type": "boolean", "description": "What is sealed with a key that is not given does not open" },
        "envelopes": { "type": "integer" },
    })) })
}

/// What a rotation has done.
pub(super) fn rotated() -> Value {
    whole(json!({
        "primary": { "type": "string" },
        "older": {
            "type": "array", "items": { "type": "string" },
            "description": "Can be removed once a rotation has come to its end; backups from before need them",
        },
        "rewrapped": { "type": "integer" },
        "left": { "type": "integer", "description": "Envelopes that do not open" },
        "stopped": {
            "type": "boolean",
            "description": "It was stopped before its end: the older keys are needed until another rotation has come to its own",
        },
    }))
}

/// How far a rotation is.
pub(super) fn rotation() -> Value {
    json!({
        "type": "object",
        "required": ["state"],
        "properties": {
            "state": {
                "enum": ["done", "running", "stopping", "unfinished"],
                "description": "Of the move to the newest key. `unfinished`: the last rotation was stopped or failed; the next one, or the next start, goes on",
            },
            "moved": { "type": "integer", "description": "Envelopes that are wrapped anew, while it is under way" },
            "of": { "type": "integer", "description": "Envelopes that were to be wrapped anew when it began" },
        },
    })
}
