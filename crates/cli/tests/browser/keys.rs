//! Master keys: one that is replaced, watched at it and stopped halfway, and removed.

use std::time::Duration;

use serde_json::json;

use super::{
    service::service,
    spec::{begin, passes},
};
use crate::harness::{Held, Server};

/// Returns once the rotation was asked to stop.
async fn is_to_stop(server: &Server) {
    let mut often = tokio::time::interval(Duration::from_millis(50));
    loop {
        often.tick().await;
        if server.get("/api/v1/keys/rotation").await.json()["state"] == "stopping" {
            return;
        }
    }
}

#[tokio::test]
async fn the_master_key_is_replaced_in_sight_and_stopped_halfway() {
    let service = service().await;
    let server = begin().allow(&service).start().await;
    for n in 0..100 {
        server
            .has(&json!({
                "integration_id": format!("i{n}"), "type": "rest", "base_url": service.url(),
                "auth_type": "bearer", "auth_config": { "token": "sealed" },
            }))
            .await;
    }
    // Nothing is moved before somebody stops it.
    let held = Held::of(&server).await;
    let released = async {
        is_to_stop(&server).await;
        held.let_go().await;
    };
    tokio::join!(passes(&server, "keys", &[]), released);
}
