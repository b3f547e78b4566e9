//! Settings: how it looks, which version runs, and a master key that is replaced.

use serde_json::json;

use super::{
    service::service,
    spec::{begin, passes},
};

#[tokio::test]
async fn the_theme_stays_and_the_master_key_is_replaced() {
    let service = service().await;
    let server = begin().allow(&service).start().await;
    server
        .has(&json!({
            "integration_id": "shop", "type": "rest", "base_url": service.url(),
            "auth_type": "bearer", "auth_config": { "token": "sealed" },
        }))
        .await;
    passes(&server, "settings", &[]).await;
}
