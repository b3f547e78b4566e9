//! Actions of OpenAI against its SDK.

use serde_json::json;

use crate::Sdk;

#[tokio::test]
async fn sdk_of_openai_sends_the_same() {
    let response = json!({
        "model": "gpt-x", "input": "Grüße", "instructions": "Be short.", "max_output_tokens": 16, "store": false,
        "text": {"format": {"type": "json_object"}},
    });
    let completion = json!({
        "model": "gpt-x", "messages": [{"role": "user", "content": "Grüße"}], "stop": ["\n"], "max_completion_tokens": 16,
    });
    let batch = json!({"input_file_id": "file-1", "endpoint": "/v1/responses", "completion_window": "24h"});
    let embedding =
        json!({"model": "text-x", "input": ["a", "b"], "dimensions": 8, "encoding_format": "float"});
    let calls = [
        ("create_response", response),
        ("get_response", json!({"response_id": "resp_1"})),
        ("cancel_response", json!({"response_id": "resp_1"})),
        ("delete_response", json!({"response_id": "resp_1"})),
        ("create_chat_completion", completion),
        ("create_embedding", embedding),
        ("create_moderation", json!({"input": "x"})),
        ("list_models", json!({})),
        ("get_model", json!({"model": "ft:gpt-x:acme::1"})),
        ("create_batch", batch),
        ("get_batch", json!({"batch_id": "batch_1"})),
        ("cancel_batch", json!({"batch_id": "batch_1"})),
        ("list_batches", json!({"limit": 5, "after": "batch_0"})),
    ];
    let sdk = Sdk { vendor: "openai", inputs: json!({"api_key": "sk-1"}), adjust: |_| () };
    sdk.compare(&calls).await;
}
