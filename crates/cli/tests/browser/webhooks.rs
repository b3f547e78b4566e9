//! Webhooks: signed ones arrive, are listed with what has become of them, and are forwarded again.

use serde_json::json;

use super::{
    service::service,
    spec::{begin, passes},
};

#[tokio::test]
async fn webhooks_are_listed_with_their_deliveries_and_forwarded_again() {
    let service = service().await;
    let server = begin().allow(&service).start().await;
    server
        .has(&json!({
            "integration_id": "target", "type": "rest", "base_url": service.url(),
            "retry_config": { "max_attempts": 1 }, "breaker": { "enabled": false },
        }))
        .await;
    for (id, endpoint) in [("shop", "/in"), ("broken", "/down")] {
        server
            .has(&json!({
                "integration_id": id, "type": "rest", "base_url": service.url(),
                "webhooks": {
                    "verify": { "type": "stripe", "secret": "whsec_test" },
                    "retry": { "first_pause": "20ms", "attempts": 3 },
                    "to": [{
                        "to": "target",
                        "request": { "method": "POST", "endpoint": endpoint, "json": "{{message}}" },
                    }],
                },
            }))
            .await;
    }
    passes(&server, "webhooks", &[]).await;
    let forwarded = service.received().into_iter().filter(|one| one.header("webhook-id") == "evt_1").count();
    assert_eq!(forwarded, 2, "once by itself, and once by hand");
}
