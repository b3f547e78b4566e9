//! The first call: register a REST API with its key, and ask it for the first page of orders.
#![allow(clippy::print_stdout, reason = "printing is what this example is for")]

use serde_json::{Value, json};
use trunkline::{Egress, HttpRequest, IntegrationConfig, Manager};

#[tokio::main]
async fn main() -> trunkline::Result<()> {
    let base_url = std::env::args().nth(1).unwrap_or("http://127.0.0.1:8701".into());

    // Public addresses may be called; this private one has to be allowed.
    let egress = Egress::default();
    egress.allow(base_url.trim_start_matches("http://"))?;
    let manager = Manager::builder().egress(egress).build().await?;

    let shop = json!({
        "integration_id": "shop",
        "type": "rest",
        "base_url": base_url,
        "auth_type": "api_key",
        "auth_config": { "header": "X-API-Key", "key": "demo-key" },
    });
    manager.register(IntegrationConfig::from_json(shop)?).await?;

    let reply = manager.call("shop", HttpRequest::get("/orders").param("page", 1)).await?;
    println!("{:#}", reply.json::<Value>().await?);
    Ok(())
}
