//! Actions of Anthropic against its SDK.

use serde_json::json;

use crate::Sdk;

#[test]
fn sdk_of_anthropic_sends_the_same() {
    let messages = json!([{"role": "user", "content": "Grüße"}]);
    let message = json!({
        "model": "claude-x", "max_tokens": 16, "messages": messages, "system": "Be short.", "stop_sequences": ["\n"],
        "tools": [{"name": "now", "input_schema": {"type": "object"}}], "tool_choice": {"type": "auto"},
    });
    let batch = json!({"requests": [{"custom_id": "a", "params": {"model": "claude-x", "max_tokens": 1, "messages": messages}}]});
    let calls = [
        ("create_message", message),
        ("count_tokens", json!({"model": "claude-x", "messages": messages, "system": "Be short."})),
        ("list_models", json!({"limit": 5, "after_id": "claude-w"})),
        ("list_models", json!({})),
        ("get_model", json!({"model_id": "claude-x"})),
        ("create_message_batch", batch),
        ("get_message_batch", json!({"message_batch_id": "msgbatch_1"})),
        ("list_message_batches", json!({"before_id": "msgbatch_9"})),
        ("cancel_message_batch", json!({"message_batch_id": "msgbatch_1"})),
        ("delete_message_batch", json!({"message_batch_id": "msgbatch_1"})),
        ("get_file", json!({"file_id": "file_1"})),
        ("delete_file", json!({"file_id": "file_1"})),
    ];
    let sdk = Sdk {
        vendor: "anthropic",
        inputs: json!({"api_key": "sk-ant-1"}),
        // The documentation has x-api-key for the same key, which the manifest sends.
        credential: ("authorization", "Bearer sk-ant-1"),
        adjust: |_| (),
    };
    sdk.compare(&calls);
}
