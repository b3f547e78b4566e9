//! The library: a manager with one integration, with all layers that are on unless configured otherwise.

use std::hint::black_box;

use futures_util::future::join_all;
use serde_json::json;
use trunkline::{Call, Egress, IntegrationConfig, Manager, Profile, Publish};

use crate::{client::answer, message};

/// Asks as it is told.
pub(crate) fn serve(address: &str) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let config = json!({
        "integration_id": "bench", "type": "websocket", "base_url": format!("ws://{address}"),
        "correlation": { "request": "/id" },
    });
    let (manager, handle) = runtime.block_on(async {
        let manager =
            Manager::builder().egress(Egress::new(Profile::Lab, &[]).unwrap()).build().await.unwrap();
        manager.register(IntegrationConfig::from_json(config).unwrap()).await.unwrap();
        let handle = manager.get("bench").unwrap();
        (manager, handle)
    });
    answer(|callers| {
        let caller = async || {
            for _ in 0..16 {
                let mut call = Call::new(handle.id().clone(), Publish::text(message(0)));
                black_box(handle.call(&mut call).await.unwrap().bytes().await.unwrap());
            }
        };
        runtime.block_on(join_all((0..callers).map(|_| caller())));
        16 * callers as u32
    });
    drop(manager);
}
