//! The library: a manager with one integration, with all layers that are on unless configured otherwise.

use std::hint::black_box;

use serde_json::json;
use trunkline::{Call, IntegrationConfig, Manager, Query};

use crate::{client::answer, query};

/// Asks as it is told.
pub(crate) fn serve(url: &str) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let config = json!({ "integration_id": "bench", "type": "database", "base_url": url });
    let (manager, handle) = runtime.block_on(async {
        let manager = Manager::builder().build().await.unwrap();
        manager.register(IntegrationConfig::from_json(config).unwrap()).await.unwrap();
        let handle = manager.get("bench").unwrap();
        (manager, handle)
    });
    answer(|rows| {
        runtime.block_on(async {
            for _ in 0..16 {
                let mut call = Call::new(handle.id().clone(), Query::new(query(rows)));
                black_box(handle.call(&mut call).await.unwrap().bytes().await.unwrap());
            }
        });
        16
    });
    drop(manager);
}
