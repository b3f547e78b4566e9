//! Activity: calls show up as they happen, are found by their address, and each is a page to be passed on.

use serde_json::json;

use super::{
    service::service,
    spec::{begin, passes},
};

#[tokio::test]
async fn calls_are_followed_found_and_passed_on() {
    let service = service().await;
    let server = begin().allow(&service).start().await;
    for id in ["shop", "stock"] {
        server
            .has(&json!({
                "integration_id": id, "type": "rest", "base_url": service.url(),
                "retry_config": { "max_attempts": 3, "backoff": "10ms" },
            }))
            .await;
    }
    passes(&server, "activity", &[]).await;
}
