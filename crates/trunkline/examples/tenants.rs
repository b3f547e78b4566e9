//! Two tenants of one integration: each has an account and a key of its own, and all else in common.
#![allow(clippy::print_stdout, reason = "printing is what this example is for")]

use serde_json::json;
use trunkline::{ConnectionConfig, Egress, HttpRequest, IntegrationConfig, Manager, Result};

#[tokio::main]
async fn main() -> Result<()> {
    let base_url = std::env::args().nth(1).unwrap_or("http://127.0.0.1:8701".into());
    let egress = Egress::default();
    egress.allow(base_url.trim_start_matches("http://"))?;

    let manager = Manager::builder().egress(egress).build().await?;
    let shop = json!({
        "integration_id": "shop", "type": "rest", "base_url": format!("{base_url}/{{{{connection.account}}}}"),
        "auth_type": "api_key", "auth_config": { "header": "X-API-Key", "key": "{{connection.key}}" },
    });
    manager.register(IntegrationConfig::from_json(shop)?).await?;
    for (tenant, account, key) in [("acme", "a-17", "key-of-acme"), ("globex", "g-4", "key-of-globex")] {
        let connection = json!({ "connection": tenant, "values": { "account": account, "key": key } });
        manager.add_connection("shop", ConnectionConfig::from_json(connection)?).await?;
    }

    for tenant in ["acme", "globex"] {
        let reply = manager.call_for("shop", tenant, HttpRequest::get("/orders")).await?;
        println!("{tenant} {}", String::from_utf8_lossy(&reply.bytes().await?));
    }
    Ok(())
}
