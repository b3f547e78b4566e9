//! Limits: a circuit by hand, buckets and a pause that the service asked for, and a cache that is emptied.

use serde_json::json;

use super::{
    service::service,
    spec::{begin, passes},
};

#[tokio::test]
async fn what_limits_an_integration_is_seen_and_changed_by_hand() {
    let service = service().await;
    let server = begin().allow(&service).start().await;
    for id in ["shop", "busy"] {
        server
            .has(&json!({
                "integration_id": id, "type": "rest", "base_url": service.url(),
                "rate_limit": [{ "requests": 10, "per": 3600, "burst": 10 }], "retry_config": { "max_attempts": 1 },
                "breaker": { "consecutive_failures": 100 },
            }))
            .await;
    }
    passes(&server, "limits", &[]).await;
}
