//! Actions of Anthropic against its SDK.

use serde_json::json;

use crate::Sdk;

#[tokio::test]
async fn sdk_of_anthropic_sends_the_same() {
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
        adjust: |theirs| {
            // It is taken in either header (https://platform.claude.com/docs/en/api/overview has x-api-key).
            for (name, value) in theirs.auth.iter_mut().filter(|(name, _)| name == "authorization") {
                "x-api-key".clone_into(name);
                *value = value.trim_start_matches("bearer ").to_owned();
            }
        },
    };
    sdk.compare(&calls).await;
}
