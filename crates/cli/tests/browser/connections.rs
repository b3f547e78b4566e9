//! Connections: one is added, checked, called, changed and removed, and two people who change one are told.

use serde_json::json;

use super::{
    service::service,
    spec::{begin, passes},
};

#[tokio::test]
async fn tenants_are_added_checked_called_changed_and_removed() {
    let service = service().await;
    let server = begin().allow(&service).start().await;
    server
        .has(&json!({
            "integration_id": "shop", "name": "The shop", "type": "rest", "base_url": service.url(),
            "auth_type": "bearer", "auth_config": { "token": "of-all" }, "probe": { "endpoint": "/up" },
        }))
        .await;
    passes(&server, "connections", &[]).await;
}
