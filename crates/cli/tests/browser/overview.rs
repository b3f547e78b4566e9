//! Overview: figures and charts of calls that are known, and the same on the card of the list.

use serde_json::json;

use super::{
    service::service,
    spec::{begin, passes},
};

#[tokio::test]
async fn what_was_called_is_counted_and_drawn() {
    let service = service().await;
    let server = begin().allow(&service).start().await;
    for id in ["shop", "quiet"] {
        server
            .has(&json!({
                "integration_id": id, "type": "rest", "base_url": service.url(),
                "retry_config": { "max_attempts": 1 },
            }))
            .await;
    }
    passes(&server, "overview", &[]).await;
}
